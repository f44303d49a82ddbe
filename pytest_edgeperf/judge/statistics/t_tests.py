"""One-sided moderated t-tests of many contrasts at once, and what they could have found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy.special import stdtr, stdtrit

from pytest_edgeperf.judge.statistics.contrasts import Contrast
from pytest_edgeperf.judge.statistics.corrections import Level, adjusted, first_level, runs_factors
from pytest_edgeperf.judge.statistics.run_variance import (
    FIXED_PRIOR,
    NO_PRIOR,
    fit_prior,
    moderated_variance,
)
from pytest_edgeperf.judge.statistics.session_variance import (
    EXCESS_BENCHMARKS,
    Component,
    between_sessions,
    excess_spread,
    satterthwaite,
)
from pytest_edgeperf.judge.verdicts import BY_CHANCE, BY_FLOOR, BY_SESSIONS, BY_SUITE, Apart, Gain

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
    for group in groups_of(contrasts):
        # Blocks within runs say nothing of how builds differ, nor do the runs of other benchmarks.
        where = group[[not contrasts[position].of_builds for position in group]]
        if not where.size:
            continue
        fallback = NO_PRIOR if contrasts[where[0]].dispersion is None else FIXED_PRIOR
        prior = fit_prior(squares[where], freedom[where], dispersion[where], fallback)
        has_variance = freedom[where] > 0
        scale[where] = np.where(has_variance, prior.scale, fallback.scale)
        prior_freedom[where] = np.where(has_variance, prior.freedom, fallback.freedom)
    variance = moderated_variance(squares, freedom, dispersion, scale, prior_freedom)
    return Moderation(variance, dispersion, scale, prior_freedom)


def groups_of(contrasts: Sequence[Contrast]) -> List[Array]:
    """Return the positions of the contrasts of each metric and summary."""
    groups: Dict[Tuple[str, str], List[int]] = {}
    for position, contrast in enumerate(contrasts):
        groups.setdefault((contrast.metric, contrast.summary), []).append(position)
    return [np.array(positions) for positions in groups.values()]


def standard_error(variance: Array, base_runs: Any, runs: Any, session_variance: Any) -> Array:
    """Return the standard error of the difference of two means of so many runs."""
    return np.asarray(np.sqrt(variance * (1.0 / base_runs + 1.0 / runs) + session_variance), dtype=np.float64)


class GroupTests:
    """The tests of one group: arrays over contrasts, tested together."""

    def __init__(
        self,
        contrasts: Sequence[Contrast],
        signs: Sequence[int],
        tolerances: Sequence[float],
        level: Level,
        *,
        weights: Optional[Sequence[float]] = None,
        places: Optional[Sequence[int]] = None,
    ) -> None:
        """Test ``contrasts``; a sign is 1 where larger is worse and -1 where smaller is.

        ``weights``: how the tests of a metric share its part of the level. ``places``: where the contrasts are of one
        suite on two occasions, whose differences show how far occasions are apart, which of a metric's summaries each
        is: 0 for the low quantile.
        """
        self.contrasts = contrasts
        self.level = level
        self.weights = np.ones(len(contrasts)) if weights is None else _floats(weights)
        self.base_runs = _floats([c.baseline_runs for c in contrasts])
        self.runs = _floats([c.candidate_runs for c in contrasts])
        self.sign = _floats(signs)
        self.worse_by = self.sign * _floats([c.difference for c in contrasts])
        self.log_tolerance = np.log1p(_floats(tolerances))
        self.squares = _floats([c.squares for c in contrasts])
        freedom = _floats([c.freedom for c in contrasts])
        moderation = moderate(contrasts, self.squares, freedom)
        self.variance, self.run_freedom = moderation.variance, moderation.prior_freedom + freedom
        self._places = None if places is None else np.array(places, dtype=np.intp)
        self.excess: Dict[str, float] = {}
        self.sessions = self._sessions()
        self.df = self.freedom(self.base_runs, self.runs)
        self.se = self.standard_error(self.base_runs, self.runs)

    def _sessions(self) -> Component:
        """Return what the difference varies by beside its runs: sessions, builds, and what the suite spreads beyond."""
        constant = Component(_floats([c.other_variance for c in self.contrasts]), np.full(len(self.contrasts), np.inf))
        between = Component(np.zeros(len(self.contrasts)), np.full(len(self.contrasts), np.inf))
        excess = Component(np.zeros(len(self.contrasts)), np.full(len(self.contrasts), np.inf))
        known: Dict[str, Tuple[float, float]] = {}
        for where in groups_of(self.contrasts):
            nests = [self.contrasts[position].nested for position in where]
            between.variance[where], between.freedom[where] = between_sessions(nests, self.variance[where])
        self.sessions = satterthwaite([constant, between])
        for where in self._alike():
            apart = where[(between.variance[where] > 0) & (self.run_freedom[where] > 0)]
            if apart.size:
                error = self.standard_error(self.base_runs[apart], self.runs[apart], apart)
                df = self.freedom(self.base_runs[apart], self.runs[apart], apart)
                metric = self.contrasts[apart[0]].metric
                # What moves the low quantile, which is known best, moves the median and the tail with it.
                own = excess_spread(self.worse_by[apart], error, df)
                known[metric] = max(own, known.get(metric, own))
                excess.variance[apart], excess.freedom[apart] = known[metric]
        self.excess = {metric: variance for metric, (variance, _) in known.items()}
        self._between_freedom = between.freedom
        return satterthwaite([constant, between, excess])

    def _alike(self) -> List[Array]:
        """Return the positions of each metric's low quantiles, medians and tails, whatever a benchmark has for them."""
        if self._places is None:
            return []
        groups: Dict[Tuple[str, int], List[int]] = {}
        for position, (contrast, place) in enumerate(zip(self.contrasts, self._places.tolist())):
            groups.setdefault((contrast.metric, place), []).append(position)
        return [np.array(positions) for _, positions in sorted(groups.items(), key=lambda item: item[0][1])]

    def apart(self) -> Optional[Apart]:
        """How far sessions lie apart by the first summary of the first metric; ``None`` where the sides share them."""
        where = (self._alike() or groups_of(self.contrasts))[0]
        where = where[self.sessions.variance[where] > 0]
        if not where.size:
            return None
        if self.excess.get(self.contrasts[where[0]].metric):
            known_by = BY_SUITE
        elif np.isfinite(self._between_freedom[where]).any():
            known_by = BY_SESSIONS
        else:
            known_by = BY_FLOOR if len(where) < EXCESS_BENCHMARKS else BY_CHANCE
        sessions = max(self.contrasts[position].nested.between_freedom for position in where) + 1
        return Apart(float(np.sqrt(np.median(self.sessions.variance[where]))), known_by, sessions, len(where))

    def freedom(self, base_runs: Array, runs: Array, where: Any = slice(None)) -> Array:
        """Return the effective degrees of freedom of the standard error, were there so many runs on each side."""
        more = base_runs - self.base_runs[where] + runs - self.runs[where]
        of_runs = np.maximum(self.run_freedom[where] + more, 0.0)
        by_runs = self.variance[where] * (1.0 / base_runs + 1.0 / runs)
        sessions = Component(self.sessions.variance[where], self.sessions.freedom[where])
        effective = satterthwaite([Component(by_runs, np.where(of_runs > 0, of_runs, np.nan)), sessions]).freedom
        return np.where(of_runs > 0, effective, 0.0)

    def standard_error(self, base_runs: Array, runs: Array, where: Any = slice(None)) -> Array:
        """Return the standard error of the difference, were there so many runs on each side."""
        return standard_error(self.variance[where], base_runs, runs, self.sessions.variance[where])

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
        factors = runs_factors(self.runs, self.base_runs)
        mirrored = runs_factors(self.base_runs, self.runs)
        adjusted_worse = adjusted(p_worse, factors, level.family_size, level.share, self.weights)
        adjusted_better = adjusted(p_better, mirrored, level.family_size, level.share, self.weights)
        upper = np.where(computable, self.worse_by + stdtrit(df, BOUND_CONFIDENCE) * se, np.inf)
        half = -stdtrit(df, INTERVAL_TAIL) * se
        difference = self.sign * self.worse_by
        ends = np.minimum(np.abs(np.stack([difference - half, difference + half])), LOG_RATIO_LIMIT)
        low, high = np.exp(np.sign(np.stack([difference - half, difference + half])) * ends).tolist()
        log_change, can_reject = self._detectable(self.base_runs, self.runs)
        detectable = np.exp(self.sign * np.where(can_reject, log_change, 0.0)).tolist()
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

    def _detectable(self, base_runs: Array, runs: Array) -> Tuple[Array, Array]:
        """Return the logarithm of the change that is found with so many runs, and where any is."""
        df = self.freedom(base_runs, runs)
        computable = df > 0
        df = np.where(computable, df, 1.0)
        se = np.where(computable, self.standard_error(base_runs, runs), 1.0)
        level = self.level
        first = first_level(runs_factors(runs, base_runs), level.alpha, level.family_size, level.share, self.weights)
        can_reject = computable & (first > 0)
        critical = -stdtrit(df, np.where(can_reject, first, 0.5))
        log_change = self.log_tolerance + (critical + stdtrit(df, POWER)) * se
        return log_change, can_reject & (log_change < LOG_RATIO_LIMIT)

    def gain(self, runs: int) -> Optional[Gain]:
        """What baselines of so many runs would find; ``None`` where most have as many, or would find nothing."""
        where = (self._alike() or groups_of(self.contrasts))[0]
        now = int(np.median(self.base_runs[where]))
        if now >= runs:
            return None
        log_change, finds = self._detectable(self.base_runs, self.runs)
        then, then_finds = self._detectable(np.maximum(self.base_runs, float(runs)), self.runs)
        if not np.median(then_finds[where]):
            return None
        most = math.inf if not np.median(finds[where]) else float(np.expm1(np.median(log_change[where])))
        return Gain(now, runs, most, float(np.expm1(np.median(then[where]))))

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
        df = np.maximum(self.freedom(base_runs, runs, column), 1.0)
        se = self.standard_error(base_runs, runs, column)
        level = self.level
        p_worse = stdtr(df, (self.log_tolerance[column] - self.worse_by[column]) / se)
        factors = runs_factors(runs, base_runs)
        first = first_level(factors, level.alpha, level.family_size, level.share, self.weights[column])
        rejects = (p_worse <= first) & (first > 0)
        bounded = stdtr(df, (limit - self.worse_by[column]) / se) > BOUND_CONFIDENCE
        decided = (rejects | ((p_worse >= level.suspicion) & bounded)) & allowed
        earliest = np.argmax(decided, axis=1).tolist()
        return [at + 1 if row[at] else None for at, row in zip(earliest, decided)]


def _floats(values: Sequence[float]) -> Array:
    return np.array(values, dtype=np.float64)
