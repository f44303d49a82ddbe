"""One-sided moderated t-tests of many contrasts at once, and what they could have found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy.special import stdtr, stdtrit

from pytest_edgeperf.judge.corrections import (
    ACCURACY_SHARE,
    LATENCY_SHARE,
    LINES_SHARE,
    adjusted,
    first_level,
    latency_family,
    other_family,
)
from pytest_edgeperf.judge.estimates import Contrast
from pytest_edgeperf.judge.types import Family
from pytest_edgeperf.judge.variance import (
    FIXED_PRIOR,
    NO_PRIOR,
    SESSION_VARIANCE_FLOOR,
    fit_prior,
    moderated_variance,
)

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

#: Of the one-sided upper bound by which "unchanged" is claimed, and what each end of the interval leaves out.
BOUND_CONFIDENCE = 0.95
INTERVAL_TAIL = 0.025

#: The slowdown called detectable is found this often.
POWER = 0.80

#: Nobody plans more runs than this, on either side, to decide one benchmark.
RUNS_LIMIT = 30

#: exp() of more than this is not a ratio that anybody reads.
LOG_RATIO_LIMIT = 20.0


@dataclass(frozen=True)
class Level:
    """The part of the session's error level that a group of tests shares, and when one is suspicious."""

    alpha: float
    family_size: int
    share: float
    suspicion: float


def levels(family: Family, informing: int = 0, lines: int = 0, accuracies: int = 0) -> Tuple[Level, Level, Level]:
    """Return the levels of latency, of the other metrics that gate, and of so many tests that only inform.

    ``lines``: how many slopes and intercepts the session tests at :func:`lines_level`; ``accuracies``: how many of
    them at :func:`accuracies_level`.
    """
    gates = _gates(family)
    others = _left_by_lines(lines) / (2 if accuracies else 1)
    return (
        Level(family.alpha, latency_family(len(family.benchmarks)), LATENCY_SHARE, family.suspicion),
        Level(family.alpha, other_family(gates), others, family.suspicion),
        Level(family.alpha, informing, 1.0, family.suspicion),
    )


def accuracies_level(family: Family, accuracies: int, lines: int = 0) -> Level:
    """Return the level of so many accuracies that gate."""
    share = _left_by_lines(lines) / (2 if _gates(family) else 1)
    return Level(family.alpha, accuracies, share, family.suspicion)


def _gates(family: Family) -> int:
    return sum(len(family.gates.get(benchmark, ())) for benchmark in family.benchmarks)


def _left_by_lines(lines: int) -> float:
    return ACCURACY_SHARE - LINES_SHARE if lines else ACCURACY_SHARE


def lines_level(family: Family, lines: int) -> Level:
    """Return the level of so many slopes and intercepts."""
    return Level(family.alpha, lines, LINES_SHARE, family.suspicion)


class Tested(NamedTuple):
    """The outcome for one contrast; logarithms point towards *worse*, whatever the metric's direction."""

    contrast: Contrast
    #: Raw and adjusted one-sided p-values; 1 where nothing could be computed.
    p_worse: float
    adjusted_worse: float
    adjusted_better: float
    computable: bool
    worse_by: float
    upper: float
    interval: Optional[Tuple[float, float]]
    detectable: Optional[float]
    position: int


class Moderation(NamedTuple):
    """The variance between runs of each contrast, and the prior that it was shrunk to."""

    variance: Array
    dispersion: Array
    scale: Array
    prior_freedom: Array


def moderate(contrasts: Sequence[Contrast], squares: Array, freedom: Array) -> Moderation:
    """Moderate sums of squares with so many degrees of freedom, with one prior per metric and summary."""
    dispersion = _floats([1.0 if c.dispersion is None else c.dispersion for c in contrasts])
    scale = np.zeros_like(freedom)
    prior_freedom = np.zeros_like(freedom)
    groups: Dict[Tuple[str, str], List[int]] = {}
    for position, contrast in enumerate(contrasts):
        groups.setdefault((contrast.metric, contrast.summary), []).append(position)
    for positions in groups.values():
        where = np.array(positions)
        fallback = NO_PRIOR if contrasts[positions[0]].dispersion is None else FIXED_PRIOR
        prior = fit_prior(squares[where], freedom[where], dispersion[where], fallback)
        has_variance = freedom[where] > 0
        scale[where] = np.where(has_variance, prior.scale, fallback.scale)
        prior_freedom[where] = np.where(has_variance, prior.freedom, fallback.freedom)
    variance = moderated_variance(squares, freedom, dispersion, scale, prior_freedom)
    return Moderation(variance, dispersion, scale, prior_freedom)


def standard_error(variance: Array, base_runs: Any, runs: Any, session_variance: Any) -> Array:
    """Return the standard error of the difference of two means of so many runs."""
    return np.asarray(np.sqrt(variance * (1.0 / base_runs + 1.0 / runs) + session_variance), dtype=np.float64)


