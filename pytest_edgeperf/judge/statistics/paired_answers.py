"""Answers to the same examples, compared in pairs: how much worse the one side's are than the other's.

Losses are counted towards *worse*, in the metric's unit: percentage points, or what the scores are in. Each comparison
asks whether the true loss is more than a margin (H0: it is not).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from scipy.special import bdtrc, gammaln, ndtr, ndtri, stdtr, stdtrit, xlog1py, xlogy

from pytest_edgeperf.judge.statistics.average_precision import weighted_average_precision
from pytest_edgeperf.judge.statistics.t_tests import BOUND_CONFIDENCE, INTERVAL_TAIL, POWER
from pytest_edgeperf.results.example_answers import DetectionSet

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

#: Samples drawn with replacement from the examples, for intervals, and from the images, for average precision.
RESAMPLES = 2000
IMAGE_RESAMPLES = 1000
#: Signs are flipped so often at first, and where that looks like a loss, so often per expected hit at the level.
_FIRST_FLIPS, _HITS, _MOST_FLIPS = 2000, 20, 200_000
_LOOKS_LIKE_A_LOSS = 0.02
#: Of random numbers that are drawn at once.
_MOST_NUMBERS = 8_000_000
_SEED = 20211
#: The ends of an interval, and the one-sided upper bound.
_BOUNDS = (INTERVAL_TAIL, 1 - INTERVAL_TAIL, BOUND_CONFIDENCE)


class Paired(NamedTuple):
    """What the pairs say."""

    #: Mean loss of the candidate, and its two-sided 95 % interval.
    loss: float
    interval: Tuple[float, float]
    #: One-sided 95 % upper bound of the loss.
    upper: float
    p_worse: float
    p_better: float
    #: The smallest true loss that is detected with 80 % power; ``None`` if unknown.
    detectable: Optional[float]
    #: Examples that only the baseline, or only the candidate, has right (or answers better); of images, where they
    #: were matched otherwise, both are ``None``.
    lost: Optional[int] = None
    won: Optional[int] = None


def compare_right(base: Array, new: Array, margin: float, level: float) -> Paired:
    """Compare right and wrong answers: bool [n] of each side; ``margin`` and losses as shares of the examples.

    ``p_worse`` is the larger of two. The exact one-sided McNemar test (1947, Psychometrika 12): of the examples that
    the sides answer differently, how many were lost, held against a fair coin; it is exact when nothing changed,
    however few the examples. And Tango's score test (1998, Statistics in Medicine 17) of a loss of at most the margin,
    whose interval is given, too.
    """
    count = len(base)
    lost, won = int(np.sum(base & ~new)), int(np.sum(new & ~base))
    bounds = [_score_bound(lost, won, count, critical) for critical in (-ndtri(tail) for tail in _BOUNDS)]
    return Paired(
        (lost - won) / count,
        (bounds[0], bounds[1]),
        bounds[2],
        p_of_counts(lost, won, count, margin),
        p_of_counts(won, lost, count, margin),
        detectable_loss(min(lost, won) / count, count, margin, level),
        lost,
        won,
    )


def p_of_counts(lost: int, won: int, count: int, margin: float) -> float:
    """The larger p-value of McNemar's and Tango's test, of a loss of more than ``margin``."""
    return max(exact_mcnemar(lost, won), float(ndtr(-score(lost, won, count, margin))))


def exact_mcnemar(lost: int, won: int) -> float:
    """One-sided: P(at least ``lost`` of ``lost + won`` tosses of a fair coin)."""
    return float(bdtrc(lost - 1, lost + won, 0.5)) if lost else 1.0


def score(lost: int, won: int, count: int, loss: float) -> float:
    """Tango's statistic for H0: the true loss is ``loss``; about normal, larger where more was lost.

    The share won is estimated under H0: the larger root of 2 n q^2 - (b + c - (2 n - b + c) d) q - c d (1 - d) = 0,
    with b lost and c won of n and the loss d. For -1 < ``loss`` < 1.
    """
    if loss < 0:
        return -score(won, lost, count, -loss)
    return float(_scores(np.array(lost), np.array(won), count, loss))


def _scores(lost: Array, won: Array, count: int, loss: float) -> Array:
    linear = lost + won - (2 * count - lost + won) * loss
    root = np.sqrt(linear**2 + 8.0 * count * won * loss * (1 - loss))
    won_share = np.maximum(linear + root, 0.0) / (4.0 * count)
    variance = count * (2 * won_share + loss * (1 - loss))
    surplus = lost - won - count * loss
    certain = np.where(surplus == 0, 0.0, np.copysign(np.inf, surplus))
    return np.asarray(np.divide(surplus, np.sqrt(variance), out=certain, where=variance > 0), dtype=np.float64)


def _score_bound(lost: int, won: int, count: int, critical: float) -> float:
    """The loss at which the statistic is ``critical``: a lower bound where that is positive, else an upper one."""
    ends = (-1 + 1e-9, 1 - 1e-9)

    def beyond(loss: float) -> float:
        return critical - score(lost, won, count, loss)

    if beyond(ends[0]) >= 0:
        return -1.0
    if beyond(ends[1]) <= 0:
        return 1.0
    return _root(beyond, *ends, 1e-9)


def detectable_loss(won: float, count: int, margin: float, level: float) -> Optional[float]:
    """The smallest true loss that ``count`` examples show with 80 % power, where the share ``won`` is won by chance.

    ``None``: none below a half.
    """

    def beyond(true: float) -> float:
        return power_against(true, won, count, margin, level) - POWER

    return _root(beyond, 0.0, 0.5, 1e-5) if won < 0.25 and beyond(0.5) > 0 else None


def _root(rising: Callable[[float], float], low: float, high: float, width: float) -> float:
    while high - low > width:
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


def power_against(true: float, won: float, count: int, margin: float, level: float) -> float:
    """Share of sessions that reject, of examples of which the share ``won + true`` is lost and ``won`` is won.

    Summed over the counts that come about (all but some 1e-8 of them), each decided by both tests.
    """
    losing = won + true
    winning = min(won / (1 - losing), 1.0) if losing < 1 else 0.0
    lost = _counts(losing, count, count)
    held = _counts(winning, count - int(lost[-1]), count - int(lost[0]))
    chance = _binomial(lost, count, losing)[:, None] * _binomial(held[None, :], count - lost[:, None], winning)
    b, c = np.broadcast_arrays(lost[:, None], held[None, :])
    by_coin = np.where(b > 0, bdtrc(np.maximum(b, 1) - 1.0, b + c, 0.5), 1.0)
    rejected = (by_coin <= level) & (ndtr(-_scores(b, c, count, margin)) <= level)
    return float(np.sum(chance[rejected]))


def _binomial(hits: Array, tosses: Any, share: float) -> Array:
    misses = np.maximum(tosses - hits, 0)
    logarithm = gammaln(hits + misses + 1.0) - gammaln(hits + 1.0) - gammaln(misses + 1.0)
    logarithm = logarithm + xlogy(hits, share) + xlog1py(misses, -share)
    return np.asarray(np.where(hits <= tosses, np.exp(logarithm), 0.0), dtype=np.float64)


def _counts(share: float, fewest: int, most: int) -> Array:
    """The numbers of hits that come about in so many tosses."""
    reach = 6.0 * math.sqrt(most * share * (1 - share)) + 12.0
    return np.arange(max(0, math.floor(fewest * share - reach)), min(most, math.ceil(most * share + reach)) + 1)


def compare_scores(losses: Array, margin: float, level: float) -> Paired:
    """Compare scores by their differences [n] (worse is positive), by flipping signs.

    ``p_worse`` is the share of random sign flips of the differences beyond the margin whose sum is at least as large
    (Fisher's randomisation test for pairs, "The design of experiments", 1935, section 21): exact without a margin when
    nothing changed, and on the safe side with one. The interval is the bootstrap's, bias-corrected and accelerated
    (Efron 1987, JASA 82).
    """
    count = len(losses)
    mean = float(losses.mean())
    generator = np.random.default_rng(_SEED)
    resampled = _resampled_means(losses, generator)
    bounds = bca_bounds(resampled, mean, (losses.sum() - losses) / max(count - 1, 1), _BOUNDS)
    spread = float(losses.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan
    detectable = margin + (-float(ndtri(level)) + float(ndtri(POWER))) * spread
    return Paired(
        mean,
        (bounds[0], bounds[1]),
        bounds[2],
        _flipped(losses - margin, level, generator),
        _flipped(-losses - margin, level, generator),
        detectable if math.isfinite(detectable) else None,
        int(np.sum(losses > 0)),
        int(np.sum(losses < 0)),
    )


def _resampled_means(values: Array, generator: np.random.Generator) -> Array:
    step = max(1, _MOST_NUMBERS // len(values))
    parts = [
        values[generator.integers(0, len(values), (min(step, RESAMPLES - first), len(values)))].mean(axis=1)
        for first in range(0, RESAMPLES, step)
    ]
    return np.concatenate(parts)


def _flipped(differences: Array, level: float, generator: np.random.Generator) -> float:
    """P(a sum with random signs is at least as large as the sum), counting the sum itself."""
    observed = float(differences.sum()) - 1e-9 * float(np.abs(differences).sum())
    if observed <= 0:
        return 0.5 if observed == 0 else 1.0
    flips = _FIRST_FLIPS
    share = _share_beyond(differences, observed, flips, generator)
    if share > _LOOKS_LIKE_A_LOSS:
        return share
    flips = int(min(max(_HITS / level, _FIRST_FLIPS), _MOST_FLIPS))
    return _share_beyond(differences, observed, flips, generator)


def _share_beyond(differences: Array, observed: float, flips: int, generator: np.random.Generator) -> float:
    step = max(1, _MOST_NUMBERS // len(differences))
    total = float(differences.sum())
    beyond = 0
    for first in range(0, flips, step):
        drawn = generator.integers(0, 2, (min(step, flips - first), len(differences)), dtype=np.int8)
        # the sum with the signs of those drawn turned
        beyond += int(np.sum(total - 2 * (drawn @ differences) >= observed))
    return (beyond + 1) / (flips + 1)


def compare_detections(
    base: Sequence[DetectionSet],
    new: Sequence[DetectionSet],
    margin: float,
    level: float,
    threshold: Union[str, float],
) -> Paired:
    """Compare average precision, in percentage points, by samples of the images with replacement.

    Both sides' average precision is computed anew of each sample (Efron & Tibshirani, "An introduction to the
    bootstrap", 1993, chapter 13, with the images as units). The p-values are those of the observed loss beyond the
    margin over the samples' standard deviation, with t of one less than the images: the tails that a session's
    correction needs are further out than any affordable number of samples reaches. Several sets of one side, of runs
    that answered differently, are averaged.
    """
    images = base[0].images
    generator = np.random.default_rng(_SEED)

    def losses(weights: Array) -> Array:
        sides = [
            np.mean([weighted_average_precision(detections, weights, threshold) for detections in side], axis=0)
            for side in (base, new)
        ]
        return np.asarray(sides[0] - sides[1], dtype=np.float64)

    observed = float(losses(np.ones((1, images)))[0])
    drawn = generator.multinomial(images, np.full(images, 1.0 / images), IMAGE_RESAMPLES).astype(float)
    resampled = losses(drawn)
    resampled = resampled[np.isfinite(resampled)]
    left_out = losses(1.0 - np.eye(images)) if 1 < images <= IMAGE_RESAMPLES else np.zeros(0)
    bounds = bca_bounds(resampled, observed, left_out[np.isfinite(left_out)], _BOUNDS)
    error = float(resampled.std(ddof=1)) if len(resampled) > 1 else math.nan
    freedom = images - 1
    if not (error > 0 and freedom > 0):
        certain = 1.0 if not error > 0 and abs(observed) <= margin else 0.5
        return Paired(observed, (bounds[0], bounds[1]), bounds[2], certain, certain, None)
    detectable = margin + (-float(stdtrit(freedom, level)) + float(stdtrit(freedom, POWER))) * error
    return Paired(
        observed,
        (bounds[0], bounds[1]),
        bounds[2],
        float(stdtr(freedom, (margin - observed) / error)),
        float(stdtr(freedom, (margin + observed) / error)),
        detectable,
    )


def bca_bounds(resampled: Array, observed: float, left_out: Array, shares: Sequence[float]) -> Tuple[float, ...]:
    """Quantiles of a bootstrap distribution, corrected for bias and acceleration (Efron 1987, JASA 82).

    Args:
        resampled: the statistic of each sample.
        observed: of all examples.
        left_out: of all examples but one, for each; empty for no acceleration.
        shares: which quantiles, from 0 to 1.
    """
    if not len(resampled) or np.ptp(resampled) == 0:
        return tuple(observed for _ in shares)
    below = (np.sum(resampled < observed) + 0.5 * np.sum(resampled == observed)) / len(resampled)
    bias = float(ndtri(min(max(below, 1 / (2 * len(resampled))), 1 - 1 / (2 * len(resampled)))))
    pull = left_out.mean() - left_out if len(left_out) else np.zeros(1)
    scale = float(np.sum(pull**2)) ** 1.5
    acceleration = float(np.sum(pull**3)) / (6 * scale) if scale > 0 else 0.0
    corrected = []
    for share in shares:
        z = bias + float(ndtri(share))
        corrected.append(float(ndtr(bias + z / max(1 - acceleration * z, 1e-6))))
    return tuple(float(bound) for bound in np.quantile(resampled, corrected))
