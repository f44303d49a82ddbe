"""What sessions add to the variance of a difference: runs of one session share a machine's state and a build.

The log of a run is benchmark + session + run. The variance between runs is estimated within sessions; that between
sessions is pooled over the suite where baselines hold several, and never taken to be below a floor. What the suite's
own differences spread beyond both is added, so that a rebuild or another day, which moves every benchmark a little
and differently, is not taken for fifty slowdowns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, Sequence, Tuple

import numpy as np
from scipy.special import chdtr, chdtri, stdtrit

from pytest_edgeperf.judge.statistics.origins import Nested

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

#: The variance of a benchmark between sessions of one machine with one build: at least 0.25 % between two of them.
#: Measured: 0.04 % on a pinned machine, 0.1 % between virtual machines of one type; 0.19 % from process to process.
SESSION_VARIANCE_FLOOR = 0.0025**2 / 2

#: Fewer differences than this do not show how far sessions are apart.
EXCESS_BENCHMARKS = 10

#: No suite is taken to spread further: rebuilds moved benchmarks by 0.4 to 1.3 %, and what is more is worth an alarm.
MOST_EXCESS = 0.013**2

#: With so many degrees of freedom the floor is believed where a baseline's sessions show more.
FLOOR_FREEDOM = 1.0

#: Of a benchmark's squares between sessions only as much counts as one in a hundred has by chance: a benchmark that was
#: changed between two sessions of the baseline says nothing of the others.
_COUNTED = 0.99

#: The weights of benchmarks follow the estimate so often.
_REWEIGHTED = 2

#: Up to so many standard errors a spread is put down to chance (one-sided, 95 %). Checks at a tolerance of 0 against
#: two sessions 0.5, 0.75 and 1 % apart raised alarms in 1, 0.75 and 1 % of 400; +5 % was found in 33 % of cases where
#: three sessions did not lie apart, and in 30 % where any estimate above the floor was taken.
_BY_CHANCE = 1.645

#: Of a normal sample of n, the logarithm of the shortest half's length has a standard error of this / sqrt(n).
_SHORTH_ERROR = 1.16

#: Half of a normal distribution lies within so many standard deviations of its centre.
_HALF = 0.6745


class Component(NamedTuple):
    """A part of the variance of differences, and what it is known by (inf: a constant); arrays over tests."""

    variance: Array
    freedom: Array


def between_sessions(nests: Sequence[Nested], run_variance: Array) -> Component:
    """Pool the variance between the baseline's sessions over a suite; return its part of each difference's variance.

    By moments: between_squares / (run variance + runs x session variance) has the mean of a chi-square of its degrees
    of freedom (Searle, Casella & McCulloch 1992, Variance Components, chapter 3); each is winsorised at its 99 %
    quantile (Huber 1964, Ann. Math. Statist. 35), so that a single benchmark decides nothing, and weighed by what it
    shows of sessions: a benchmark whose runs scatter more than sessions do shows next to nothing. Where the variance is
    above the floor by more than chance explains, the two are averaged by their degrees of freedom; otherwise, and where
    no benchmark has two sessions, the floor stands.
    """
    factor = np.array([nest.factor for nest in nests])
    freedom = np.array([float(nest.between_freedom) for nest in nests])
    session, known_by = SESSION_VARIANCE_FLOOR, math.inf
    several = (freedom > 0) & np.isfinite(run_variance)
    if several.any():
        squares = np.array([nest.between_squares for nest in nests])[several]
        runs = np.array([nest.between_runs for nest in nests])[several]
        pooled, own = _pooled(squares, freedom[several], runs, run_variance[several])
        if pooled > session:
            own = max(own, 1.0)
            known_by = FLOOR_FREEDOM + own
            session = (FLOOR_FREEDOM * session + own * pooled) / known_by
    return Component(factor * session, np.full(len(nests), known_by))


def _pooled(squares: Array, freedom: Array, runs: Array, variance: Array) -> Tuple[float, float]:
    """Return the variance of a session by which the winsorised squares have their mean, and its degrees of freedom.

    The weights are those of the score of a normal likelihood, 1 / (session variance + run variance / runs), at the
    estimate before; the degrees of freedom are 2 (estimate / standard error)^2. (0, 0) where the score at the floor is
    explained by chance.
    """
    most = chdtri(freedom, 1 - _COUNTED)
    expected = freedom * chdtr(freedom + 2, most) + most * (1 - _COUNTED)

    def surplus(session: float, weight: Array) -> float:
        counted = np.minimum(squares / (variance + runs * session), most)
        return float(np.sum(weight * (counted - expected)))

    estimate = SESSION_VARIANCE_FLOOR
    weight = 1 / (estimate + variance / runs)
    if surplus(estimate, weight) <= _BY_CHANCE * math.sqrt(2 * np.sum(freedom * weight**2)):
        return 0.0, 0.0
    for _ in range(_REWEIGHTED):
        weight = 1 / (estimate + variance / runs)
        below, above = SESSION_VARIANCE_FLOOR, float(np.max(squares / runs))
        for _ in range(60):
            middle = math.sqrt(below * above)
            below, above = (middle, above) if surplus(middle, weight) > 0 else (below, middle)
        estimate = above
    return estimate, float(estimate**2 * np.sum(freedom / (estimate + variance / runs) ** 2))


def excess_spread(differences: Array, error: Array, freedom: Array) -> Tuple[float, float]:
    """Return the variance by which a suite's differences spread beyond their errors, and its degrees of freedom.

    The shortest half of the standardised differences is as long as that of normal ones when the excess is right: less
    than half of the suite may have moved, together or apart, and it stays small (the shorth and the least median of
    squares, Rousseeuw & Leroy 1987, Robust Regression and Outlier Detection, 4.3). It is 0 for fewer than ten
    differences, and where chance explains the spread; where it would be more than ``MOST_EXCESS``, it is that, known.

    Args:
        differences: log ratios, one a benchmark.
        error: their standard errors without the excess.
        freedom: the degrees of freedom of the errors.
    """
    count = len(differences)
    if count < EXCESS_BENCHMARKS:
        return 0.0, math.inf
    low, high = _shortest_half(differences)
    distances = (differences - (low + high) / 2) / (stdtrit(freedom, 0.75) / _HALF)

    def spread(excess: float) -> float:
        low, high = _shortest_half(distances / np.sqrt(error**2 + excess))
        return (high - low) / (2 * _HALF) * (1 + 5 / count)

    known_by = 1 / (2 * _SHORTH_ERROR**2) * (count - 1)
    if spread(0.0) <= math.exp(_BY_CHANCE * _SHORTH_ERROR / math.sqrt(count)):
        return 0.0, math.inf
    below, above = 0.0, float(np.ptp(distances)) ** 2
    for _ in range(40):
        middle = (below + above) / 2
        below, above = (middle, above) if spread(middle) > 1 else (below, middle)
    return (above, known_by) if above < MOST_EXCESS else (MOST_EXCESS, math.inf)


def _shortest_half(values: Array) -> Tuple[float, float]:
    ordered = np.sort(values)
    half = len(ordered) // 2
    first = int(np.argmin(ordered[half:] - ordered[: len(ordered) - half]))
    return float(ordered[first]), float(ordered[first + half])


def satterthwaite(components: Sequence[Component]) -> Component:
    """Return the sum of independent estimates of variance and its effective degrees of freedom.

    (sum v)^2 / sum(v^2 / f) (Satterthwaite 1946, Biometrics Bulletin 2).
    """
    total = np.asarray(sum(component.variance for component in components))
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.asarray(sum(component.variance**2 / component.freedom for component in components))
        freedom = np.where(parts > 0, total**2 / parts, np.inf)
    return Component(total, freedom)
