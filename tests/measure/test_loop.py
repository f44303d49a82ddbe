from __future__ import annotations

import gc
import math
import time
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure import loop


class FakeClock:
    """Stands still but for what the timed calls say that they took."""

    def __init__(self) -> None:
        self.now = 1_000

    def __call__(self) -> int:
        return self.now

    def call_of(self, duration_ns, log=None, name=None):
        def call(*_):
            self.now += duration_ns
            if log is not None:
                log.append(name)

        return call


@pytest.fixture
def clock(monkeypatch):
    fake = FakeClock()
    monkeypatch.setattr(loop, "perf_counter_ns", fake)
    return fake


def empty(capacity):
    return array("d", [-1]) * capacity


def test_calls_take_turns_in_order_until_the_array_is_full(clock):
    log = []
    calls = [clock.call_of(10 * (number + 1), log, number) for number in range(3)]
    durations = empty(7)
    assert loop.time_calls(calls, durations, 0, 60.0) == 7
    assert log == [0, 1, 2, 0, 1, 2, 0]
    assert list(durations) == [10, 20, 30, 10, 20, 30, 10]


def test_the_sample_that_crosses_the_deadline_is_the_last(clock):
    durations = empty(100)
    assert loop.time_calls([clock.call_of(400)], durations, 0, 1e-6) == 3
    assert list(durations[:4]) == [400, 400, 400, -1]


def test_a_deadline_that_is_met_exactly_ends_the_block(clock):
    assert loop.time_calls([clock.call_of(500)], empty(100), 0, 1e-6) == 2


@pytest.mark.parametrize("seconds", [0.0, 1e-12])
def test_a_block_has_at_least_one_sample(clock, seconds):
    durations = empty(3)
    assert loop.time_calls([clock.call_of(9)], durations, 0, seconds) == 1
    assert list(durations) == [9, -1, -1]


def test_a_later_block_goes_on_where_the_one_before_ended(clock):
    durations = empty(5)
    end = loop.time_calls([clock.call_of(1)], durations, 0, 0.0)
    end = loop.time_calls([clock.call_of(2)], durations, end, 0.0)
    assert end == 2
    assert list(durations) == [1, 2, -1, -1, -1]


def test_a_full_array_takes_no_more_and_is_not_counted_beyond_its_end(clock):
    calls = [clock.call_of(1)]
    durations = empty(2)
    assert loop.time_calls(calls, durations, 2, 60.0) == 2
    assert loop.time_batches(calls, durations, 2, 60.0, 4) == 2
    arrays = loop.PhaseArrays(2)
    assert loop.time_phases(lambda: (), calls[0], calls[0], [()], arrays, 2, 60.0) == 2
    assert list(durations) == [-1, -1]


def test_a_batch_is_one_sample_of_calls_in_rotation_and_is_divided_by_them(clock):
    log = []
    calls = [clock.call_of(10, log, "a"), clock.call_of(30, log, "b")]
    durations = empty(3)
    assert loop.time_batches(calls, durations, 0, 60.0, 4) == 3
    assert "".join(log) == "abab" * 3
    assert list(durations) == [20, 20, 20]


def test_the_rotation_goes_on_from_batch_to_batch(clock):
    log = []
    calls = [clock.call_of(1, log, name) for name in "abc"]
    assert loop.time_batches(calls, empty(3), 0, 60.0, 4) == 3
    assert "".join(log) == "abcabcabcabc"


@pytest.mark.parametrize("calls_a_sample", [2, 3, 13, 100])
def test_the_mean_of_a_batch_is_not_cut_to_whole_nanoseconds(clock, calls_a_sample):
    whole = iter(range(10**6))

    def call():
        # 31.4 ns a call on the average, on a clock of whole nanoseconds.
        number = next(whole)
        clock.now += (number + 1) * 314 // 10 - number * 314 // 10

    durations = empty(50)
    loop.time_batches([call], durations, 0, 60.0, calls_a_sample)
    samples_ms = loop.milliseconds(durations, 50)
    assert sum(samples_ms) / 50 == pytest.approx(31.4e-6, rel=1e-3)
    assert max(samples_ms) - min(samples_ms) <= 1.001e-6 / calls_a_sample


def test_a_change_of_less_than_a_nanosecond_is_seen_as_large_as_it_is(clock):
    def median_ms(call_of_a_hundred_ns):
        durations = empty(30)
        call = clock.call_of(call_of_a_hundred_ns)
        others = [clock.call_of(0)] * 99
        loop.time_batches([call, *others], durations, 0, 60.0, 100)
        return loop.medians_ms(durations, [30])[0]

    assert median_ms(3160) / median_ms(3140) == pytest.approx(3160 / 3140)


