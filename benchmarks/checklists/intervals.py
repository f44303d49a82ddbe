"""How sure a comparison of runs is: intervals of ratios, ranks, and trends. The one method of all checklists.

**Ratios.** A run is one replicate (Kalibera and Jones, "Rigorous benchmarking in reasonable time", ISMM 2013: only
the highest level of repetition gives degrees of freedom). An :class:`Estimate` is the mean of a quantity's
logarithms over runs with the variance of that mean; a ratio is a difference of two, its interval Welch's ("The
generalization of Student's problem when several different population variances are involved", Biometrika 34, 1947)
with Satterthwaite's degrees of freedom. Two quantities of the same runs are compared run by run (paired t). Where a
finding asks several questions, each interval has the confidence ``1 - 0.05 / questions`` (Bonferroni). One run has no
spread, so that nothing is decided by it.

**Ranks** are decided by such intervals of all pairs (Al Mohamad, Goeman and van Zwet, "Simultaneous confidence
intervals for ranks with application to ranking institutions", Biometrics 78, 2022).

**Trends** over networks use Spearman's rank correlation and the p-value of permutations. Noise of the runs leaves
networks exchangeable under the hypothesis, so that it costs power and no confidence.

**Printed figures** have no runs. They are certain to half of their last digit, and whatever stays undecided within that
is not decided; the label says that there was no interval.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from statistics import mean, median, variance
from typing import Hashable, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from scipy import stats

#: The chance that any interval of a finding misses its true value.
ALPHA = 0.05
#: A trend needs as many networks.
FEWEST_FOR_A_TREND = 6
#: A rule "the larger, the faster" that errs in so many of all pairs does not hold.
CONTRARY_SHARE = 1 / 3
#: Up to as many values all permutations are counted; beyond, this many are drawn.
_ALL_PERMUTATIONS_UP_TO = 7
_DRAWN_PERMUTATIONS = 9999
PRINTED = "printed, no interval"

Interval = Tuple[float, float]


@dataclass(frozen=True)
class Quantity:
    """A metric of a benchmark: its value in each run, or a printed figure with the half of its last digit."""

    runs: Mapping[Hashable, float]
    half_digit: Optional[float] = None

    @property
    def printed(self) -> bool:
        """Whether it is a published figure."""
        return self.half_digit is not None

    @property
    def center(self) -> float:
        """The median over the runs, as shown."""
        return median(self.runs.values())

    def bounds(self) -> Interval:
        """What a printed figure may have been before it was rounded."""
        value, half = self.center, self.half_digit or 0.0
        return value - half, value + half

    def plus(self, other: Quantity) -> Quantity:
        """The sum, run by run."""
        half = (
            self.half_digit + other.half_digit if self.half_digit is not None and other.half_digit is not None else None
        )
        if half is not None:
            return printed(self.center + other.center, half)
        return Quantity({key: value + other.runs[key] for key, value in self.runs.items() if key in other.runs})

    def minus(self, other: Quantity) -> Quantity:
        """The difference, run by run."""
        return Quantity({key: value - other.runs[key] for key, value in self.runs.items() if key in other.runs})

    def over(self, other: Quantity) -> Quantity:
        """The quotient, run by run."""
        return Quantity({key: value / other.runs[key] for key, value in self.runs.items() if other.runs.get(key)})

    def inverse(self, factor: float = 1.0) -> Quantity:
        """``factor`` over it: frames per second of a time."""
        half = None
        if self.half_digit is not None:
            half = factor * self.half_digit / self.center**2
        return Quantity({key: factor / value for key, value in self.runs.items()}, half)


def printed(value: float, half_digit: Optional[float] = None) -> Quantity:
    """A printed figure; its last digit is that of the number as stored unless it is given.

    Where a zero was printed at the end that a file leaves out, it is taken to be less certain than it is, never more.
    """
    return Quantity({"printed": value}, half_of_last_digit(value) if half_digit is None else half_digit)


def half_of_last_digit(value: float) -> float:
    """Half a unit of the last digit that a number is written with; a whole number may have been rounded to units."""
    mantissa, _, exponent = repr(float(value)).partition("e")
    decimals = mantissa.partition(".")[2]
    digits = 0 if decimals == "0" else len(decimals)
    return 0.5 * 10.0 ** (int(exponent or 0) - digits)


@dataclass(frozen=True)
class Estimate:
    """A mean over runs with its variance, of logarithms unless ``linear``; ``slack`` is what rounding leaves open."""

    center: float
    variance: float
    degrees: float
    slack: float = 0.0
    printed: bool = False
    linear: bool = False

    @property
    def value(self) -> float:
        """In the quantity's own unit, or the ratio."""
        return self.center if self.linear else math.exp(self.center)

    def interval(self, questions: int = 1) -> Interval:
        """The interval at ``1 - ALPHA / questions``; endless where there are too few runs."""
        reach = self.slack
        if self.variance > 0:
            if not math.isfinite(self.variance) or self.degrees < 1:
                reach = math.inf
            else:
                reach += float(stats.t.ppf(1 - ALPHA / questions / 2, self.degrees)) * math.sqrt(self.variance)
        low, high = self.center - reach, self.center + reach
        if self.linear:
            return low, high
        return math.exp(low) if low > -math.inf else 0.0, math.exp(high) if high < 700 else math.inf

    def inverse(self) -> Estimate:
        """The reciprocal ratio."""
        return replace(self, center=-self.center)

    def minus(self, other: Estimate) -> Estimate:
        """The difference (of logarithms: the ratio) to an independent one."""
        return _sum(
            [self, Estimate(-other.center, other.variance, other.degrees, other.slack, other.printed, other.linear)]
        )


