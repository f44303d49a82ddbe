"""What a refresh does not accept is said, and what was accepted before stays."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.long

SUITE = """
def test_a(timed_inference):
    timed_inference(work, 300)

def test_b(timed_inference):
    ran("b")
    timed_inference(work, 300)
    assert not os.environ.get("FAIL")
"""
REFRESH = ("--baseline=refresh", "--edgeperf-budget=0.02", "--edgeperf-max-rounds=2", "--edgeperf-rounds=2")
FAILING_WRITES = """
from pytest_edgeperf.results import atomic_files, baselines
whole = baselines.write
def full(path, measured):
    if not os.environ.get("FULL"):
        return whole(path, measured)
    raise atomic_files.unwritable(str(path), OSError(28, "No space left on device"))
import os
baselines.write = full
"""


def reasons(project):
    return {
        name.rpartition("::")[2]: [run.reason for run in benchmark.runs]
        for name, benchmark in project.baseline().benchmarks.items()
    }


def test_a_refresh_that_accepts_nothing_fails_also_when_quiet(project):
    project.suite(SUITE)
    project.in_coordinator("""disturbance.disturbed_by = lambda *figures, **pinned: ["others_share 0.9"]\n""")
    outcome = project.run("--baseline=refresh", "--edgeperf-reason=first", "-q", "--junitxml=junit.xml")
    assert outcome.code == 1, outcome
    assert (
        "not accepted: test_a and test_b: all 3 runs were disturbed (other processes used the processors in all)"
        in outcome
    )
    assert not project.baseline_path.exists()
    for case in project.testcases().values():
        assert "not accepted" in case.find("failure").get("message")


def test_a_stopped_refresh_replaces_nothing_by_less_than_was_planned(project):
    project.suite(SUITE)
    first = project.run(*REFRESH, "--edgeperf-reason=first", "-q", short=False)
    assert first.code == 0, first
    outcome = project.run(*REFRESH, "--edgeperf-reason=second", "-x", short=False, env={"FAIL": "1"})
    assert outcome.code == 1, outcome
    assert reasons(project) == {"test_a": ["first"] * 2, "test_b": ["first"] * 2}
    assert "not accepted (1): the session was stopped" in outcome


def test_a_baseline_that_cannot_be_written_is_accepted_later_without_measuring(project):
    project.suite(SUITE)
    project.in_coordinator(FAILING_WRITES)
    outcome = project.run(*REFRESH, "--edgeperf-reason=first", short=False, env={"FULL": "1"})
    assert outcome.code == 3, outcome
    assert "2 passed" in outcome
    assert "(No space left on device); free some space and run it again" in outcome
    assert "--edgeperf-resume accepts the runs in" in outcome
    assert "edgeperf baseline accept" in outcome
    measured = len(project.ran())
    later = project.run(*REFRESH, "--edgeperf-reason=first", "--edgeperf-resume", short=False)
    assert later.code == 0, later
    assert len(project.ran()) == measured
    assert reasons(project) == {"test_a": ["first"] * 2, "test_b": ["first"] * 2}
