"""Where a series changes its level for good: pure, and without numpy, as a coordinator asks it too.

The best of all partitions by optimal partitioning (Jackson et al., "An algorithm for optimal partitioning of data on
an interval", IEEE Signal Processing Letters 12, 2005) with the sum of absolute deviations from each part's median as
the cost, which bursts of noise move less than squares, and a penalty per change in units of the noise.
"""

from __future__ import annotations

import bisect
import math
from statistics import median
from typing import List, Sequence

#: A level lasts this many points at least; bursts of fewer than half as many are none.
FEWEST_POINTS = 5
#: Each change must save this many standard deviations of the noise. Of 1000 series of 120 points of normal noise 6 held
#: a change, of 1000 with Student's heavy tails (3 degrees of freedom) none (as in tests/judge, seed 1).
PENALTY = 8.0
#: Robust standard deviation from a median absolute deviation of normal noise.
_MAD_TO_SD = 1.4826
#: Series without any noise are looked at as if it were this share of a percent.
_LEAST_NOISE = 1e-4


def change_points(values: Sequence[float], fewest_points: int = FEWEST_POINTS) -> List[int]:
    """The indices at which a new level begins, in order; none where one level explains the series.

    Args:
        values: in time order; logarithms, where changes are ratios.
        fewest_points: how many points a level has at least.
    """
    count = len(values)
    if count < 2 * fewest_points:
        return []
    price = PENALTY * noise(values)
    costs = _costs(values, fewest_points)
    best = [0.0] + [math.inf] * count
    previous = [0] * (count + 1)
    for end in range(fewest_points, count + 1):
        for start in (0, *range(fewest_points, end - fewest_points + 1)):
            total = best[start] + costs[start][end] + (price if start else 0.0)
            if total < best[end]:
                best[end], previous[end] = total, start
    positions: List[int] = []
    end = previous[count]
    while end:
        positions.append(end)
        end = previous[end]
    return positions[::-1]


def noise(values: Sequence[float]) -> float:
    """The standard deviation of the noise, by the differences of neighbours, which a few changes of level do not move.

    Von Neumann et al., "The mean square successive difference" (1941), with a median for the mean.
    """
    differences = [abs(after - before) for before, after in zip(values, values[1:])]
    return max(_MAD_TO_SD * median(differences) / math.sqrt(2), _LEAST_NOISE) if differences else _LEAST_NOISE


def _costs(values: Sequence[float], fewest_points: int) -> List[List[float]]:
    """``[start][end]``: the sum of absolute deviations of ``values[start:end]`` from their median."""
    count = len(values)
    costs = [[math.inf] * (count + 1) for _ in range(count)]
    for start in range(count - fewest_points + 1):
        ordered: List[float] = []
        for end in range(start + 1, count + 1):
            bisect.insort(ordered, values[end - 1])
            if len(ordered) >= fewest_points:
                half = len(ordered) // 2
                costs[start][end] = sum(ordered[-half:]) - sum(ordered[:half])
    return costs
