"""How a run went from its first sample to its last: flat, getting faster, slowing down, or in cycles.

It informs and marks. No sample is left out because of it, and a step alone is never called throttling:
on a shared virtual machine that cannot throttle, 7 % of 306 recorded runs hold a step of more than 5 %.
The classes are those of Barrett et al., "Virtual machine warmup blows hot and cold" (OOPSLA 2017),
with cycles named among what they call "no steady state".
"""

from __future__ import annotations

import cmath
from dataclasses import dataclass
from itertools import combinations
from math import comb, exp, fsum, log, pi, pow
from typing import Any, Dict, List, Optional, Sequence

from pytest_edgeperf.measure.order_statistics import median, parts_of

FLAT = "flat"
UNKNOWN = "unknown"
WARM_UP = "warm_up"
SLOWDOWN = "slowdown"
CYCLIC = "cyclic"

#: A visit is looked at as the medians of this many consecutive blocks, of fewer where it has fewer samples.
BLOCKS = 20
FEWEST_BLOCKS = 12
#: A run of more visits than this takes turns with another, which cancels what a course would show.
MOST_VISITS = 8
#: Smaller changes of latency are not reported, as a share.
LEAST_CHANGE = 0.05
#: A step is larger than this many robust standard deviations of the block medians around their levels.
LEAST_Z = 6.0
#: Both levels of a step last at least this share of the visit; shorter ones are bursts of noise.
SHORTEST_LEVEL = 0.2
#: A drift puts this much more of all pairs of blocks in order than in disorder (Kendall's tau).
LEAST_TAU = 0.7
#: Cycles are reported when white noise shows such a peak this seldom, and when there are at least two.
LARGEST_CHANCE = 1e-3
FEWEST_CYCLES = 2
#: Robust standard deviation from a median absolute deviation, for normal noise.
MAD_TO_SD = 1.4826
#: Levels without any noise are compared as if it were 0.1 %.
LEAST_NOISE = 1e-3


@dataclass(frozen=True)
class LevelStep:
    """A lasting change of level: ``at`` is its share of the samples before it, ``ratio`` latency after over before."""

    at: float
    ratio: float


@dataclass(frozen=True)
class Cycle:
    """A periodic course: whole periods in the visit, and the slowest over the fastest part of a period."""

    periods: int
    ratio: float


@dataclass(frozen=True)
class Course:
    """``flat``, ``warm_up`` (got faster), ``slowdown``, ``cyclic`` or ``unknown``, and the evidence for it."""

    kind: str = FLAT
    step: Optional[LevelStep] = None
    #: Latency at the end over that at the beginning.
    drift: Optional[float] = None
    cycle: Optional[Cycle] = None

    @property
    def size(self) -> float:
        """The change as the absolute logarithm of its ratio."""
        change = self.step or self.cycle
        ratio = change.ratio if change else self.drift
        return 0.0 if ratio is None else abs(log(ratio))

    def figures(self) -> Dict[str, Any]:
        """For a run's ``quality``: ``course`` and one of ``level_step``, ``drift``, ``cycle``; nothing when flat."""
        if self.kind in (FLAT, UNKNOWN):
            return {}
        figures: Dict[str, Any] = {"course": self.kind}
        if self.step is not None:
            figures["level_step"] = {"at": round(self.step.at, 2), "ratio": round(self.step.ratio, 3)}
        if self.drift is not None:
            figures["drift"] = round(self.drift, 3)
        if self.cycle is not None:
            figures["cycle"] = {"periods": self.cycle.periods, "ratio": round(self.cycle.ratio, 3)}
        return figures


def course_of(samples: Sequence[float], ends: Sequence[int] = ()) -> Course:
    """The course of a run: of its visit that changed the most.

    Args:
        samples: positive durations of any unit, one-dimensional, in time order.
        ends: for a run of several visits, the index after each one's last sample. Every visit is looked at
            alone: a step between two visits is what happened to the machine in between, not to the code.

    Returns:
        ``unknown`` when no visit has 12 samples, or there are more than eight visits.
    """
    visits = list(ends) or [len(samples)]
    if len(visits) > MOST_VISITS:
        return Course(UNKNOWN)
    courses: List[Course] = []
    for start, end in zip([0, *visits], visits):
        if end - start >= FEWEST_BLOCKS:
            courses.append(_course(log_block_medians(samples[start:end]), start, end, len(samples)))
    return max(courses, key=lambda course: course.size, default=Course(UNKNOWN))


