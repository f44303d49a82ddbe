from __future__ import annotations

import math
import random
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from pytest_edgeperf.judge.studies.line_fits import fit_line

#: Suo et al. 2021, Table I, PyTorch on a Jetson Nano: GFLOPs, model forward in ms, post-processing in ms.
TABLE_I = (
    (38.97, 62.44, 727.77),
    (65.86, 62.82, 1164.61),
    (76.38, 59.83, 1282.47),
    (87.68, 61.04, 1444.48),
    (99.76, 60.95, 1154.6),
    (112.62, 60.95, 1173.2),
    (126.26, 61.48, 1356.56),
    (140.69, 59.38, 1332.79),
    (155.89, 59.67, 1496.43),
    (171.86, 74.68, 1651.64),
)
SEGMENTS = ((38.97, 87.68), (99.76, 126.26), (140.69, 171.86))

NUMBERS = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))
COORDINATES = st.lists(st.integers(-1000, 1000), min_size=2, max_size=12, unique=True)
POINTS = st.lists(st.tuples(st.integers(-1000, 1000), NUMBERS), min_size=3, max_size=12, unique_by=lambda p: p[0])


def test_table_i_gives_formula_2():
    """The published slopes are those of the end-to-end sums, forward + post-processing, as they stand.

    Two intercepts agree too (230.89; -115.65 against -116.07). The second is 420.06 where the paper has
    430.06; a misprint of one digit, as its slope agrees to the last digit.
    """
    x = [row[0] for row in TABLE_I]
    end_to_end = [forward + post for _, forward, post in TABLE_I]
    inside = [[at for at, one in enumerate(x) if start <= one <= end] for start, end in SEGMENTS]
    fits = [fit_line([x[at] for at in some], [end_to_end[at] for at in some]) for some in inside]
    assert [fit.slope for fit in fits] == pytest.approx([14.66, 7.70, 10.72], rel=0.001)
    assert [fit.intercept for fit in fits] == pytest.approx([230.89, 420.06, -116.07], rel=0.005)
    assert [fit.n for fit in fits] == [4, 3, 3]
    for fit in fits:
        assert fit.intercept_interval[0] < fit.intercept < fit.intercept_interval[1]


def test_it_agrees_with_scipy():
    x, y = [1, 2, 3, 4, 5], [2.1, 3.9, 6.2, 7.8, 10.1]
    known, t = stats.linregress(x, y), stats.t.ppf(0.975, 3)
    fit = fit_line(x, y)
    assert (fit.slope, fit.intercept, fit.n) == (pytest.approx(1.99), pytest.approx(0.05), 5)
    assert fit.slope_interval == pytest.approx((1.99 - t * known.stderr, 1.99 + t * known.stderr))
    half = t * known.intercept_stderr
    assert fit.intercept_interval == pytest.approx((0.05 - half, 0.05 + half))
    assert fit.residual_sd == pytest.approx(math.sqrt(0.107 / 3))
    assert fit.r_squared == pytest.approx(known.rvalue**2)


def test_two_points_give_a_line_without_intervals():
    fit = fit_line([1, 3], [2, 6])
    assert (fit.slope, fit.intercept, fit.n, fit.r_squared) == (2, 0, 2, 1)
    assert fit.slope_interval is fit.intercept_interval is fit.residual_sd is None


def test_two_places_of_many_points_give_a_spread_but_no_intervals():
    fit = fit_line([1, 1, 3, 3], [1, 3, 5, 7])
    assert (fit.slope, fit.intercept, fit.n) == (2, 0, 4)
    assert fit.residual_sd == pytest.approx(math.sqrt(2))
    assert fit.slope_interval is None


def test_a_constant_has_no_share_of_variance_to_explain():
    fit = fit_line([1, 2, 3], [5, 5, 5])
    assert (fit.slope, fit.intercept, fit.r_squared, fit.residual_sd) == (0, 5, None, 0)
    assert fit.slope_interval == (0, 0)


