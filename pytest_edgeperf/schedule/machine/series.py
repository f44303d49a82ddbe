"""A sensor's readings over a window of time, and their statistics. Pure functions."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Tuple

#: A sample and the next that are this many refresh periods apart have a gap between them.
GAP_PERIODS = 3.0
#: Readings of a sensor whose rate is not known are not taken for new more often than this.
USUAL_REFRESH_HZ = 10.0

Point = Tuple[float, float]


@dataclass
class Series:
    """Readings of one sensor: moments in s, values in the sensor's unit, and how many readings failed."""

    name: str
    quantity: str
    source: str
    refresh_hz: Optional[float] = None
    times_s: List[float] = field(default_factory=list)
    values: List[float] = field(default_factory=list)
    missed: int = 0
    reason: Optional[str] = None

    def take(self, at_s: float, value: Optional[float], reason: Optional[str] = None) -> None:
        """Add a reading; one without a value counts as missed, with its reason."""
        if value is None or not math.isfinite(value):
            self.missed += 1
            self.reason = reason or self.reason
        else:
            self.times_s.append(at_s)
            self.values.append(value)

    @property
    def period_s(self) -> float:
        """How long a value stays the sensor's newest, in s."""
        return 1.0 / (self.refresh_hz or USUAL_REFRESH_HZ)

    def distinct(self, begin_s: float, end_s: float) -> List[Point]:
        """The readings within the window that can be new: another value, or a refresh period later.

        Readings of the first refresh period cover the time before the window and are left out; of a window that is
        no longer than a period, all are.
        """
        points: List[Point] = []
        start_s = begin_s + self.period_s
        first = bisect.bisect_left(self.times_s, start_s)
        for at_s, value in zip(self.times_s[first:], self.values[first:]):
            if at_s > end_s:
                break
            if not points or value != points[-1][1] or at_s - points[-1][0] >= self.period_s:
                points.append((at_s, value))
        return points

    def mean(self, begin_s: float, end_s: float) -> Optional[float]:
        """The mean over the window; ``None`` without a reading."""
        return mean_over_time(self.distinct(begin_s, end_s), self.period_s)


def mean_over_time(points: Sequence[Point], period_s: float = math.inf) -> Optional[float]:
    """The mean of a quantity over the time between its first and last point, by the trapezoidal rule.

    Gaps (see :func:`gaps`) do not count: what is measured is a load that goes on, and nobody knows where in its
    ups and downs the silence began and ended. One point is its own mean; none has no mean.
    """
    steps = [
        (after[0] - before[0], (before[1] + after[1]) / 2)
        for before, after in zip(points, points[1:])
        if after[0] - before[0] <= GAP_PERIODS * period_s
    ]
    covered_s = sum(step_s for step_s, _ in steps)
    if covered_s <= 0:
        return sum(value for _, value in points) / len(points) if points else None
    return sum(step_s * value for step_s, value in steps) / covered_s


def quantile(values: Sequence[float], share: float) -> float:
    """The linearly interpolated quantile of a few values (Hyndman and Fan's type 7, 1996)."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def standard_deviation(values: Sequence[float]) -> Optional[float]:
    """The standard deviation of two values or more."""
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def gaps(points: Sequence[Point], period_s: float) -> int:
    """How often the sensor was silent for more than ``GAP_PERIODS`` of its periods."""
    return sum(after[0] - before[0] > GAP_PERIODS * period_s for before, after in zip(points, points[1:]))
