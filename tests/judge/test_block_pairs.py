from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.statistics.block_pairs import pair_of, pair_of_runs

medians = st.floats(0.01, 1e4)


@given(st.lists(medians, min_size=4, max_size=40), st.floats(0.5, 2.0))
def test_a_constant_ratio_is_found_exactly_whatever_the_machine_does_to_both(base, ratio):
    found = pair_of(base, [ratio * one for one in base])
    assert found.log_ratio == pytest.approx(math.log(ratio), abs=1e-9)
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.blocks == len(base) // 2 * 2


@given(st.lists(st.tuples(medians, medians), min_size=4, max_size=40))
def test_changing_sides_changes_the_sign_and_nothing_else(blocks):
    base, candidate = zip(*blocks)
    there, back = pair_of(base, candidate), pair_of(candidate, base)
    assert there.log_ratio == pytest.approx(-back.log_ratio, abs=1e-9)
    assert there.error == pytest.approx(back.error, abs=1e-9)


def test_a_steady_drift_cancels_in_abba_order():
    turns = iter(1.0 + 0.01 * turn for turn in range(48))
    base, candidate = [], []
    for number in range(24):
        for side in (base, candidate) if number % 2 == 0 else (candidate, base):
            side.append(next(turns))
    assert pair_of(base, candidate).log_ratio == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("spoilt", [1, 2, 3])
def test_single_disturbed_blocks_do_not_move_it(spoilt):
    base, candidate = [1.0] * 24, [1.02] * 24
    for block in range(spoilt):
        candidate[7 * block] *= 5
    assert pair_of(base, candidate).log_ratio == pytest.approx(math.log(1.02))


def test_its_error_is_the_scatter_of_its_quads():
    low, high = [math.exp(-0.01)] * 2, [math.exp(0.01)] * 2
    found = pair_of([1.0] * 16, (low + high) * 4)
    # Eight quads at -1 % and +1 %: trimming leaves four, winsorising none of the scatter out.
    assert found.log_ratio == pytest.approx(0, abs=1e-12)
    assert found.error == pytest.approx(math.sqrt(8 * 0.01**2 / 7 / 8) / 0.5, rel=1e-6)


@pytest.mark.parametrize(
    ("base", "candidate", "said"),
    [
        ([1.0] * 3, [1.0] * 9, "3 block pairs"),
        ([1.0] * 4, [1.0, 0.0, 1, 1], "positive"),
        ([math.nan] * 4, [1] * 4, "nan"),
    ],
)
def test_what_cannot_be_estimated_is_said(base, candidate, said):
    with pytest.raises(ValueError, match=said):
        pair_of(base, candidate)


def test_whole_runs_are_as_uncertain_as_their_blocks():
    found = pair_of_runs(10.0, 10.2, 0.003, 0.004)
    assert found == pytest.approx((math.log(1.02), 0.005, 0))
