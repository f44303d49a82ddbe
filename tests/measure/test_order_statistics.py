from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure.order_statistics import median, parts_of, percentile

VALUES = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40)


@given(VALUES, st.floats(0, 100))
def test_percentiles_are_numpys(values, percent):
    assert percentile(sorted(values), percent) == pytest.approx(np.percentile(values, percent), rel=1e-9, abs=1e-6)


@given(VALUES)
def test_the_median_lies_among_the_values(values):
    assert median(values) == pytest.approx(np.median(values), rel=1e-12, abs=1e-9)
    assert min(values) <= median(values) <= max(values)


@given(st.lists(st.integers(), max_size=50), st.integers(1, 12))
def test_parts_are_numpys(values, count):
    assert [list(part) for part in parts_of(values, count)] == [list(part) for part in np.array_split(values, count)]
