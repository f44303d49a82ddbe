"""The rules by which other tools call a benchmark slower, applied to the same recorded runs.

Each takes two sides and says per test whether the candidate would be called slower. What one of their
repetitions, values or samples is, is here the mean over a hundredth of a recorded run (12 ms or more).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, NamedTuple, Optional

import numpy as np
from scipy.special import comb, stdtr
from scipy.stats import mannwhitneyu

from .compact import SUMMARIES

#: Of the 100,000 that criterion draws by default; the verdicts move by less than a percentage point.
CRITERION_RESAMPLES = 500


@dataclass(frozen=True)
class Side:
    """Runs of several tests: ``groups`` (tests, runs, groups) means in ms, ``summary`` (tests, runs, summaries)."""

    groups: Any
    summary: Any


class Peer(NamedTuple):
    """A rule, how many processes it takes on each side, and on how many tests it is affordable."""

    name: str
    runs: int
    slower: Callable[[Side, Side, Any], Any]
    most_tests: Optional[int] = None


def pytest_benchmark(base: Side, candidate: Side, _: Any, *, statistic: str, per_cent: int) -> Any:
    """`--benchmark-compare-fail=STATISTIC:N%`: fails when current / saved * 100 - 100 > N."""
    column = SUMMARIES.index(statistic)
    ratio = candidate.summary[:, 0, column] / base.summary[:, 0, column]
    return ratio * 100 - 100 > per_cent


def google_benchmark(base: Side, candidate: Side, _: Any) -> Any:
    """`compare.py` on nine repetitions of one process: two-sided U test at 5 %, and slower in the median."""
    one, other = (_pieces(side.groups[:, 0, :], 9) for side in (base, candidate))
    p = mannwhitneyu(one, other, axis=1, alternative="two-sided").pvalue
    return (p < 0.05) & (np.median(other, axis=1) > np.median(one, axis=1))


def asv(base: Side, candidate: Side, _: Any, *, factor: float) -> Any:
    """`asv continuous --factor`: medians beyond the factor, and a U test at 0.2 % where samples can reach it.

    Two processes with five samples of about 10 ms each; with fewer the 99 % intervals must not overlap.
    """
    one, other = (side.groups[:, :2, :5].reshape(len(side.groups), -1) for side in (base, candidate))
    assert 1.0 / comb(one.shape[1] + other.shape[1], one.shape[1]) < 0.002
    p = mannwhitneyu(one, other, axis=1, alternative="two-sided").pvalue
    return (p < 0.002) & (np.median(other, axis=1) > factor * np.median(one, axis=1))


def criterion(base: Side, candidate: Side, random: Any) -> Any:
    """criterion.rs: bootstrapped Welch t at 5 %, and the 95 % interval of the change of the mean above 1 %."""
    verdicts = []
    for one, other in zip(base.groups[:, 0, :], candidate.groups[:, 0, :]):
        pooled = np.concatenate([one, other])
        null = pooled[random.integers(0, len(pooled), (CRITERION_RESAMPLES, len(pooled)))]
        drawn = _welch(null[:, : len(one)], null[:, len(one) :])
        observed = _welch(one[None], other[None])[0]
        p = 2 * min(np.mean(drawn > observed), np.mean(drawn < observed))
        means = [
            side[random.integers(0, len(side), (CRITERION_RESAMPLES, len(side)))].mean(axis=1) for side in (one, other)
        ]
        verdicts.append(p < 0.05 and np.percentile(means[1] / means[0] - 1, 2.5) > 0.01)
    return np.array(verdicts, dtype=bool)


def pyperf(base: Side, candidate: Side, _: Any, *, processes: int) -> Any:
    """`pyperf compare_to`: pooled Student t at 5 % two-sided, on three values of each process."""
    one, other = (_pieces(side.groups[:, :processes, :], 3).reshape(len(side.groups), -1) for side in (base, candidate))
    n, m = one.shape[1], other.shape[1]
    pooled = ((n - 1) * one.var(axis=1, ddof=1) + (m - 1) * other.var(axis=1, ddof=1)) / (n + m - 2)
    t = (other.mean(axis=1) - one.mean(axis=1)) / np.sqrt(pooled * (1 / n + 1 / m))
    return stdtr(n + m - 2, -t) < 0.025


def _pieces(groups: Any, parts: int) -> Any:
    """Means of ``parts`` consecutive pieces along the last axis."""
    return np.stack([piece.mean(axis=-1) for piece in np.array_split(groups, parts, axis=-1)], axis=-1)


def _welch(one: Any, other: Any) -> Any:
    variance = one.var(axis=1, ddof=1) / one.shape[1] + other.var(axis=1, ddof=1) / other.shape[1]
    return (other.mean(axis=1) - one.mean(axis=1)) / np.sqrt(np.maximum(variance, 1e-300))


PEERS = (
    Peer("pytest-benchmark `mean:5%`", 1, partial(pytest_benchmark, statistic="mean", per_cent=5)),
    Peer("pytest-benchmark `median:5%`", 1, partial(pytest_benchmark, statistic="p50", per_cent=5)),
    Peer("pytest-benchmark `min:5%`", 1, partial(pytest_benchmark, statistic="min", per_cent=5)),
    Peer("pytest-benchmark `min:10%`", 1, partial(pytest_benchmark, statistic="min", per_cent=10)),
    Peer("Google Benchmark, U test of 9 repetitions", 1, google_benchmark),
    Peer("asv continuous, factor 1.1", 2, partial(asv, factor=1.1)),
    Peer("asv continuous, factor 1.05", 2, partial(asv, factor=1.05)),
    Peer("criterion, noise threshold 1 %", 1, criterion, most_tests=2000),
    Peer("pyperf, 5 processes", 5, partial(pyperf, processes=5)),
    Peer("pyperf, 10 processes", 10, partial(pyperf, processes=10)),
)