def estimate(quantity: Quantity, *, linear: bool = False) -> Estimate:
    """The mean over runs, of logarithms where all values are positive and ``linear`` was not asked for."""
    values = list(quantity.runs.values())
    if quantity.printed:
        low, high = quantity.bounds()
        if linear:
            return Estimate(quantity.center, 0.0, math.inf, (high - low) / 2, True, True)
        if quantity.center <= 0:
            return Estimate(0.0, 0.0, math.inf, math.inf, True)
        center = math.log(quantity.center)
        slack = math.inf if low <= 0 else max(math.log(high) - center, center - math.log(low))
        return Estimate(center, 0.0, math.inf, slack, True)
    if not linear and min(values) <= 0:
        return Estimate(0.0, math.inf, 0)
    return _of_values(values if linear else [math.log(value) for value in values], linear)


def ratio(over: Quantity, under: Quantity) -> Estimate:
    """``over / under``: run by run where both are of the same runs, else of independent ones."""
    return _compared(over, under, linear=False)


def difference(first: Quantity, second: Quantity) -> Estimate:
    """``first - second`` in their unit."""
    return _compared(first, second, linear=True)


def _compared(first: Quantity, second: Quantity, *, linear: bool) -> Estimate:
    if first.printed or second.printed or set(first.runs) != set(second.runs):
        return estimate(first, linear=linear).minus(estimate(second, linear=linear))
    pairs = [(first.runs[key], second.runs[key]) for key in first.runs]
    if not linear and min(map(min, pairs)) <= 0:
        return Estimate(0.0, math.inf, 0)
    return _of_values([a - b if linear else math.log(a / b) for a, b in pairs], linear)


