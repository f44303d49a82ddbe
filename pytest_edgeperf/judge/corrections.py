"""The error level of a session, divided over everything that it tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

#: How the session's error level is shared; memory's rule has no p-value and was measured to keep to it.
LATENCY_SHARE = 0.7
MEMORY_SHARE = 0.1
#: Accuracies, and whatever else a marker makes gate; where a session has both, half of it each.
ACCURACY_SHARE = 0.2
#: Slopes and intercepts, taken from the share of the accuracies in a session with a study that gates.
LINES_SHARE = 0.1

#: Summaries by which one benchmark's latency is judged: low quantile, median, tail.
SUMMARIES = 3

#: With fewer candidate runs no level keeps false alarms rare: one unlucky run looks like a slowdown.
MIN_CANDIDATE_RUNS = 3

#: Candidate runs -> factor on alpha (more runs need none): false alarms stay at 1 % a session with any of
#: 1 to 20 baseline runs, in 3000 resampled null sessions of 50 tests each (nine workloads, tolerance 2 %).
RUNS_FACTOR = {3: 0.01, 4: 0.2, 5: 0.7}


def runs_factor(candidate_runs: int) -> float:
    """Return by how much the level shrinks because so few candidate runs are in one look; 0 is never."""
    if candidate_runs < MIN_CANDIDATE_RUNS:
        return 0.0
    return RUNS_FACTOR.get(candidate_runs, 1.0)


def runs_factors(candidate_runs: Array) -> Array:
    """Return ``runs_factor`` of every element."""
    distinct, where = np.unique(candidate_runs, return_inverse=True)
    table = np.array([runs_factor(int(runs)) for runs in distinct], dtype=np.float64)
    return np.asarray(table[np.reshape(where, np.shape(candidate_runs))], dtype=np.float64)


def holm(p_values: Array, family_size: int) -> Array:
    """Return Holm's adjusted p-values in a family of a size that was fixed beforehand.

    max over j <= i of min(1, (m - j + 1) p_(j)) for the i-th smallest (Holm 1979, Scand. J. Statist. 6);
    tests of the family that could not be computed count as p = 1, so m does not depend on the data.
    """
    size = max(family_size, len(p_values))
    order = np.argsort(p_values, kind="stable")
    stepped = p_values[order] * (size - np.arange(len(p_values)))
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def adjusted(p_values: Array, slower_runs: Array, family_size: int, share: float) -> Array:
    """Return p-values to be held against the session's whole alpha.

    A raw p-value is divided by the factor for the number of runs on the side that seems slower, whose
    bad luck it may be (so it can only grow), adjusted by Holm in its part of the family, and divided by
    that part's share of alpha.
    """
    factors = runs_factors(slower_runs)
    scaled = np.ones_like(p_values)
    np.divide(p_values, factors, out=scaled, where=factors > 0)
    return np.minimum(holm(np.minimum(scaled, 1.0), family_size) / share, 1.0)


def first_level(candidate_runs: Array, alpha: float, family_size: int, share: float) -> Array:
    """Return the raw p-value at which a test would reject alone: the first step of Holm's procedure."""
    return runs_factors(candidate_runs) * (alpha * share / max(family_size, 1))


def latency_family(benchmarks: int) -> int:
    """Return the number of latency tests of a session that collected so many benchmarks."""
    return SUMMARIES * benchmarks


def other_family(gates: int) -> int:
    """Return the number of tests that markers add with so many further gating metrics."""
    return SUMMARIES * gates
