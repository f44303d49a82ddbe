"""``edgeperf export``: which files become which format, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from pytest_edgeperf import results
from pytest_edgeperf.cli import main
from tests.fakes.distributions import distribution
from tests.judge.builders import latency_runs
from tests.judge.builders import results as built

ROOT = Path(__file__).parents[2]


def export(*arguments):
    try:
        runner = CliRunner(mix_stderr=False)
    except TypeError:  # click 8.2 always keeps them apart
        runner = CliRunner()
    return runner.invoke(main, ("export", *map(str, arguments)))


def written(path, milliseconds, *, device="board", session="one"):
    runs = latency_runs([milliseconds, milliseconds * 1.01, milliseconds * 0.99], session)
    results.write(path, built({"t.py::test[fp16]": runs}, device=device))
    return path


@pytest.fixture
def measured(tmp_path):
    return written(tmp_path / "results.json", 10.0)


def test_a_format_is_printed_with_nothing_else(measured):
    done = export(measured, "--format", "bencher")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout)["t.py::test"][0]["measures"]["latency"]["value"] == pytest.approx(1e7)


def test_a_file_ends_as_its_format(measured, tmp_path):
    target = tmp_path / "new" / "board.prom"
    done = export(measured, "-o", target)
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"report: {target}\n", "")
    assert target.read_text(encoding="utf-8").endswith("# EOF\n")
    assert [path.name for path in target.parent.iterdir()] == ["board.prom"]


def test_files_of_one_device_are_taken_together(measured, tmp_path):
    later = written(tmp_path / "later.json", 11.0, session="two")
    done = export(measured, later, measured, "--format", "jsonl", "--metric", "latency")
    medians = [record for record in map(json.loads, done.stdout.splitlines()) if record["summary"] == "p50"]
    assert [(record["run"], record["session"]) for record in medians] == [
        (number, "one" if number < 4 else "two") for number in range(1, 7)
    ]


def test_files_of_several_devices(measured, tmp_path):
    other = written(tmp_path / "other.json", 5.0, device="rpi4")
    done = export(measured, other, "--format", "openmetrics")
    assert done.exit_code == 0
    assert 'device="board"' in done.stdout
    assert 'device="rpi4"' in done.stdout
    refused = export(measured, other, "--format", "bencher")
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert "is of one machine, and these results are of board, rpi4" in refused.stderr


def test_verdicts_come_with_a_baseline_and_do_not_change_the_exit_code(measured, tmp_path):
    runs = latency_runs([10.0 + number / 100 for number in range(17)], "base")
    baseline = tmp_path / "board.json"
    results.write(baseline, built({"t.py::test[fp16]": runs}))
    slow = tmp_path / "slow.json"
    results.write(slow, built({"t.py::test[fp16]": latency_runs([15.0 + number / 100 for number in range(9)], "new")}))
    done = export(slow, "--baseline", baseline, "--format", "openmetrics")
    assert done.exit_code == 0
    assert 'verdict="regressed"} 1' in done.stdout
    assert "verdict" not in export(slow, "--format", "openmetrics").stdout


def test_a_baseline_is_of_a_device_that_is_exported_and_only_one(measured, tmp_path):
    other = written(tmp_path / "rpi4.json", 10.0, device="rpi4")
    refused = export(measured, "--baseline", other, "--format", "csv")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "it is of rpi4, and RESULTS of board" in refused.stderr
    twice = export(measured, "--baseline", measured, "--baseline", measured, "--format", "csv")
    assert "is of board too; give one a device" in twice.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a format: --format .*bencher"),
        (["-o", "metrics.xyz"], r"metrics.xyz: no format of reports has files that end so; .*\.prom"),
        (["--format", "svg"], "'svg' is not one of .*csv"),
        (["--format", "csv", "--metric", "latancy"], "--metric latancy: no benchmark has it; there are latency"),
    ],
)
def test_what_cannot_be_meant_is_refused(measured, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    done = export(measured, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.search(says, done.stderr)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json"]


def test_results_are_never_replaced(measured, tmp_path):
    before = measured.read_bytes()
    (tmp_path / "link.csv").symlink_to(measured)
    for target in (measured, tmp_path / "link.csv"):
        done = export(measured, "-o", target, "--format", "csv")
        assert done.exit_code == 2
        assert "the report would replace the results" in done.stderr
    assert measured.read_bytes() == before


@pytest.mark.parametrize("content", [None, "no json", '{"format": "edgeperf-results", "version": 99}'])
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, content):
    path = tmp_path / "spoilt.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    done = export(path, "-o", tmp_path / "a.csv")
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.startswith(f"edgeperf: {path}: ")
    assert not (tmp_path / "a.csv").exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(measured, tmp_path):
    (tmp_path / "file").write_text("")
    done = export(measured, "-o", tmp_path / "file" / "a.csv")
    assert done.exit_code == 4
    assert "the file cannot be written" in done.stderr


def test_published_figures_are_not_exported_as_measured(tmp_path):
    path = ROOT / "baselines" / "published" / "nano.json"
    done = export(path, "--format", "csv")
    assert (done.exit_code, done.stdout) == (4, "")
    assert "published figures" in done.stderr


NAMES = """
from pytest_edgeperf.report.exporters.interface import ResultsExporter

