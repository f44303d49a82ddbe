from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices.clock_files import cpu_list, cpu_policies, gpu_folder
from pytest_edgeperf.devices.identity import Identity, identify
from pytest_edgeperf.devices.sensors.clocks import find, parse_busy
from pytest_edgeperf.devices.topology import parse_cpu_list

HOST = Identity("host", "host", "", "")
JETSON = Identity("thor", "jetson", "", "")
POLICY = "/sys/devices/system/cpu/cpufreq/policy{}/{}"


def clocks(root, identity=None):
    sensors, absent = find(root, identity or identify(root))
    assert {sensor.quantity for sensor in sensors} <= {"clock", "load"}
    return {sensor.name: sensor.read().value for sensor in sensors}, {gone.name: gone.reason for gone in absent}


def test_nano(machine):
    known, absent = clocks(machine("nano"))
    assert known == {"clock_cpu0": 102.0, "load_gpu": 0.0, "clock_gpu": 76.8, "clock_emc": 1600.0}
    assert absent == {"load_cpu": "there is no /proc/stat"}


def test_xavier_nx(machine):
    known, _ = clocks(machine("xavier-nx"))
    assert known == {
        "clock_cpu0": 1190.4,
        "clock_cpu2": 1190.4,
        "clock_cpu4": 1190.4,
        "load_gpu": 62.0,
        "clock_gpu": 306.0,
        "clock_emc": 1600.0,
    }


def test_orin_nano(machine):
    root = machine("orin-nano")
    known, _ = clocks(root)
    assert known == {
        "clock_cpu0": 729.6,
        "clock_cpu4": 729.6,
        "load_gpu": 0.0,
        "clock_gpu": 306.0,
        "clock_emc": 2133.0,
    }
    sources = {sensor.name: sensor.source for sensor in find(root, identify(root))[0]}
    assert sources["clock_gpu"] == "/sys/class/devfreq/17000000.gpu/cur_freq"
    assert sources["load_gpu"] == "/sys/devices/platform/gpu.0/load"


def test_raspberry_pi_has_no_such_gpu_and_no_such_memory_clock(machine):
    known, absent = clocks(machine("rpi4"))
    assert known == {"clock_cpu0": 600.0}
    assert list(absent) == ["load_cpu"]


def test_without_root_the_memory_clock_is_absent_with_the_reason(machine, failing):
    root = machine("orin-nano")
    failing(root, {"/sys/kernel/debug/bpmp/debug/clk/emc/rate": "EACCES"})
    known, absent = clocks(root)
    assert "clock_emc" not in known
    assert absent["clock_emc"] == (
        "/sys/kernel/debug/bpmp/debug/clk/emc/rate cannot be read: Permission denied; "
        "only root can read the memory clock"
    )


def test_a_gpu_that_fails_in_the_middle_says_so(machine, failing):
    root = machine("nano")
    sensors, _ = find(root, identify(root))
    clock = next(sensor for sensor in sensors if sensor.name == "clock_gpu")
    failing(root, {clock.source: "ENODEV"})
    assert clock.read().value is None
    assert "No such device" in clock.read().reason


@pytest.mark.parametrize(("text", "reason"), [("1001\n", "says 100.1 %"), ("-1\n", "says -0.1 %"), ("off\n", "'off'")])
def test_a_load_that_is_none(machine, text, reason):
    files = {"/sys/devices/gpu.0/load": text, "/sys/class/devfreq/gpu-gpc-0/cur_freq": "1574000000\n"}
    known, absent = clocks(machine(files=files), JETSON)
    assert known == {"clock_gpu": 1574.0}
    assert reason in absent["load_gpu"]


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        (["17000000.gp10b"], "17000000.gp10b"),
        (["15340000.vic", "17000000.ga10b"], "17000000.ga10b"),
        (["gpu-nvd-0", "gpu-gpc-0"], "gpu-gpc-0"),
        (["57000000.gpu", "57000000.gpu-other"], "57000000.gpu"),
    ],
)
def test_the_gpu_of_each_generation(machine, listed, found):
    root = machine(files={f"/sys/class/devfreq/{name}/cur_freq": "1" for name in listed})
    assert gpu_folder(root) == f"/sys/class/devfreq/{found}"


def test_the_gpu_where_its_class_lists_none(machine):
    root = machine(files={"/sys/class/devfreq/15340000.vic/cur_freq": "1"})
    assert gpu_folder(root) is None
    folder = "/sys/devices/17000000.gv11b/devfreq/17000000.gv11b"
    assert gpu_folder(machine(files={f"{folder}/cur_freq": "1"})) == folder
    assert "lists no GPU" in clocks(Path("/nowhere"), JETSON)[1]["clock_gpu"]


def test_policies_without_their_offline_cores(machine):
    files = {
        "/sys/devices/system/cpu/online": "0-1,4\n",
        POLICY.format(0, "related_cpus"): "0 1 2 3\n",
        POLICY.format(4, "affected_cpus"): "4\n",
        POLICY.format(6, "related_cpus"): "6 7\n",
        POLICY.format(10, "related_cpus"): "garbage\n",
    }
    assert [policy.cpus for policy in cpu_policies(machine(files=files))] == [(0, 1), (4,)]


def test_an_older_kernel_has_one_folder_for_each_core(machine):
    files = {"/sys/devices/system/cpu/online": "0-1\n"}
    files["/sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq"] = "800000\n"
    assert clocks(machine(files=files), HOST)[0] == {"clock_cpu1": 800.0}


def test_a_machine_that_scales_no_clocks_says_so(machine):
    _, absent = clocks(machine(files={"/sys/devices/system/cpu/online": "0-1\n"}), HOST)
    assert "does not scale clocks" in absent["clock_cpu"]


def test_the_load_since_the_last_reading(machine):
    # 100 ticks, of which 40 idle and 10 waiting: half of them busy.
    root = machine(files={"/proc/stat": "cpu  30 5 10 40 10 2 2 1 9 9\ncpu0 1 2 3 4\n"})
    sensors, _ = find(root, HOST)
    (load,) = sensors
    # Then 100 more, of which 75 idle.
    (root / "proc/stat").write_text("cpu  55 5 10 115 10 2 2 1 9 9\n")
    assert load.read().value == 25.0
    assert load.read().reason == "/proc/stat has not advanced since the last reading"
    (root / "proc/stat").write_text("intr 5\n")
    assert load.read().reason == "/proc/stat has no line of all processors"


@given(st.text())
def test_no_text_crashes_the_parsers(text):
    parse_busy(text)
    busy = parse_busy("cpu " + text)
    assert busy is None or 0 <= busy[0] <= busy[1]


@given(st.sets(st.integers(0, 300), min_size=1))
def test_a_list_of_cores_reads_back(cpus):
    assert parse_cpu_list(cpu_list(tuple(cpus))) == tuple(sorted(cpus))
