from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices import Core
from pytest_edgeperf.schedule.machine import pinning
from pytest_edgeperf.schedule.machine.pinning import Pinning, choose, choose_automatically
from pytest_edgeperf.settings import SettingsError


def cores(count, capacity=None, first=0):
    return [Core(cpu, (cpu,), capacity=capacity) for cpu in range(first, first + count)]


#: Four cores of two hyperthreads: 0 and 4 share one, 1 and 5, …
HYPERTHREADS = [Core(cpu, (cpu % 4, cpu % 4 + 4)) for cpu in range(8)]
BIG_LITTLE = [*cores(4, 446), *cores(2, 1024, first=4)]


@pytest.mark.parametrize(
    ("topology", "allowed", "threads", "cpus"),
    [
        (cores(4), range(4), 1, (3,)),
        (cores(4), range(4), 3, (1, 2, 3)),
        (HYPERTHREADS, range(8), 1, (3,)),
        (HYPERTHREADS, range(8), 3, (1, 2, 3)),
        (HYPERTHREADS, [0, 4, 5, 6], 2, (5, 6)),
        (BIG_LITTLE, range(6), 1, (5,)),
        (BIG_LITTLE, range(6), 2, (4, 5)),
        (BIG_LITTLE, range(4), 2, (2, 3)),
        (cores(4), [0, 2], 1, (2,)),
        ([], [0, 1, 2], 2, (1, 2)),
    ],
)
def test_one_hyperthread_per_core_of_the_fastest_type_and_a_core_for_the_coordinator(topology, allowed, threads, cpus):
    assert choose_automatically(topology, allowed, threads) == Pinning(cpus)


@pytest.mark.parametrize(
    ("topology", "allowed", "threads", "words"),
    [
        (cores(1), [0], 1, "only one core"),
        (cores(1), [0], 2, "2 threads on the only core"),
        (HYPERTHREADS, [1, 5], 1, "only one core"),
        (HYPERTHREADS, range(8), 5, "5 threads, but 4 cores"),
        (cores(4), [1, 3], 3, "3 threads, but 2 cores"),
        (BIG_LITTLE, range(6), 3, "several types"),
    ],
)
def test_what_cannot_be_pinned_is_said(topology, allowed, threads, words):
    chosen = choose_automatically(topology, allowed, threads)
    assert chosen.cpus == ()
    assert words in chosen.note
    assert str(chosen) == "off"


def test_threads_on_all_cores_are_pinned_and_said_to_leave_none():
    chosen = choose_automatically(HYPERTHREADS, range(8), 4)
    assert chosen.cpus == (0, 1, 2, 3)
    assert "no core is left for the coordinator" in chosen.note


@st.composite
def machines(draw):
    topology, cpu = [], 0
    for _ in range(draw(st.integers(1, 8))):
        siblings = tuple(range(cpu, cpu + draw(st.integers(1, 2))))
        capacity = draw(st.sampled_from([None, 400, 1024]))
        topology.extend(Core(sibling, siblings, capacity=capacity) for sibling in siblings)
        cpu = siblings[-1] + 1
    allowed = draw(st.sets(st.sampled_from([core.cpu for core in topology]), min_size=1))
    return topology, sorted(allowed)


@given(machines(), st.integers(1, 8))
def test_whatever_the_machine_the_choice_is_allowed_and_of_one_type(machine, threads):
    topology, allowed = machine
    chosen = choose_automatically(topology, allowed, threads)
    known = {core.cpu: core for core in topology}
    assert set(chosen.cpus) <= set(allowed)
    assert len(chosen.cpus) in (0, threads)
    assert chosen.cpus or chosen.note
    assert len({known[cpu].siblings for cpu in chosen.cpus}) == len(chosen.cpus)
    assert len({known[cpu].capacity for cpu in chosen.cpus}) <= 1


def test_off_pins_nothing_and_says_nothing():
    assert choose("off", 1) == Pinning()


def test_a_list_is_taken_as_it_is():
    allowed = sorted(os.sched_getaffinity(0))
    assert choose(",".join(map(str, allowed)), 1).cpus == tuple(allowed)
    assert str(choose(str(allowed[-1]), 4)) == str(allowed[-1])


def test_a_processor_that_may_not_be_used_is_an_error_that_names_those_that_may():
    allowed = sorted(os.sched_getaffinity(0))
    with pytest.raises(SettingsError, match=rf"--edgeperf-cpus names processor 9999.*{allowed[-1]}"):
        choose("9999", 1)


def test_auto_reads_the_topology_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(pinning.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    folder = tmp_path / "sys/devices/system/cpu"
    for cpu in range(4):
        topology = folder / f"cpu{cpu}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{cpu % 2},{cpu % 2 + 2}\n")
    (folder / "online").write_text("0-3\n")
    assert choose("auto", 1, tmp_path).cpus == (1,)


def test_a_system_without_affinity_says_so(monkeypatch):
    monkeypatch.delattr(pinning.os, "sched_getaffinity")
    chosen = choose("auto", 1)
    assert chosen.cpus == ()
    assert "no processor affinity" in chosen.note
