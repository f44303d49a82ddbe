"""Sessions that measure this checkout and another commit in lock-step: what they say."""

from __future__ import annotations

import shutil

import pytest

from pytest_edgeperf import results
from tests.schedule.repositories import commit, git

from .conftest import load_json
from .duets import ONE, ONE_LOOK, SLOWER, SUITE, against, nothing_is_left

pytestmark = [pytest.mark.long, pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")]


def test_uncommitted_work_is_compared_with_the_commit_and_only_what_is_slower_fails(repository):
    repository.write("work.py", SLOWER)
    outcome = against(repository, ONE_LOOK, "--edgeperf-results=now.json")
    assert outcome.code == 1, outcome
    assert repository.verdicts()["test_one"] == "regressed"
    assert repository.verdicts()["test_two"] != "regressed"
    failure = repository.testcases()["test_one"].find("failure")
    assert "against the other side" in failure.get("message")
    assert "pairs in lock-step" in failure.text
    head = git(repository.path, "rev-parse", "HEAD").strip()[:12]
    assert f"commits {head}..{head}-dirty" in failure.text
    assert f"against HEAD ({head}): " in outcome
    assert "detects" in outcome
    assert nothing_is_left(repository)
    stored = load_json(repository.path / "now.json")
    assert stored["against"]["label"] == f"HEAD ({head})"
    (pair, *others) = stored["against"]["benchmarks"]["test_it.py::test_one"]
    assert len(others) >= 3
    assert 0.5 < pair["log_ratio"] < 0.9
    assert len(pair["base"]["quality"]["turns_ms"]) == pair["blocks"] >= 6
    assert not results.read(repository.path / "now.json").benchmarks["test_it.py::test_one"].runs[0].disturbed


@pytest.mark.thorough
@pytest.mark.slow
def test_benchmarks_of_one_side_are_new_or_missing(repository):
    repository.write("test_it.py", SUITE.replace("test_two", "test_fresh"))
    repository.write("test_more.py", ONE.replace("test_one", "test_more"))
    outcome = against(repository, ONE_LOOK)
    assert outcome.code == 0, outcome
    assert "new (2): not in HEAD" in outcome
    assert "missing (1): in HEAD" in outcome
    assert repository.verdicts()["test_fresh"] == "new"


@pytest.mark.thorough
@pytest.mark.slow
def test_reordered_parameters_are_measured_against_themselves(repository):
    suite = (
        "import pytest\nfrom work import work\n"
        "@pytest.mark.parametrize('steps', [(300,), (60000,)])\n"
        "def test_net(timed_inference, steps):\n    timed_inference(work, steps[0])\n"
    )
    commit(repository.path, test_it=suite)
    repository.write("test_it.py", suite.replace("(300,), (60000,)", "(60000,), (300,), (7,)"))
    outcome = against(repository, ONE_LOOK)
    assert outcome.code == 0, outcome
    verdicts = repository.verdicts()
    assert verdicts.pop("test_net[steps2]") == "new"
    assert set(verdicts.values()) <= {"unchanged", "inconclusive"}, outcome


@pytest.mark.thorough
@pytest.mark.slow
def test_only_what_is_selected_is_missing(repository):
    repository.write("test_it.py", ONE)
    outcome = against(repository, ONE_LOOK, "-k", "one")
    assert "missing" not in outcome
    assert repository.verdicts() == {"test_one": repository.verdicts()["test_one"]}


@pytest.mark.thorough
def test_a_benchmark_that_is_broken_there_is_incomparable_and_one_that_is_broken_here_fails(repository):
    commit(repository.path, test_it=SUITE.replace("timed_inference(work)", "assert False"))
    repository.write("test_it.py", SUITE.replace("timed_inference(work, 5000)", "assert False"))
    outcome = against(repository)
    assert outcome.code == 1, outcome
    assert repository.verdicts()["test_one"] == "incomparable"
    assert "its body failed: assert False" in outcome
    assert repository.testcases()["test_one"].find("failure") is None
    assert repository.testcases()["test_two"].find("failure") is not None


@pytest.mark.thorough
def test_a_commit_that_cannot_be_collected_is_incomparable(repository):
    commit(repository.path, test_it="import nowhere\n" + SUITE)
    repository.write("test_it.py", ONE)
    outcome = against(repository)
    assert outcome.code == 0, outcome
    assert "could not collect the file" in outcome
    assert repository.verdicts()["test_one"] == "incomparable"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--against=nowhere"], "--against=nowhere: nowhere is not a commit of"),
        (["--against=-x"], "--against=-x: -x looks like an option"),
        (["--against=baseline"], "--against=baseline: there is no baseline yet"),
        (["--against=HEAD", "--baseline=check"], "--baseline compares with stored runs"),
        (["--against-setup=make"], "--against-setup prepares a worktree"),
        (["--against=HEAD", "--edgeperf-rounds=3"], "--edgeperf-rounds=3: a lock-step comparison takes at least 4"),
        (["--against=HEAD", "--against-setup=false"], "the setup command 'false' ended with 1"),
        (["--against-command=/nowhere/docker run"], "--against-command /nowhere/docker cannot be started"),
        (["--against-python=/nowhere/python"], "--against-python /nowhere/python cannot be started"),
    ],
)
def test_what_cannot_be_had_is_one_sentence_and_nothing_is_left(repository, arguments, said):
    outcome = repository.run(*arguments, short=False)
    assert outcome.code == 4, outcome
    assert said in outcome
    assert "Traceback" not in outcome
    assert nothing_is_left(repository)


@pytest.mark.thorough
@pytest.mark.slow
def test_the_accepted_commit_is_that_of_the_baseline(repository):
    assert repository.run("--baseline=refresh", "--edgeperf-reason=first", "-k", "one").code == 0
    accepted = git(repository.path, "rev-parse", "HEAD").strip()[:12]
    commit(repository.path, work=SLOWER)
    outcome = against(repository, "-k", "one", ref="baseline")
    assert outcome.code == 1, outcome
    assert f"against baseline ({accepted}): 1 regressed" in outcome


@pytest.mark.thorough
@pytest.mark.slow
def test_what_memory_does_not_hold_at_once_is_measured_in_alternation(repository):
    repository.in_coordinator(
        "from pytest_edgeperf.schedule.worker import parking\nparking.has_room = lambda *_: False\n"
    )
    repository.write("work.py", SLOWER)
    outcome = against(repository, "-k", "one")
    assert outcome.code == 1, outcome
    assert "measured in alternating whole runs instead of turns (memory cannot hold both sides at once)" in outcome
    assert "pairs of whole runs in alternation" in outcome
