"""A target that slows down while it is timed, in every process: marked in each run and told once."""

from __future__ import annotations

import pytest

from pytest_edgeperf import results

from .conftest import properties_of

#: The garbage collector is off while samples are taken, and not in the warm-up.
SUITE = """
import gc
import time

def test_throttled(timed_inference):
    timed_from_s = []

    def target():
        if not gc.isenabled() and not timed_from_s:
            timed_from_s.append(time.thread_time())
        slow = timed_from_s and time.thread_time() > timed_from_s[0] + 0.3
        real_work(30000 if slow else 10000)

    timed_inference(target)

def test_even(timed_inference):
    timed_inference(real_work, 10000)
"""


@pytest.mark.slow
@pytest.mark.thorough
def test_a_slowdown_in_every_run_is_told_and_kept_with_the_runs(project):
    project.suite(SUITE)
    options = ("--edgeperf-budget=0.6", "--edgeperf-rounds=3", "--junitxml=junit.xml", "--edgeperf-results=now.json")
    outcome = project.run("--baseline=off", "-v", *options, short=False)
    assert outcome.code == 0, outcome
    assert "1 benchmark slowed down while being timed" in outcome
    assert "test_throttled (+" in outcome
    assert "in 3 of 3 runs)" in outcome
    assert "slower 3/3" in outcome
    benchmark = results.read(project.path / "now.json").benchmarks["test_it.py::test_throttled"]
    assert all(run.quality["level_step"]["ratio"] > 1.5 for run in benchmark.runs)
    assert all(run.values["warm_up"] >= 30 for run in benchmark.runs)
    assert {"edgeperf.first_inference_ms", "edgeperf.warm_up_ms"} <= set(
        properties_of(project.testcases()["test_throttled"])
    )
