from __future__ import annotations

import types
from pathlib import Path

import pytest

from pytest_edgeperf.devices.identity import Identity
from pytest_edgeperf.devices.sensors import process_memory
from pytest_edgeperf.devices.sensors.memory import NVMAP_CLIENTS

HOST = Identity("host", "host", "", "")
NANO = Identity("nano", "jetson", "", "")
PI = Identity("rpi4", "raspberry-pi", "", "")
MIB = 1 << 20


class Library:
    """The calls of pynvml that are used; cards are lists of what runs on them."""

    def __init__(self, *cards):
        self._cards = cards

    def nvmlInit(self):
        pass

    def nvmlDeviceGetCount(self):
        return len(self._cards)

    def nvmlDeviceGetHandleByIndex(self, index):
        return self._cards[index]

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        return [types.SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in handle]


def test_a_process_is_summed_over_cards_and_with_what_it_started():
    library = Library([(10, 300 * MIB), (99, 7 * MIB)], [(10, 20 * MIB), (11, 5 * MIB)])
    found = process_memory.find(Path("/"), HOST, library)
    assert found.source == "NVML nvmlDeviceGetComputeRunningProcesses"
    assert found.held_by({10, 11}).value == 325.0
    assert found.held_by({12}).value == 0.0


@pytest.mark.parametrize("used", [None, 0xFFFFFFFFFFFFFFFF])
def test_what_the_driver_does_not_tell_has_a_reason_and_no_value(used):
    found = process_memory.find(Path("/"), HOST, Library([(10, used)]))
    assert found.held_by({11}).value == 0.0
    assert found.held_by({10}) == process_memory.Reading(None, "LookupError: NVML reports it as not available")


def test_without_a_driver_or_under_another_root_nobody_tells(tmp_path):
    class Broken(Library):
        def nvmlInit(self):
            raise OSError("no driver")

    assert process_memory.find(Path("/"), HOST, Broken()) is None
    assert process_memory.find(tmp_path, HOST) is None
    assert process_memory.find(tmp_path, NANO) is None
    assert process_memory.find(tmp_path, PI) is None


def test_a_tegras_clients(tmp_path):
    path = tmp_path / NVMAP_CLIENTS.lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_text(
        "CLIENT                        PROCESS      PID        SIZE\n"
        "user                           python       10      2048K\n"
        "user                           python       11      1024K\n"
        "total                                               3072K\n"
    )
    found = process_memory.find(tmp_path, NANO)
    assert found.source == NVMAP_CLIENTS
    assert found.held_by({10, 11}).value == 3.0
    assert found.held_by({12}).value == 0.0
