"""The whole way on the real clock and with the real quality rules; figures may be poor on a busy machine."""

from __future__ import annotations

import pytest

SUITE = """
import pytest

def target(factor):
    total = 0
    for step in range(20000 * factor):
        total += step * step
    return total

@pytest.mark.timed_inference
def test_slowed(timed_inference):
    timed_inference(target, FACTOR)

@pytest.mark.timed_inference
def test_neighbour(timed_inference):
    timed_inference(target, 1)
"""
SHORT = ("--edgeperf-budget=0.2", "-q")


@pytest.mark.slow
def test_a_threefold_latency_fails_its_test_and_no_other(project):
    project.write("calm.py", "")
    project.write("test_it.py", SUITE.replace("FACTOR", "1"))
    arguments = ("--baseline=refresh", "--edgeperf-reason=first", "--edgeperf-rounds=5")
    assert project.run(*SHORT, *arguments, short=False).code == 0
    unchanged = project.run(*SHORT, short=False)
    assert unchanged.code == 0, unchanged.output

    project.write("test_it.py", SUITE.replace("FACTOR", "3"))
    slowed = project.run(*SHORT, "--junitxml=junit.xml", short=False)
    if "machine disturbed" not in slowed.output:
        assert slowed.code == 1, slowed.output
        assert "regressed: test_slowed" in slowed.output
        assert "FAILED test_it.py::test_neighbour" not in slowed.output
