"""Bars: where marks stand, what is beyond the axis, and that the tolerance can be told from zero."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.report.bars import Axis, axis_for

TEN = Axis(0.1, 21, 0.02, ascii_only=True)


@pytest.mark.parametrize(
    ("change", "interval", "drawn"),
    [
        (0.0, (-0.01, 0.01), "         -o-:"),
        (0.05, (0.03, 0.07), "          | :--o--    "),
        (0.02, (-0.01, 0.05), "         -|-o---     "),
        (-0.08, (-0.09, -0.07), " -o-      | :        "),
        (0.09, (0.06, 0.12), "          | :   ---o>"),
        (0.5, (0.4, 0.6), "          | :       >"),
        (-0.5, (-0.6, -0.4), "<         | :        "),
        (0.0, None, "          o :        "),
        (math.inf, None, ""),
    ],
)
def test_a_bar_has_zero_the_tolerance_the_interval_and_the_estimate(change, interval, drawn):
    assert TEN.bar(change, interval, 0.02).rstrip() == drawn.rstrip()


def test_what_should_be_high_has_its_tolerance_below_zero():
    assert TEN.bar(-0.05, (-0.06, -0.04), -0.02) == "    -o- : |          "


def test_the_title_stands_above_the_marks():
    assert TEN.title() == "-10 %     0 +2    +10"
    assert Axis(0.1, 21).title() == "-10 %     0       +10"


def test_letters_beyond_ascii_are_the_same_marks():
    assert Axis(0.1, 21).bar(0.05, (0.03, 0.07), 0.02) == "          │ ┊──●──    "[:21]


@given(
    ends=st.lists(st.tuples(st.floats(-1, 100), st.floats(-1, 100)), max_size=20),
    tolerances=st.lists(st.sampled_from([0.0, 0.005, 0.02, 0.1, 0.9]), max_size=3),
    cells=st.integers(11, 60),
)
def test_any_axis_tells_the_smallest_tolerance_from_zero(ends, tolerances, cells):
    axis = axis_for(ends, tolerances, cells)
    assert len(axis.title()) == axis.cells <= cells
    least = min((size for size in tolerances if size), default=None)
    for low, high in ends:
        bar = axis.bar(high, (min(low, high), max(low, high)), least)
        assert len(bar) == axis.cells
    if least is not None:
        assert axis.bar(-0.999, None, least).index("┊") > axis.cells // 2


def test_one_outlier_does_not_flatten_the_others():
    intervals = [(-0.01, 0.01)] * 30 + [(3.0, 4.0)]
    assert axis_for(intervals, [0.02], 21).limit <= 0.05


def test_where_nothing_is_near_the_tolerance_the_axis_shows_how_far_it_is():
    axis = axis_for([(0.257, 0.594)], [0.005], 25, ascii_only=True)
    assert axis.title() == "-60 %       0         +60"
    assert axis.bar(0.415, (0.257, 0.594), 0.005) == "            |:   ---o----"
