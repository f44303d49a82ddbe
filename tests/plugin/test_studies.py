"""A user's own study, from the benchmark's body to the fitted line in the report."""

from __future__ import annotations

import pytest

from pytest_edgeperf.judge.studies.study_results import read_studies

from .conftest import REFRESH

SUITE = """
from pytest_edgeperf import ReferenceLine, Study

STUDY = Study("steps", x="steps", x_unit="thousands", references=(
    ReferenceLine("published", "latency", 0.5, 1.5, "ms", "somebody 2020"),
))

@pytest.mark.parametrize("thousands", [20, 40, 80])
def test_work(timed_inference, thousands):
    timed_inference.study(STUDY, series="pure Python", x=thousands)
    timed_inference(work, thousands * 1000)
"""


def test_a_study_is_fitted_beside_its_published_line_and_stored(project):
    project.suite(SUITE)
    outcome = project.run("--baseline=refresh", "--edgeperf-reason=first", "--edgeperf-published=somebody")
    assert outcome.code == 0, outcome
    assert "steps: latency (ms) over steps (thousands)" in outcome
    assert "pure Python" in outcome
    assert "published" in outcome
    assert "somebody 2020" in outcome
    baseline = project.baseline()
    assert baseline.studies["steps"].x_unit == "thousands"
    places = sorted(benchmark.place.x for benchmark in baseline.benchmarks.values())
    assert places == [20.0, 40.0, 80.0]


def test_a_coordinate_that_is_no_number_fails_the_benchmark(project):
    project.suite(SUITE.replace("x=thousands)", "x=float('nan'))"))
    outcome = project.run("--baseline=off")
    assert outcome.code == 1, outcome
    assert "the coordinate of steps must be a finite number of thousands, not nan" in outcome


MEMORY = """
from pytest_edgeperf import Study

STUDY = Study("memory", x="held", x_unit="MiB", metrics=("memory_process_peak",))

@pytest.mark.parametrize("held", [32, 64, 128, 192])
def test_hold(timed_inference, held):
    timed_inference.study(STUDY, series="bytes", x=held)
    kept = bytearray(b"x") * (held << 20)
    timed_inference(len, kept)
"""


def test_memory_grows_in_the_form_of_formula_4(project):
    """M = a C + b: what a process holds for each unit, and what it takes without any."""
    project.suite(MEMORY)
    outcome = project.run(*REFRESH)
    assert outcome.code == 0, outcome
    assert "memory: peak memory (MiB) over held (MiB)" in outcome
    (study,) = read_studies(project.baseline())
    (series,) = study.series
    assert series.fit.slope == pytest.approx(1.0, rel=0.05)
    assert series.fit.intercept > 5
    assert series.pieces is None


GATING = """
from pytest_edgeperf import Study

STUDY = Study("steps", x="steps", x_unit="thousands", metrics=("latency",), gate=("slope",))
FACTOR = float(os.environ.get("FACTOR", "1"))

@pytest.mark.timed_inference(tolerance={"latency": 0.99})
@pytest.mark.parametrize("thousands", [10, 20, 40])
def test_work(timed_inference, thousands):
    timed_inference.study(STUDY, series="pure Python", x=thousands)
    timed_inference(work, thousands * 1000 * FACTOR)
"""
CHECK = ("--edgeperf-budget=0.05", "--edgeperf-rounds=3", "--edgeperf-max-rounds=6", "--junitxml=junit.xml")


@pytest.mark.long
def test_a_steeper_slope_fails_the_last_test_of_its_series(project):
    """Each benchmark tolerates it by itself, so that the line alone can fail."""
    project.suite(GATING)
    assert project.run("--edgeperf-budget=0.05", "--edgeperf-rounds=5", *REFRESH, short=False).code == 0
    slower = project.run(*CHECK, short=False, env={"FACTOR": "1.8"})
    assert slower.code == 1, slower
    failed = {name: case.find("failure") for name, case in project.testcases().items()}
    assert [name for name, failure in failed.items() if failure is not None] == ["test_work[40]"]
    assert "slope of pure Python in steps (latency)" in failed["test_work[40]"].get("message")
    assert "Slope of pure Python in steps (latency): " in slower
    assert "1 line regressed" in slower
