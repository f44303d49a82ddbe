"""Means of sensors' readings over time, on waveforms whose mean is known."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.schedule.machine.series import Series, gaps, mean_over_time, quantile, standard_deviation

LEVEL, SWING = 6000.0, 2500.0


def load(at_s, waves_s):
    """A load that swings with this period, in mW."""
    return LEVEL + SWING * math.sin(2 * math.pi * at_s / waves_s)


def sampled(refresh_hz, poll_hz, seconds, waves_s, jitter=0.0, gap=None, seed=1):
    """What a sensor that is new so often says when it is read so often; its value is that of its last refresh."""
    dice = random.Random(seed)
    series = Series("power_total", "power", "a chip", refresh_hz)
    at_s = -1.0
    while at_s <= seconds + 1:
        refreshed_s = math.floor(at_s * refresh_hz) / refresh_hz
        if gap is None or not gap[0] <= at_s < gap[1]:
            series.take(at_s, load(refreshed_s, waves_s))
        else:
            series.take(at_s, None, "EAGAIN")
        at_s += (1 + jitter * dice.uniform(-1, 1)) / poll_hz
    return series


@pytest.mark.parametrize(("refresh_hz", "poll_hz"), [(2.4, 10.0), (77.0, 50.0), (20.0, 50.0), (1000.0, 50.0)])
@pytest.mark.parametrize("jitter", [0.0, 0.3])
def test_the_mean_of_a_known_waveform_is_right_to_one_per_cent(refresh_hz, poll_hz, jitter):
    # Six waves in twelve seconds.
    series = sampled(refresh_hz, poll_hz, 12.0, 2.0, jitter)
    assert series.mean(0.0, 12.0) == pytest.approx(LEVEL, rel=0.01)


def test_a_gap_does_not_count_and_is_told():
    series = sampled(20.0, 50.0, 10.0, 0.5, gap=(4.0, 5.0))
    points = series.distinct(0.0, 10.0)
    assert series.mean(0.0, 10.0) == pytest.approx(LEVEL, rel=0.01)
    assert gaps(points, series.period_s) == 1
    assert series.missed == pytest.approx(50, abs=2)
    assert series.reason == "EAGAIN"


def test_a_ramp_is_integrated_exactly():
    series = Series("power", "power", "a chip", 10.0)
    for step in range(101):
        series.take(step / 10, 100.0 * step)
    # The first tenth is left out: from 200 (0.2 s) to 10000 at 10 s, as 0.1 s is before the first refresh's end.
    points = series.distinct(0.0, 10.0)
    assert points[-1] == (10.0, 10000.0)
    assert mean_over_time(points) == pytest.approx((points[0][1] + 10000.0) / 2)


def test_repeated_values_count_once_per_refresh():
    series = Series("power", "power", "a chip", 2.0)
    for step in range(41):
        series.take(step / 10, 500.0)
    points = series.distinct(0.0, 4.0)
    # From 0.5 s on one each half second: 0.5, 1.0, … 4.0.
    assert [round(at_s, 1) for at_s, _ in points] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]


def test_what_happened_before_and_after_the_window_does_not_count():
    series = Series("power", "power", "a chip", 10.0)
    for step in range(100):
        at_s = step / 10
        series.take(at_s, 100.0 if 3.0 <= at_s <= 6.0 else 9000.0 + step)
    # The first refresh period tells of the time before.
    assert series.mean(3.0, 6.0) == pytest.approx(100.0)


def test_nothing_has_no_mean_and_one_is_its_own():
    assert mean_over_time([]) is None
    assert mean_over_time([(1.0, 5.0)]) == 5.0
    assert standard_deviation([1.0]) is None
    assert standard_deviation([1.0, 3.0]) == pytest.approx(math.sqrt(2))


def test_a_reading_that_is_no_number_is_missed():
    series = Series("power", "power", "a chip")
    series.take(0.0, float("nan"))
    series.take(0.1, None, "it vanished")
    assert (series.missed, series.reason, series.values) == (2, "it vanished", [])


@given(st.lists(st.tuples(st.floats(0.001, 10), st.floats(0, 1e6)), min_size=1, max_size=50))
def test_a_mean_lies_between_the_values(steps):
    at_s, points = 0.0, []
    for step_s, value in steps:
        at_s += step_s
        points.append((at_s, value))
    mean = mean_over_time(points)
    values = [value for _, value in points]
    assert min(values) - 1e-6 <= mean <= max(values) * (1 + 1e-9) + 1e-6


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0, 1))
def test_a_quantile_lies_between_the_values_and_grows(values, share):
    assert min(values) <= quantile(values, share) <= max(values)
    assert quantile(values, 0.0) == min(values)
    assert quantile(values, 1.0) == max(values)
