from __future__ import annotations

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from pytest_edgeperf.schedule.machine import usage
from pytest_edgeperf.schedule.machine.usage import Process, Processors, Witness, processes, processors, tree

BUSY = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nprint(flush=True)\nwhile True: pass"


class Machine:
    """A made-up /proc and /sys, and a clock."""

    def __init__(self, root, monkeypatch):
        self.root = root
        self.now_s = 100.0
        monkeypatch.setattr(usage, "time", SimpleNamespace(monotonic=lambda: self.now_s))

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def cpus(self, *busy, steal=0):
        rows = [f"cpu{number} {ticks} 0 0 50 0 7 9 {steal} 0 0" for number, ticks in enumerate(busy)]
        total = f"cpu  {sum(busy)} 0 0 50 0 7 9 {steal * len(busy)} 0 0"
        self.put("proc/stat", "\n".join([total, *rows, "intr 1 2 3", ""]))

    def process(self, pid, ticks, parent=1, session=1, name="a"):
        self.put(f"proc/{pid}/stat", f"{pid} ({name}) S {parent} 1 {session} 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1\n")

    def throttles(self, count):
        self.put("sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", f"{count}\n")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = Machine(tmp_path, monkeypatch)
    made.cpus(1000, 2000)
    made.process(2, 0, parent=0, name="kthreadd")
    made.process(50, 10, session=50)
    return made


def watched(machine, change, cpus=(1,)):
    witness = Witness(50, cpus, machine.root)
    with witness:
        change()
        machine.now_s += 1.0
    return witness


def test_processors_are_added_up_without_their_interrupts(machine):
    machine.cpus(10, 20, steal=3)
    assert processors(machine.root, (1,)) == Processors(busy=20, steal=3)
    assert processors(machine.root, ()) == Processors(busy=30, steal=6)
    assert processors(machine.root, (0, 7)) is None
    machine.put("proc/stat", "cpu1 5 5\n")
    assert processors(machine.root, (1,)) is None


def test_processes_are_read_whatever_their_names(machine):
    machine.process(77, 5, parent=3, session=9, name="bad) S 1 (name")
    machine.put("proc/78/stat", "")
    machine.put("proc/self/stat", "no number")
    assert processes(machine.root)[77] == Process(parent=3, session=9, name="bad) S 1 (name", ticks=5)
    assert 78 not in processes(machine.root)


def test_strangers_are_named_where_they_ran_on_the_runs_processors(machine):
    def stat(pid, ticks, name, processor):
        behind = " ".join(["0"] * 18)
        machine.put(
            f"proc/{pid}/stat", f"{pid} ({name}) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 {behind} {processor} 0\n"
        )

    stat(60, 100, "cc1plus", 1)
    stat(61, 100, "elsewhere", 0)

    def change():
        machine.cpus(1090, 2090)
        stat(60, 190, "cc1plus", 1)
        stat(61, 190, "elsewhere", 0)
        machine.process(50, 20, session=50)

    assert processes(machine.root)[60].processor == 1
    assert watched(machine, change).strangers() == [{"pid": 60, "name": "cc1plus", "share": 0.9}]
    assert Witness(50, (1,), machine.root).strangers() == []


def test_a_workers_tree_holds_its_session_and_who_left_it():
    processes = {
        5: Process(1, 5, "worker", 0),
        6: Process(1, 5, "orphan of its session", 0),
        7: Process(5, 7, "child in a new session", 0),
        8: Process(7, 8, "grandchild", 0),
        9: Process(1, 9, "stranger", 0),
    }
    assert tree(processes, 5) == {5, 6, 7, 8}


def test_what_others_used_is_what_the_worker_and_its_children_did_not(machine):
    machine.process(60, 0, parent=50, session=60)
    machine.process(90, 500)

    def change():
        machine.cpus(1100, 2095)
        machine.process(50, 40, session=50)
        machine.process(60, 30, parent=50, session=60)
        machine.process(90, 600)

    assert watched(machine, change).figures() == {
        "own_share": 0.6,
        "others_share": 0.35,
        "steal_share": 0.0,
        "share_resolution": 0.02,
    }


def test_kernel_threads_are_nobodys_evidence(machine):
    machine.process(3, 0, parent=2, name="kworker/1:1")

    def change():
        machine.cpus(1000, 2080)
        machine.process(50, 50, session=50)
        machine.process(3, 40, parent=2, name="kworker/1:1")

    assert watched(machine, change).figures()["others_share"] == 0


def test_where_not_all_processes_are_seen_all_that_is_not_own_is_others(machine):
    machine.process(2, 0, parent=1, name="init's child")

    def change():
        machine.cpus(1000, 2080)
        machine.process(50, 50, session=50)

    assert watched(machine, change).figures()["others_share"] == 0.4


def test_shares_are_of_all_blocks_together_and_nothing_between_them(machine):
    witness = Witness(50, (1,), machine.root)
    for busy, seconds in ((2030, 1.0), (2030, 2.0)):
        with witness:
            machine.cpus(1000, busy)
            machine.process(90, busy)
            machine.now_s += seconds
        machine.now_s += 100
    assert witness.figures()["others_share"] == pytest.approx(0.1)
    assert witness.figures()["share_resolution"] == pytest.approx(0.04 / 3, abs=1e-3)


def test_stolen_time(machine):
    assert watched(machine, lambda: machine.cpus(1000, 2000, steal=12)).figures()["steal_share"] == 0.12


def test_what_cannot_be_read_is_absent(machine):
    (machine.root / "proc/stat").unlink()
    assert set(watched(machine, lambda: None).figures()) == {"own_share", "share_resolution"}
    (machine.root / "proc/50/stat").unlink()
    assert watched(machine, lambda: None).figures() == {}


def test_a_rise_of_a_throttle_counter_is_told_with_its_name(machine):
    machine.throttles(7)
    assert watched(machine, lambda: None).figures()["throttled"] == 0
    figures = watched(machine, lambda: machine.throttles(9)).figures()
    assert figures["throttled"] == 2
    assert figures["throttled_by"] == ["cpu1/core_throttle_count"]
    assert "throttled" not in watched(machine, lambda: None, cpus=(0,)).figures()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no processor affinity")
def test_a_real_stranger_on_the_same_processor_is_seen():
    cpu = max(os.sched_getaffinity(0))

    busy = [sys.executable, "-c", BUSY, str(cpu)]
    with subprocess.Popen(busy, stdout=subprocess.PIPE) as stranger:
        with subprocess.Popen(busy, stdout=subprocess.PIPE, start_new_session=True) as worker:
            stranger.stdout.readline()
            worker.stdout.readline()
            witness = Witness(worker.pid, (cpu,))
            with witness:
                time.sleep(1.0)
            worker.kill()
        stranger.kill()
    figures = witness.figures()
    assert figures["others_share"] > 0.2
    assert figures["own_share"] > 0.1
