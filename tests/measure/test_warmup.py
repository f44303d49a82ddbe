from __future__ import annotations

import math
import statistics
import time
import tracemalloc
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure import warmup
from pytest_edgeperf.measure.warmup import Window, is_steady

MS = 1_000_000


class Target:
    """Takes the listed times on a clock of its own, then the last of them for ever."""

    def __init__(self, *durations_ns):
        self.durations_ns = durations_ns
        self.now = 0
        self.calls = 0

    def __call__(self):
        self.now += self.durations_ns[min(self.calls, len(self.durations_ns) - 1)]
        self.calls += 1


@pytest.fixture
def warm(monkeypatch):
    def run(target, **limits):
        monkeypatch.setattr(warmup, "perf_counter_ns", lambda: target.now)
        return warmup.warm_up([target], **limits)

    return run


def shaped(shape, base_ns=MS, seconds=4.0):
    """Calls of ``base_ns`` times ``shape(seconds since the start)``, with 1 % of jitter and a few bursts."""
    random = Random(0)
    durations, now_s = [], 0.0
    while now_s < seconds:
        jitter = 1.0 + 0.01 * random.random() + (0.5 if random.random() < 0.05 else 0.0)
        durations.append(int(base_ns * shape(now_s) * jitter))
        now_s += durations[-1] / 1e9
    return durations


def windows(*bests, calls=3, seconds=0.05):
    """A first call, then windows that follow each other."""
    return [Window(seconds * (index + 1), calls if index else 1, best) for index, best in enumerate((900, *bests))]


@pytest.mark.parametrize(
    ("bests", "steady"),
    [
        ([100, 100], True),
        ([100, 100, 100, 99], True),
        ([100, 100, 97, 97], False),
        ([200, 100, 100, 100], True),
        ([110, 108, 106, 104, 102, 100], False),
        ([100, 100, 130, 130], True),
        ([130, 100, 130, 100, 130, 100], True),
    ],
)
def test_steady_is_when_the_best_of_the_later_half_is_hardly_better_than_before(bests, steady):
    assert is_steady(windows(*bests)) is steady


@pytest.mark.parametrize("seen", [windows(), windows(100), windows(100, 100, calls=1), windows(*[100] * 5, calls=1)])
def test_too_few_calls_cannot_tell(seen):
    assert is_steady(seen) is None


def test_long_calls_are_compared_three_by_three():
    assert is_steady(windows(*[100] * 6, calls=1, seconds=1.0)) is True
    assert is_steady(windows(*[100] * 3, *[90] * 3, calls=1, seconds=1.0)) is False


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=60), st.integers(2, 1000))
def test_the_unit_of_the_calls_does_not_matter(bests, scale):
    assert is_steady(windows(*bests)) is is_steady(windows(*[scale * best for best in bests]))


def test_a_slow_start_is_over_before_the_target_counts_as_steady(warm):
    target = Target(300 * MS, *[60 * MS] * 3, 10 * MS)
    found = warm(target)
    assert found.steady
    assert found.first_ms == 300
    assert found.call_ns == 10 * MS
    assert found.calls == target.calls
    assert found.seconds == pytest.approx(target.now / 1e9)


def test_a_target_that_is_fast_at_once_takes_the_shortest_warm_up(warm):
    found = warm(Target(MS))
    assert found.steady
    assert found.seconds == pytest.approx(warmup.SHORTEST_SECONDS, abs=0.005)


def test_a_target_that_becomes_faster_all_the_time_hits_the_limit(warm):
    found = warm(Target(*[100 * MS * 0.97**step for step in range(200)]), longest_s=1.0)
    assert found.steady is False
    assert 1.0 <= found.seconds < 1.4


def test_an_improvement_under_two_percent_counts_as_steady(warm):
    assert warm(Target(*[50 * MS] * 6, 49.5 * MS)).calls < 15
    assert warm(Target(*[50 * MS] * 6, 48.5 * MS)).calls > warm(Target(*[50 * MS] * 6, 49.5 * MS)).calls


def test_a_burst_of_noise_does_not_prolong_it(warm):
    calm = warm(Target(10 * MS))
    burst = warm(Target(*[10 * MS] * 20, 25 * MS, *[10 * MS] * 200))
    assert burst.steady
    assert burst.calls <= calm.calls


def test_a_call_longer_than_the_limit_is_made_three_times_and_nothing_is_claimed(warm):
    found = warm(Target(5000 * MS), longest_s=3.0)
    assert found.calls == warmup.SHORTEST_CALLS
    assert found.steady is None


def test_compilation_after_some_calls_is_waited_for_when_it_begins_in_time(warm):
    found = warm(Target(*shaped(lambda now_s: 1.5 if now_s < 0.2 else 1.0)))
    assert found.steady
    assert found.call_ns < 1.05 * MS
    assert found.seconds < 0.6


@pytest.mark.parametrize("decay_s", [0.05, 0.1, 0.3, 0.5])
def test_of_a_slow_decay_hardly_anything_is_left(warm, decay_s):
    found = warm(Target(*shaped(lambda now_s: 1 + 0.3 * math.exp(-now_s / decay_s))))
    assert found.steady
    assert 0.3 * math.exp(-found.seconds / decay_s) < 0.02


def test_a_decay_longer_than_the_limit_is_said(warm):
    found = warm(Target(*shaped(lambda now_s: 1 + math.exp(-now_s / 2))))
    assert found.steady is False
    assert found.seconds == pytest.approx(warmup.LONGEST_SECONDS, abs=0.06)


@pytest.mark.parametrize("period_s", [0.02, 0.1])
def test_fast_cycles_are_a_steady_state(warm, period_s):
    found = warm(Target(*shaped(lambda now_s: 1 + 0.15 * math.sin(2 * math.pi * now_s / period_s))))
    assert found.steady
    assert found.seconds < 0.5


