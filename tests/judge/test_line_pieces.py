from __future__ import annotations

import itertools
import math
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_edgeperf import results
from pytest_edgeperf.judge.studies import line_pieces as module
from pytest_edgeperf.judge.studies.line_fits import fit_line
from pytest_edgeperf.judge.studies.line_pieces import FEWEST_COORDINATES, Break, find_pieces
from pytest_edgeperf.judge.studies.study_results import read_studies

#: Suo et al. 2021, Table I: PyTorch on a Jetson Nano, one number each; the latency is the sum of its two parts.
TABLE_I = results.read(Path(__file__).parents[1] / "data" / "suo-2021-table-1.json")

VALUES = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))
SERIES = st.lists(st.tuples(st.integers(-100, 100), VALUES), min_size=6, max_size=11, unique_by=lambda point: point[0])


def latency():
    (study,) = read_studies(TABLE_I)
    (series,) = study.series
    return series


def test_table_i_breaks_into_the_three_pieces_of_formula_2():
    """The breaks are those of Suo et al., who do not say how they found theirs; so is each slope, within 1 %."""
    found = latency().pieces
    assert [(piece.x_from, piece.x_to) for piece in found.pieces] == [(38.97, 87.68), (99.76, 126.26), (140.69, 171.86)]
    assert [piece.fit.slope for piece in found.pieces] == pytest.approx([14.66, 7.70, 10.72], rel=0.01)
    assert [(one.after, one.before) for one in found.breaks] == [(87.68, 99.76), (126.26, 140.69)]


def test_what_table_i_says_of_its_breaks():
    found = latency().pieces
    first, second = found.breaks
    assert first.interval == (87.68, 99.76)
    assert second.interval[0] <= 126.26 < 140.69 <= second.interval[1]
    assert found.p_straight < 0.01
    # Ten single numbers do not show the second break beyond doubt.
    assert 0.1 < found.p_fewer < 0.4
    assert 0.5 < found.agreeing < 0.95


def test_the_number_of_pieces_may_be_given():
    series = latency()
    x, y = [point.x for point in series.points], [point.value for point in series.points]
    two = find_pieces(x, y, number=2)
    assert [(one.after, one.before) for one in two.breaks] == [(87.68, 99.76)]
    assert (two.p_straight, two.p_fewer) == (None, None)
    assert find_pieces(x, y, number=1) is None
    with pytest.raises(ValueError, match="4 pieces need 12 different coordinates; there are 10"):
        find_pieces(x, y, number=4)


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [([1, 2], [1], "1 y and 2 x"), ([1, math.nan], [1, 2], "finite"), ([1, 2], [1, math.inf], "finite")],
)
def test_what_makes_no_points_is_refused(x, y, says):
    with pytest.raises(ValueError, match=says):
        find_pieces(x, y)


@pytest.mark.parametrize("noise", [0.0, 5.0])
def test_five_points_have_one_line_only(noise):
    rng = random.Random(0)
    assert find_pieces([1, 2, 3, 4, 5], [9 * x + rng.gauss(0, noise) for x in range(5)]) is None
    assert find_pieces([1, 1, 2, 2, 3, 3, 4, 4], [1, 1, 2, 2, 30, 30, 40, 40]) is None


@pytest.mark.slow
def test_straight_lines_stay_whole():
    """BIC alone breaks nearly half of them; the test before it lets one in a hundred pass."""
    rng = random.Random(20211)
    x = [point.x for point in latency().points]
    series = [[8.9 * one + 12 + rng.gauss(0, 20) for one in x] for _ in range(200)]
    assert np.mean([find_pieces(x, one, level=1) is not None for one in series[:100]]) > 0.3
    # Above 6 of 200 with a chance of 0.4 %, were it one in a hundred.
    assert sum(find_pieces(x, one) is not None for one in series) <= 6


@pytest.mark.thorough
@pytest.mark.slow
def test_noise_that_grows_with_the_line_does_not_break_it():
    rng = random.Random(20212)
    x = [20.0 * one for one in range(1, 21)]
    series = [[(9 * one + 12) * math.exp(rng.gauss(0, 0.02)) for one in x] for _ in range(60)]
    # Above 4 of 60 with a chance of 0.03 %, were it one in a hundred.
    assert sum(find_pieces(x, one) is not None for one in series) <= 4


def test_values_around_nothing_are_held_against_equal_errors():
    assert find_pieces(list(range(8)), [1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0]) is None


@pytest.mark.slow
def test_a_clear_break_is_found_and_its_interval_holds_it():
    rng = random.Random(3)
    x = list(range(12))
    held = 0
    for _ in range(40):
        y = [(100 + 2 * one if one < 6 else 140 + one) + rng.gauss(0, 2) for one in x]
        found = find_pieces(x, y)
        held += any(one.interval[0] <= 5 and one.interval[1] >= 6 for one in found.breaks)
    assert held >= 36