@pytest.mark.parametrize(
    ("x", "y", "confidence", "says"),
    [
        ([], [], 0.95, "at least 2 points; there are 0"),
        ([1], [2], 0.95, "at least 2 points; there is 1"),
        ([4.5, 4.5, 4.5], [1, 2, 3], 0.95, "two different x values; all 3 points are at 4.5"),
        ([1, 2], [1], 0.95, "1 y and 2 x"),
        ([1, math.nan], [1, 2], 0.95, "finite"),
        ([1, 2], [1, math.inf], 0.95, "finite"),
        ([1, 2], [1, 2], 1.0, "between 0 and 1"),
    ],
)
def test_what_makes_no_line_is_refused(x, y, confidence, says):
    with pytest.raises(ValueError, match=says):
        fit_line(x, y, confidence)


@given(COORDINATES, NUMBERS, NUMBERS)
def test_exact_lines_are_recovered(x, slope, intercept):
    fit = fit_line(x, [slope * one + intercept for one in x])
    scale = 1 + abs(intercept) + abs(slope) * max(map(abs, x))
    assert fit.slope == pytest.approx(slope, abs=1e-9 * scale)
    assert fit.intercept == pytest.approx(intercept, abs=1e-9 * scale)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_of_the_points_changes_nothing(points, rng):
    shuffled = list(points)
    rng.shuffle(shuffled)
    one, other = fit_line(*zip(*points)), fit_line(*zip(*shuffled))
    assert one == other


@given(POINTS, st.sampled_from([1e-12, 1e-9, 1e-3, 7.0, 1e6, 1e150]), st.sampled_from([1e-9, 1e-3, 7.0, 1e6]))
def test_units_only_scale_the_result(points, of_x, of_y):
    x, y = zip(*points)
    assume(max(y) - min(y) > 0.01)
    fit = fit_line(x, y)
    assume(fit.residual_sd > 1e-6)
    scaled = fit_line([one * of_x for one in x], [one * of_y for one in y])
    step, size = of_y / of_x, of_y
    floor = 1e-8 * max(map(abs, y))
    expected = [fit.slope * step, fit.intercept * size, fit.residual_sd * size]
    found = [scaled.slope, scaled.intercept, scaled.residual_sd]
    for a, b, unit in zip(found, expected, (step, size, size)):
        assert a == pytest.approx(b, rel=1e-6, abs=floor * unit)
    for a, b, unit in (
        (scaled.slope_interval, fit.slope_interval, step),
        (scaled.intercept_interval, fit.intercept_interval, size),
    ):
        assert a == pytest.approx([end * unit for end in b], rel=1e-6, abs=floor * unit)
    assert scaled.r_squared == pytest.approx(fit.r_squared, abs=1e-9)


@given(POINTS)
def test_it_agrees_with_numpy(points):
    x, y = zip(*points)
    slope, intercept = np.polyfit(x, y, 1)
    fit = fit_line(x, y)
    scale = 1 + max(map(abs, y))
    assert fit.slope == pytest.approx(slope, abs=1e-7 * scale)
    assert fit.intercept == pytest.approx(intercept, abs=1e-6 * scale)


@given(POINTS, st.floats(0.5, 0.9))
def test_more_confidence_is_a_wider_interval(points, confidence):
    x, y = zip(*points)
    narrow, wide = fit_line(x, y, confidence), fit_line(x, y, confidence + 0.09)
    assert wide.slope_interval[0] <= narrow.slope_interval[0] <= narrow.slope
    assert narrow.slope <= narrow.slope_interval[1] <= wide.slope_interval[1]
    assert all(map(math.isfinite, astuple(wide)[:2]))


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_intervals_cover_the_truth_at_about_the_nominal_rate(confidence):
    rng = random.Random(20211)
    x, trials = [39.0, 66, 76, 88, 100, 113], 2000
    slopes = intercepts = 0
    for _ in range(trials):
        fit = fit_line(x, [8.9 * one + 12 + rng.gauss(0, 20) for one in x], confidence)
        slopes += fit.slope_interval[0] <= 8.9 <= fit.slope_interval[1]
        intercepts += fit.intercept_interval[0] <= 12 <= fit.intercept_interval[1]
    # Four standard deviations of a binomial count.
    margin = 4 * math.sqrt(confidence * (1 - confidence) / trials)
    assert slopes / trials == pytest.approx(confidence, abs=margin)
    assert intercepts / trials == pytest.approx(confidence, abs=margin)
