from __future__ import annotations

from pathlib import Path

from pytest_edgeperf.devices.throttling import throttle_counts

COUNTERS = "/sys/devices/system/cpu/cpu{}/thermal_throttle/{}_throttle_count"


def test_counters_of_all_processors_or_of_the_asked_ones(machine):
    files = {
        COUNTERS.format(0, "core"): "0\n",
        COUNTERS.format(1, "core"): "1\n",
        COUNTERS.format(1, "package"): "12\n",
    }
    root = machine(files=files)
    assert throttle_counts(root) == {
        "cpu0/core_throttle_count": 0,
        "cpu1/core_throttle_count": 1,
        "cpu1/package_throttle_count": 12,
    }
    assert throttle_counts(root, cpus=(1,)) == {"cpu1/core_throttle_count": 1, "cpu1/package_throttle_count": 12}


def test_a_machine_without_counters_says_nothing(machine):
    assert throttle_counts(machine(files={"/sys/devices/system/cpu/cpu0/online": "1\n"})) == {}
    assert throttle_counts(Path("/nowhere")) == {}


def test_what_is_no_number_is_absent_and_not_nought(machine):
    assert throttle_counts(machine(files={COUNTERS.format(0, "core"): "unknown\n"})) == {}
