"""Sessions in lock-step: the right code on each side, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

import pytest

from tests.fakes.container_engine import Engine
from tests.schedule.repositories import commit, git
from tests.schedule.repositories import repository as made

from .conftest import load_json
from .duets import ONE, ONE_LOOK, SLOWER, TURNS, against, nothing_is_left

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.mark.thorough
@pytest.mark.slow
def test_the_setup_command_makes_what_git_does_not_hold(repository):
    loads = ONE.replace("def", "import pathlib\nMODEL = pathlib.Path(__file__).with_name('m.json').read_text()\ndef", 1)
    commit(repository.path, test_it=loads)
    repository.write("m.json", "x")
    setup = f"--against-setup=\"{sys.executable}\" -c \"open('m.json', 'w')\""
    outcome = against(repository, ONE_LOOK, setup)
    assert outcome.code == 0, outcome
    assert repository.verdicts()["test_one"] in ("unchanged", "inconclusive")


@pytest.mark.thorough
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
def test_another_python_measures_the_same_code(repository):
    outcome = against(repository, ONE_LOOK, "-k", "one", f"--against-python={sys.executable}", ref=None)
    assert outcome.code == 0, outcome
    assert f"against Python {sys.version.split()[0]} at " in outcome
    assert repository.verdicts()["test_one"] in ("unchanged", "inconclusive")
    assert nothing_is_left(repository)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors are passed by Linux's means")
def test_what_a_command_starts_elsewhere_measures_the_same_code(repository, tmp_path):
    """The engine's processes are not below the session, and have neither its environment nor its folder."""
    repository.write(
        "test_it.py",
        "import os, pathlib\nfrom work import work\ndef test_one(timed_inference):\n"
        "    assert os.environ['OMP_NUM_THREADS'] == '1' and pathlib.Path('work.py').exists()\n"
        "    timed_inference(work, int(os.environ.get('STEPS', 20000)))\n",
    )
    with Engine(tmp_path, {"PATH": os.environ["PATH"], "STEPS": "10000"}) as engine:
        command = f"{engine.command} nice -n 1 {{python}}"
        outcome = against(repository, ONE_LOOK, f"--against-command={command}", "--edgeperf-results=r.json", ref=None)
        assert all(process.poll() is not None for process in engine.started)
    assert outcome.code == 1, outcome
    assert f"started by `{engine.command.split()[0]}" in outcome
    assert repository.verdicts()["test_one"] == "regressed"
    stored = load_json(repository.path / "r.json")
    assert stored["against"]["label"].endswith(f"started by `{command}`")
    commands = {sections["settings"].get("command") for sections in stored["environments"].values()}
    assert commands == {command, None}
    assert nothing_is_left(repository)


@pytest.mark.thorough
@pytest.mark.slow
def test_a_benchmark_of_pytest_benchmark_is_measured_in_alternation(repository):
    repository.load_all_plugins()
    adopted = "from work import work\ndef test_adopted(benchmark):\n    benchmark(work)\n"
    commit(repository.path, test_it=adopted)
    repository.write("work.py", SLOWER)
    outcome = against(repository, "--benchmark-max-time=0.1", "--benchmark-min-rounds=3")
    assert outcome.code == 1, outcome
    assert "pytest-benchmark's fixture decides itself when to time" in outcome


def wait_for_runs(repository, process, count):
    """Until the session's journal holds so many runs, of both sides together."""
    deadline = time.monotonic() + 120
    while True:
        journals = list((repository.path / "cache" / "journals").glob("*.jsonl"))
        if sum(journal.read_text().count('"latency"') for journal in journals) >= count:
            return
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_after_ctrl_c_nothing_is_left_and_the_pairs_are_resumed(repository):
    with repository.start("--against=HEAD", "-k", "one", ONE_LOOK, *TURNS, short=False) as process:
        wait_for_runs(repository, process, 4)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert nothing_is_left(repository)
    outcome = against(repository, "-k", "one", ONE_LOOK, "--edgeperf-resume", "--edgeperf-results=now.json")
    assert "resumed session" in outcome
    stored = load_json(repository.path / "now.json")["against"]["benchmarks"]
    assert min(map(len, stored.values())) >= 4


def test_after_a_kill_nothing_is_left(repository):
    with repository.start("--against=HEAD", ONE_LOOK, *TURNS, short=False) as process:
        wait_for_runs(repository, process, 2)
        process.kill()
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
