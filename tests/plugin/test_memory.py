"""Memory in whole sessions: what is kept is found, what is not is not, and what grows is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_edgeperf import results

from .conftest import REFRESH
from .test_devices import materialise

pytestmark = pytest.mark.slow

#: Some 300 MiB, of which the environment may keep more, as a change of the code would.
SUITE = """
KEPT = bytearray(os.urandom(1 << 20)) * (270 + int(os.environ.get("MORE_MIB", "0")))

def test_keeps(timed_inference):
    timed_inference(work, 1000)
"""
LEAK = """
leaked = []

def test_leaks(timed_inference):
    timed_inference(lambda: leaked.append(bytearray(os.urandom(4096))))
"""
CLIENTS = "{root}/sys/kernel/debug/nvmap/iovmm/clients"
#: As a framework on a Tegra: the memory of its engine is in nvmap's list, and in no resident set.
ALLOCATES = """
def listed(*clients):
    lines = [f"user  python  {{pid}}  {{kib}}K" for pid, kib in clients]
    pathlib.Path({path!r}).write_text("\\n".join([*lines, "total  99999K", ""]))

def test_allocates(timed_inference):
    listed((1, 4096), (os.getpid(), 51200))
    timed_inference(work, 1000)
    listed((1, 4096))

def test_allocates_nothing(timed_inference):
    timed_inference(work, 1000)
"""
ROUNDS = ("--edgeperf-budget=0.05", "--edgeperf-rounds=3", "--edgeperf-max-rounds=3")


@pytest.mark.parametrize("unchanged_checks", [1, pytest.param(10, marks=pytest.mark.thorough)])
def test_eight_mib_more_of_300_fail_and_unchanged_checks_pass(project, unchanged_checks):
    project.suite(SUITE)
    outcome = project.run(*ROUNDS, *REFRESH, "--edgeperf-rounds=5", "--edgeperf-max-rounds=5", short=False)
    assert outcome.code == 0, outcome
    (benchmark,) = project.baseline().benchmarks.values()
    assert all(290 < run.values["memory_process_peak"] < 340 for run in benchmark.runs)
    for _ in range(unchanged_checks):
        outcome = project.run(*ROUNDS, "--junitxml=junit.xml", short=False)
        assert outcome.code == 0, outcome
    outcome = project.run(*ROUNDS, "--junitxml=junit.xml", short=False, env={"MORE_MIB": "8"}.items())
    assert outcome.code == 1, outcome
    assert project.verdicts()["test_keeps"] == "regressed"
    assert "peak memory" in outcome


def test_what_a_worker_holds_of_a_tegras_gpu_memory_is_a_metric(project, tmp_path):
    root = materialise(tmp_path / "nano", "nano")
    path = Path(CLIENTS.format(root=root))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("total  0K\n")
    project.suite(ALLOCATES.format(path=str(path)))
    outcome = project.run(
        "--device=nano",
        "--baseline=off",
        "--edgeperf-telemetry=off",
        "--edgeperf-results=now.json",
        env={"EDGEPERF_ROOT": str(root)}.items(),
    )
    assert outcome.code == 0, outcome
    allocates, nothing = (one for _, one in sorted(results.read(project.path / "now.json").benchmarks.items()))
    assert allocates.runs[0].values["memory_device_peak"] == 50.0
    assert allocates.runs[0].quality["memory_device_source"] == CLIENTS.format(root="")
    assert allocates.metrics["memory_device_peak"].unit == "MiB"
    assert "memory_device_peak" not in nothing.runs[0].values


@pytest.mark.thorough
def test_what_grows_while_it_is_timed_is_told_and_can_be_gated(project):
    project.suite(LEAK)
    now = ("--baseline=off", "--edgeperf-results=now.json", "--edgeperf-budget=0.3")
    outcome = project.run(*now)
    assert outcome.code == 0, outcome
    (benchmark,) = results.read(project.path / "now.json").benchmarks.values()
    assert benchmark.metrics["memory_growth"].unit == "MiB"
    assert benchmark.runs[0].values["memory_growth"] > 8
    assert "used more and more memory while being timed" in outcome
    gated = LEAK.replace("def test_leaks", "@pytest.mark.timed_inference(gate='memory_growth')\ndef test_leaks")
    steady = gated.replace("leaked.append(bytearray(os.urandom(4096)))", "bytearray(os.urandom(4096))")
    project.suite(steady)
    rounds = ("--edgeperf-budget=0.3", "--edgeperf-rounds=5", "--edgeperf-max-rounds=5")
    assert project.run(*rounds, *REFRESH).code == 0
    project.suite(gated)
    outcome = project.run(*rounds, "--edgeperf-rounds=3", "--edgeperf-max-rounds=3", "--junitxml=junit.xml")
    assert outcome.code == 1, outcome
    assert "memory growth" in outcome
