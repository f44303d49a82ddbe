"""RAPL's energy counters: power is the difference of two readings, across the counter's return to nought."""

from __future__ import annotations

import math
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices import system_files as reader
from pytest_edgeperf.devices.identity import Identity
from pytest_edgeperf.devices.sensors import power
from pytest_edgeperf.devices.sensors.rail import Rail
from pytest_edgeperf.devices.sensors.rapl import Meter, energy_between, find_rails

HOST = Identity("host", "host", "", "")
ZONE = "/sys/class/powercap/intel-rapl:0"
RANGE_UJ = 65_532_610_987


class Clock:
    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def package(machine):
    """A root with a package that has consumed 1 J, its clock, and how to let time and energy pass."""
    root = machine(files=zone(ZONE, "package-0", 1_000_000))
    clock = Clock()

    def then(seconds, energy_uj):
        clock.seconds += seconds
        (root / f"{ZONE}/energy_uj".lstrip("/")).write_text(f"{energy_uj}\n")

    return root, clock, then


def zone(folder, name, energy_uj):
    return {
        f"{folder}/name": f"{name}\n",
        f"{folder}/energy_uj": f"{energy_uj}\n",
        f"{folder}/max_energy_range_uj": f"{RANGE_UJ}\n",
    }


def only(found):
    (rail,), absent = found
    assert absent == []
    return rail


def test_power_is_the_energy_between_two_readings(package):
    root, clock, then = package
    rail = only(find_rails(root, HOST, clock))
    assert (rail.name, rail.source, rail.refresh_hz) == ("power_package_0", f"{ZONE}/energy_uj", 1000.0)
    assert not rail.is_total
    then(2.0, 31_000_000)
    assert rail.read().value == pytest.approx(15_000.0)
    then(0.5, 41_000_000)
    assert rail.read().value == pytest.approx(20_000.0)


def test_the_counter_goes_back_to_nought(package):
    root, clock, then = package
    rail = only(find_rails(root, HOST, clock))
    then(60.0, 65_532_610_000)
    rail.read()
    then(2.0, 29_999_013)
    assert rail.read().value == pytest.approx(15_000.0)


def test_a_counter_that_was_not_read_for_long_tells_nothing_once(package):
    root, clock, then = package
    rail = only(find_rails(root, HOST, clock))
    then(66.0, 2_000_000)
    assert rail.read().reason == f"{ZONE}/energy_uj was not read for 66 s and may have wrapped more than once"
    then(1.0, 12_000_000)
    assert rail.read().value == pytest.approx(10_000.0)


def test_no_new_value_is_no_value_and_not_nought(package):
    root, clock, then = package
    rail = only(find_rails(root, HOST, clock))
    then(0.0001, 1_000_000)
    assert rail.read().reason == f"{ZONE}/energy_uj has no new value yet"
    then(1.9999, 31_000_000)
    assert rail.read().value == pytest.approx(15_000.0)


def test_a_counter_that_was_set_back_is_no_kilowatt(package):
    root, clock, then = package
    rail = only(find_rails(root, HOST, clock))
    then(2.0, 0)
    reading = rail.read()
    assert reading.value is None
    assert "which is not a valid measurement" in reading.reason


def test_a_reading_that_fails_in_between_does_not_end_it(package):
    root, clock, then = package
    rail = only(find_rails(root, HOST, clock))
    file = root / f"{ZONE}/energy_uj".lstrip("/")
    file.rename(file.with_name("gone"))
    assert rail.read().reason == f"there is no {ZONE}/energy_uj"
    then(2.0, 31_000_000)
    assert rail.read().value == pytest.approx(15_000.0)


