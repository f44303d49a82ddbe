from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices.identity import Identity, identify
from pytest_edgeperf.devices.sensors.counters import (
    find,
    memory_events,
    overcurrents,
    parse_cgroups,
    parse_counts,
)

HOST = Identity("host", "host", "", "")
CPU = "/sys/devices/system/cpu/cpu{}/{}"
SOCTHERM = "/sys/devices/platform/soctherm-oc-event/hwmon/hwmon3"


def counters(root, identity=None):
    sensors, absent = find(root, identity or identify(root))
    assert {(sensor.quantity, sensor.is_total) for sensor in sensors} <= {("counter", False)}
    return {sensor.name: sensor.read().value for sensor in sensors}, {gone.name: gone.reason for gone in absent}


def test_nano_whose_kernel_counts_neither_over_current_nor_out_of_memory(machine):
    known, absent = counters(machine("nano"))
    assert known == {"swap_pages_in": 0.0, "swap_pages_out": 0.0}
    assert "L4T before 35" in absent["overcurrent"]
    assert absent["oom_kills_system"] == "/proc/vmstat has no oom_kill (Linux counts it from 4.13 on)"
    assert absent["oom_kills_cgroup"] == "there is no /proc/self/cgroup"


def test_orin_nano(machine):
    root = machine("orin-nano")
    known, _ = counters(root)
    assert known == {
        "overcurrent_oc1_undervoltage": 0.0,
        "overcurrent_oc2_average_overcurrent": 0.0,
        "overcurrent_oc3_instant_overcurrent": 27390.0,
        "oom_kills_system": 0.0,
        "swap_pages_in": 0.0,
        "swap_pages_out": 0.0,
    }
    assert {found.throttles for found in overcurrents(root)} == {None}


def test_xavier_nx_has_swapped(machine):
    known, absent = counters(machine("xavier-nx"))
    assert (known["swap_pages_in"], known["swap_pages_out"]) == (4121.0, 39422.0)
    assert "overcurrent" in absent


def test_raspberry_pi_without_swap_and_without_the_memory_controller(machine):
    known, absent = counters(machine("rpi4", {"/proc/self/cgroup": "0::/user.slice\n"}))
    assert known == {"oom_kills_system": 0.0}
    assert absent["swap_pages_in"] == "/proc/vmstat has no pswpin (this kernel has no swap)"
    assert "no memory controller" in absent["oom_kills_cgroup"]


def test_over_current_inputs_and_whether_they_throttle(machine):
    files = {
        "/sys/class/hwmon/hwmon7/name": "soctherm_oc\n",
        "/sys/class/hwmon/hwmon7/oc1_event_cnt": "3\n",
        "/sys/class/hwmon/hwmon7/oc1_throt_en": "1\n",
        "/sys/class/hwmon/hwmon7/oc10_event_cnt": "5\n",
        "/sys/class/hwmon/hwmon7/oc10_throt_en": "0\n",
        "/sys/class/hwmon/hwmon8/name": "ina3221\n",
        "/sys/class/hwmon/hwmon8/oc2_event_cnt": "9\n",
    }
    found = overcurrents(machine(files=files))
    assert [(one.number, one.meaning, one.throttles) for one in found] == [
        (1, "undervoltage", True),
        (10, "overcurrent", False),
    ]


def test_a_counter_that_fails_in_the_middle_says_so(machine, failing):
    root = machine("orin-nano")
    sensors, _ = find(root, identify(root))
    sensor = next(sensor for sensor in sensors if sensor.name.startswith("overcurrent_oc3"))
    failing(root, {f"{SOCTHERM}/oc3_event_cnt": "EIO"})
    assert sensor.read().value is None
    assert sensor.read().reason == f"{SOCTHERM}/oc3_event_cnt cannot be read: Input/output error"


def test_thermal_events_of_cores_and_packages_count_once(machine):
    files = {"/sys/devices/system/cpu/online": "0-3\n"}
    for cpu, siblings, core, package in ((0, "0,2", 5, 11), (1, "1,3", 7, 11), (2, "0,2", 5, 11), (3, "1,3", 7, 11)):
        files[CPU.format(cpu, "topology/core_cpus_list")] = siblings
        files[CPU.format(cpu, "topology/physical_package_id")] = "0"
        files[CPU.format(cpu, "thermal_throttle/core_throttle_count")] = str(core)
        files[CPU.format(cpu, "thermal_throttle/package_throttle_count")] = str(package)
    known, _ = counters(machine(files=files), HOST)
    assert (known["throttle_core"], known["throttle_package"]) == (12.0, 11.0)


def test_a_host_that_counts_no_thermal_events_says_so(machine):
    _, absent = counters(machine(files={"/sys/devices/system/cpu/online": "0\n"}), HOST)
    assert absent["throttle_core"].startswith("the kernel counts no thermal events of a core")
    assert "throttle_package" in absent


@pytest.mark.parametrize(
    ("cgroup", "file", "text", "kills"),
    [
        ("0::/a/b\n", "/sys/fs/cgroup/a/b/memory.events", "low 0\noom 4\noom_kill 2\n", 2.0),
        ("0::/\n", "/sys/fs/cgroup/memory.events", "oom_kill 7\n", 7.0),
        ("0::/../other\n", "/sys/fs/cgroup/memory.events", "oom_kill 1\n", 1.0),
        ("4:cpu,memory:/x\n0::/\n", "/sys/fs/cgroup/memory/x/memory.oom_control", "under_oom 0\noom_kill 3\n", 3.0),
        ("4:memory:/docker/abc\n", "/sys/fs/cgroup/memory/memory.oom_control", "under_oom 0\noom_kill 5\n", 5.0),
    ],
)
def test_out_of_memory_in_the_control_group_of_this_process(machine, cgroup, file, text, kills):
    root = machine(files={"/proc/self/cgroup": cgroup, file: text})
    assert memory_events(root) == (file, "")
    known, _ = counters(root, HOST)
    assert known["oom_kills_cgroup"] == kills


def test_a_control_group_without_counts_says_so(machine):
    root = machine(files={"/proc/self/cgroup": "0::/a\n"})
    assert memory_events(root)[1].startswith("this process's control group has neither")
    root = machine(files={"/sys/fs/cgroup/a/memory.events": "low 0\n"})
    assert "has no oom_kill" in counters(root, HOST)[1]["oom_kills_cgroup"]


def test_lines_of_counters():
    assert parse_counts("pgfault 12\npswpin 0\nnr_x -1\nbad\noom_kill 3 4\n\ta 1\nx  9 \n") == {
        "pgfault": 12,
        "pswpin": 0,
        "x": 9,
    }


def test_lines_of_control_groups():
    assert parse_cgroups("12:memory:/a\n1:name=systemd:/b\n0::/c/\n") == ("/c", "/a")
    assert parse_cgroups("3:cpu,cpuacct:/a\n") == (None, None)
    assert parse_cgroups("0::/a:b\n") == ("/a:b", None)


@given(st.text())
def test_no_text_crashes_the_parsers(text):
    assert all(count >= 0 for count in parse_counts(text).values())
    assert all(path is None or path == "" or path.startswith("/") for path in parse_cgroups(text))
