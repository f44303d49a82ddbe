from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.schedule.worker.parking import (
    MOST_PARKED,
    RESERVED_SHARE,
    Memory,
    has_room,
    memory,
    needed_mib,
    peak_mib,
)

NANO = Memory(total_mib=3956, available_mib=2100)


def test_a_small_board_parks_one_big_engine_at_a_time():
    assert has_room(0, 1800, NANO)
    assert not has_room(1, 1800, Memory(3956, 2100 - 1800))
    assert has_room(1, 400, Memory(3956, 1700))


def test_without_knowledge_there_is_room_for_one():
    assert has_room(0, None, None)
    assert not has_room(1, None, NANO)
    assert not has_room(1, 100.0, None)


def test_there_is_a_limit_whatever_the_memory():
    assert has_room(MOST_PARKED - 1, 1, Memory(1e6, 1e6))
    assert not has_room(MOST_PARKED, 1, Memory(1e6, 1e6))


@given(st.integers(1, MOST_PARKED - 1), st.floats(0, 1e5), st.floats(64, 1e5), st.floats(0, 1))
def test_the_reserve_is_never_touched(parked, need_mib, total_mib, share):
    now = Memory(total_mib, share * total_mib)
    if has_room(parked, need_mib, now):
        assert now.available_mib - need_mib >= RESERVED_SHARE * total_mib


def test_memory_is_read_where_the_kernel_tells_it(tmp_path):
    assert memory(tmp_path) is None
    (tmp_path / "proc").mkdir()
    meminfo = tmp_path / "proc/meminfo"
    meminfo.write_text("MemTotal:        4051048 kB\nMemFree:          204800 kB\n")
    assert memory(tmp_path) is None
    meminfo.write_text("MemTotal:        4051048 kB\nMemFree:  204800 kB\nMemAvailable:    1048576 kB\n")
    assert memory(tmp_path) == Memory(4051048 / 1024, 1024.0)


def status(root, pid, parent, peak_kb):
    folder = root / f"proc/{pid}"
    folder.mkdir(parents=True)
    (folder / "stat").write_text(f"{pid} (a) S {parent} 5 5 0 -1 0 0 0 0 0 1 1 0 0 20 0\n")
    (folder / "status").write_text(f"Name:\ta\nVmPeak:\t 9999999 kB\nVmHWM:\t  {peak_kb} kB\nVmRSS:\t 10 kB\n")


def test_a_worker_and_its_children_need_their_peaks_or_what_the_system_lost(tmp_path):
    status(tmp_path, 5, 1, 102400)
    status(tmp_path, 6, 5, 51200)
    assert peak_mib(5, tmp_path) == 150
    assert needed_mib(5, None, NANO, tmp_path) == 150
    assert needed_mib(5, NANO, Memory(3956, 1500), tmp_path) == 600
    assert needed_mib(5, NANO, NANO, tmp_path) == 150
    assert peak_mib(77, tmp_path) is None


def test_this_process_has_a_peak():
    assert peak_mib(os.getpid()) > 1
