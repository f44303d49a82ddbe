from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.schedule.machine.strangers import MOST, Stranger, as_text, busiest, rises


def by_id(*strangers):
    return {process.pid: process for process in strangers}


def test_each_process_is_told_with_what_it_used_meanwhile_on_these_processors():
    before = by_id(Stranger(1, "init", 500, 0), Stranger(7, "make", 100, 1), Stranger(8, "moved", 10, 0))
    after = by_id(
        Stranger(1, "init", 500, 1), Stranger(7, "make", 180, 1), Stranger(8, "moved", 30, 1), Stranger(9, "new", 4, 1),
        Stranger(10, "elsewhere", 99, 0), Stranger(11, "unknown", 2, None),
    )  # fmt: skip
    used = {process.name: process.ticks for process in rises(before, after, (1,))}
    assert used == {"make": 80, "moved": 20, "new": 4, "unknown": 2}
    assert {process.name for process in rises(before, after, ())} == {"make", "moved", "new", "unknown", "elsewhere"}


def test_the_busiest_of_all_blocks_are_kept_with_their_shares():
    used = [Stranger(7, "make", 30), Stranger(8, "cc1plus", 90), Stranger(7, "make", 70), Stranger(9, "idle", 1)]
    assert busiest(used, 0.01, 2.0) == [
        {"pid": 7, "name": "make", "share": 0.5},
        {"pid": 8, "name": "cc1plus", "share": 0.45},
    ]
    assert len(busiest([Stranger(pid, "a", 50) for pid in range(9)], 0.01, 1.0)) == MOST


@given(st.text(max_size=30))
def test_what_a_program_calls_itself_is_printable(name):
    (process,) = busiest([Stranger(1, name, 100)], 0.01, 1.0)
    assert process["name"].isascii()
    assert process["name"] == "" or process["name"].isprintable()


def test_runs_are_told_together_by_name():
    first = [{"pid": 7, "name": "make", "share": 0.9}]
    second = [{"pid": 8, "name": "cc1plus", "share": 0.6}, {"pid": 7, "name": "make", "share": 0.5}]
    third = [{"pid": 9, "name": "cc1plus", "share": 0.3}]
    assert as_text([first, second, third]) == "make (pid 7) 0.47, cc1plus (2 processes) 0.30"
    assert as_text([]) == ""
