"""A run in several visits: other benchmarks' blocks lie between them, and a parked worker's death is its own."""

from __future__ import annotations

import signal

import pytest

from pytest_edgeperf import results

from ..faults.processes import alive
from .test_going_on import wait_until

pytestmark = pytest.mark.slow

THREE = ("--edgeperf-visits=3", "--edgeperf-budget=0.06", "--edgeperf-cpus=off", "--edgeperf-rounds=1")
#: Notes who is called, each time that it is another than the call before.
SUITE = """
def called(name):
    path = pathlib.Path(__file__).with_name("calls.txt")
    with open(path, "a+") as file:
        file.seek(0)
        if not file.read().endswith(name + "\\n"):
            file.write(name + "\\n")
    work(2000)

@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_visited(timed_inference, name):
    ran(name)
    timed_inference(called, name)
"""
VICTIM = """
def test_victim(timed_inference):
    ran("victim")
    timed_inference(work, 2000)

def test_killer(timed_inference):
    victims = [line.split() for line in open("ran.txt")] if os.path.exists("ran.txt") else []
    for name, pid in victims:
        if name == "victim":
            os.kill(int(pid), 9)
    timed_inference(work, 2000)

def test_bystander(timed_inference):
    timed_inference(work, 2000)
"""


def visits(project):
    return (project.path / "calls.txt").read_text().split()


def test_other_benchmarks_are_visited_in_between(project):
    project.suite(SUITE)
    outcome = project.run("--baseline=off", *THREE, "--edgeperf-results=now.json", short=False)
    assert outcome.code == 0, outcome
    order = visits(project)
    assert order == 3 * order[:3]
    assert set(order) == set("abc")
    for benchmark in results.read(project.path / "now.json").benchmarks.values():
        for run in benchmark.runs:
            assert len(run.quality["canary_ms"]) == 6
    environments = results.read(project.path / "now.json").environments.values()
    assert {environment["settings"]["blocks"] for environment in environments} == {3}


@pytest.mark.thorough
def test_one_visit_is_the_whole_budget_at_once(project):
    project.suite(SUITE)
    assert project.run("--baseline=off").code == 0
    assert sorted(visits(project)) == list("abc")


@pytest.mark.thorough
def test_runs_of_other_visits_are_not_compared(project):
    project.suite("def test_it(timed_inference):\n    timed_inference(work, 2000)\n")
    assert project.run("--baseline=refresh", "--edgeperf-reason=first").code == 0
    outcome = project.run("--edgeperf-visits=2")
    assert "incomparable" in outcome
    assert "blocks 1 -> 2" in outcome


@pytest.mark.thorough
def test_where_memory_is_short_one_worker_lives_at_a_time_and_a_note_says_so(project):
    project.in_coordinator(
        "from pytest_edgeperf.schedule.worker import parking\n"
        "parking.memory = lambda: parking.Memory(4000.0, 700.0)\n"
        "parking.needed_mib = lambda *_: 500.0\n"
    )
    project.suite(SUITE)
    outcome = project.run("--baseline=off", *THREE)
    assert outcome.code == 0, outcome
    assert "too little memory to interleave all workers" in outcome
    assert sorted(visits(project)) == list("abc")


@pytest.mark.parametrize("order", [("bystander", "victim", "killer")])
def test_a_parked_worker_that_dies_fails_its_own_benchmark_only(project, order):
    project.suite(VICTIM)
    project.in_coordinator(
        f"from pytest_edgeperf.schedule import rounds\nORDER = {order!r}\n"
        "rounds.round_order = lambda plans, *_: "
        "sorted(plans, key=lambda plan: ORDER.index(plan.id.partition('test_it.py::test_')[2]))\n"
    )
    outcome = project.run("--baseline=off", *THREE, "--junitxml=junit.xml", short=False)
    assert outcome.code == 1
    failed = {name for name, case in project.testcases().items() if case.find("failure") is not None}
    assert failed == {"test_victim"}
    assert "SIGKILL" in outcome


def test_ctrl_c_kills_all_parked_workers(project):
    project.suite(SUITE)
    session = project.start("--baseline=off", "--edgeperf-visits=3", "--edgeperf-budget=30", short=False)
    with session:
        wait_until(lambda: len(project.ran()) >= 1)
        wait_until(lambda: (project.path / "calls.txt").exists())
        session.send_signal(signal.SIGINT)
        session.communicate(timeout=60)
    wait_until(lambda: not any(alive(pid) for _, pid in project.ran()), seconds=10)


@pytest.mark.thorough
def test_an_interrupted_session_is_resumed_and_measures_only_what_is_missing(project):
    project.suite(
        "BREAK = pathlib.Path(__file__).with_name('goes-on')\n"
        "os.environ.setdefault('COORDINATOR', str(os.getpid()))\n\n"
        "@pytest.mark.parametrize('name', ['a', 'b'])\n"
        "def test_it(timed_inference, name):\n"
        "    ran(name)\n"
        "    if len(pathlib.Path(__file__).with_name('ran.txt').read_text().split()) > 4 and not BREAK.exists():\n"
        "        os.kill(int(os.environ['COORDINATOR']), 9)\n"
        "    timed_inference(work, 2000)\n"
    )
    arguments = ("--baseline=off", "--edgeperf-visits=2", "--edgeperf-rounds=2", "--edgeperf-budget=0.04")
    assert project.run(*arguments, short=False).code == -signal.SIGKILL
    assert len(project.ran()) == 3
    project.write("goes-on", "")
    outcome = project.run(*arguments, "--edgeperf-resume", "--edgeperf-results=now.json", short=False)
    assert outcome.code == 0, outcome
    assert "2 runs were already measured" in outcome
    assert len(project.ran()) == 5
    runs = [benchmark.runs for benchmark in results.read(project.path / "now.json").benchmarks.values()]
    assert [len(of_benchmark) for of_benchmark in runs] == [2, 2]


@pytest.mark.thorough
def test_the_time_that_a_worker_is_parked_is_no_hang(project):
    project.suite(
        "import time\n\n"
        "@pytest.mark.parametrize('name', ['a', 'b', 'c', 'd'])\n"
        "def test_it(timed_inference, name):\n"
        "    time.sleep(2.5)\n"
        "    timed_inference(work, 2000)\n"
    )
    outcome = project.run("--baseline=off", *THREE, "--edgeperf-timeout=7", short=False)
    assert outcome.code == 0, outcome
