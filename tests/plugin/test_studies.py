"""A user's own study, from the benchmark's body to the fitted line in the report."""

from __future__ import annotations

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
    outcome = project.run("--baseline=refresh", "--edgeperf-reason=first")
    assert outcome.code == 0, outcome
    assert "steps: latency (ms) over steps (thousands)" in outcome
    assert "pure Python" in outcome
    assert "published" in outcome
    assert "somebody 2020" in outcome
    baseline = project.baseline()
    assert baseline.extra["studies"]["steps"]["x_unit"] == "thousands"
    places = sorted(one.extra["study"]["x"] for one in baseline.benchmarks.values())
    assert places == [20.0, 40.0, 80.0]


def test_a_coordinate_that_is_no_number_fails_the_benchmark(project):
    project.suite(SUITE.replace("x=thousands)", "x=float('nan'))"))
    outcome = project.run("--baseline=off")
    assert outcome.code == 1, outcome
    assert "the coordinate of steps must be a finite number of thousands, not nan" in outcome
