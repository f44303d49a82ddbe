from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices.identity import Identity, identify
from pytest_edgeperf.devices.sensors.memory import find, nvmap_of_processes, parse_meminfo, parse_nvmap

HOST = Identity("host", "host", "", "")
JETSON = Identity("thor", "jetson", "", "")
CLIENTS = "/sys/kernel/debug/nvmap/iovmm/clients"


def memory(root, identity=None):
    sensors, absent = find(root, identity or identify(root))
    assert {sensor.quantity for sensor in sensors} <= {"memory"}
    return {sensor.name: sensor.read().value for sensor in sensors}, {gone.name: gone.reason for gone in absent}


@pytest.mark.parametrize(
    ("board", "expected"),
    [
        # 2286212 KiB; 2025536 - 2025536 KiB; 21504 KiB.
        ("nano", {"memory_available": 2232.62890625, "memory_swapped": 0.0, "memory_nvmap": 21.0}),
        # 3322880 KiB; 3979264 - 3836928 = 142336 KiB; 312320 KiB.
        ("xavier-nx", {"memory_available": 3245.0, "memory_swapped": 139.0, "memory_nvmap": 305.0}),
        # 6696960 KiB.
        ("orin-nano", {"memory_available": 6540.0, "memory_swapped": 0.0}),
        # 3502720 KiB.
        ("rpi4", {"memory_available": 3420.625, "memory_swapped": 0.0}),
    ],
)
def test_boards(machine, board, expected):
    assert memory(machine(board))[0] == expected


def test_the_list_of_clients_is_for_root_and_else_meminfo_tells(machine, failing):
    root = machine("nano")
    assert [sensor.source for sensor in find(root, identify(root))[0]] == ["/proc/meminfo", "/proc/meminfo", CLIENTS]
    failing(root, {CLIENTS: "EACCES"})
    sensors, absent = find(root, identify(root))
    assert absent == []
    assert [sensor.source for sensor in sensors] == ["/proc/meminfo"] * 3
    assert sensors[2].read().value == 21.0


def test_what_nvmap_holds_is_absent_with_both_reasons(machine, failing):
    root = machine("orin-nano", {CLIENTS: "secret\n"})
    failing(root, {CLIENTS: "EACCES"})
    _, absent = memory(root)
    assert absent == {"memory_nvmap": f"{CLIENTS} cannot be read: Permission denied; /proc/meminfo has no NvMapMemUsed"}


def test_nothing_of_meminfo_is_nought_when_it_cannot_be_read(machine, failing):
    root = machine("nano")
    sensors, _ = find(root, identify(root))
    failing(root, {"/proc/meminfo": "EIO"})
    assert [sensor.read().value for sensor in sensors[:2]] == [None, None]
    assert "Input/output error" in sensors[0].read().reason


def test_an_old_kernel_tells_no_available_memory(machine):
    root = machine(files={"/proc/meminfo": "MemTotal: 10 kB\nMemFree: 5 kB\nSwapTotal: 1 kB\nSwapFree: 2 kB\n"})
    known, absent = memory(root, HOST)
    assert known == {}
    assert absent["memory_available"] == "/proc/meminfo has no MemAvailable"
    assert absent["memory_swapped"] == "/proc/meminfo says that more swap is free than there is"


def test_a_machine_without_meminfo(machine):
    known, absent = memory(Path("/nowhere"), JETSON)
    assert known == {}
    assert set(absent) == {"memory_available", "memory_swapped", "memory_nvmap"}


def test_clients_of_nvmap(machine):
    text = (
        "CLIENT                        PROCESS      PID        SIZE\n"
        "user                         gpu_burn     7979   23525644K\n"
        "user                    my app (test)     7980       1024K\n"
        "user                         gpu_burn     7979          4K\n"
        "total                                              23526672K\n"
    )
    listed = parse_nvmap(text)
    assert listed.total_kib == 23526672
    assert listed.by_process_kib == {7979: 23525648, 7980: 1024}
    root = machine(files={CLIENTS: text})
    assert nvmap_of_processes(root, [7980]).value == 1.0
    assert nvmap_of_processes(root, [1]).value == 0.0


def test_the_memory_of_a_process_is_not_nought_where_the_list_is_none(machine, failing):
    root = machine(files={CLIENTS: "CLIENT PROCESS PID SIZE\n"})
    assert nvmap_of_processes(root, [1]).value is None
    failing(root, {CLIENTS: "EACCES"})
    assert "Permission denied" in nvmap_of_processes(root, [1]).reason


@given(st.text())
def test_no_text_crashes_the_parsers(text):
    assert all(kib >= 0 for kib in parse_meminfo(text).values())
    assert all(kib >= 0 for kib in parse_nvmap(text).by_process_kib.values())
    parse_nvmap(f"user a 1 {text}\ntotal {text}K\n")
