"""All sensors of a machine together: ours, and those of other packages."""

from __future__ import annotations

import pytest

from pytest_edgeperf.devices.identity import identify
from pytest_edgeperf.devices.sensors import registry
from pytest_edgeperf.devices.sensors.interface import UNITS

SOURCE = """
from pytest_edgeperf.devices.sensors.interface import TEMPERATURE, Reading, Unavailable


class Room:
    name = "temperature_room"
    quantity = TEMPERATURE
    source = "a thermometer"
    refresh_hz = 1.0
    is_total = False

    def read(self):
        return Reading(21.0)


def room(root, identity):
    return [Room()], [Unavailable("humidity", TEMPERATURE, "a hygrometer", "its battery is empty")]


def broken(root, identity):
    raise KeyError("firmware")


def exits(root, identity):
    raise SystemExit(3)


def returns_nothing(root, identity):
    return None


def returns_numbers(root, identity):
    return [42], []


def returns_reasons(root, identity):
    return [], ["no battery"]
"""
ROOM = "temperature_room"


@pytest.fixture
def also(package):
    """Install a package that registers these functions of ``SOURCE``, entry point -> function."""
    return lambda **functions: package("acme_sensors", SOURCE, sensors=functions)


@pytest.mark.parametrize("board", ["nano", "xavier-nx", "orin-nano", "rpi4"])
def test_each_recorded_board(machine, board):
    root = machine(board)
    sensors, absent = registry.find_sensors(identify(root), root)
    names = [sensor.name for sensor in sensors]
    assert len(names) == len(set(names))
    assert ("power_total" in names) == (board != "rpi4")
    assert all(UNITS[one.quantity] and one.source for one in [*sensors, *absent])
    assert all(one.reason for one in absent)


def test_another_packages_sensor(machine, also):
    also(room="room")
    root = machine()
    sensors, absent = registry.find_sensors(identify(root), root)
    assert ROOM in [sensor.name for sensor in sensors]
    assert "humidity" in [one.name for one in absent]


def test_two_sensors_of_one_name_are_one_and_a_reason(machine, also):
    also(room="room", second="room")
    sensors, absent = registry.find_sensors(identify(machine()), machine())
    assert [sensor.name for sensor in sensors].count(ROOM) == 1
    assert ("temperature_room", "another sensor has this name") in [(one.name, one.reason) for one in absent]


def test_a_package_that_fails_is_told_and_the_others_are_there(machine, also):
    also(broken="broken", room="room")
    root = machine()
    sensors, absent = registry.find_sensors(identify(root), root)
    assert ROOM in [sensor.name for sensor in sensors]
    (told,) = [one for one in absent if one.name == "broken"]
    assert told.reason == "KeyError: 'firmware'"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("exits", "SystemExit: 3"),
        ("returns_nothing", "TypeError"),
        ("returns_numbers", "AttributeError"),
        ("returns_reasons", "TypeError: 'no battery' is not an Unavailable"),
    ],
)
def test_a_package_that_returns_nonsense_or_exits_is_named(machine, also, name, reason):
    also(**{name: name, "room": "room"})
    root = machine()
    sensors, absent = registry.find_sensors(identify(root), root)
    assert ROOM in [sensor.name for sensor in sensors]
    (one,) = [one for one in absent if one.name == name]
    assert reason in one.reason
    assert one.source.endswith(f":{name} of acme_sensors")