def log_block_medians(samples: Sequence[float], blocks: int = BLOCKS) -> List[float]:
    """Logarithms of the medians of consecutive blocks of equal size, ``min(blocks, len(samples))`` of them."""
    return [log(median(part)) for part in parts_of(samples, min(blocks, len(samples)))]


def level_step(levels: Sequence[float]) -> Optional[LevelStep]:
    """The step from one level to another in logarithms of block medians, if there is one.

    The best split has the least sum of absolute deviations from the two sides' medians. Its robust z is
    ``|median after - median before| / (1.4826 median |deviation from the own side's median|)``; it is a
    step when z > 6 and the change exceeds 5 %. Of 3060 shuffled recorded runs, 3 gave one;
    with 10 % added to the later part of their samples 52 % did, with 20 % 75 %.
    """
    count = len(levels)
    best = (float("inf"), 0, 0.0, 0.0)
    for split in range(1, count):
        before, after = median(levels[:split]), median(levels[split:])
        deviations = [abs(level - (before if index < split else after)) for index, level in enumerate(levels)]
        best = min(best, (fsum(deviations), split, after - before, median(deviations)))
    _, split, change, deviation = best
    z = abs(change) / max(MAD_TO_SD * deviation, LEAST_NOISE)
    lasting = min(split, count - split) >= SHORTEST_LEVEL * count
    if not lasting or z <= LEAST_Z or abs(change) <= log(1 + LEAST_CHANGE):
        return None
    return LevelStep(split / count, exp(change))


def drift(levels: Sequence[float]) -> Optional[float]:
    """Latency at the end over that at the beginning, where it rises or falls all along; else ``None``.

    Kendall's tau of the block medians over time exceeds 0.7 (its standard deviation is 0.16 for 20 blocks
    in no order) and the Theil-Sen slope amounts to more than 5 %.
    """
    rises = [
        (after - before, later - earlier) for (earlier, before), (later, after) in combinations(enumerate(levels), 2)
    ]
    tau = sum(1 if rise > 0 else -1 if rise < 0 else 0 for rise, _ in rises) / len(rises)
    change = median(rise / distance for rise, distance in rises) * (len(levels) - 1)
    return exp(change) if abs(tau) > LEAST_TAU and abs(change) > log(1 + LEAST_CHANGE) else None


def cycle(levels: Sequence[float]) -> Optional[Cycle]:
    """The periodic part of the block medians, if it is beyond chance: Fisher's exact g test (1929).

    g is the share of the periodogram's highest peak among its m ordinates, and for white noise
    ``P(G > g) = sum over j of (-1)^(j-1) C(m, j) (1 - j g)^(m-1)``, j from 1 to 1/g.
    Periods shorter than two blocks average out and are not seen.
    """
    count = len(levels)
    power = _periodogram(levels)
    total, peak = fsum(power), power.index(max(power))
    if total <= 0 or peak + 1 < FEWEST_CYCLES:
        return None
    swing = 4 * power[peak] ** 0.5 / count
    chance = _chance_of_peak(power[peak] / total, len(power))
    return Cycle(peak + 1, exp(swing)) if chance < LARGEST_CHANCE and swing > log(1 + LEAST_CHANGE) else None


def _periodogram(levels: Sequence[float]) -> List[float]:
    """Squared amplitudes of 1, 2, … whole periods in the levels, below half their number."""
    count, mean = len(levels), fsum(levels) / len(levels)
    turn = -2j * pi / count
    return [
        abs(sum((level - mean) * cmath.exp(turn * periods * index) for index, level in enumerate(levels))) ** 2
        for periods in range(1, (count - 1) // 2 + 1)
    ]


def _course(levels: Sequence[float], start: int, end: int, total: int) -> Course:
    periodic = cycle(levels)
    if periodic is not None:
        return Course(CYCLIC, cycle=periodic)
    step = level_step(levels)
    if step is not None:
        at = (start + step.at * (end - start)) / total
        return Course(WARM_UP if step.ratio < 1 else SLOWDOWN, step=LevelStep(at, step.ratio))
    drifted = drift(levels)
    if drifted is not None:
        return Course(WARM_UP if drifted < 1 else SLOWDOWN, drift=drifted)
    return Course()


def _chance_of_peak(share: float, ordinates: int) -> float:
    # Rounding may put a pure sine's share a little above one.
    share = min(share, 1.0)
    terms = range(1, int(1 / share) + 1)
    return sum((1 if j % 2 else -1) * comb(ordinates, j) * pow(1 - j * share, ordinates - 1) for j in terms)
