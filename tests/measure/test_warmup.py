from __future__ import annotations

import time

import pytest

from pytest_edgeperf.measure import warmup

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


def test_a_slow_start_is_over_before_the_target_counts_as_steady(warm):
    target = Target(300 * MS, *[60 * MS] * 3, 10 * MS)
    found = warm(target)
    assert found.steady
    assert found.first_ms == 300
    assert found.call_ns == 10 * MS
    assert found.calls == target.calls
    assert found.seconds == pytest.approx(target.now / 1e9)


def test_a_target_that_is_fast_at_once_takes_the_shortest_warm_up_and_one_window(warm):
    found = warm(Target(MS))
    assert found.steady
    assert found.seconds == pytest.approx(warmup.SHORTEST_SECONDS + warmup.WINDOW_SECONDS, abs=0.005)


def test_a_target_that_becomes_faster_all_the_time_hits_the_limit(warm):
    found = warm(Target(*[100 * MS * 0.97**step for step in range(200)]), longest_s=1.0)
    assert not found.steady
    assert 1.0 <= found.seconds < 1.4


def test_an_improvement_under_two_percent_counts_as_steady(warm):
    assert warm(Target(*[50 * MS] * 6, 49.5 * MS)).calls < 15
    assert warm(Target(*[50 * MS] * 6, 48.5 * MS)).calls > warm(Target(*[50 * MS] * 6, 49.5 * MS)).calls


def test_a_burst_of_noise_does_not_prolong_it(warm):
    calm = warm(Target(10 * MS))
    burst = warm(Target(*[10 * MS] * 20, 25 * MS, *[10 * MS] * 200))
    assert burst.steady
    assert burst.calls <= calm.calls


def test_a_call_longer_than_the_limit_is_still_made_three_times(warm):
    found = warm(Target(5000 * MS), longest_s=3.0)
    assert found.calls == warmup.SHORTEST_CALLS
    assert not found.steady


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


def test_with_the_real_clock_a_slow_start_is_seen():
    calls = []

    def target():
        calls.append(None)
        time.sleep(0.08 if len(calls) <= 2 else 0.001)

    found = warmup.warm_up([target], shortest_s=0.2)
    assert found.first_ms > 3 * found.call_ns / 1e6
    assert found.calls == len(calls)
    assert found.seconds >= 0.2
