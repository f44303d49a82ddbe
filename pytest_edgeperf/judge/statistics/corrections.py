"""The error level of a session, divided over everything that it tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, List, Optional

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

#: How a metric's part of the level is shared among low quantile, median and tail, in this order: the low quantile
#: varies least between runs and moves with most slowdowns; the tail moves most and finds least.
SUMMARY_WEIGHTS = (0.7, 0.2, 0.1)

#: With fewer candidate runs no level keeps false alarms rare: one unlucky run looks like a slowdown.
MIN_CANDIDATE_RUNS = 3

#: Candidate runs -> factor on alpha (more runs need none): false alarms stay at 1 % a session with any of
#: 1 to 20 baseline runs, in 3000 resampled null sessions of 50 tests each (nine workloads, tolerance 2 %).
RUNS_FACTOR = {3: 0.01, 4: 0.2, 5: 0.7}

#: The same for the runs of the side that seems faster: one accuses nobody.
OTHER_FACTOR = {1: 0.0, 2: 0.05}


@dataclass(frozen=True)
class Level:
    """The part of the session's error level that a group of tests shares, and when one is suspicious."""

    alpha: float
    #: Of metrics that decide: the tests of one have weights that add up to 1.
    family_size: int
    share: float
    suspicion: float


def runs_factor(candidate_runs: int) -> float:
    """Return by how much the level shrinks because so few candidate runs are in one look; 0 is never."""
    if candidate_runs < MIN_CANDIDATE_RUNS:
        return 0.0
    return RUNS_FACTOR.get(candidate_runs, 1.0)


def runs_factors(slower_runs: Array, other_runs: Array) -> Array:
    """Return by how much each level shrinks for the runs of the side that seems slower and of the other."""
    return _looked_up(runs_factor, slower_runs) * _looked_up(lambda runs: OTHER_FACTOR.get(runs, 1.0), other_runs)


def _looked_up(factor: Callable[[int], float], runs: Array) -> Array:
    distinct, where = np.unique(runs, return_inverse=True)
    table = np.array([factor(int(number)) for number in distinct], dtype=np.float64)
    return np.asarray(table[np.reshape(where, np.shape(runs))], dtype=np.float64)


def summary_weights(tests: int) -> List[float]:
    """Return the weights of a metric's tests, low quantile first: they add up to 1 however many it has."""
    weights = SUMMARY_WEIGHTS[:tests] if tests <= len(SUMMARY_WEIGHTS) else (1.0,) * tests
    return [weight / sum(weights) for weight in weights]


def holm(p_values: Array, family_size: int, weights: Optional[Array] = None) -> Array:
    """Return Holm's weighted adjusted p-values in a family of a size that was fixed beforehand.

    With q = p / w in ascending order, max over j <= i of min(1, q_(j) (W - w_(1) - ... - w_(j - 1))), where the
    weights of the whole family add up to W = ``family_size`` (Holm 1979, Scand. J. Statist. 6, section 3); tests of
    the family that could not be computed count as p = 1, so W does not depend on the data.
    """
    weights = np.ones_like(p_values) if weights is None else weights
    size = max(float(family_size), float(weights.sum()))
    ratios = p_values / weights
    order = np.argsort(ratios, kind="stable")
    before = np.cumsum(weights[order]) - weights[order]
    stepped = ratios[order] * (size - before)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def adjusted(p_values: Array, factors: Array, family_size: int, share: float, weights: Optional[Array] = None) -> Array:
    """Return p-values to be held against the session's whole alpha.

    A raw p-value is divided by the factor that few runs have (so it can only grow; 0: never), adjusted by Holm in its
    part of the family, and divided by that part's share of alpha.
    """
    scaled = np.ones_like(p_values)
    np.divide(p_values, factors, out=scaled, where=factors > 0)
    return np.minimum(holm(np.minimum(scaled, 1.0), family_size, weights) / share, 1.0)


def first_level(factors: Array, alpha: float, family_size: int, share: float, weights: Any = 1.0) -> Array:
    """Return the raw p-value at which a test would reject alone: the first step of Holm's procedure."""
    return np.asarray(factors * weights * (alpha * share / max(family_size, 1)), dtype=np.float64)
