"""Several engines at once in whole sessions: their throughput is judged, and one that dies fails its benchmark only."""

from __future__ import annotations

import pytest

from pytest_edgeperf import results

from ..faults.processes import alive

SUITE = """
import time

PARENT = os.getpid()

def sleeper():
    return lambda: time.sleep(0.002)

@pytest.mark.parametrize("mode", ["threads", "processes"])
def test_two(timed_inference, mode):
    timed_inference.parallel(sleeper, 2, mode=mode)

def killed():
    pathlib.Path(__file__).with_name(f"engine-{os.getpid()}").touch()
    if os.getpid() != PARENT:
        os.kill(os.getpid(), 9)

def test_no_room(timed_inference):
    timed_inference.parallel(killed, 2, mode="processes")

def test_neighbour(timed_inference):
    timed_inference(work, 2000)
"""


def test_a_session_with_engines_in_parallel(project):
    project.suite(SUITE)
    outcome = project.run("--baseline=off", "--edgeperf-budget=0.2", "--edgeperf-results=now.json")
    assert outcome.code == 1, outcome
    assert "engine 1 was killed by signal 9: most likely out of memory" in outcome
    measured = results.read(project.path / "now.json").benchmarks
    assert {name.partition("::")[2] for name in measured} == {
        "test_two[threads]",
        "test_two[processes]",
        "test_neighbour",
    }
    for mode in ("threads", "processes"):
        benchmark = measured[f"test_it.py::test_two[{mode}]"]
        (run,) = benchmark.runs
        assert 100 < run.values["throughput"] <= 2 / 0.002
        assert benchmark.metrics["throughput"].better == "higher"
        assert len(run.quality["throughputs"]) == 2
    assert not any(alive(int(path.name.partition("-")[2])) for path in project.path.glob("engine-*"))


@pytest.mark.slow
@pytest.mark.thorough
def test_fewer_inferences_a_second_are_a_regression_where_the_marker_gates_them(project):
    text = """
import time

@pytest.mark.timed_inference(gate="throughput", tolerance=0.1)
def test_two(timed_inference):
    pause_s = float(os.environ.get("PAUSE_S", "0.004"))
    timed_inference.parallel(lambda: lambda: time.sleep(pause_s), 2)
"""
    project.suite(text)
    rounds = ("--edgeperf-budget=0.2", "--edgeperf-rounds=5", "--edgeperf-max-rounds=5")
    assert project.run(*rounds, "--baseline=refresh", "--edgeperf-reason=first").code == 0
    outcome = project.run(*rounds, "--junitxml=junit.xml", env={"PAUSE_S": "0.008"}.items())
    assert outcome.code == 1, outcome
    assert "throughput" in outcome