class GroupTests:
    """The tests of one group: arrays over contrasts, tested together."""

    def __init__(
        self, contrasts: Sequence[Contrast], signs: Sequence[int], tolerances: Sequence[float], level: Level
    ) -> None:
        """Test ``contrasts``; a sign is 1 where larger is worse and -1 where smaller is."""
        self.contrasts = contrasts
        self.level = level
        self.base_runs = _floats([c.baseline_runs for c in contrasts])
        self.runs = _floats([c.candidate_runs for c in contrasts])
        self.sign = _floats(signs)
        self.worse_by = self.sign * _floats([c.difference for c in contrasts])
        self.log_tolerance = np.log1p(_floats(tolerances))
        self.squares = _floats([c.squares for c in contrasts])
        self.session_variance = np.where([c.new_session for c in contrasts], SESSION_VARIANCE_FLOOR, 0.0)
        freedom = self.base_runs + self.runs - 2.0
        moderation = moderate(contrasts, self.squares, freedom)
        self.variance, self.prior_freedom = moderation.variance, moderation.prior_freedom
        self.df = self.prior_freedom + freedom
        self.se = self.standard_error(self.base_runs, self.runs)

    def standard_error(self, base_runs: Array, runs: Array, where: Any = slice(None)) -> Array:
        """Return the standard error of the difference, were there so many runs on each side."""
        return standard_error(self.variance[where], base_runs, runs, self.session_variance[where])

    def outcomes(self) -> List[Tested]:
        """Test every contrast: H0 is a change of at most the tolerance, one-sided, in both directions.

        p = P(T_df > (d - ln(1 + tolerance)) / se); the mirror image, with the sides exchanged, asks
        whether it got better. The detectable change is t_crit + t_0.8 standard errors beyond the
        tolerance, with t_crit at the first step of Holm's procedure (the usual normal theory of power,
        as in Georges, Buytaert & Eeckhout 2007, with t for z).
        """
        computable = self.df > 0
        df = np.where(computable, self.df, 1.0)
        se = np.where(computable, self.se, 1.0)
        p_worse = np.where(computable, stdtr(df, (self.log_tolerance - self.worse_by) / se), 1.0)
        p_better = np.where(computable, stdtr(df, (self.log_tolerance + self.worse_by) / se), 1.0)
        level = self.level
        adjusted_worse = adjusted(p_worse, self.runs, level.family_size, level.share)
        adjusted_better = adjusted(p_better, self.base_runs, level.family_size, level.share)
        upper = np.where(computable, self.worse_by + stdtrit(df, BOUND_CONFIDENCE) * se, np.inf)
        half = -stdtrit(df, INTERVAL_TAIL) * se
        difference = self.sign * self.worse_by
        ends = np.minimum(np.abs(np.stack([difference - half, difference + half])), LOG_RATIO_LIMIT)
        low, high = np.exp(np.sign(np.stack([difference - half, difference + half])) * ends).tolist()
        first = first_level(self.runs, level.alpha, level.family_size, level.share)
        can_reject = computable & (first > 0)
        critical = -stdtrit(df, np.where(can_reject, first, 0.5))
        found = self.log_tolerance + (critical + stdtrit(df, POWER)) * se
        can_reject &= found < LOG_RATIO_LIMIT
        detectable = np.exp(self.sign * np.where(can_reject, found, 0.0)).tolist()
        columns = zip(
            self.contrasts,
            p_worse.tolist(),
            adjusted_worse.tolist(),
            adjusted_better.tolist(),
            computable.tolist(),
            self.worse_by.tolist(),
            upper.tolist(),
            low,
            high,
            detectable,
            can_reject.tolist(),
        )
        return [
            Tested(c, p, aw, ab, ok, d, up, (lo, hi) if ok else None, found_at if can else None, position)
            for position, (c, p, aw, ab, ok, d, up, lo, hi, found_at, can) in enumerate(columns)
        ]

    def runs_needed(
        self, positions: Sequence[int], limits: Sequence[float]
    ) -> List[Tuple[Optional[int], Optional[int]]]:
        """Predict for some tests how many candidate runs, or else baseline runs, would decide them.

        The estimates are taken to stay as they are while the standard error shrinks; decided means
        that the test rejects, or that it is not suspicious and the upper bound is below the limit.
        """
        where = np.array(positions, dtype=np.intp)
        grid = np.arange(1.0, RUNS_LIMIT + 1)
        shape = (len(where), len(grid))
        base_runs = np.broadcast_to(self.base_runs[where][:, None], shape)
        runs = np.broadcast_to(self.runs[where][:, None], shape)
        planned = np.broadcast_to(grid, shape)
        limit = _floats(limits)[:, None]
        by_candidate = self._first_decided(where, base_runs, planned, limit, planned > runs)
        by_baseline = self._first_decided(where, planned, runs, limit, planned > base_runs)
        return list(zip(by_candidate, by_baseline))

    def _first_decided(
        self, where: Any, base_runs: Array, runs: Array, limit: Array, allowed: Any
    ) -> List[Optional[int]]:
        column = (where, None)
        df = np.maximum(self.prior_freedom[column] + base_runs + runs - 2.0, 1.0)
        se = self.standard_error(base_runs, runs, column)
        level = self.level
        p_worse = stdtr(df, (self.log_tolerance[column] - self.worse_by[column]) / se)
        rejects = p_worse <= first_level(runs, level.alpha, level.family_size, level.share)
        bounded = stdtr(df, (limit - self.worse_by[column]) / se) > BOUND_CONFIDENCE
        decided = (rejects | ((p_worse >= level.suspicion) & bounded)) & allowed
        first = np.argmax(decided, axis=1).tolist()
        return [at + 1 if row[at] else None for at, row in zip(first, decided)]


def _floats(values: Sequence[float]) -> Array:
    return np.array(values, dtype=np.float64)
