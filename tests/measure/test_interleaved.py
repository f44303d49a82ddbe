from __future__ import annotations

import time

import pytest

from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.conductor import Block, LocalConductor
from pytest_edgeperf.measure.interleaved import FEWEST_TURNS, InterleavedTimer
from pytest_edgeperf.measure.pipeline import Pipeline
from pytest_edgeperf.measure.timed_inference import TimedInference


class Clock:
    """A clock that only targets move, on a machine that gets slower and slower."""

    def __init__(self, drift=0.0):
        self.now_ns = 0
        self.drift = drift
        self.order = []

    def target(self, name, ms):
        def call(*_):
            self.order.append(name)
            self.now_ns += round(ms * 1e6 * (1 + self.drift * self.now_ns / 1e9))

        return call


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(loop, "perf_counter_ns", lambda: made.now_ns)
    return made


def interleaved(**targets):
    return InterleavedTimer({name: Pipeline(target, ()) for name, target in targets.items()}, dict.fromkeys(targets, 1))


def test_the_ratio_is_found_while_the_machine_slows_down(clock):
    clock.drift = 0.2
    timer = interleaved(one=clock.target("one", 1.0), two=clock.target("two", 1.03), three=clock.target("three", 0.5))
    timer.time(0, 1.2)
    ratios = timer.ratios()
    assert list(ratios) == ["two", "three"]
    assert ratios["two"].ratio == pytest.approx(1.03, rel=2e-3)
    assert ratios["two"].low <= 1.03 <= ratios["two"].high
    assert ratios["three"].high < 0.51


def test_turns_go_forwards_then_backwards_and_begin_with_an_untimed_call(clock):
    timer = interleaved(one=clock.target("one", 1.0), two=clock.target("two", 1.0))
    timer.time(0, 0.16)
    changes = [name for name, before in zip(clock.order, [None, *clock.order]) if name != before]
    assert changes == (["one", "two"] * FEWEST_TURNS)[: FEWEST_TURNS + 1]
    made = {name: clock.order.count(name) for name in ("one", "two")}
    timed = {name: summary["n"] for name, summary in zip(made, timer.summaries(0).values())}
    assert all(made[name] >= timed[name] + FEWEST_TURNS for name in made)


def test_slow_targets_have_their_turns_too(clock):
    timer = interleaved(slow=clock.target("slow", 300.0), slower=clock.target("slower", 330.0))
    timer.time(0, 0.1)
    assert timer.ratios()["slower"].ratio == pytest.approx(1.1)
    assert timer.summaries(0)["latency"]["n"] == FEWEST_TURNS


def test_the_first_target_is_the_benchmarks_latency(clock):
    timer = interleaved(one=clock.target("one", 2.0), two=clock.target("two", 3.0))
    samples = timer.time(0, 0.5)
    samples = timer.time(samples, 0.5)
    summaries = timer.summaries(samples)
    assert {name: summary["p50"] for name, summary in summaries.items()} == {"latency": 2.0, "latency_two": 3.0}
    assert summaries["latency"]["n"] == samples
    assert timer.medians([samples]) == [2.0]


def compared(*args, **targets):
    conductor = LocalConductor(0.2)
    timed = TimedInference(conductor, {"threads": 1}, {})
    return timed.compare(*args, **targets), conductor.delivered


@pytest.mark.quiet
def test_a_benchmark_compares_real_calls():
    # A busy machine may stall either, but not a thousandfold.
    ratios, (measurement,) = compared(3, short=lambda _: None, long=lambda _: time.sleep(0.01))
    assert ratios["long"].ratio > 10
    assert measurement.values["latency_long"]["p50"] >= 10
    assert measurement.latency_ms < measurement.values["latency_long"]["p50"]
    assert measurement.metrics["latency_long"].unit == "ms"
    assert measurement.settings["blocks"] == 1


@pytest.mark.quiet
def test_a_benchmark_of_short_calls_compares_them_in_batches():
    def more():
        for _ in range(50):
            pass

    ratios, (measurement,) = compared(less=lambda: None, more=more)
    assert ratios["more"].low > 2
    assert measurement.quality["calls_per_sample"] > 1


def test_what_cannot_be_compared_is_said():
    with pytest.raises(TypeError, match=r"at least two named targets: compare\(image, fp32=a, fp16=b\)"):
        compared(1, one=print)
    with pytest.raises(TypeError, match="an engine or a callable, not int"):
        compared(one=print, two=2)
    timed = TimedInference(LocalConductor(0.01), {}, {})
    timed(int)
    with pytest.raises(RuntimeError, match="can measure only once"):
        timed.compare(one=int, two=int)


@pytest.mark.quiet
def test_taking_turns_with_another_worker_it_still_has_its_ratios():
    class Turns:
        def __init__(self):
            self.delivered = []

        def blocks(self):
            return [Block(0.01, settle_s=0.002, turn=True)] * 4

        def deliver(self, measurement):
            self.delivered.append(measurement)

    conductor = Turns()
    ratios = TimedInference(conductor, {}, {}).compare(a=lambda: time.sleep(0.0005), b=lambda: time.sleep(0.002))
    assert ratios["b"].ratio > 1.5
    assert len(conductor.delivered[0].turns_ms) == 4
