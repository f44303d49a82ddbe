"""A slowdown fails its benchmark and no other, on every Python."""

from __future__ import annotations

from .conftest import REFRESH

SUITE = """
def test_changing(timed_inference):
    timed_inference(work, 10000 * float(os.environ.get("CHANGING", "1")))

def test_steady(timed_inference):
    timed_inference(work, 10000)
"""
SHORT = ("--edgeperf-budget=0.02",)


def test_a_slowdown_of_ten_percent_is_found(project):
    project.suite(SUITE)
    assert project.run(*SHORT, "--edgeperf-rounds=4", *REFRESH, short=False).code == 0
    check = (*SHORT, "--edgeperf-rounds=3", "--edgeperf-max-rounds=6", "--junitxml=junit.xml")
    outcome = project.run(*check, short=False, env={"CHANGING": "1.1"})
    assert outcome.code == 1, outcome
    verdicts = project.verdicts()
    assert verdicts == {"test_changing": "regressed", "test_steady": verdicts["test_steady"]}
    assert verdicts["test_steady"] in ("unchanged", "inconclusive")