def test_without_permission_the_reason_says_how_to_get_it(package, failing):
    root, clock, _ = package
    failing(root, {f"{ZONE}/energy_uj": "EACCES"})
    rails, (absent,) = find_rails(root, HOST, clock)
    assert rails == []
    assert (absent.name, absent.quantity, absent.source) == ("power_package_0", "power", f"{ZONE}/energy_uj")
    assert absent.reason.startswith(f"{ZONE}/energy_uj cannot be read: Permission denied; only root reads it")
    assert absent.reason.endswith(f"sudo chmod o+r {ZONE}/energy_uj")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("energy_uj", ""),
        ("energy_uj", "much"),
        ("energy_uj", "-1"),
        ("energy_uj", str(RANGE_UJ + 1)),
        ("max_energy_range_uj", "0"),
        ("max_energy_range_uj", "x"),
    ],
)
def test_garbage(machine, file, text):
    rails, (absent,) = find_rails(machine(files={**zone(ZONE, "package-0", 1), f"{ZONE}/{file}": text}), HOST)
    assert rails == []
    assert f"{ZONE}/{file}" in absent.reason


def test_several_packages_without_their_parts_and_without_the_second_interface(machine):
    base = "/sys/class/powercap"
    files = {
        f"{base}/intel-rapl/enabled": "1\n",
        **zone(f"{base}/intel-rapl:0", "package-0", 1),
        **zone(f"{base}/intel-rapl:0:0", "core", 1),
        **zone(f"{base}/intel-rapl:0:1", "dram", 1),
        **zone(f"{base}/intel-rapl:1", "package-1", 1),
        **zone(f"{base}/intel-rapl:2", "package-1", 1),
        **zone(f"{base}/intel-rapl-mmio:0", "package-0", 1),
    }
    rails, absent = find_rails(machine(files=files), HOST)
    assert [rail.name for rail in rails] == ["power_package_0", "power_package_1", "power_package_1_intel_rapl_2"]
    assert absent == []


def test_packages_are_no_total_of_a_host(package):
    sensors, absent = power.find(package[0], HOST)
    assert [sensor.name for sensor in sensors] == ["power_package_0"]
    assert [(gone.name, gone.reason) for gone in absent] == [
        ("power_total", "nothing here measures the whole machine; the rails are power_package_0")
    ]


def test_a_host_with_a_graphics_card_is_a_host(machine):
    sensors, absent = power.find(machine(files=zone(ZONE, "package-0", 1)), Identity("host-rtx4090", "host", "", ""))
    assert [sensor.name for sensor in sensors] == ["power_package_0"]
    assert absent[0].reason.startswith("nothing here measures the whole machine")


def test_a_host_that_tells_no_power(machine):
    sensors, absent = power.find(machine(), HOST)
    assert sensors == []
    assert {gone.name: gone.reason for gone in absent} == {
        "power_total": "nothing here measures the whole machine",
        "power_package": "there is no /sys/class/powercap: "
        "this kernel, container or virtual machine does not expose power",
    }
    empty = machine(files={"/sys/class/powercap/dtpm/uevent": ""})
    assert "has no intel-rapl zone" in find_rails(empty, HOST)[1][0].reason


def test_boards_have_none(machine):
    assert find_rails(machine("nano"), Identity("nano", "jetson", "", "")) == ([], [])


@given(
    before=st.integers(0, RANGE_UJ - 1),
    energy=st.integers(0, RANGE_UJ - 1),
)
def test_energy_across_a_wrap(before, energy):
    assert energy_between(before, (before + energy) % RANGE_UJ, RANGE_UJ) == energy


@given(
    counts=st.lists(st.binary(max_size=12) | st.integers(-5, RANGE_UJ + 5).map(lambda n: str(n).encode()), max_size=8),
    steps=st.lists(st.floats(-1, 1e5), min_size=9, max_size=9),
)
def test_whatever_the_counter_says(counts, steps):
    times = iter(range(20))
    now = [0.0]

    def clock():
        now[0] += steps[next(times) % 9]
        return now[0]

    meter = Meter(Path("/"), ZONE, clock)
    rail = Rail("package", ZONE, meter.read, None)
    answers = [str(RANGE_UJ).encode(), b"5", *counts]
    with mock.patch.object(reader, "read_bytes", side_effect=answers):
        assert meter.start() == ""
        for _ in counts:
            reading = rail.read()
            assert (reading.value is None) == bool(reading.reason)
            assert reading.value is None or (math.isfinite(reading.value) and reading.value > 0)