def test_runs_narrow_the_interval_where_they_agree():
    rng = random.Random(1)
    x = list(range(10))
    broken = [3 * one + 10 if one < 5 else 60 - one for one in x]
    exact = [[value * (1 + rng.gauss(0, 1e-4)) for _ in range(5)] for value in broken]
    vague = [[value + rng.gauss(0, 15) for _ in range(5)] for value in broken]
    y = [sorted(one)[2] for one in exact]
    sure = find_pieces(x, y, runs=exact)
    assert [one.interval for one in sure.breaks] == [(one.after, one.before) for one in sure.breaks]
    unsure = find_pieces(x, y, number=2, runs=vague)
    assert unsure.breaks[0].interval[1] - unsure.breaks[0].interval[0] > 1
    assert find_pieces(x, y, runs=vague).agreeing < sure.agreeing


def test_single_runs_leave_the_residuals_to_tell():
    series = latency()
    x, y = [point.x for point in series.points], [point.value for point in series.points]
    assert find_pieces(x, y, runs=[[value] for value in y]) == find_pieces(x, y)


def test_many_coordinates_are_cut_in_parts(monkeypatch):
    x = list(range(24))
    y = [one if one < 12 else 100 - one + (one % 3) for one in x]
    whole = find_pieces(x, y)
    monkeypatch.setattr(module, "NUMBERS_AT_ONCE", 20_000)
    assert find_pieces(x, y) == whole
    assert whole.breaks[0] == Break(11, 12, (11, 12))


def brute_force(x, y, number):
    """The least sum of squares by trying all ways."""
    points = sorted(zip(x, y))
    best = math.inf
    for cuts in itertools.combinations(range(1, len(points)), number - 1):
        ends = list(zip((0, *cuts), (*cuts, len(points))))
        if min(end - start for start, end in ends) >= FEWEST_COORDINATES:
            fits = [fit_line(*zip(*points[start:end])) for start, end in ends]
            best = min(best, math.fsum((fit.n - 2) * fit.residual_sd**2 for fit in fits))
    return best


@given(SERIES)
def test_no_other_way_to_cut_has_a_smaller_sum_of_squares(points):
    x, y = zip(*points)
    for number in range(2, len(points) // FEWEST_COORDINATES + 1):
        found = find_pieces(x, y, number)
        squares = math.fsum((piece.fit.n - 2) * piece.fit.residual_sd**2 for piece in found.pieces)
        assert squares == pytest.approx(brute_force(x, y, number), rel=1e-6, abs=1e-6)


@given(SERIES, st.randoms(use_true_random=False))
def test_the_order_of_the_points_changes_nothing(points, rng):
    shuffled = list(points)
    rng.shuffle(shuffled)
    assert find_pieces(*zip(*points)) == find_pieces(*zip(*shuffled))


@given(SERIES)
def test_pieces_hold_all_points_in_order(points):
    x, y = zip(*points)
    found = find_pieces(x, y, number=len(points) // FEWEST_COORDINATES)
    assert sum(piece.fit.n for piece in found.pieces) == len(points)
    ends = [end for piece in found.pieces for end in (piece.x_from, piece.x_to)]
    assert ends == sorted(ends)
    for one, before, after in zip(found.breaks, found.pieces, found.pieces[1:]):
        assert (one.after, one.before) == (before.x_to, after.x_from)
        assert one.interval[0] <= one.after < one.before <= one.interval[1]
    inside = [point for point in sorted(points) if point[0] <= found.pieces[0].x_to]
    assert found.pieces[0].fit == fit_line(*zip(*inside))


@pytest.mark.untraced
@given(
    st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=3),
    st.sampled_from([1e-6, 1e-3, 1.0, 1e6]),
)
def test_exact_pieces_are_found_in_any_unit(lines, unit):
    for (slope, intercept), (other, level) in zip(lines, lines[1:]):
        assume(abs(slope - other) > 1 or abs(intercept - level) > 100)
    x = list(range(5 * len(lines)))
    y = [unit * (lines[one // 5][0] * one + lines[one // 5][1]) for one in x]
    # Where two lines cross within a step, a point may lie on both.
    for at in range(5, len(x), 5):
        slope, intercept = lines[at // 5 - 1]
        assume(abs(y[at] / unit - slope * at - intercept) > 1)
        slope, intercept = lines[at // 5]
        assume(abs(y[at - 1] / unit - slope * (at - 1) - intercept) > 1)
    found = find_pieces(x, y)
    assert [one.after for one in found.breaks] == [at - 1 for at in range(5, len(x), 5)]
    assert [piece.fit.slope for piece in found.pieces] == pytest.approx(
        [unit * slope for slope, _ in lines], rel=1e-6, abs=1e-6 * unit
    )
