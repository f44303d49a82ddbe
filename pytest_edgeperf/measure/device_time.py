"""The phases of an inference by the device's own clock, in a pass of its own: its events cost time on the host."""

from __future__ import annotations

from itertools import cycle
from time import perf_counter_ns
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import DeviceTimed, SelfTimed
from pytest_edgeperf.measure.order_statistics import median
from pytest_edgeperf.measure.sample_summary import summarise

PASS_S = 0.3
FEWEST_INFERENCES = 10
MOST_INFERENCES = 1000
#: The resolution of CUDA's events is half a microsecond: what they call nothing was at most that.
LEAST_MS = 5e-4


def device_times(engine: DeviceTimed, entries: Sequence[Tuple[Any, ...]]) -> Dict[str, Dict[str, Any]]:
    """Phase -> summary in ms over inferences that follow the timed ones.

    Args:
        engine: at work already, so that nothing is cold.
        entries: the arguments of its ``infer``, in rotation.
    """
    samples_ms: Dict[str, List[float]] = {}
    deadline_ns = perf_counter_ns() + int(PASS_S * 1e9)
    for number, entry in zip(range(MOST_INFERENCES), cycle(entries)):
        if number >= FEWEST_INFERENCES and perf_counter_ns() >= deadline_ns:
            break
        for phase, value_ms in engine.infer_timed(*entry).items():
            samples_ms.setdefault(phase, []).append(max(value_ms, LEAST_MS))
    return {phase: summarise(values) for phase, values in samples_ms.items()}


class SelfTimer:
    """Blocks of an engine that times itself."""

    def __init__(self, engine: SelfTimed, entries: Sequence[Tuple[Any, ...]]) -> None:
        self._engine = engine
        # Its program takes one set of inputs for a whole block.
        self._entries: Iterator[Tuple[Any, ...]] = cycle(entries)
        self._blocks: List[Dict[str, List[float]]] = []

    def time(self, first: int, seconds: float) -> int:
        """Time a block from sample ``first`` on; the index after its last sample."""
        block = self._run(seconds)
        self._blocks.append({phase: [max(value, LEAST_MS) for value in values] for phase, values in block.items()})
        return first + len(block["latency"])

    def repeat(self, seconds: float) -> Tuple[int, float]:
        """Go on untimed; the number of inferences, and the seconds that they took, without those of starting."""
        latencies_ms = self._run(seconds)["latency"]
        return len(latencies_ms), sum(latencies_ms) / 1e3

    def summaries(self, samples: int) -> Dict[str, Any]:
        """The metrics of time in ms, over all samples."""
        phases = [phase for phase in self._blocks[0] if all(phase in block for block in self._blocks)]
        return {phase: summarise(self._all(phase)) for phase in phases}

    def medians(self, ends: Sequence[int]) -> List[float]:
        """The median latency in ms of each block."""
        return [median(block["latency"]) for block in self._blocks]

    def course(self, ends: Sequence[int]) -> Dict[str, Any]:
        """How the run went from its first sample to its last."""
        from pytest_edgeperf.measure.course import course_of

        return course_of(self._all("latency"), ends).figures()

    def children_peak_mib(self) -> None:
        """The memory of its program is not known."""

    def _run(self, seconds: float) -> Dict[str, List[float]]:
        return {phase: list(values) for phase, values in self._engine.run_for(seconds, *next(self._entries)).items()}

    def _all(self, phase: str) -> List[float]:
        return [value for block in self._blocks for value in block[phase]]
