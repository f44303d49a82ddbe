from __future__ import annotations

from datetime import datetime

import pytest

from pytest_edgeperf import results

SUITE = """
def test_alone(timed_inference):
    timed_inference(work, 1000)
"""


@pytest.mark.slow
def test_rounds_of_few_benchmarks_wait_for_each_other(project):
    project.write("calm.py", "")
    project.suite(SUITE)
    arguments = ("--edgeperf-budget=0.02", "--edgeperf-rounds=3", "--baseline=off", "--edgeperf-results=runs.json")
    outcome = project.run(*arguments, "--edgeperf-spacing=3", short=False)
    assert outcome.code == 0, outcome
    assert outcome.output.count("rounds wait for each other") == 1
    runs = results.read(project.path / "runs.json").benchmarks["test_it.py::test_alone"].runs
    started = [datetime.strptime(run.started, "%Y-%m-%dT%H:%M:%SZ") for run in runs]
    assert (started[-1] - started[0]).total_seconds() >= 5


def test_without_spacing_they_do_not(project):
    project.suite(SUITE)
    arguments = ("--edgeperf-budget=0.02", "--edgeperf-rounds=2", "--baseline=off", "--edgeperf-spacing=0")
    outcome = project.run(*arguments, short=False)
    assert outcome.code == 0, outcome
    assert "rounds wait" not in outcome.output
