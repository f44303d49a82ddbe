"""Which differences of a profile exceed its noise: within a process by its repetitions, between processes by the rest.

Times are compared as logarithms. A process is faster or slower than another of the same code as a whole (clocks,
neighbours), and each operator in it for itself (where its memory lies); repetitions in one process show neither. So a
rise is held against the rise that most operators share, or that the measured latency contradicts, and against how far
the other operators scatter around that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from pytest_edgeperf.results.cost_profiles import median

#: Of blaming anything in a pair of unchanged profiles.
ALPHA = 0.01
#: Added to each time: what a profiler's clock and its own calls cost an operator.
RESOLUTION_MS = 0.0005
#: Standard deviation of an operator's logarithm between processes of the same code, at least.
BETWEEN_PROCESSES = 0.03
#: The same where there are too few operators to see how far they scatter; with more it goes down to that.
BETWEEN_PROCESSES_OF_FEW = 0.06
#: Of Student's t: the spread between processes is known from few operators.
FREEDOM = 8
#: Standard deviations of single operators are drawn to the middle one of all as by so many repetitions.
_PRIOR_REPETITIONS = 4
#: From so many operators on, their middle says what all share.
FEWEST_FOR_SHIFT = 6
#: Of all time; operators below say little of what others share.
_SMALL_SHARE = 0.002
#: From a median absolute deviation to a standard deviation, of normal noise.
_NORMAL = 1.4826
#: Variance of a median, of that of a mean.
_MEDIAN_VARIANCE = math.pi / 2
#: Logarithms that a noise may have, so that it is a number.
_LARGEST = 50.0
#: A repetition alone shows no noise of its own.
_ALONE = 0.05


@dataclass(frozen=True)
class PairOfTimes:
    """The repetitions of one part before and after, in milliseconds."""

    before_ms: Tuple[float, ...]
    after_ms: Tuple[float, ...]


@dataclass(frozen=True)
class Judged:
    """Of each pair: the largest rise that is noise, in milliseconds, and whether the pair's is larger."""

    noise_ms: Tuple[float, ...]
    slower: Tuple[bool, ...]
    #: By how much most parts take longer together, as a ratio; ``None``: too few to say.
    shift: Optional[float]


def judge_pairs(pairs: Sequence[PairOfTimes], *, excess_ms: float = 0.0, tests: Optional[int] = None) -> Judged:
    """Which parts take longer by more than noise, at :data:`ALPHA` over all of them (Bonferroni).

    Args:
        pairs: of the parts that are on both sides.
        excess_ms: by how much all parts together rose more than the measured latency did: the slower process.
        tests: all parts that could be blamed, where that is more than these.
    """
    if not pairs:
        return Judged((), (), None)
    before = [_logarithm(pair.before_ms) for pair in pairs]
    after = [_logarithm(pair.after_ms) for pair in pairs]
    rises = [now - then for then, now in zip(before, after)]
    within = [
        one + other
        for one, other in zip(
            _variances([pair.before_ms for pair in pairs]), _variances([pair.after_ms for pair in pairs])
        )
    ]
    shift, between = _shared(pairs, rises, within)
    total_before = math.fsum(median(pair.before_ms) for pair in pairs)
    contradicted = math.log1p(max(0.0, excess_ms) / total_before) if total_before > 0 else 0.0
    expected = max(0.0, contradicted, shift if shift is not None else 0.0)
    limit = _critical(ALPHA / max(len(pairs), tests or 0))
    usual = expected + limit * math.sqrt(median(within) + between * between)
    noises, slower = [], []
    for pair, rise, variance in zip(pairs, rises, within):
        largest = expected + limit * math.sqrt(variance + between * between)
        noise_ms = (median(pair.before_ms) + RESOLUTION_MS) * math.expm1(min(largest, _LARGEST))
        # Interruptions only add time: a part whose repetitions differ by them is slower all the same where its fastest
        # one is slower than the slowest one was by what is noise for most parts.
        apart_ms = (max(pair.before_ms) + RESOLUTION_MS) * math.exp(min(usual, _LARGEST)) - RESOLUTION_MS
        apart = min(pair.after_ms) > apart_ms
        noises.append(min(noise_ms, apart_ms - median(pair.before_ms)) if apart else noise_ms)
        slower.append(rise > largest or apart)
    return Judged(tuple(noises), tuple(slower), None if shift is None else math.exp(shift))


def _shared(
    pairs: Sequence[PairOfTimes], rises: Sequence[float], within: Sequence[float]
) -> Tuple[Optional[float], float]:
    """The rise that most parts share, and the standard deviation of each part between processes."""
    costs = [median(pair.before_ms) + median(pair.after_ms) for pair in pairs]
    least = _SMALL_SHARE * math.fsum(costs)
    large = [place for place, cost in enumerate(costs) if cost >= least]
    if len(large) < FEWEST_FOR_SHIFT:
        return None, BETWEEN_PROCESSES_OF_FEW
    shift = median([rises[place] for place in large])
    scatter = _NORMAL * median([abs(rises[place] - shift) for place in large])
    beyond = scatter * scatter - median([within[place] for place in large])
    least_known = BETWEEN_PROCESSES_OF_FEW * math.sqrt(FEWEST_FOR_SHIFT / len(large))
    return shift, max(BETWEEN_PROCESSES, least_known, math.sqrt(max(beyond, 0.0)))


def _logarithm(times_ms: Sequence[float]) -> float:
    return math.log(median(times_ms) + RESOLUTION_MS)


def _variances(series: Sequence[Sequence[float]]) -> List[float]:
    """Of the median of each part's logarithms over the repetitions."""
    own = [_scatter(times) for times in series]
    known = [value for value in own if value is not None]
    middle = median(known) if known else _ALONE * _ALONE
    variances = []
    for times, value in zip(series, own):
        weight = len(times) - 1 if value is not None else 0
        drawn = (_PRIOR_REPETITIONS * middle + weight * (value or 0.0)) / (_PRIOR_REPETITIONS + weight)
        variances.append(drawn * (_MEDIAN_VARIANCE if len(times) > 2 else 1.0) / len(times))
    return variances


def _scatter(times_ms: Sequence[float]) -> Optional[float]:
    """The variance of a part's logarithms over the repetitions, which one preempted repetition hardly changes."""
    if len(times_ms) < 2:
        return None
    logarithms = [math.log(time + RESOLUTION_MS) for time in times_ms]
    middle = median(logarithms)
    deviation = _NORMAL * median([abs(value - middle) for value in logarithms])
    # The median of few deviations is too small, since one of them is that of the median itself: nought.
    return deviation * deviation * (len(times_ms) / (len(times_ms) - 1)) ** 2


def _critical(level: float) -> float:
    """The quantile of Student's t with :data:`FREEDOM` that is exceeded with this probability."""
    from scipy.special import stdtrit

    return -float(stdtrit(FREEDOM, level))
