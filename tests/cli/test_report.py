from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_edgeperf import results
from pytest_edgeperf.cli import main
from pytest_edgeperf.results.studies import Place, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

TABLE_I = str(Path(__file__).parents[1] / "data" / "suo-2021-table-1.json")


@pytest.fixture(autouse=True)
def _width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


def report(*arguments):
    return CliRunner().invoke(main, ("report", *map(str, arguments)))


@pytest.fixture
def desktop(tmp_path):
    """The same network at three of the sizes on a host that is ten times as fast."""
    study = Study("suo-2021 experiment 1", "complexity", "GFLOPs", metrics=("latency",))
    benchmarks = {
        f"test_yolov3[{x}]": Benchmark(
            {},
            {"latency": Metric("ms")},
            tuple(Run("e", "2026-11-20T12:00:00Z", "s", {"latency": ms * noise}) for noise in (1.0, 1.01, 0.99)),
            {"study": Place(study.name, "PyTorch", x).to_dict()},
        )
        for x, ms in ((38.97, 79.0), (87.68, 150.55), (171.86, 172.6))
    }
    path = tmp_path / "desktop.json"
    results.write(path, Results("host", {"e": {}}, benchmarks, {"studies": {study.name: study.to_dict()}}))
    return path


def test_one_file_as_text():
    outcome = report(TABLE_I)
    assert outcome.exit_code == 0
    assert "suo-2021 experiment 1: latency (ms) over complexity (GFLOPs)" in outcome.output
    assert "PyTorch breaks within 87.68-99.76 [95 %: 87.68-99.76] and 126.26-140.69" in outcome.output
    assert "shares of latency" in outcome.output


def test_an_edge_against_a_desktop(desktop):
    outcome = report(desktop, TABLE_I, "--format", "json")
    assert outcome.exit_code == 0
    (ratios,) = json.loads(outcome.output)["studies"]["suo-2021 experiment 1"]["ratios"]
    assert (ratios["series"], ratios["over"]) == ("host: PyTorch", "nano: PyTorch")
    assert [round(point["times_better"], 1) for point in ratios["points"]] == [10.0, 10.0, 10.0]
    assert {point["interval"] for point in ratios["points"]} == {None}


def test_markdown(desktop):
    outcome = report(desktop, TABLE_I, "--format", "markdown", "--study", "suo-2021 experiment 1")
    assert outcome.exit_code == 0
    assert outcome.output.startswith("## suo-2021 experiment 1\n")
    assert "| host: PyTorch / nano: PyTorch | 38.97 | 10.0 | 3/1 |" in outcome.output


def test_a_study_that_no_file_holds():
    outcome = report(TABLE_I, "--study", "absent")
    assert outcome.exit_code == 4
    assert "no file holds a study 'absent'" in outcome.output


@pytest.mark.parametrize("content", [None, "no json", '{"format": "edgeperf-results", "version": 99}'])
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, content):
    path = tmp_path / "spoilt.json"
    if content is not None:
        path.write_text(content)
    outcome = report(TABLE_I, path)
    assert outcome.exit_code == 4
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit)
    assert "spoilt.json" in outcome.output
    assert "Traceback" not in outcome.output


def test_without_files_it_says_what_is_missing():
    outcome = report()
    assert outcome.exit_code == 2
    assert "RESULTS" in outcome.output
