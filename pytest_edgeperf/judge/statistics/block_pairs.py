"""The log ratio of two targets that took turns: a robust mean over neighbouring blocks."""

from __future__ import annotations

import math
from typing import NamedTuple, Sequence

#: Of the quads, ordered by their log ratio, this share is left out on either side.
TRIMMED_SHARE = 0.25
#: One quad is two block pairs in ABBA order, in whose mean a steady drift cancels.
PAIRS_PER_QUAD = 2
FEWEST_QUADS = 2


class Pair(NamedTuple):
    """One pair of fresh processes, or of targets in one process."""

    #: ln(candidate / base).
    log_ratio: float
    #: Its standard error by the scatter of the quads within the pair.
    error: float
    #: Block pairs that it rests on.
    blocks: int


def pair_of(base_ms: Sequence[float], candidate_ms: Sequence[float]) -> Pair:
    """Estimate the log ratio from the block medians of both sides, in the order in which they were timed.

    The trimmed mean over quads of ln(candidate / base); its error is that of Tukey & McLaughlin (1963,
    Sankhya A 25): the winsorised standard deviation over (1 - 2 g) sqrt(n).

    Raises:
        ValueError: a side has fewer than four blocks, or a median is not a positive number.
    """
    blocks = min(len(base_ms), len(candidate_ms))
    quads = blocks // PAIRS_PER_QUAD
    if quads < FEWEST_QUADS:
        raise ValueError(f"{blocks} block pairs are too few: at least {FEWEST_QUADS * PAIRS_PER_QUAD} are needed")
    logs = [_log(new) - _log(old) for old, new in zip(base_ms, candidate_ms)]
    means = sorted(sum(logs[first : first + PAIRS_PER_QUAD]) / PAIRS_PER_QUAD for first in range(0, 2 * quads, 2))
    cut = int(TRIMMED_SHARE * quads)
    kept = means[cut : quads - cut]
    winsorised = [kept[0]] * cut + kept + [kept[-1]] * cut
    middle = sum(winsorised) / quads
    variance = sum((value - middle) ** 2 for value in winsorised) / (quads - 1)
    error = math.sqrt(variance / quads) * quads / len(kept)
    return Pair(sum(kept) / len(kept), error, PAIRS_PER_QUAD * quads)


def mean_of_pairs(pairs: Sequence[Pair]) -> Pair:
    """The mean of some pairs, and its standard error by the scatter within them."""
    error = math.sqrt(math.fsum(pair.error**2 for pair in pairs)) / len(pairs)
    mean = math.fsum(pair.log_ratio for pair in pairs) / len(pairs)
    return Pair(mean, error, sum(pair.blocks for pair in pairs))


def _log(value_ms: float) -> float:
    if not (value_ms > 0 and math.isfinite(value_ms)):
        raise ValueError(f"a block's median is {value_ms!r}; it must be a positive number of milliseconds")
    return math.log(value_ms)


def pair_of_runs(base_ms: float, candidate_ms: float, base_dispersion: float, candidate_dispersion: float) -> Pair:
    """Estimate the log ratio from the medians of two whole runs, and its error from what their blocks show.

    ``…_dispersion``: standard deviation of the logarithm of the median over the blocks of the run.
    """
    error = math.hypot(base_dispersion, candidate_dispersion)
    return Pair(_log(candidate_ms) - _log(base_ms), error, 0)
