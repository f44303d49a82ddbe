"""Reporting a session grows with the number of its benchmarks, not with its square, and costs little for each."""

from __future__ import annotations

import pytest

from tests.growth import calls, cpu_s
from tests.overhead.reporting import PARTS, SIZES

FEW, MANY = 20, 160
#: Eight times as many; a quadratic share of a tenth would show.
AT_MOST = 10.0
MOST_S = 0.001


@pytest.mark.parametrize("part", PARTS)
def test_eight_times_the_benchmarks_are_about_eight_times_the_calls(part):
    work = PARTS[part]
    work(FEW)()  # imports what is imported when first used
    assert calls(work(MANY)) / calls(work(FEW)) < AT_MOST


@pytest.mark.long
@pytest.mark.quiet
def test_two_thousand_benchmarks_take_less_than_a_millisecond_each():
    most = max(SIZES)
    assert sum(cpu_s(PARTS[part](most)) for part in ("each item", "terminal")) / most < MOST_S
