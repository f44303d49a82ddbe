"""The intervals that decide a finding, on simulated runs whose truth is known."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from checklists.findings import CONTRADICTED, FAILS, HOLDS, UNDECIDED, above, decided, most, within
from checklists.intervals import (
    Quantity,
    average,
    difference,
    estimate,
    half_of_last_digit,
    is_above,
    is_below,
    printed,
    ranks,
    ratio,
    spearman,
    trend,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats


def runs(values, name="a"):
    return Quantity({(name, index): float(value) for index, value in enumerate(values)})


def simulated(generator, center, spread, n, name):
    return runs(center * np.exp(generator.normal(0, spread, n)), name)


@pytest.mark.parametrize(("n", "m", "other_spread"), [(3, 3, 0.02), (3, 10, 0.1), (10, 4, 0.005)])
def test_nineteen_of_twenty_intervals_hold_the_true_ratio(n, m, other_spread):
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(600):
        first, second = simulated(generator, 30, 0.02, n, "a"), simulated(generator, 10, other_spread, m, "b")
        low, high = ratio(first, second).interval()
        held += low < 3 < high
    # a standard error of the share is below 0.01; Welch's interval is a little wide for few runs
    assert 0.92 < held / 600 <= 1


def test_intervals_of_several_questions_hold_together():
    generator = np.random.default_rng(2)
    together = 0
    for _ in range(120):
        found = [
            ratio(simulated(generator, 1, 0.03, 4, "a"), simulated(generator, 1, 0.03, 4, "b")).interval(8)
            for _ in range(8)
        ]
        together += all(low < 1 < high for low, high in found)
    assert together / 120 > 0.9


def test_what_varies_in_both_parts_of_a_run_cancels():
    generator = np.random.default_rng(3)
    speeds = np.exp(generator.normal(0, 0.3, 5))
    whole, part = runs(100 * speeds), runs(40 * speeds * (1 + generator.normal(0, 0.001, 5)))
    low, high = ratio(part, whole).interval()
    assert 0.39 < low < 0.4 < high < 0.41
    apart = Quantity({("b", index): value for (_, index), value in part.runs.items()})
    assert ratio(apart, whole).interval()[1] > 0.5


def test_the_mean_of_ratios_is_the_geometric_one():
    found = average([ratio(runs([2, 2.02]), runs([1, 1.01], "b")), ratio(runs([8, 8.1]), runs([1, 1.01], "b"))])
    assert found.value == pytest.approx(4, rel=0.02)
    low, high = found.interval()
    assert low < 4 < high < 4.5


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_one_run_decides_nothing(first, second):
    for pair in ((runs([first]), runs([second], "b")), (runs([first]), runs([second]))):
        for found in (ratio(*pair), difference(*pair)):
            assert is_above(found, 1.0) is None
            assert is_below(found, 1.0) is None
            assert above(found, 1.0, "").verdict == UNDECIDED
    assert spearman([1, 2], [3, 4]) == (0.0, 1.0)


def test_more_runs_decide_what_few_do_not():
    generator = np.random.default_rng(4)
    few, many = (
        ratio(simulated(generator, 1.1, 0.05, n, "a"), simulated(generator, 1.0, 0.05, n, "b")) for n in (2, 40)
    )
    assert is_above(few, 1.0) is None
    assert is_above(many, 1.0) is True
    assert is_below(many, 1.0) is False


@pytest.mark.parametrize(
    ("value", "half"),
    [(3.9, 0.05), (62.44, 0.005), (8, 0.5), (8.0, 0.5), (1027, 0.5), (0.1184, 0.00005), (1e-05, 5e-6)],
)
def test_a_printed_figure_is_certain_to_half_of_its_last_digit(value, half):
    assert half_of_last_digit(value) == pytest.approx(half)


def test_printed_figures_decide_what_their_digits_allow_and_say_that_they_are_printed():
    apart = above(ratio(printed(2.0), printed(0.5)), 1.0, "a")
    assert (apart.verdict, apart.figures) == (HOLDS, "a: 4.00 (printed, no interval)")
    assert above(ratio(printed(20.0), printed(20.0)), 1.0, "a").verdict == UNDECIDED
    assert above(ratio(printed(10.0), printed(20.0)), 1.0, "a").verdict == CONTRADICTED
    assert within(difference(printed(8.0), printed(8.05)), -1, 1, "a").verdict == HOLDS


def test_measured_figures_that_contradict_say_so():
    slow, fast = runs([2, 2.01, 2.02]), runs([1, 1.01, 1.02], "b")
    assert above(ratio(fast, slow), 1.0, "a").verdict == FAILS
    assert "0.502 [" in above(ratio(fast, slow), 1.0, "a").figures
    assert "has no interval" in above(ratio(runs([1]), slow), 1.0, "a").figures


@pytest.mark.parametrize("scatter", [1.0001, 1.01, 1.5, 20.0, 1e30])
def test_two_runs_that_scatter_print_no_row_of_zeros(scatter):
    slow, fast = runs([2.0, 2.0 * scatter]), runs([1.0, 1.0 / scatter], "b")
    for found in (ratio(slow, fast), ratio(fast, slow), difference(slow, fast)):
        figures = above(found, 1e-9, "a").figures
        assert len(figures) < 80
        assert not re.search(r"\d{10}", figures)
    text = above(ratio(slow, fast), 1.0, "a").figures
    assert ("so few runs do not tell it within a factor of 100" in text) is (scatter > 2)


def test_ranks_are_tied_where_the_runs_do_not_tell():
    fast, slow = runs([3, 3.01, 3.02]), runs([1, 1.01, 1.02], "s")
    like_fast, once = runs([3.005, 3.015, 3.01], "f"), runs([2.0], "o")
    assert ranks([fast, like_fast, slow]) == [(1, 2), (1, 2), (3, 3)]
    assert ranks([fast, once, slow]) == [(1, 2), (1, 3), (2, 3)]


@pytest.mark.parametrize("n", [4, 5])
def test_the_permutation_p_is_exact_for_few(n):
    generator = np.random.default_rng(n)
    x, y = generator.random(n), generator.random(n)
    coefficient, p = spearman(list(x), list(y))
    assert coefficient == pytest.approx(stats.spearmanr(x, y)[0])
    expected = stats.permutation_test(
        (x,), lambda order: stats.spearmanr(order, y)[0], permutation_type="pairings", n_resamples=math.factorial(n)
    )
    assert p == pytest.approx(expected.pvalue, abs=1e-9)


def test_a_p_of_no_relation_is_below_a_twentieth_in_a_twentieth():
    generator = np.random.default_rng(5)
    low = sum(spearman(list(range(9)), list(generator.random(9)))[1] < 0.05 for _ in range(100))
    assert low / 100 < 0.13


def of(values, spread=0.001):
    return [
        estimate(runs([value * (1 - spread), value, value * (1 + spread)], f"{k}")) for k, value in enumerate(values)
    ]


def test_a_trend_holds_is_contradicted_or_is_not_told():
    x = list(range(8))
    assert trend(x, of([1, 2, 3, 4, 5, 6, 8, 7]), 1).holds() is True
    assert trend(x, of([8, 7, 6, 5, 4, 3, 2, 1]), 1).holds() is False
    assert trend(x, of([8, 7, 6, 5, 4, 3, 2, 1]), -1).holds() is True
    assert trend(x, of([1, 4, 2, 3, 1.5, 4.5, 5, 1.2]), 1).holds() in (None, False)
    assert trend(x[:5], of([1, 2, 3, 4, 5]), 1).holds() is None
    noisy = [estimate(runs([value, 30.0], f"{k}")) for k, value in enumerate([8, 7, 6, 5, 4, 3, 2, 1])]
    assert trend(x, noisy, 1).holds() is None


def test_most_is_more_than_half_and_counts_what_is_undecided_for_neither():
    def part(*holds):
        return most([decided(one, "") for one in holds], "x")

    assert part(True, True, False).verdict == HOLDS
    assert part(True, False).verdict == FAILS
    assert part(True, True, None, False).verdict == UNDECIDED
    assert part(True, True, None, False).figures == "x: 2 of 4, 1 undecided"
