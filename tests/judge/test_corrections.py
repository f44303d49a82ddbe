from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.statistics.corrections import adjusted, first_level, holm, runs_factors, summary_weights


def holm_rejections(p_values, family_size, alpha):
    """Holm's procedure as in his paper: step down while p_(i) <= alpha / (m - i + 1)."""
    rejected = set()
    for step, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] > alpha / (family_size - step):
            break
        rejected.add(index)
    return rejected


def test_holm_by_hand():
    got = holm(np.array([0.01, 0.04, 0.03, 0.005]), 4)
    assert got.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_tests_that_were_not_computed_still_count():
    assert holm(np.array([0.001]), 150).tolist() == pytest.approx([0.15])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 30), st.sampled_from([0.01, 0.05, 0.3]))
def test_adjusted_p_values_reject_what_the_step_down_procedure_rejects(p_values, uncomputed, alpha):
    size = len(p_values) + uncomputed
    got = holm(np.array(p_values), size)
    borderline = np.abs(got - alpha) < 1e-9
    expected = holm_rejections(p_values, size, alpha)
    for index, adjusted_p in enumerate(got):
        if not borderline.any():
            assert (adjusted_p <= alpha) == (index in expected)


def test_weights_share_the_level_unequally_and_fully():
    p_values, weights = np.array([0.0068, 0.0021, 0.0009]), np.array([0.7, 0.2, 0.1])
    # By hand: p / w = .00971, .0105, .009; in order the third, the first, the second, with 1, .9 and .2 left.
    assert holm(p_values, 1, weights).tolist() == pytest.approx([0.009, 0.009, 0.009], abs=1e-9)
    assert holm(np.array([0.03, 0.5, 0.5]), 1, weights)[0] == pytest.approx(0.03 / 0.7)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 30))
def test_equal_weights_are_the_procedure_without(p_values, uncomputed):
    size, values = len(p_values) + uncomputed, np.array(p_values)
    thirds = np.full(len(values), 1 / 3)
    assert holm(values, size, np.ones(len(values))).tolist() == pytest.approx(holm(values, size).tolist())
    assert holm(values, size, thirds).tolist() >= holm(values, size).tolist()


def test_a_metric_shares_its_part_among_the_summaries_that_it_has():
    assert summary_weights(3) == pytest.approx([0.7, 0.2, 0.1])
    assert summary_weights(2) == pytest.approx([7 / 9, 2 / 9])
    assert summary_weights(1) == [1.0]
    assert summary_weights(4) == pytest.approx([0.25] * 4)


def test_a_share_is_held_against_the_whole_alpha():
    enough = np.array([1.0])
    p = 0.007 / 50
    assert adjusted(np.array([p]), enough, 50, 0.7)[0] == pytest.approx(0.01)
    assert first_level(enough, 0.01, 50, 0.7)[0] == pytest.approx(p)


def test_few_runs_need_a_smaller_p_value_and_two_never_do():
    runs = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 9.0])
    factors = runs_factors(runs, np.full(6, 10.0))
    alone = [adjusted(np.array([1e-9]), np.array([factor]), 1, 1.0)[0] for factor in factors]
    assert alone == pytest.approx([1.0, 1e-7, 5e-9, 1e-9 / 0.7, 1e-9, 1e-9])
    assert first_level(factors[[0, -1]], 0.01, 1, 1.0).tolist() == [0.0, 0.01]


def test_one_baseline_run_accuses_nobody_and_two_need_a_smaller_p_value():
    factors = runs_factors(np.array([9.0, 9.0, 9.0]), np.array([1.0, 2.0, 3.0]))
    assert factors[0] == 0
    assert 0 < factors[1] < 1
    assert factors[2] == 1
