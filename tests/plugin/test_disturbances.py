"""Disturbed runs, on the real clock with the real rules: a stranger's work is told from the benchmark's own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_edgeperf import results
from pytest_edgeperf.schedule.machine.usage import processors

from .conftest import new_project

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no processor affinity"),
]

CPU = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
STRANGER = f"import os\nos.sched_setaffinity(0, {{{CPU}}})\nprint(flush=True)\nwhile True: pass"
#: What the candidate does besides its work is in the environment, as a change of its code would be.
SUITE = """
import subprocess, sys, threading, time

BUSY = "import os, time\\nend = time.monotonic() + 60\\nwhile time.monotonic() < end and os.getppid() == {parent}: pass"

def beside(what):
    if what == "child":
        return subprocess.Popen([sys.executable, "-c", BUSY.format(parent=os.getpid())], start_new_session=True)
    if what == "thread":
        def spin():
            while True:
                time.perf_counter()
        threading.Thread(target=spin, daemon=True).start()

def test_it(timed_inference):
    helper = beside(os.environ.get("BESIDE", ""))
    timed_inference(work, 20000)
    if helper is not None:
        helper.kill()
        helper.wait()
"""
MEASURE = ("--edgeperf-spacing=0", "--edgeperf-budget=0.4", f"--edgeperf-cpus={CPU}")
ROUNDS = ("--edgeperf-rounds=3", "--edgeperf-max-rounds=3")
#: As many as may be needed to decide where a tail is noisy.
MORE_ROUNDS = ("--edgeperf-rounds=3", "--edgeperf-max-rounds=8")
ACCEPT = ("--baseline=refresh", "--edgeperf-reason=first", "--edgeperf-rounds=5")
FEWEST_ACCEPTED = 4
NOW = ("--edgeperf-results=now.json", "--junitxml=junit.xml")


def accept(project, **environment):
    outcome = project.run(*MEASURE, *ACCEPT, short=False, env=environment.items())
    assert outcome.code == 0, outcome
    good = (
        [len(benchmark.runs) for benchmark in project.baseline().benchmarks.values()]
        if project.baseline_path.exists()
        else []
    )
    assert good, "no run was good enough for a baseline"
    assert min(good) >= FEWEST_ACCEPTED


def uncalmed(project):
    """A project in which nothing is calmed."""
    project.write("calm.py", "")
    project.suite(SUITE)
    return project


@pytest.fixture
def real(project):
    return uncalmed(project)


@pytest.fixture(scope="module")
def accepted_once(tmp_path_factory):
    made = uncalmed(new_project(tmp_path_factory.mktemp("real") / "project", forked=True, served=True))
    accept(made)
    return made


@pytest.fixture
def accepted(accepted_once, tmp_path):
    """A copy of such a project with a baseline."""
    return uncalmed(accepted_once.copy(tmp_path / "project"))


class Strangers:
    """Seconds of processor time that processes used which are none of this test's."""

    def __enter__(self):
        self._before = self._now()
        return self

    def __exit__(self, *_):
        self.seconds = self._now() - self._before

    @staticmethod
    def _now():
        ticks = processors(Path("/"), ()).busy / os.sysconf("SC_CLK_TCK")
        own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return ticks - own


def skip_if_others_were_busy(measured, strangers):
    """Skip where strangers disturbed a run; fail where it is said but nobody was there."""
    blamed_s = sum(run.quality["others_share"] * run.quality["timed_s"] for run in measured if blames_others(run))
    if blamed_s:
        assert blamed_s < strangers.seconds + 0.1, [run.quality for run in measured]
        pytest.skip("somebody else was busy too")


def runs(project):
    (benchmark,) = results.read(project.path / "now.json").benchmarks.values()
    return benchmark.runs


def blames_others(run):
    return any("others" in reason for reason in run.quality.get("disturbed_by", ()))


def only_the_canary(run):
    """Whether nobody is blamed for the run, or a slow moment of the processor alone."""
    return all(reason.startswith("canary") for reason in run.quality.get("disturbed_by", ()))


@pytest.mark.parametrize("beside", ["child", pytest.param("thread", marks=pytest.mark.thorough)])
def test_a_regression_by_the_candidates_own_child_or_thread_is_not_put_down_to_the_machine(accepted, beside):
    with Strangers() as strangers:
        outcome = accepted.run(*MEASURE, *MORE_ROUNDS, *NOW, short=False, env={"BESIDE": beside}.items())
    skip_if_others_were_busy(runs(accepted), strangers)
    assert outcome.code == 1, outcome
    assert "regressed" in outcome
    assert "machine disturbed" not in outcome
    for run in runs(accepted):
        assert not run.disturbed, run.quality


@pytest.mark.thorough
def test_a_benchmark_with_a_busy_child_in_its_baseline_is_evidence(real):
    accept(real, BESIDE="child")
    with Strangers() as strangers:
        real.run(*MEASURE, *ROUNDS, *NOW, short=False, env={"BESIDE": "child"}.items())
    measured = runs(real)
    skip_if_others_were_busy(measured, strangers)
    for run in measured:
        assert only_the_canary(run), run.quality
    assert all(run.quality["cpu_share"] < 0.8 * run.quality["own_share"] for run in measured)


def test_a_stranger_that_never_ends_leaves_it_inconclusive(accepted):
    with subprocess.Popen([sys.executable, "-c", STRANGER], stdout=subprocess.PIPE) as stranger:
        stranger.stdout.readline()
        outcome = accepted.run(*MEASURE, *ROUNDS, *NOW, short=False)
        stranger.kill()
    assert outcome.code == 0, outcome
    assert "inconclusive" in outcome
    assert "machine disturbed" in outcome
    measured = runs(accepted)
    assert len(measured) == 6
    assert all(run.disturbed and blames_others(run) for run in measured)
    assert "6 of 6 runs were disturbed" in outcome
    assert "3 were replaced" in outcome


def test_runs_that_a_passing_stranger_disturbed_are_measured_again(accepted):
    with subprocess.Popen([sys.executable, "-c", STRANGER], stdout=subprocess.PIPE) as stranger:
        stranger.stdout.readline()
        # The stranger leaves when the second run begins.
        accepted.write(
            "calm.py",
            "import os\nfrom pytest_edgeperf.schedule import stored\n"
            "take = stored.StoredRuns.take\n"
            "def taken(self, plan, record):\n"
            "    take(self, plan, record)\n"
            f"    if len(plan.runs) == 1: os.kill({stranger.pid}, 9)\n"
            "stored.StoredRuns.take = taken\n",
        )
        with Strangers() as strangers:
            outcome = accepted.run(*MEASURE, *ROUNDS, *NOW, short=False)
    first, *others = runs(accepted)
    assert first.disturbed, outcome
    assert blames_others(first)
    skip_if_others_were_busy(others, strangers)
    # The machine itself may have had a slow moment as well.
    assert all(only_the_canary(run) for run in others), [run.quality for run in others]
    assert sum(not run.disturbed for run in others) == 3
    were = "was" if len(others) == 3 else "were"
    assert f"{len(others) - 2} of {len(others) + 1} runs {were} disturbed" in outcome
    assert f"{len(others) - 2} {were} replaced" in outcome
