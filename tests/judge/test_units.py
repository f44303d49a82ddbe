from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.units import factor

UNITS = st.sampled_from(["s", "ms", "us", "µs", "ns", "B", "kB", "MB", "MiB", "GiB", "W", "mW", "J", "mJ", "1/s", ""])


@pytest.mark.parametrize(
    ("unit", "into", "expected"),
    [("s", "ms", 1000.0), ("MiB", "MB", 1.048576), ("mW", "W", 0.001), ("1/s", "1/s", 1.0), ("ms", "MiB", None)],
)
def test_a_few_by_hand(unit, into, expected):
    assert factor(unit, into) == (None if expected is None else pytest.approx(expected))


@given(UNITS, UNITS)
def test_there_and_back_is_one(unit, other):
    there, back = factor(unit, other), factor(other, unit)
    assert (there is None) == (back is None)
    if there is not None:
        assert there * back == pytest.approx(1.0)
