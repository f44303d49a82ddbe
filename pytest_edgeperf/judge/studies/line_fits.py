"""Straight lines through a few points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

Interval = Tuple[float, float]


@dataclass(frozen=True)
class LineFit:
    """A line ``y = slope * x + intercept`` through ``n`` points.

    The intervals are ``None`` where fewer than three different x say nothing of how straight it is,
    ``residual_sd`` for two points, ``r_squared`` where all y are equal.
    """

    slope: float
    intercept: float
    n: int
    slope_interval: Optional[Interval] = None
    intercept_interval: Optional[Interval] = None
    residual_sd: Optional[float] = None
    r_squared: Optional[float] = None


def fit_line(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> LineFit:
    """The line with the least sum of squared vertical distances from the points.

    With means mx, my, Sxx = sum (x - mx)^2 and Sxy = sum (x - mx)(y - my)::

        slope = Sxy / Sxx                 intercept = my - slope * mx
        s^2   = sum (y - slope * x - intercept)^2 / (n - 2)
        slope     +- t * s / sqrt(Sxx)
        intercept +- t * s * sqrt(1/n + mx^2 / Sxx)
        r^2   = 1 - (n - 2) s^2 / sum (y - my)^2

    where t is the (1 + confidence) / 2 quantile of Student's t with n - 2 degrees of freedom. The
    intervals hold for independent, equally spread, normal errors of y (Draper and Smith, Applied
    Regression Analysis, 3rd ed. 1998, sections 1.3 and 1.4).

    Raises:
        ValueError: fewer than two points, no two different x, or a value that is not finite.
    """
    if len(x) != len(y):
        raise ValueError(f"a line needs as many y values as x values; there are {len(y)} y and {len(x)} x")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}; it must be between 0 and 1")
    if not all(map(math.isfinite, (*x, *y))):
        raise ValueError("a line needs finite numbers; there is a NaN or an infinity")
    n = len(x)
    if n < 2:
        raise ValueError(f"a line needs at least 2 points; there {'is' if n == 1 else 'are'} {n}")
    if len(set(x)) == 1:
        raise ValueError(f"a line needs two different x values; all {n} points are at {x[0]:g}")
    mean_x, mean_y = math.fsum(x) / n, math.fsum(y) / n
    from_x, from_y = [value - mean_x for value in x], [value - mean_y for value in y]
    # Relative to the largest, the squares can neither overflow nor vanish.
    reach = max(map(abs, from_x))
    unit_x = [value / reach for value in from_x]
    sxx = math.fsum([value * value for value in unit_x])
    rise = math.fsum([a * b for a, b in zip(unit_x, from_y)]) / sxx
    slope = rise / reach
    intercept = mean_y - rise * (mean_x / reach)
    total = math.fsum([value * value for value in from_y])
    residual = math.fsum([(b - rise * a) ** 2 for a, b in zip(unit_x, from_y)])
    r_squared = None if total == 0 else max(0.0, 1 - residual / total)
    if n == 2:
        return LineFit(slope, intercept, n, r_squared=r_squared)
    sd = math.sqrt(residual / (n - 2))
    if len(set(x)) == 2:
        return LineFit(slope, intercept, n, residual_sd=sd, r_squared=r_squared)
    from scipy.special import stdtrit

    reached = float(stdtrit(n - 2, (1 + confidence) / 2)) * sd
    of_slope = reached / math.sqrt(sxx) / reach
    of_intercept = reached * math.sqrt(1 / n + (mean_x / reach) ** 2 / sxx)
    return LineFit(
        slope,
        intercept,
        n,
        slope_interval=(slope - of_slope, slope + of_slope),
        intercept_interval=(intercept - of_intercept, intercept + of_intercept),
        residual_sd=sd,
        r_squared=r_squared,
    )
