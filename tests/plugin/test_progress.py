"""What a session says while it measures, elsewhere than on a terminal."""

from __future__ import annotations

SUITE = """
import time
from pytest_edgeperf import activity

def test_a(timed_inference):
    with activity("training a network"):
        time.sleep(1.2)
    timed_inference(work, 300)
"""


def test_what_takes_long_is_said_with_its_benchmark(project):
    project.suite(SUITE)
    project.in_coordinator("from pytest_edgeperf.report import progress\nprogress.LINE_SECONDS = 0.0\n")
    outcome = project.run("--baseline=off")
    assert outcome.code == 0, outcome
    lines = outcome.output.splitlines()
    assert "measuring 1 benchmark in 1 round" in lines
    assert any(line.startswith("round 1/1: training a network for test_a, ") for line in lines), outcome
