"""What the gate finds: the smallest change that its whole sequence of stages detects so and so often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, NamedTuple, Sequence, Tuple

import numpy as np
from scipy.special import stdtrit

from pytest_edgeperf.judge.statistics.corrections import Level, first_level, runs_factors
from pytest_edgeperf.judge.statistics.run_variance import RUN_VARIANCE_FLOOR, moderated_variance
from pytest_edgeperf.judge.statistics.session_variance import SESSION_VARIANCE_FLOOR
from pytest_edgeperf.judge.statistics.t_tests import BOUND_CONFIDENCE, standard_error

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

#: Simulated checks: a stated 80 % has a standard error of 0.6 %.
DRAWS = 4000
#: GateTests that are simulated together: bounds the memory to some 10 MB.
_TOGETHER = 100
_SEED = 20261120


class Design(NamedTuple):
    """Runs of the baseline, and candidate runs after each stage of a check: 10 and (3, 6, 9)."""

    baseline_runs: int
    stages: Tuple[int, ...]


class GateTests(NamedTuple):
    """Arrays over the tests of a group: variances and dispersions of log summaries, limits as log ratios."""

    #: Between runs, without the floor that the gate adds.
    run_variance: Array
    dispersion: Array
    scale: Array
    prior_freedom: Array
    log_tolerance: Array
    #: What ``unchanged`` has to rule out.
    log_limit: Array
    #: What each test has of its metric's part of the level.
    weights: Array

    def at(self, where: Any) -> GateTests:
        """Return the tests at these positions, or in this slice."""
        return GateTests(*(column[where] for column in self))


class _Draws(NamedTuple):
    """Standard normal checks, (stages, draws): difference of the means, and squares around the two means."""

    difference: Array
    squares: Array


def detectable(tests: GateTests, level: Level, design: Design, powers: Sequence[float]) -> Array:
    """Return the smallest log ratios towards worse that a check finds so often, (powers, tests); inf is never.

    A check is simulated as it is: normal log summaries of the runs, their moderated variance, a look at each
    stage that may clear the benchmark, and at the last the first step of Holm's procedure, with the allowance
    for another session. What a simulated check needs to find is the largest shift that one of its looks asks
    for, so the power at a shift is the share of checks that need less, and the answer a quantile of the needs.
    Of one look and without a prior this is the noncentral t of the textbooks (Johnson & Welch 1940, Biometrika
    31). One test alone is looked at: further summaries that are slower too can only add to its power.
    """
    draws = _draws(design)
    pieces = [
        _detectable(tests.at(slice(first, first + _TOGETHER)), level, design, draws, powers)
        for first in range(0, len(tests.run_variance), _TOGETHER)
    ]
    return np.concatenate(pieces, axis=1) if pieces else np.empty((len(powers), 0))


def _detectable(tests: GateTests, level: Level, design: Design, draws: _Draws, powers: Sequence[float]) -> Array:
    error_sd = np.sqrt(tests.run_variance)[:, None]
    needed = np.full((len(error_sd), DRAWS), -np.inf)
    for stage, runs in enumerate(design.stages):
        freedom = design.baseline_runs + runs - 2.0
        of_runs = np.maximum(tests.prior_freedom + freedom, 1e-9)
        by_runs = (tests.run_variance + RUN_VARIANCE_FLOOR) * (1 / design.baseline_runs + 1 / runs)
        df = (of_runs * (1 + 2 * SESSION_VARIANCE_FLOOR / by_runs) ** 2)[:, None]
        squares = tests.run_variance[:, None] * draws.squares[stage]
        prior = [column[:, None] for column in (tests.dispersion, tests.scale, tests.prior_freedom)]
        variance = moderated_variance(squares, np.full_like(df, freedom), *prior)
        se = standard_error(variance, design.baseline_runs, runs, 2 * SESSION_VARIANCE_FLOOR)
        if stage == len(design.stages) - 1:
            factors = runs_factors(np.array([float(runs)]), np.array([float(design.baseline_runs)]))
            threshold = _rejects_above(tests, level, factors, df, se)
        else:
            threshold = _cleared_below(tests, level, df, se)
        needed = np.maximum(needed, threshold - error_sd * draws.difference[stage])
    # Infinity, and what is not even computable, have no quantile.
    never = ~np.all(np.isfinite(needed), axis=1)
    quantiles = np.quantile(np.where(never[:, None], 0.0, needed), list(powers), axis=1)
    return np.where(never, np.inf, quantiles)


def _rejects_above(tests: GateTests, level: Level, factors: Array, df: Array, se: Array) -> Array:
    first = first_level(factors, level.alpha, level.family_size, level.share, tests.weights)[:, None]
    if not first.all():
        return np.full_like(se, np.inf)
    return np.asarray(tests.log_tolerance[:, None] - stdtrit(df, first) * se, dtype=np.float64)


def _cleared_below(tests: GateTests, level: Level, df: Array, se: Array) -> Array:
    not_suspicious = tests.log_tolerance[:, None] - stdtrit(df, level.suspicion) * se
    bounded = tests.log_limit[:, None] - stdtrit(df, BOUND_CONFIDENCE) * se
    return np.asarray(np.minimum(not_suspicious, bounded), dtype=np.float64)


def _draws(design: Design) -> _Draws:
    random = np.random.default_rng(_SEED)
    candidate = random.standard_normal((DRAWS, design.stages[-1]))
    base = random.standard_normal((DRAWS, design.baseline_runs))
    base_mean, base_squares = base.mean(axis=1), base.var(axis=1) * design.baseline_runs
    differences: List[Array] = []
    squares: List[Array] = []
    for runs in design.stages:
        sofar = candidate[:, :runs]
        differences.append(sofar.mean(axis=1) - base_mean)
        squares.append(base_squares + sofar.var(axis=1) * runs)
    return _Draws(np.stack(differences), np.stack(squares))
