from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.statistics.change_points import FEWEST_POINTS, change_points, noise


def normal(rng):
    return rng.gauss(0, 1)


def heavy(rng):
    """Student's t with three degrees of freedom: bursts."""
    return rng.gauss(0, 1) / math.sqrt(sum(rng.gauss(0, 1) ** 2 for _ in range(3)) / 3)


@pytest.mark.parametrize("draw", [normal, heavy])
def test_noise_alone_has_no_changes(draw):
    rng = random.Random(20261121)
    found = sum(change_points([draw(rng) for _ in range(120)]) != [] for _ in range(100))
    assert found <= 2


def test_several_levels_are_found_where_they_begin():
    rng = random.Random(7)
    levels = [0.0] * 40 + [0.2] * 30 + [0.1] * 50
    found = change_points([level + 0.01 * rng.gauss(0, 1) for level in levels])
    assert found == pytest.approx([40, 70], abs=1)
    assert len(found) == 2


def test_a_burst_is_no_level():
    rng = random.Random(8)
    values = [0.01 * rng.gauss(0, 1) for _ in range(100)]
    for index in range(50, 50 + FEWEST_POINTS // 2):
        values[index] += 1.0
    assert change_points(values) == []


def test_a_constant_series_has_no_changes_and_an_exact_step_has_one():
    assert change_points([3.0] * 100) == []
    assert change_points([3.0] * 30 + [3.1] * 30) == [30]
    assert change_points([]) == []
    assert change_points([1.0, 2.0, 3.0]) == []


def test_noise_is_told_beside_a_change_of_level():
    rng = random.Random(9)
    values = [rng.gauss(0, 1) + (20 if index > 200 else 0) for index in range(400)]
    assert noise(values) == pytest.approx(1.0, rel=0.2)


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.integers(1, 8))
def test_levels_are_long_enough_and_in_order(values, fewest):
    found = change_points(values, fewest)
    bounds = [0, *found, len(values)]
    assert all(after - before >= fewest for before, after in zip(bounds, bounds[1:])) or not found


@given(st.lists(st.floats(-100, 100), min_size=10, max_size=60))
def test_the_same_backwards_has_as_many_changes(values):
    assert len(change_points(values)) == len(change_points(values[::-1]))