class Names(ResultsExporter):
    name = "names"
    suffixes = (".names", ".csv")

    def results(self, measured, paper):
        return "\\n".join(name for exported in measured for name in exported.results.benchmarks) + "\\n"
"""


def test_another_packages_format_is_one_file_and_an_entry_point(measured, tmp_path, monkeypatch):
    points = {"edgeperf.exporters": {"names": "edgeperf_names:Names"}}
    monkeypatch.syspath_prepend(str(distribution(tmp_path / "site", "edgeperf-names", points, edgeperf_names=NAMES)))
    assert export(measured, "--format", "names").stdout == "t.py::test[fp16]\n"
    assert export(measured, "-o", tmp_path / "a.names").exit_code == 0
    assert (tmp_path / "a.names").read_text(encoding="utf-8") == "t.py::test[fp16]\n"
    # Ours keeps its files.
    assert export(measured, "-o", tmp_path / "a.csv").exit_code == 0
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").startswith('"device"')


# The recipes of docs/exports.md.


class Logged:
    """What the recipes log, by a stand-in of the calls that they use."""

    def __init__(self, **settings):
        self.settings, self.parameters, self.steps = settings, {}, []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def log(self, figures, *, step):
        self.steps.append((step, figures))


@pytest.fixture
def recipes():
    page = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    known = {}
    exec(compile(code, "exports.md", "exec"), known)
    return SimpleNamespace(**known)


def test_the_recipe_for_mlflow(recipes, measured):
    started = []

    def start_run(*, run_name):
        started.append(Logged(run_name=run_name))
        return started[-1]

    mlflow = SimpleNamespace(
        start_run=start_run,
        log_params=lambda parameters: started[-1].parameters.update(parameters),
        log_metrics=lambda figures, *, step: started[-1].log(figures, step=step),
    )
    recipes.log_to_mlflow(measured, mlflow)
    (logged,) = started
    assert logged.settings == {"run_name": "t.py::test[fp16]"}
    assert logged.parameters == {"device": "board"}
    assert [(step, figures["latency.p50"]) for step, figures in logged.steps] == [(0, 10.0), (1, 10.1), (2, 9.9)]
    assert all(isinstance(number, (int, float)) for _, figures in logged.steps for number in figures.values())


def test_the_recipe_for_weights_and_biases(recipes, measured):
    started = []

    def init(**settings):
        started.append(Logged(**settings))
        return started[-1]

    recipes.log_to_wandb(measured, SimpleNamespace(init=init), "edge")
    (logged,) = started
    assert logged.settings == {"project": "edge", "name": "t.py::test[fp16]", "config": {"device": "board"}}
    assert [step for step, _ in logged.steps] == [0, 1, 2]