def test_batches_stop_at_the_deadline(clock):
    assert loop.time_batches([clock.call_of(100)], empty(100), 0, 1e-6, 5) == 2


def test_each_phase_is_recorded_in_its_own_array(clock):
    received = []

    def preprocess(value):
        clock.now += 5
        return (value, value + 1)

    def infer(*tensors):
        clock.now += 70
        return tensors

    def postprocess(outputs):
        clock.now += 11
        received.append(outputs)

    arrays = loop.PhaseArrays(3)
    assert loop.time_phases(preprocess, infer, postprocess, [(1,), (10,)], arrays, 0, 60.0) == 3
    assert received == [(1, 2), (10, 11), (1, 2)]
    assert list(arrays.preprocess) == [5, 5, 5]
    assert list(arrays.infer) == [70, 70, 70]
    assert list(arrays.postprocess) == [11, 11, 11]
    assert list(arrays.latency) == [86, 86, 86]


def test_phases_stop_at_the_deadline_after_at_least_one_sample(clock):
    keep, slow = (lambda *entry: entry), clock.call_of(600)
    assert loop.time_phases(keep, slow, keep, [(1,)], loop.PhaseArrays(9), 0, 1e-6) == 2
    assert loop.time_phases(keep, slow, keep, [(1,)], loop.PhaseArrays(9), 0, 0.0) == 1


@pytest.mark.quiet
def test_with_the_real_clock_the_latency_holds_its_phases_and_the_slowest_is_found():
    arrays = loop.PhaseArrays(20)

    def preprocess():
        return ()

    count = loop.time_phases(preprocess, lambda: time.sleep(0.004), lambda _: None, [()], arrays, 0, 60.0)
    assert count == 20
    for latency, *phases in zip(arrays.latency, arrays.preprocess, arrays.infer, arrays.postprocess):
        assert latency >= sum(phases)
        assert phases[1] > 0.5 * latency


def test_a_failing_call_is_not_swallowed(clock):
    def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop.time_calls([broken], empty(3), 0, 1.0)


def test_the_collector_is_off_inside_and_on_again_after():
    gc.enable()
    with loop.collector_off():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_collector_is_on_again_after_a_failure():
    gc.enable()
    with pytest.raises(KeyError), loop.collector_off():
        raise KeyError
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with loop.collector_off():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_bind_makes_one_call_per_entry_and_adds_nothing_where_there_are_no_arguments():
    def add(*numbers):
        return sum(numbers)

    assert [call() for call in loop.bind(add, [(1, 2), (3,), ()])] == [3, 3, 0]
    assert loop.bind(add, [()]) == [add]


def test_sample_arrays_hold_64_bit_values_that_are_already_there():
    samples = loop.sample_array(10)
    assert samples.itemsize == 8
    assert list(samples) == [0] * 10
    assert len(loop.sample_array()) == loop.CAPACITY


@given(st.floats(1.0, 1e6), st.integers(1, 40))
def test_a_batch_calls_all_entries_equally_often(call_ns, entries):
    original = loop.clock_cost_ns
    loop.clock_cost_ns = lambda: 50.0
    try:
        alone, among = loop.calls_per_sample(call_ns), loop.calls_per_sample(call_ns, entries)
    finally:
        loop.clock_cost_ns = original
    assert (among == 1) if alone == 1 else (among % entries == 0)
    assert among < 2 * max(alone, entries) + entries


@given(st.floats(0.0, 1e9), st.floats(1.0, 1e4))
def test_a_batch_is_the_smallest_that_lasts_twenty_clock_reads(call_ns, read_ns):
    original = loop.clock_cost_ns
    loop.clock_cost_ns = lambda: read_ns
    try:
        calls = loop.calls_per_sample(call_ns)
    finally:
        loop.clock_cost_ns = original
    shortest_ns, call_ns = loop.CLOCK_READS_PER_SAMPLE * read_ns, max(call_ns, 1.0)
    assert calls >= 1
    assert calls * call_ns >= shortest_ns or math.isclose(calls * call_ns, shortest_ns)
    assert calls == 1 or (calls - 1) * call_ns < shortest_ns * (1 + 1e-9)


def test_the_clocks_cost_is_that_of_one_read(monkeypatch):
    ticks = iter(range(0, 10**9, 40))
    monkeypatch.setattr(loop, "perf_counter_ns", lambda: next(ticks))
    assert loop.clock_cost_ns() == pytest.approx(40, rel=0.01)


def test_what_is_only_repeated_is_counted(clock):
    log = []
    calls = [clock.call_of(400, log, number) for number in range(2)]
    assert loop.repeat_for(calls, 1e-6) == (3, 1.2e-6)
    assert log == [0, 1, 0]
    assert loop.repeat_for(calls, 0.0)[0] == 1