def test_throttling_in_the_warm_up_does_not_prolong_it(warm):
    found = warm(Target(*shaped(lambda now_s: 1.0 if now_s < 0.15 else 1.4)))
    assert found.steady
    assert found.seconds < 0.35


def recorded_starts():
    """``tests/data/courses.npz`` is described in test_steady."""
    with np.load(Path(__file__).parent.parent / "data" / "courses.npz") as data:
        return {name: data[name].tolist() for name in data.files if name.startswith("start_")}


@pytest.mark.parametrize(("name", "durations_ns"), recorded_starts().items())
def test_recorded_starts_are_over_within_their_recording(warm, name, durations_ns):
    target = Target(*durations_ns)
    found = warm(target)
    assert found.steady
    assert found.calls < len(durations_ns)
    assert found.seconds < 1.0
    assert found.first_ms == durations_ns[0] / 1e6


def test_what_follows_a_recorded_start_is_as_fast_as_the_rest(warm):
    at_first, at_last = [], []
    for durations_ns in recorded_starts().values():
        later = durations_ns[warm(Target(*durations_ns)).calls :]
        usual_ns = statistics.median(later)
        at_first.append(statistics.median(durations_ns[:3]) / usual_ns)
        at_last.append(statistics.median(later[: len(later) // 4]) / usual_ns)
    assert statistics.median(at_first) > 1.1
    assert statistics.median(at_last) == pytest.approx(1.0, abs=0.03)


def test_memory_does_not_grow_with_the_calls(warm):
    tracemalloc.start()
    found = warm(Target(MS // 100))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < found.calls


def test_inputs_take_turns(monkeypatch):
    target = Target(10 * MS)
    monkeypatch.setattr(warmup, "perf_counter_ns", lambda: target.now)
    log = []

    def call_of(name):
        def call():
            target()
            log.append(name)

        return call

    warmup.warm_up([call_of("a"), call_of("b")])
    assert log == ["a", "b"] * (len(log) // 2) + ["a"] * (len(log) % 2)


class Compiling:
    """Compiles what it has not seen for so long, then takes 10 ms, on a clock of its own."""

    def __init__(self, monkeypatch, compile_s, inputs):
        self.now = 0
        self.seen = []
        self._compile_ns = int(compile_s * 1e9)
        self.calls = [lambda number=number: self._call(number) for number in range(inputs)]
        monkeypatch.setattr(warmup, "perf_counter_ns", lambda: self.now)

    def _call(self, number):
        self.now += 10 * MS if number in self.seen else self._compile_ns
        self.seen.append(number)


@pytest.mark.parametrize(("compile_s", "inputs"), [(0.01, 3), (0.01, 200), (1.0, 8), (5.0, 5)])
def test_every_input_is_met_before_anything_is_timed(monkeypatch, compile_s, inputs):
    target = Compiling(monkeypatch, compile_s, inputs)
    found = warmup.warm_up(target.calls)
    assert set(target.seen) == set(range(inputs))
    assert found.cold_inputs == 0
    assert found.first_ms == pytest.approx(1e3 * compile_s)


def test_inputs_that_no_time_is_left_for_are_told(monkeypatch):
    target = Compiling(monkeypatch, 7.0, 9)
    found = warmup.warm_up(target.calls)
    assert found.cold_inputs == 9 - len(set(target.seen)) == 4
    assert found.seconds <= warmup.LONGEST_ROTATION_SECONDS + 7.0


def test_a_settling_rotation_need_not_be_whole(monkeypatch):
    target = Compiling(monkeypatch, 0.01, 50)
    assert warmup.warm_up(target.calls, shortest_s=0.1, longest_s=0.1, rotation_s=0.0).calls <= 12


def test_inputs_of_different_cost_are_compared_as_whole_rotations(monkeypatch):
    target = Compiling(monkeypatch, 0.01, 1)

    def costing(ms):
        def call():
            target.now += ms * MS

        return call

    # The cheapest of ten inputs comes last: it makes no window faster than those before.
    assert warmup.warm_up([costing(40)] * 9 + [costing(20)]).steady is True
    assert warmup.warm_up([costing(400)] * 9 + [costing(200)]).steady is None


@pytest.mark.quiet
def test_with_the_real_clock_a_slow_start_is_seen():
    calls = []

    def target():
        calls.append(None)
        time.sleep(0.08 if len(calls) <= 2 else 0.001)

    found = warmup.warm_up([target], shortest_s=0.2)
    assert found.first_ms > 3 * found.call_ns / 1e6
    assert found.calls == len(calls)
    assert found.seconds >= 0.2


def test_the_first_calls_are_kept_in_their_order(warm):
    target = Target(900 * MS, 120 * MS, 100 * MS)
    found = warm(target, keep=4)
    assert found.first_calls_ms == (900.0, 120.0, 100.0, 100.0)
    assert found.calls == target.calls


def test_further_calls_are_made_where_the_warm_up_is_shorter_and_do_not_count(warm):
    without = warm(Target(900 * MS, 100 * MS))
    target = Target(900 * MS, 100 * MS)
    found = warm(target, keep=50)
    assert len(found.first_calls_ms) == target.calls == 50
    assert (found.seconds, found.calls) == (without.seconds, without.calls)
    assert without.first_calls_ms == ()


def test_slow_calls_are_kept_as_far_as_there_is_time(warm, monkeypatch):
    monkeypatch.setattr(warmup, "LONGEST_KEPT_SECONDS", 10.0)
    target = Target(1000 * MS)
    assert len(warm(target, keep=100).first_calls_ms) == target.calls == 10
