from __future__ import annotations

import pytest

from .compare import compared

FEW, MANY = 400, 1_600
#: Times the growth of the number of benchmarks: what is quadratic would take four times that.
LIMIT = 1.6


@pytest.mark.alone
def test_the_time_of_a_comparison_grows_with_the_number_of_benchmarks(tmp_path):
    # By processor time, which neighbours disturb little; the least of two, since they only add to it.
    start_s, few_s, many_s = (min(compared(tmp_path, size).cpu_s for _ in range(2)) for size in (1, FEW, MANY))
    assert many_s - start_s < LIMIT * MANY / FEW * (few_s - start_s)
