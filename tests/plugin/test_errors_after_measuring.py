"""Whatever fails after measuring: every test has its report, the runs are kept, a sentence names the cause."""

from __future__ import annotations

import json

import pytest

from pytest_edgeperf import results

#: Its sessions are traced for coverage.
TRACED = True

SUITE = """
class Mute:
    def __str__(self):
        raise RuntimeError("no text")
    __repr__ = __str__

@pytest.mark.parametrize("value", [float("inf"), Mute()])
def test_a(timed_inference, value):
    timed_inference(work, 300)

def test_wrong(timed_inference):
    timed_inference(work, 300)
    assert False, "wrong answer"
"""
#: In the judge, the hand-over, the JUnit properties and the report, all at once.
FAILING_LATER = """
from pytest_edgeperf.report import terminal
from pytest_edgeperf.report.exporters import junit
from pytest_edgeperf.schedule import adoption, stored
def failing(name):
    def fail(*arguments, **keywords):
        raise ArithmeticError("made to fail in " + name)
    return fail
stored.StoredRuns.look = failing("judge")
adoption.hand_over = failing("hand_over")
junit.junit_properties = failing("junit_properties")
terminal.render = failing("render")
"""
FAILING_WRITES = """
from pytest_edgeperf.schedule import session
def fail(path, measured):
    raise OSError(28, "No space left on device", str(path))
session.results.write = fail
"""
FAILING_SECOND_ROUND = """
from pytest_edgeperf.schedule import stored
whole = stored.StoredRuns.round
def failing_second(self, order, turns):
    if self.state.rounds == 2:
        raise ArithmeticError("made to fail in round 2")
    whole(self, order, turns)
stored.StoredRuns.round = failing_second
"""


def test_every_report_and_run_outlives_the_judge_the_properties_and_the_report(project):
    project.suite(SUITE)
    project.in_coordinator(FAILING_LATER)
    outcome = project.run("--edgeperf-results=r.json", "-rA")
    assert outcome.code == 1, outcome.output  # test_wrong
    assert "1 failed, 2 passed" in outcome.output
    assert "wrong answer" in outcome.output
    assert "INTERNALERROR" not in outcome.output
    for place in ("judge", "hand_over", "junit_properties", "render"):
        assert f"ArithmeticError: made to fail in {place}" in outcome.output
    measured = results.read(project.path / "r.json")
    assert {name: one.parameters["value"] for name, one in measured.benchmarks.items()} == {
        "test_it.py::test_a[inf]": "inf",
        "test_it.py::test_a[value1]": {"$type": "test_it.Mute"},
    }


def test_without_a_failed_test_the_exit_code_says_that_nothing_was_judged(project):
    project.suite("def test_a(timed_inference):\n    timed_inference(work, 300)\n")
    project.in_coordinator(FAILING_SECOND_ROUND)
    outcome = project.run(
        "--edgeperf-results=r.json", "--edgeperf-rounds=3", "--edgeperf-max-rounds=3", "--baseline=off"
    )
    assert outcome.code == 3, outcome.output
    assert "1 passed" in outcome.output
    assert "the measuring failed: ArithmeticError: made to fail in round 2" in outcome.output
    assert len(results.read(project.path / "r.json").benchmarks["test_it.py::test_a"].runs) == 1
    # The session can be gone on with.
    assert "runs measured so far, for --edgeperf-resume: " in outcome.output


@pytest.mark.slow
def test_a_journal_without_a_run_is_not_offered(project):
    project.suite("def test_a(timed_inference):\n    timed_inference(work, 300)\n")
    project.in_coordinator(FAILING_SECOND_ROUND.replace("rounds == 2", "rounds == 1"))
    outcome = project.run("--baseline=off")
    assert outcome.code == 3, outcome.output
    assert "runs measured so far" not in outcome.output
    assert "add --edgeperf-resume" not in outcome.output


def test_where_nothing_can_be_written_the_journal_stays_and_is_named(project):
    project.suite("def test_a(timed_inference):\n    timed_inference(work, 300)\n")
    project.in_coordinator(FAILING_WRITES)
    outcome = project.run("--edgeperf-results=r.json", "-q")
    assert outcome.code == 3, outcome.output
    assert "1 passed" in outcome.output
    assert "writing the results failed" in outcome.output
    assert "No space left on device" in outcome.output
    (journal,) = (project.path / "cache" / "journals").glob("*.jsonl")
    assert str(journal) in outcome.output
    assert [json.loads(line)["kind"] for line in journal.read_text().splitlines()] == ["session", "run"]
