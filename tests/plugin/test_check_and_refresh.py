from __future__ import annotations

import re
import shutil

import pytest

from pytest_edgeperf import results

from .conftest import REFRESH, properties_of

pytestmark = pytest.mark.long

CHECK = (
    "--edgeperf-budget=0.15",
    "--edgeperf-rounds=3",
    "--edgeperf-max-rounds=6",
    "--junitxml=junit.xml",
    "--edgeperf-results=now.json",
)
PASSING = {"unchanged", "inconclusive", "improved"}


def check(project, *arguments, **factors):
    return project.run(*CHECK, *arguments, short=False, env=factors)


def failed(project):
    return [name for name, case in project.testcases().items() if case.find("failure") is not None]


def test_refresh_writes_a_baseline_that_can_be_read(accepted_suite):
    assert accepted_suite.first.code == 0, accepted_suite.first
    accepted = accepted_suite.baseline()
    assert set(accepted.benchmarks) == {
        "test_it.py::test_steady",
        "test_it.py::test_changing",
        "test_it.py::test_tolerant",
    }
    for benchmark in accepted.benchmarks.values():
        assert len(benchmark.runs) == 5
        assert {run.reason for run in benchmark.runs} == {"first"}
    assert "accepted 3 benchmarks (3 new)" in accepted_suite.first


def test_unchanged_code_passes_and_its_runs_are_written(accepted):
    outcome = check(accepted)
    assert outcome.code == 0, outcome
    verdicts = accepted.verdicts()
    assert verdicts.pop("test_ordinary") is None
    assert set(verdicts.values()) <= PASSING
    written = results.read(accepted.path / "now.json")
    assert set(written.benchmarks) == set(accepted.baseline().benchmarks)
    assert "now.json" in outcome


def test_slower_code_fails_as_one_failed_testcase_and_a_tolerance_is_honoured(accepted):
    outcome = check(accepted, CHANGING="1.1", TOLERANT="1.6")
    assert outcome.code == 1, outcome
    assert failed(accepted) == ["test_changing"]
    cases = accepted.testcases()
    message = cases["test_changing"].find("failure").get("message")
    assert "against the baseline, " in message
    assert "tolerance 2 %" in message
    properties = properties_of(cases["test_changing"])
    assert properties["edgeperf.verdict"] == "regressed"
    assert float(properties["edgeperf.latency_ratio"]) == pytest.approx(1.1, rel=0.02)
    assert float(properties["edgeperf.latency_p50_ms"]) > 0
    assert accepted.verdicts()["test_tolerant"] in PASSING
    assert "regressed (1)" in outcome
    # The property is rounded, too: the last digit may differ.
    printed = re.search(r"latency rose by ([\d.]+) %", message).group(1)
    assert float(properties["edgeperf.latency_ratio"]) == pytest.approx(1 + float(printed) / 100, abs=0.001)
    again = accepted.run("--lf", "--collect-only", "-q", short=False)
    assert "test_it.py::test_changing" in again
    assert "test_steady" not in again.output


@pytest.mark.thorough
def test_faster_code_is_improved_and_passes(accepted):
    outcome = check(accepted, "-k", "changing", CHANGING="0.9")
    assert outcome.code == 0, outcome
    assert accepted.verdicts() == {"test_changing": "improved"}
    assert set(results.read(accepted.path / "now.json").benchmarks) == {"test_it.py::test_changing"}
    assert "missing" not in outcome.output


def test_a_refresh_replaces_only_what_was_measured(accepted):
    before = accepted.baseline().benchmarks
    outcome = accepted.run("-k", "steady", "--baseline=refresh", "--edgeperf-reason=second")
    assert outcome.code == 0, outcome
    assert "accepted 1 benchmark (1 updated)" in outcome
    assert "baseline kept for 2 benchmarks" in outcome
    after = accepted.baseline().benchmarks
    assert {run.reason for run in after["test_it.py::test_steady"].runs} == {"second"}
    for kept in ("test_it.py::test_changing", "test_it.py::test_tolerant"):
        assert after[kept] == before[kept]


@pytest.mark.thorough
def test_a_refresh_accepts_a_slowdown_and_says_so(accepted):
    outcome = check(accepted, "-k", "changing", *REFRESH, CHANGING="1.2")
    assert outcome.code == 0, outcome
    assert "accepted although worse than the earlier baseline" in outcome
    assert failed(accepted) == []


