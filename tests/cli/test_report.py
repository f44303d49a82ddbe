from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_edgeperf import results
from pytest_edgeperf.cli import main
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

ROOT = Path(__file__).parents[2]
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
            place=Place(study.name, "PyTorch", x),
        )
        for x, ms in ((38.97, 79.0), (87.68, 150.55), (171.86, 172.6))
    }
    path = tmp_path / "desktop.json"
    results.write(path, Results("host", {"e": {}}, benchmarks, studies={study.name: study}))
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
    assert "no file contains a study 'absent'" in outcome.output


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


@pytest.fixture
def detectors(tmp_path):
    """A study with a pair of metrics: what accuracy costs."""
    study = Study("precisions: a/b", "complexity", "GFLOPs", metrics=("latency",), pareto=(("latency", "AP"),))
    metrics = {"latency": Metric("ms"), "AP": Metric("%", "higher")}
    benchmarks = {
        f"test[{name}]": Benchmark(
            {},
            metrics,
            tuple(Run("e", "2026-11-20T12:00:00Z", "s", {"latency": ms + more, "AP": ap}) for more in (0.0, 0.1)),
            place=Place(study.name, name, 16.1),
        )
        for name, ms, ap in (("fp32", 16.1, 37.6), ("fp16", 17.0, 37.5), ("int8", 8.0, 34.5))
    }
    path = tmp_path / "detectors.json"
    results.write(path, Results("host", {"e": {}}, benchmarks, studies={study.name: study}))
    return path


def test_what_accuracy_costs_as_text(detectors):
    outcome = report(detectors)
    assert outcome.exit_code == 0
    assert "front, +3.1 points for +8.1 ms" in outcome.output
    assert "dominated by fp32" in outcome.output


def test_pictures_are_drawn_beside_the_text(detectors, tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    folder = tmp_path / "pictures"
    outcome = report(detectors, "--plot", folder)
    assert outcome.exit_code == 0
    drawn = folder / "precisions-a-b-AP-for-latency.svg"
    assert outcome.output.splitlines()[-1] == f"drawn: {drawn}"
    assert list(folder.iterdir()) == [drawn]
    assert drawn.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize("form", ["json", "markdown"])
def test_what_was_drawn_is_not_among_what_programs_read(detectors, tmp_path, form):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    plain = command(detectors, "--format", form)
    done = command(detectors, "--format", form, "--plot", tmp_path / "pictures")
    assert done.returncode == 0
    assert done.stdout == plain.stdout
    assert done.stderr.startswith("drawn: ")


def test_without_matplotlib_the_text_is_there_and_the_error_names_the_remedy(detectors, tmp_path):
    done = command(detectors, "--plot", tmp_path / "pictures", blocked="matplotlib")
    assert done.returncode == 4
    assert "front, +3.1 points for +8.1 ms" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("edgeperf: pictures are drawn by matplotlib, which cannot be imported")
    assert line.endswith("pip install 'pytest-edgeperf[report]'")
    assert not (tmp_path / "pictures").exists()


def test_only_pictures_take_matplotlib(detectors):
    assert command(detectors, blocked="matplotlib").returncode == 0


def test_nothing_to_plot_is_said(desktop, tmp_path):
    outcome = report(desktop, "--plot", tmp_path / "pictures")
    assert outcome.exit_code == 4
    assert "edgeperf: there is nothing to plot: no study here has a pair of metrics" in outcome.output


def command(*arguments, blocked=None):
    """The command in a process of its own, where a module cannot be imported."""
    absent = {} if blocked is None else {blocked: None}
    code = f"import sys; sys.modules.update({absent}); from pytest_edgeperf.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "report", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))},
        capture_output=True,
        text=True,
        check=False,
    )


PUBLISHED_NANO = str(ROOT / "baselines" / "published" / "nano.json")
PUBLISHED_RPI3 = str(ROOT / "baselines" / "published" / "rpi3.json")
BENCHMARKS = str(ROOT / "benchmarks")


def test_a_checklist_reads_several_files_together():
    outcome = report(PUBLISHED_NANO, PUBLISHED_RPI3, "--checklist", "mishra-2021", "--benchmarks", BENCHMARKS)
    assert outcome.exit_code == 0
    assert "checklist of mishra-2021" in outcome.output
    assert "holds here              2.3 devices" in outcome.output
    assert "classification: FPS of nano over rpi3: 2.50 (printed, no interval)" in outcome.output


def test_a_checklist_as_json_and_as_markdown():
    command = (PUBLISHED_NANO, "--checklist", "suo-2021", "--benchmarks", BENCHMARKS, "--format")
    (findings,) = [one["findings"] for one in json.loads(report(*command, "json").output)["checklists"].values()]
    assert findings[0]["name"] == "Observation 1"
    assert findings[0]["verdict"] == "the paper's own figures contradict this"
    assert "## checklist of suo-2021\n\n```text\n" in report(*command, "markdown").output


def test_a_checklist_that_is_not_there_is_named_with_those_that_are(tmp_path):
    outcome = report(PUBLISHED_NANO, "--checklist", "suo-2020", "--benchmarks", BENCHMARKS)
    assert outcome.exit_code == 4
    assert "no checklist is called suo-2020" in outcome.output
    assert "suo-2021" in outcome.output
    outcome = report(PUBLISHED_NANO, "--checklist", "suo-2021", "--benchmarks", tmp_path)
    assert outcome.exit_code == 4
    assert "has no checklists; name the folder" in outcome.output
    outcome = report(PUBLISHED_NANO, "--checklist", "suo-2021", "--study", "x")
    assert outcome.exit_code != 0
    assert "--checklist goes with neither --study nor --plot" in outcome.output


def test_a_checklist_stands_on_the_page_beside_the_studies_and_alone_in_other_files(tmp_path):
    command = (PUBLISHED_NANO, "--checklist", "suo-2021", "--benchmarks", BENCHMARKS, "-o")
    assert report(*command, tmp_path / "page.html").exit_code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    _, _, block = page.partition('id="data-checklists">')
    (paper,) = json.loads(block.partition("</script>")[0])["papers"]
    assert paper["name"] == "suo-2021"
    assert len(paper["findings"]) > 5
    assert sum(int(count.partition(":")[0]) for count in paper["counts"]) == len(paper["findings"])
    assert report(*command, tmp_path / "findings.md").exit_code == 0
    assert (tmp_path / "findings.md").read_text(encoding="utf-8").startswith("## checklist of suo-2021")