def average(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of independent ones: of ratios, the geometric mean."""
    n = len(estimates)
    total = _sum(estimates)
    return Estimate(
        total.center / n, total.variance / n**2, total.degrees, total.slack / n, total.printed, total.linear
    )


def _of_values(values: Sequence[float], linear: bool) -> Estimate:
    n = len(values)
    if n < 2:
        return Estimate(values[0], math.inf, 0, linear=linear)
    return Estimate(mean(values), variance(values) / n, n - 1, linear=linear)


def _sum(estimates: Sequence[Estimate]) -> Estimate:
    spread = sum(one.variance for one in estimates)
    parts = [one.variance**2 / one.degrees for one in estimates if 0 < one.variance < math.inf]
    degrees = spread**2 / sum(parts) if parts and spread < math.inf else (0.0 if spread else math.inf)
    return Estimate(
        sum(one.center for one in estimates),
        spread,
        degrees,
        sum(one.slack for one in estimates),
        any(one.printed for one in estimates),
        estimates[0].linear,
    )


def is_above(found: Estimate, bound: float, questions: int = 1) -> Optional[bool]:
    """Whether it is larger than the bound; ``None``: the interval holds the bound."""
    low, high = found.interval(questions)
    return True if low > bound else False if high <= bound else None


def is_below(found: Estimate, bound: float, questions: int = 1) -> Optional[bool]:
    """Whether it is smaller than the bound; ``None``: the interval holds the bound."""
    low, high = found.interval(questions)
    return True if high < bound else False if low >= bound else None


def is_within(found: Estimate, least: float, most: float, questions: int = 1) -> Optional[bool]:
    """Whether it lies between two bounds; ``None``: the interval reaches over one of them."""
    low, high = found.interval(questions)
    if least <= low and high <= most:
        return True
    return False if high < least or low > most else None


def ranks(quantities: Sequence[Quantity]) -> List[Tuple[int, int]]:
    """The best and the worst rank that each may have, the largest value being first; one question per pair."""
    n = len(quantities)
    pairs = max(n * (n - 1) // 2, 1)
    best, worst = [1] * n, [n] * n
    for first, second in itertools.combinations(range(n), 2):
        larger = is_above(ratio(quantities[first], quantities[second]), 1.0, pairs)
        smaller = is_below(ratio(quantities[first], quantities[second]), 1.0, pairs)
        if larger or smaller:
            winner, loser = (first, second) if larger else (second, first)
            best[loser] += 1
            worst[winner] -= 1
    return list(zip(best, worst))


@dataclass(frozen=True)
class Trend:
    """Spearman's coefficient over networks, its p-value, and the share of pairs whose order contradicts the sign."""

    coefficient: float
    p: float
    contrary: float
    agreeing: float
    n: int
    printed: bool

    def holds(self) -> Optional[bool]:
        """Whether the rule holds; ``None``: neither is its sign shown nor do enough pairs contradict it."""
        if self.n < FEWEST_FOR_A_TREND:
            return None
        if self.coefficient > 0 and self.p < ALPHA and self.agreeing > self.contrary:
            return True
        return False if self.contrary >= CONTRARY_SHARE else None


def trend(x: Sequence[float], quantities: Sequence[Estimate], sign: int) -> Trend:
    """Whether the quantities rise (``sign`` 1) or fall (-1) with x; the coefficient is positive where they do.

    A pair of networks agrees or contradicts where the interval of the two quantities' ratio excludes 1.
    """
    n = len(x)
    pairs = [(i, j) for i, j in itertools.combinations(range(n), 2) if x[i] != x[j]]
    agreeing = contrary = 0
    for i, j in pairs:
        high, low = (i, j) if (x[i] - x[j]) * sign > 0 else (j, i)
        larger = is_above(quantities[high].minus(quantities[low]), 1.0)
        agreeing += larger is True
        contrary += larger is False
    total = max(len(pairs), 1)
    coefficient, p = spearman([sign * value for value in x], [one.center for one in quantities])
    return Trend(coefficient, p, contrary / total, agreeing / total, n, any(one.printed for one in quantities))


def spearman(x: Sequence[float], y: Sequence[float]) -> Tuple[float, float]:
    """Spearman's rank correlation and its two-sided p-value by permutation; 0 and 1 where either does not vary."""
    if len(x) < 3 or len(set(x)) == 1 or len(set(y)) == 1:
        return 0.0, 1.0
    first, second = (stats.rankdata(values) - (len(x) + 1) / 2 for values in (x, y))
    scale = math.sqrt(float(first @ first) * float(second @ second))
    observed = float(first @ second) / scale
    if len(x) <= _ALL_PERMUTATIONS_UP_TO:
        orders = np.array(list(itertools.permutations(range(len(x)))))
        extra = 0
    else:
        drawn = np.random.default_rng(0)
        orders = np.argsort(drawn.random((_DRAWN_PERMUTATIONS, len(x))), axis=1)
        # the order that was observed is one of those that chance gives
        extra = 1
    permuted = np.abs(second[orders] @ first) / scale
    reached = int(np.count_nonzero(permuted >= abs(observed) - 1e-12))
    return observed, (reached + extra) / (len(orders) + extra)