@pytest.mark.parametrize("reason", [(), ("--edgeperf-reason=",), ("--edgeperf-reason= ",)])
def test_a_refresh_needs_a_reason(accepted, reason):
    before = accepted.baseline_path.read_bytes()
    outcome = accepted.run("--baseline=refresh", *reason)
    assert outcome.code == 4, outcome
    assert "--edgeperf-reason" in outcome
    assert accepted.baseline_path.read_bytes() == before


def test_other_settings_than_the_baselines_are_incomparable_and_named(accepted):
    outcome = accepted.run("-k", "steady")
    assert outcome.code == 0, outcome
    assert "incomparable (1)" in outcome
    assert "budget_s 0.15 -> 0.02" in outcome
    strict = accepted.run("-k", "steady", "--edgeperf-unbaselined=fail")
    assert strict.code == 11, strict


@pytest.mark.thorough
def test_new_and_missing_benchmarks_are_listed(accepted):
    text = (accepted.path / "test_it.py").read_text()
    text = text.replace("def test_steady(", "@pytest.mark.skipif(True, reason='off')\ndef test_steady(")
    text = (
        text[: text.index("def test_ordinary")] + "def test_added(timed_inference):\n    timed_inference(work, 10000)\n"
    )
    (accepted.path / "test_it.py").write_text(text)
    arguments = ("-k", "steady or added", "--edgeperf-budget=0.15", "-v")
    outcome = accepted.run(*arguments)
    assert outcome.code == 0, outcome
    assert "new (1)" in outcome
    assert "missing (1)" in outcome
    assert "test_changing" not in outcome.output
    assert accepted.run(*arguments, "--edgeperf-unbaselined=fail").code == 11


def test_a_session_without_any_baseline_passes_and_says_how_to_make_one(accepted):
    shutil.rmtree(str(accepted.path / "baselines"))
    outcome = accepted.run("-k", "steady", "--junitxml=junit.xml")
    assert outcome.code == 0, outcome
    assert "--baseline=refresh" in outcome
    assert accepted.verdicts() == {"test_steady": "new"}


@pytest.mark.thorough
def test_what_stays_unclear_decides_the_exit_code_only_when_asked(project):
    project.suite(
        """
def test_erratic(timed_inference):
    ran("erratic")
    earlier = len(pathlib.Path(__file__).with_name("ran.txt").read_text().splitlines()) - 1
    # The baseline in the middle, then half and double of it in turn.
    timed_inference(work, 20000 * (1 if earlier == 0 else 2 if earlier % 2 else 0.5))
"""
    )
    assert project.run("--edgeperf-rounds=1", *REFRESH).code == 0
    arguments = ("--edgeperf-rounds=2", "--edgeperf-max-rounds=2", "--junitxml=junit.xml")
    outcome = project.run(*arguments)
    assert outcome.code == 0, outcome
    assert project.verdicts() == {"test_erratic": "inconclusive"}
    assert project.run(*arguments, "--edgeperf-inconclusive=fail").code == 10


@pytest.mark.thorough
@pytest.mark.long
def test_a_session_gives_up_when_run_after_run_is_disturbed(project):
    project.suite("def test_one(timed_inference):\n    ran('one')\n    timed_inference(work, 1000)\n")
    project.in_coordinator("disturbance.disturbed_by = lambda *_, **__: ['others_share 0.50']\n")
    outcome = project.run(*REFRESH, "--edgeperf-rounds=10", "--edgeperf-budget=0.02", short=False)
    assert outcome.code == 1, outcome
    assert len(project.ran()) == 6
    assert (
        "gave up on the benchmark because 6 runs in a row were disturbed (other processes used the processors in all)"
        in outcome
    )
    assert "--against=REF" in outcome
    assert not project.baseline_path.exists()


@pytest.mark.thorough
def test_without_comparison_nothing_is_judged(accepted):
    outcome = accepted.run("-k", "changing", "--baseline=off", "--junitxml=junit.xml", env={"CHANGING": "3"})
    assert outcome.code == 0, outcome
    assert accepted.verdicts() == {"test_changing": None}
    assert "1 measured" in outcome
