"""Sessions that measure this checkout and another commit in lock-step."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

import pytest

from pytest_edgeperf import results
from tests.schedule.repositories import commit, git, worktrees
from tests.schedule.repositories import repository as made

from .conftest import load_json

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

WORK = """
def work(steps=20000):
    total = 0
    for step in range(steps):
        total += step * step
    return total
"""
SLOWER = WORK.replace("20000", "40000")
SUITE = """
from work import work
def test_one(timed_inference):
    timed_inference(work)
def test_two(timed_inference):
    timed_inference(work, 5000)
"""
ONE = "from work import work\ndef test_one(timed_inference):\n    timed_inference(work)\n"
TURNS = ("--edgeperf-budget=0.12", "--edgeperf-turn=0.01")
#: Where no verdict is wanted.
ONE_LOOK = "--edgeperf-max-rounds=4"


@pytest.fixture
def repository(project):
    """The project as a repository with one commit."""
    (project.path / ".gitignore").write_text(
        "__pycache__\n.pytest_cache\nhome\nran.txt\njunit.xml\n*.json\nbaselines\n"
    )
    git(project.path, "init", "--quiet")
    commit(project.path, work=WORK, test_it=SUITE)
    project.environment["TMPDIR"] = str(project.path.parent / "temporary")
    os.mkdir(project.environment["TMPDIR"])
    return project


def against(project, *arguments, ref="HEAD", **keywords):
    keywords.setdefault("short", False)
    return project.run(*([f"--against={ref}"] if ref else []), *TURNS, "--junitxml=junit.xml", *arguments, **keywords)


def nothing_is_left(project):
    return worktrees(project.path) == 1 and os.listdir(project.environment["TMPDIR"]) == []


def test_uncommitted_work_is_compared_with_the_commit_and_only_what_is_slower_fails(repository):
    repository.write("work.py", SLOWER)
    outcome = against(repository, ONE_LOOK, "--edgeperf-results=now.json")
    assert outcome.code == 1, outcome
    assert repository.verdicts()["test_one"] == "regressed"
    assert repository.verdicts()["test_two"] != "regressed"
    failure = repository.testcases()["test_one"].find("failure")
    assert "x the other side" in failure.get("message")
    assert "pairs in lock-step" in failure.text
    head = git(repository.path, "rev-parse", "HEAD").strip()[:12]
    assert f"commits {head}..{head}-dirty" in failure.text
    assert f"against HEAD ({head}): " in outcome
    assert "finds" in outcome
    assert nothing_is_left(repository)
    stored = load_json(repository.path / "now.json")
    assert stored["against"]["label"] == f"HEAD ({head})"
    (pair, *others) = stored["against"]["benchmarks"]["test_it.py::test_one"]
    assert len(others) >= 3
    assert 0.5 < pair["log_ratio"] < 0.9
    assert len(pair["base"]["quality"]["turns_ms"]) == pair["blocks"] >= 6
    assert not results.read(repository.path / "now.json").benchmarks["test_it.py::test_one"].runs[0].disturbed


@pytest.mark.slow
def test_benchmarks_of_one_side_are_new_or_missing(repository):
    repository.write("test_it.py", SUITE.replace("test_two", "test_fresh"))
    repository.write("test_more.py", ONE.replace("test_one", "test_more"))
    outcome = against(repository, ONE_LOOK)
    assert outcome.code == 0, outcome
    assert "new (2): not in HEAD" in outcome
    assert "missing (1): in HEAD" in outcome
    assert repository.verdicts()["test_fresh"] == "new"


@pytest.mark.slow
def test_only_what_is_selected_is_missing(repository):
    repository.write("test_it.py", ONE)
    outcome = against(repository, ONE_LOOK, "-k", "one")
    assert "missing" not in outcome
    assert repository.verdicts() == {"test_one": repository.verdicts()["test_one"]}


def test_a_benchmark_that_is_broken_there_is_incomparable_and_one_that_is_broken_here_fails(repository):
    commit(repository.path, test_it=SUITE.replace("timed_inference(work)", "assert False"))
    repository.write("test_it.py", SUITE.replace("timed_inference(work, 5000)", "assert False"))
    outcome = against(repository)
    assert outcome.code == 1, outcome
    assert repository.verdicts()["test_one"] == "incomparable"
    assert "its body failed" in outcome
    assert repository.testcases()["test_one"].find("failure") is None
    assert repository.testcases()["test_two"].find("failure") is not None


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
        (["--against=-x"], "--against=-x: -x begins as an option does"),
        (["--against=baseline"], "--against=baseline: there is no baseline yet"),
        (["--against=HEAD", "--baseline=check"], "--baseline compares with stored runs"),
        (["--against-setup=make"], "--against-setup prepares a worktree"),
        (["--against=HEAD", "--edgeperf-rounds=3"], "--edgeperf-rounds=3: a lock-step comparison takes at least 4"),
        (["--against=HEAD", "--against-setup=false"], "the setup command 'false' ended with 1"),
        (["--against-python=/nowhere/python"], "--against-python /nowhere/python cannot be started"),
    ],
)
def test_what_cannot_be_had_is_one_sentence_and_nothing_is_left(repository, arguments, said):
    outcome = repository.run(*arguments, short=False)
    assert outcome.code == 4, outcome
    assert said in outcome
    assert "Traceback" not in outcome
    assert nothing_is_left(repository)


@pytest.mark.slow
def test_the_setup_command_makes_what_git_does_not_hold(repository):
    loads = ONE.replace("def", "import pathlib\nMODEL = pathlib.Path(__file__).with_name('m.json').read_text()\ndef", 1)
    commit(repository.path, test_it=loads)
    repository.write("m.json", "x")
    setup = f"--against-setup=\"{sys.executable}\" -c \"open('m.json', 'w')\""
    outcome = against(repository, ONE_LOOK, setup)
    assert outcome.code == 0, outcome
    assert repository.verdicts()["test_one"] in ("unchanged", "inconclusive")


@pytest.mark.slow
def test_submodules_of_the_other_commit_are_said_to_be_absent(repository):
    made(repository.path.parent / "inner", part="x = 1")
    git(repository.path, "submodule", "--quiet", "add", repository.path.parent / "inner", "inner")
    commit(repository.path, test_it=ONE)
    outcome = against(repository, ONE_LOOK)
    assert outcome.code == 0, outcome
    assert "HEAD has submodules, which are not checked out in its worktree" in outcome
    assert nothing_is_left(repository)


@pytest.mark.slow
def test_the_accepted_commit_is_that_of_the_baseline(repository):
    assert repository.run("--baseline=refresh", "--edgeperf-reason=first", "-k", "one").code == 0
    accepted = git(repository.path, "rev-parse", "HEAD").strip()[:12]
    commit(repository.path, work=SLOWER)
    outcome = against(repository, "-k", "one", ref="baseline")
    assert outcome.code == 1, outcome
    assert f"against baseline ({accepted}): 1 regressed" in outcome


@pytest.mark.slow
def test_another_python_measures_the_same_code(repository):
    outcome = against(repository, ONE_LOOK, "-k", "one", f"--against-python={sys.executable}", ref=None)
    assert outcome.code == 0, outcome
    assert f"against Python {sys.version.split()[0]} at " in outcome
    assert repository.verdicts()["test_one"] in ("unchanged", "inconclusive")
    assert nothing_is_left(repository)


@pytest.mark.slow
def test_what_memory_does_not_hold_at_once_is_measured_in_alternation(repository):
    calm = (repository.path / "calm.py").read_text()
    repository.write(
        "calm.py", calm + "\nfrom pytest_edgeperf.schedule import parking\nparking.has_room = lambda *_: False\n"
    )
    repository.write("work.py", SLOWER)
    outcome = against(repository, "-k", "one")
    assert outcome.code == 1, outcome
    assert "whole runs in alternation instead of turns (memory does not hold both sides at once)" in outcome
    assert "pairs of whole runs in alternation" in outcome


@pytest.mark.slow
def test_a_benchmark_of_pytest_benchmark_is_measured_in_alternation(repository):
    adopted = "from work import work\ndef test_adopted(benchmark):\n    benchmark(work)\n"
    commit(repository.path, test_it=adopted)
    repository.write("work.py", SLOWER)
    outcome = against(repository, "--benchmark-max-time=0.1", "--benchmark-min-rounds=3")
    assert outcome.code == 1, outcome
    assert "pytest-benchmark's fixture times when it likes" in outcome


@pytest.mark.slow
def test_after_ctrl_c_nothing_is_left_and_the_pairs_are_resumed(repository):
    with repository.start("--against=HEAD", "-k", "one", ONE_LOOK, *TURNS, short=False) as process:
        for line in process.stdout:
            if "round 3" in line:
                process.send_signal(signal.SIGINT)
                break
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert nothing_is_left(repository)
    outcome = against(repository, "-k", "one", ONE_LOOK, "--edgeperf-resume", "--edgeperf-results=now.json")
    assert "went on with session" in outcome
    stored = load_json(repository.path / "now.json")["against"]["benchmarks"]
    assert min(map(len, stored.values())) >= 4


def test_after_a_kill_nothing_is_left(repository):
    with repository.start("--against=HEAD", ONE_LOOK, *TURNS, short=False) as process:
        for line in process.stdout:
            if "round 2" in line:
                process.kill()
                break
    deadline = time.monotonic() + 20
    while not nothing_is_left(repository):
        assert time.monotonic() < deadline, os.listdir(repository.environment["TMPDIR"])
        time.sleep(0.05)


def test_code_of_the_other_side_is_an_error_that_names_it(repository):
    here = str(repository.path / "work.py")
    loader = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("sneaky", {here!r})
sneaky = sys.modules["sneaky"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sneaky)
def test_one(timed_inference):
    timed_inference(sneaky.work)
"""
    commit(repository.path, test_it=loader)
    outcome = against(repository)
    assert outcome.code == 0, outcome
    assert repository.verdicts()["test_one"] == "incomparable"
    assert "sneaky was loaded from the other side's tree" in outcome
