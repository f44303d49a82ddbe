"""Whole sessions that say why a benchmark got slower: from the refresh that keeps profiles to the report."""

from __future__ import annotations

import shutil
import signal
import time

import pytest

from pytest_edgeperf import results
from pytest_edgeperf.results import profile_files

from .conftest import REFRESH, new_project
from .duets import ONE_LOOK, SLOWER, against, nothing_is_left

pytestmark = pytest.mark.long

SUITE = """
from pytest_edgeperf.measure import function_times
import calm

function_times.perf_counter_ns = calm.clock_ns

def in_pass():
    return "pytest_edgeperf.measure.profiled_pass" in sys.modules

def prepare(steps):
    total = 0
    for step in range(int(steps * float(os.environ.get("CHANGING", "1")))):
        total += step
    return total

def infer(total):
    return real_work(3000)

def test_changing(timed_inference):
    ran("changing")
    if in_pass() and os.environ.get("IN_PASS") == "kill":
        os.kill(os.getpid(), 9)
    if in_pass() and os.environ.get("IN_PASS") == "wait":
        import time
        ran("waiting")
        time.sleep(60)
    timed_inference(infer, 3000, preprocess=prepare)
    assert not in_pass()

def test_steady(timed_inference):
    timed_inference(real_work, 3000)
"""
EXPLAIN = "--edgeperf-explain=regressed"
BUDGET = ("--edgeperf-budget=0.1", EXPLAIN)
CHECK = (*BUDGET, "--edgeperf-rounds=3", "--edgeperf-max-rounds=3", "--edgeperf-results=now.json")
CHANGING = "test_it.py::test_changing"


@pytest.fixture(scope="module")
def refreshed_once(tmp_path_factory):
    made = new_project(tmp_path_factory.mktemp("refreshed") / "project", forked=True, served=True)
    made.suite(SUITE)
    made.first = made.run(*BUDGET, "--edgeperf-rounds=5", *REFRESH, short=False)
    return made


@pytest.fixture
def refreshed(refreshed_once, tmp_path):
    """A project whose accepted runs have profiles."""
    assert refreshed_once.first.code == 0, refreshed_once.first
    return refreshed_once.copy(tmp_path / "project")


def check(project, **env):
    return project.run(*CHECK, short=False, env={"CHANGING": "4", **env})


def test_a_regression_is_explained_by_the_profile_that_was_accepted(refreshed, refreshed_once):
    path = refreshed.path / "baselines" / "profiles" / "host.json"
    assert "profiles/host.json" in refreshed_once.first
    assert all(len(line) < 4096 for line in path.read_text().splitlines())
    accepted = profile_files.load(refreshed.path / "baselines", "host")
    assert set(accepted.benchmarks) == set(refreshed.baseline().benchmarks)
    assert refreshed.ran_names() == ["changing"] * 6

    outcome = check(refreshed)
    assert outcome.code == 1, outcome
    assert refreshed.ran_names() == ["changing"] * 10
    explanations = results.read(refreshed.path / "now.json").explanations
    assert list(explanations) == [CHANGING]
    (table,) = explanations[CHANGING].tables
    assert table.rows[0].blamed
    assert "prepare" in table.rows[0].label
    assert table.rows[0].place.startswith("test_it.py")
    # In the text of the failing test, and in the report.
    assert str(outcome).count("Why: prepare (test_it.py:") == 2, outcome
    assert "why it got slower: " in outcome


def test_a_pass_that_is_killed_is_a_sentence(refreshed):
    outcome = check(refreshed, IN_PASS="kill")
    assert outcome.code == 1, outcome
    written = results.read(refreshed.path / "now.json")
    assert len(written.benchmarks[CHANGING].runs) == 3
    (reason,) = written.explanations[CHANGING].reasons
    assert reason.startswith("profiling failed: killed")


def test_ctrl_c_while_profiling_keeps_verdicts_and_results(refreshed):
    before = len(refreshed.ran())
    session = refreshed.start(*CHECK, short=False, env={"CHANGING": "4", "IN_PASS": "wait"})
    deadline = time.monotonic() + 60
    while "waiting" not in refreshed.ran_names()[before:]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # Whatever else ended it here, the runs are written.
    assert len(results.read(refreshed.path / "now.json").benchmarks[CHANGING].runs) == 3
    session.send_signal(signal.SIGINT)
    output, _ = session.communicate(timeout=60)
    assert session.returncode == 1, output
    assert "profiling was interrupted" in output
    assert len(results.read(refreshed.path / "now.json").benchmarks[CHANGING].runs) == 3


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_in_lock_step_both_sides_are_profiled(repository):
    repository.write("work.py", SLOWER)
    outcome = against(repository, ONE_LOOK, "--edgeperf-results=now.json", EXPLAIN)
    assert outcome.code == 1, outcome
    (explanation,) = results.read(repository.path / "now.json").explanations.values()
    assert explanation.reasons == ()
    assert explanation.tables
    assert nothing_is_left(repository)
