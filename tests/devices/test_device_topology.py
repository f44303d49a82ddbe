from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices import cpu_topology, fingerprint, identify
from pytest_edgeperf.devices.topology import parse_cpu_list

CPUS = "/sys/devices/system/cpu"


def test_hyperthreads_share_a_core(machine):
    files = {f"{CPUS}/online": "0-3\n", f"{CPUS}/present": "0-3\n"}
    for cpu, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        files[f"{CPUS}/cpu{cpu}/topology/thread_siblings_list"] = siblings + "\n"
        files[f"{CPUS}/cpu{cpu}/topology/core_id"] = f"{cpu % 2}\n"
        files[f"{CPUS}/cpu{cpu}/topology/physical_package_id"] = "0\n"
    root = machine(files=files)
    cores = cpu_topology(root)
    assert [core.siblings for core in cores] == [(0, 2), (1, 3), (0, 2), (1, 3)]
    assert [core.core_id for core in cores] == [0, 1, 0, 1]
    found = fingerprint(identify(root), root)
    assert (found["cpu_count_logical"], found["cpu_count_physical"]) == (4, 2)


def test_the_newer_name_of_the_siblings_wins(machine):
    files = {
        f"{CPUS}/online": "0-1\n",
        f"{CPUS}/cpu0/topology/core_cpus_list": "0-1\n",
        f"{CPUS}/cpu0/topology/thread_siblings_list": "0\n",
    }
    assert cpu_topology(machine(files=files))[0].siblings == (0, 1)


def test_weaker_cores_are_told_by_capacity_and_clock(machine):
    files = {f"{CPUS}/online": "0-1\n"}
    for cpu, capacity, khz in ((0, 446, 1800000), (1, 1024, 2400000)):
        files[f"{CPUS}/cpu{cpu}/cpu_capacity"] = f"{capacity}\n"
        files[f"{CPUS}/cpu{cpu}/cpufreq/cpuinfo_max_freq"] = f"{khz}\n"
    cores = cpu_topology(machine(files=files))
    assert [(core.capacity, core.max_khz) for core in cores] == [(446, 1800000), (1024, 2400000)]


def test_without_files_each_processor_is_its_own_core(machine):
    cores = cpu_topology(machine("xavier-nx"))
    assert [core.siblings for core in cores] == [(cpu,) for cpu in range(6)]
    assert not any(core.siblings_known for core in cores)
    assert {core.max_khz for core in cores} == {1907200}
    assert {core.capacity for core in cores} == {None}


def test_processors_that_are_off_line_are_left_out(machine):
    files = {f"{CPUS}/cpu{cpu}/online": f"{int(cpu != 1)}\n" for cpu in range(1, 4)}
    files[f"{CPUS}/cpu0/topology/core_id"] = "0\n"
    files[f"{CPUS}/cpufreq/boost"] = "1\n"
    assert [core.cpu for core in cpu_topology(machine(files=files))] == [0, 2, 3]


def test_without_sys_the_processors_of_cpuinfo_are_taken(machine):
    root = machine(files={"/proc/cpuinfo": "processor\t: 0\n\nprocessor\t: 1\n"})
    assert [core.cpu for core in cpu_topology(root)] == [0, 1]


def test_nothing_to_read_is_no_core(tmp_path):
    assert cpu_topology(tmp_path) == []


def test_this_machine_has_cores():
    cores = cpu_topology()
    assert cores
    assert all(core.cpu in core.siblings for core in cores)


@pytest.mark.parametrize("text", ["a", "3-1", "1-", "-1", "1:2"])
def test_nonsense_is_no_list(text):
    with pytest.raises(ValueError, match="not part of a CPU list"):
        parse_cpu_list(text)


@given(st.sets(st.integers(0, 300)))
def test_lists_of_processors_are_read_back(cpus):
    assert parse_cpu_list(",".join(map(str, sorted(cpus)))) == tuple(sorted(cpus))
