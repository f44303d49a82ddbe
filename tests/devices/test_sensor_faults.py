"""Whatever a file holds and however it fails: sensors answer with a value or a reason, and raise nothing."""

from __future__ import annotations

import math

import pytest

from pytest_edgeperf.devices import system_files as reader
from pytest_edgeperf.devices.identity import identify
from pytest_edgeperf.devices.sensors import clocks, counters, memory, thermal
from pytest_edgeperf.devices.settings_in_force import settings_in_force

KINDS = (thermal, counters, clocks, memory)
GARBAGE = (b"", b"\xff\xfe\0\n", b"nan\n", b"99999999999999999999999\n", b"a: b\n<<>>\n")


def look(root, identity):
    """Everything that can be asked; the sensors, for another reading."""
    found = []
    for kind in KINDS:
        sensors, absent = kind.find(root, identity)
        assert all(gone.reason and gone.name for gone in absent)
        found += sensors
    names = [sensor.name for sensor in found]
    assert len(names) == len(set(names))
    headroom = thermal.headroom(root, identity)
    assert (headroom.celsius is None) == bool(headroom.reason)
    counters.cooling_devices(root)
    _, reasons = settings_in_force(root, identity)
    assert all(reasons.values())
    return found


def check(sensors):
    for sensor in sensors:
        reading = sensor.read()
        assert (reading.value is None) == bool(reading.reason), sensor.name
        assert reading.value is None or math.isfinite(reading.value)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(reader, "PAUSE_S", 0.0)


@pytest.mark.untraced
@pytest.mark.newest
@pytest.mark.parametrize("board", ["nano", "xavier-nx", "orin-nano", "rpi4"])
def test_garbage_in_any_file(machine, monkeypatch, board):
    root = machine(board)
    identity = identify(root)
    sensors = look(root, identity)
    assert sensors
    real = reader.read_bytes
    seen = set()

    def read(file):
        seen.add(file)
        return real(file)

    monkeypatch.setattr(reader, "read_bytes", read)
    look(root, identity)
    for position, broken in enumerate(sorted(seen)):
        garbage = GARBAGE[position % len(GARBAGE)]
        monkeypatch.setattr(
            reader, "read_bytes", lambda file, broken=broken, garbage=garbage: garbage if file == broken else real(file)
        )
        check(sensors)
        check(look(root, identity))


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_in_every_file(machine, monkeypatch, garbage):
    root = machine("xavier-nx")
    identity = identify(root)
    sensors = look(root, identity)
    monkeypatch.setattr(reader, "read_bytes", lambda file: garbage)
    check(sensors)
    check(look(root, identity))


ERRORS = (BlockingIOError(11, "busy"), PermissionError(13, "denied"), FileNotFoundError(2, "gone"))


@pytest.mark.parametrize("board", ["nano", "orin-nano"])
@pytest.mark.parametrize(
    "error", [BlockingIOError(11, "busy"), PermissionError(13, "denied"), FileNotFoundError(2, "")]
)
def test_nothing_can_be_read_any_more(machine, monkeypatch, board, error):
    root = machine(board)
    identity = identify(root)
    sensors = look(root, identity)

    def read(file):
        raise error

    monkeypatch.setattr(reader, "read_bytes", read)
    check(sensors)
    assert [sensor.read().value for sensor in sensors] == [None] * len(sensors)
    assert look(root, identity) == []


def test_a_board_that_vanishes(machine):
    root = machine("nano")
    sensors = look(root, identify(root))
    assert len(sensors) > 10
    (root / "sys").rename(root / "gone")
    (root / "proc").rename(root / "gone-too")
    assert [sensor.read().value for sensor in sensors] == [None] * len(sensors)
    check(sensors)
