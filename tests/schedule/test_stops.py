from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.statistics.block_pairs import Pair
from pytest_edgeperf.results import Metric
from pytest_edgeperf.schedule.against.lock_step import LockStep, marked_stopped
from pytest_edgeperf.schedule.machine import disturbance
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.record import PairRecord, RunRecord
from pytest_edgeperf.schedule.state import SessionState
from pytest_edgeperf.schedule.worker import stops
from pytest_edgeperf.schedule.worker.stops import Windows, is_held, overlap_s
from pytest_edgeperf.settings import BenchmarkOptions

TENTHS = st.integers(0, 60)
INTERVALS = st.lists(st.tuples(TENTHS, TENTHS).map(sorted).map(tuple), max_size=6)


@given(INTERVALS, INTERVALS)
def test_seconds_that_several_stops_share_count_once(intervals, parts):
    windows, last = [], 0
    for begin, end in sorted(parts):
        if begin >= last:
            windows.append((begin, end))
            last = end
    tenths = {at for begin, end in intervals for at in range(begin, end)}
    timed = {at for begin, end in windows for at in range(begin, end)}
    assert overlap_s(intervals, windows) == len(tenths & timed)


def test_only_what_was_stopped_while_it_was_timed_counts():
    assert overlap_s([(1.0, 16.0)], [(0.0, 3.0), (15.0, 20.0)]) == 3.0
    assert overlap_s([], [(0.0, 3.0)]) == 0
    assert overlap_s([(1.0, 2.0)], []) == 0


@pytest.mark.parametrize(("state", "expected"), [("t", True), ("T", False), ("S", False), ("R", False)])
def test_a_debuggers_stop_is_seen_whatever_the_process_is_called(tmp_path, state, expected):
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/stat").write_text(f"7 (bad) t 1 (name) {state} 1 7 7 0\n")
    assert is_held(7, tmp_path) is expected
    assert not is_held(8, tmp_path)


def test_time_in_which_the_machine_slept_is_no_time_of_measuring(monkeypatch):
    clocks = {"boot": 500.0, "steady": 100.0}
    made = SimpleNamespace(
        CLOCK_BOOTTIME="boot", CLOCK_MONOTONIC="steady", clock_gettime=clocks.get, monotonic=lambda: clocks["steady"]
    )
    monkeypatch.setattr(stops, "time", made)
    windows = Windows()
    with windows:
        clocks.update(boot=560.0, steady=102.0)
    assert windows.windows == [(100.0, 102.0)]
    assert windows.stopped_s([]) == 58.0
    with windows:
        clocks.update(boot=562.1, steady=104.0)
    assert windows.stopped_s([]) == 58.0


def test_a_stopped_run_is_no_evidence():
    assert disturbance.disturbed_by({"stopped_s": 15.0}) == ["stopped 15.0 s"]
    assert disturbance.disturbed_by({"stopped_s": 0.01}) == []
    assert disturbance.disturbed_by({}) == []


def pair_of_sides(candidate, base):
    """A pair whose sides have these figures."""
    side = RunRecord("t", {"software": {}}, {"latency": Metric("ms")}, {"latency": 1.0}, {})
    paired = PairRecord(replace(side, quality=base), Pair(0.0, 0.01, 10), alternating=False)
    return replace(side, quality=candidate, paired=paired)


def test_a_stop_of_one_side_marks_the_pair():
    marked = marked_stopped(pair_of_sides({"disturbed": False}, {"disturbed": False, "stopped_s": 4.0}))
    marks = {"disturbed": True, "disturbed_by": ["stopped 4.0 s"]}
    assert marked.quality == marks
    assert marked.paired.base.quality == {"stopped_s": 4.0, **marks}
    calm = pair_of_sides({"disturbed": False}, {"disturbed": False})
    assert marked_stopped(calm) == calm


def test_work_of_its_own_children_is_not_held_against_a_run_where_nothing_tells_of_others():
    preempted = {"cpu_share": 0.14, "involuntary_switches_per_s": 44.0}
    assert disturbance.disturbed_by(preempted)
    assert disturbance.disturbed_by({**preempted, "children_share": 0.3})
    assert disturbance.disturbed_by({**preempted, "children_share": 0.85}) == []


def test_a_stopped_pair_is_kept_marked_and_taken_again():
    strategy = LockStep.__new__(LockStep)
    strategy.state = SessionState.__new__(SessionState)
    strategy.state.environments, strategy.state.facts = {}, SimpleNamespace(id="s")
    plan = Plan(id="b", path="b.py", adopted=False, options=BenchmarkOptions(), parameters={}, rounds=2)
    for stopped in ({"stopped_s": 4.0}, {}):
        record = pair_of_sides({"disturbed": False}, {"disturbed": False, **stopped})
        strategy.take(plan, marked_stopped(record))
        plan.tries += 1
    assert [run.disturbed for run in plan.runs] == [True, False]
    assert len(plan.pairs) == len(plan.base_runs) == plan.good_runs == 1
    assert plan.wants(2)
