"""Several targets timed in turns in one process, and what their turns say of each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.pipeline import Pipeline

#: One target's turn, its untimed start included; short against bursts of noise, which last about ten seconds.
TURN_S = 0.02
DISCARDED_SHARE = 0.2
#: Turns that each target has at least in a block, however slow it is: four are two quads.
FEWEST_TURNS = 8
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ratio:
    """A target's latency over the first one's, with a two-sided 95 % interval from the scatter of the turns.

    The interval is that of this process: another one lays out its memory differently.
    """

    ratio: float
    low: float
    high: float


class InterleavedTimer:
    """Times its targets in turns, forwards then backwards, so that a steady drift cancels."""

    def __init__(self, pipelines: Mapping[str, Pipeline], calls_a_sample: Mapping[str, int]) -> None:
        self._pipelines = pipelines
        self._calls_a_sample = calls_a_sample
        self._first = next(iter(pipelines))
        capacity = loop.CAPACITY // len(pipelines)
        self._durations = {name: loop.sample_array(capacity) for name in pipelines}
        self._ends: Dict[str, List[int]] = {name: [] for name in pipelines}

    def time(self, first: int, seconds: float) -> int:
        """Time a block of ``seconds`` shared by all targets; the number of the first target's samples so far."""
        turns = max(FEWEST_TURNS, 2 * round(seconds / len(self._pipelines) / TURN_S / 2))
        turn_s = seconds / len(self._pipelines) / turns
        for number in range(turns):
            for name in self._pipelines if number % 2 == 0 else reversed(list(self._pipelines)):
                self._turn(name, turn_s)
        return self._ends[self._first][-1]

    def summaries(self, samples: int) -> Dict[str, Any]:
        """``latency`` of the first target, ``latency_<name>`` of the others."""
        from pytest_edgeperf.measure.sample_summary import summarise

        return {
            "latency" if name == self._first else f"latency_{name}": summarise(
                loop.milliseconds(self._durations[name], ends[-1])
            )
            for name, ends in self._ends.items()
        }

    def medians(self, ends: Sequence[int]) -> List[float]:
        """The first target's median in each block."""
        return loop.medians_ms(self._durations[self._first], ends)

    def course(self, ends: Sequence[int]) -> Dict[str, Any]:
        """Nothing: taking turns cancels what a course would show."""
        return {}

    def repeat(self, seconds: float) -> Tuple[int, float]:
        """Go on untimed with the first target; the number of its calls, and the seconds."""
        return loop.repeat_for(self._pipelines[self._first].calls, seconds)

    def children_peak_mib(self) -> float:
        """It has no processes of its own."""
        return 0.0

    def ratios(self) -> Dict[str, Ratio]:
        """Every target but the first, over the first, by the estimator of lock-step comparison."""
        from scipy.special import stdtrit

        from pytest_edgeperf.judge.statistics.block_pairs import PAIRS_PER_QUAD, TRIMMED_SHARE, pair_of

        medians = {name: loop.medians_ms(self._durations[name], ends) for name, ends in self._ends.items()}
        ratios = {}
        for name, turns_ms in medians.items():
            if name == self._first:
                continue
            pair = pair_of(medians[self._first], turns_ms)
            quads = pair.blocks // PAIRS_PER_QUAD
            freedom = quads - 2 * int(TRIMMED_SHARE * quads) - 1
            half = float(stdtrit(max(freedom, 1), (1 + CONFIDENCE) / 2)) * pair.error
            ratios[name] = Ratio(*(math.exp(pair.log_ratio + off) for off in (0.0, -half, half)))
        return ratios

    def _turn(self, name: str, seconds: float) -> None:
        calls, durations, ends = self._pipelines[name].calls, self._durations[name], self._ends[name]
        begin = ends[-1] if ends else 0
        loop.call_for(calls, DISCARDED_SHARE * seconds)
        timed_s = (1 - DISCARDED_SHARE) * seconds
        number = self._calls_a_sample[name]
        if number > 1:
            ends.append(loop.time_batches(calls, durations, begin, timed_s, number))
        else:
            ends.append(loop.time_calls(calls, durations, begin, timed_s))
