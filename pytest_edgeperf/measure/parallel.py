"""Several engines at once, in threads or in processes: a fair start, and what they do together."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter_ns, sleep
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.measure.engine_runners import Lap, Maker, ProcessRunner, Ready, Runner, ThreadRunner
from pytest_edgeperf.measure.failures import EngineFailed
from pytest_edgeperf.measure.order_statistics import median

THREADS = "threads"
PROCESSES = "processes"
MODES = (THREADS, PROCESSES)

#: All begin at one moment, which each has heard of by then.
LEAD_S = 0.02
#: What the system ends for want of memory takes a moment to be gone.
SETTLING_S = 0.1


@dataclass
class ParallelTimer:
    """Times blocks of all engines together; one sample is one inference of one of them."""

    runners: Sequence[Runner]
    #: Whether their number is a figure of the run.
    counted: bool = False
    _laps: List[List[Lap]] = field(default_factory=list)

    def time(self, first: int, seconds: float) -> int:
        """Time a block from sample ``first`` on; the index after its last sample."""
        laps = self._run(seconds)
        self._laps.append(laps)
        return first + sum(len(lap.durations_ns) for lap in laps)

    def repeat(self, seconds: float) -> Tuple[int, float]:
        """Go on untimed; the number of inferences, and the seconds."""
        laps = self._run(seconds)
        return sum(len(lap.durations_ns) for lap in laps), max(lap.seconds for lap in laps)

    def summaries(self, samples: int) -> Dict[str, Any]:
        """``latency`` of all inferences, ``throughput`` of all engines together, and each one's on the average."""
        from pytest_edgeperf.measure.sample_summary import summarise

        durations_ns = [duration for laps in self._laps for lap in laps for duration in lap.durations_ns]
        rates = [self.throughput(number) for number in range(len(self.runners))]
        count = {"engine_count": float(len(self.runners))} if self.counted else {}
        return {
            "latency": summarise([max(duration, 1) / 1e6 for duration in durations_ns]),
            "throughput": sum(rates),
            "throughput_per_engine": sum(rates) / len(rates),
            **count,
        }

    def throughput(self, number: int) -> float:
        """Inferences per second of one engine, up to the end of its last one that counts in each block."""
        own = [laps[number] for laps in self._laps]
        return sum(len(lap.durations_ns) for lap in own) / sum(lap.seconds for lap in own)

    def medians(self, ends: Sequence[int]) -> List[float]:
        """The median latency in ms of each block."""
        blocks = [[duration for lap in laps for duration in lap.durations_ns] for laps in self._laps]
        return [median(block) / 1e6 for block in blocks]

    def course(self, ends: Sequence[int]) -> Dict[str, Any]:
        """Each engine's throughput: one that starves the others is seen."""
        return {"throughputs": [round(self.throughput(number), 3) for number in range(len(self.runners))]}

    def children_peak_mib(self) -> Optional[float]:
        """What the engines' processes have of their own, added up; ``None`` if that of one is not known."""
        most: List[float] = []
        for number in range(len(self.runners)):
            in_blocks = [laps[number].private_mib for laps in self._laps]
            known = [mib for mib in in_blocks if mib is not None]
            if len(known) < len(in_blocks):
                return None
            most.append(max(known))
        return sum(most)

    def _run(self, seconds: float) -> List[Lap]:
        at_ns = perf_counter_ns() + int(LEAD_S * 1e9)
        for runner in self.runners:
            runner.start(at_ns, seconds)
        return [runner.finish() for runner in self.runners]


def runners_of(make: Maker, n: int, mode: str, software: Mapping[str, Any]) -> List[Runner]:
    """Start so many engines.

    Raises:
        ValueError: fewer than one engine, or a mode that is none.
    """
    if n < 1:
        raise ValueError(f"timed_inference.parallel: n must be at least 1, not {n}")
    if mode not in MODES:
        raise ValueError(f"timed_inference.parallel: mode is {mode!r}; it must be one of {', '.join(MODES)}")
    kind = ThreadRunner if mode == THREADS else ProcessRunner
    return [kind(number, make, software) for number in range(1, n + 1)]


def as_many_as_fit(make: Maker, most: int, software: Mapping[str, Any]) -> Tuple[List[ProcessRunner], List[Ready]]:
    """Start engines in processes, each when the one before is ready, until there is no memory for another.

    The system may end any of them for want of memory: what is left then is what fits.

    Raises:
        ValueError: fewer than one engine is allowed.
        EngineFailed: not even one fits, or one failed for another reason; all are ended.
    """
    if most < 1:
        raise ValueError(f"timed_inference.parallel: n must be at least 1, not {most}")
    runners: List[ProcessRunner] = []
    ready: List[Ready] = []
    for number in range(1, most + 1):
        runner = ProcessRunner(number, make, software)
        try:
            ready.append(runner.ready())
            runners.append(runner)
        except EngineFailed as error:
            runner.close()
            left = _alive(runners)
            if not error.out_of_memory or not left:
                for other in left:
                    other.close()
                raise
            return left, ready[: len(left)]
        sleep(SETTLING_S)
        left = _alive(runners)
        if len(left) < len(runners):
            if not left:
                raise EngineFailed(f"engine {number} ended as soon as it was ready: most likely out of memory")
            return left, ready[: len(left)]
    return runners, ready


def _alive(runners: Sequence[ProcessRunner]) -> List[ProcessRunner]:
    """Those whose process runs; the others are cleared away."""
    dead = [runner for runner in runners if not runner.is_alive()]
    for runner in dead:
        runner.close()
    return [runner for runner in runners if runner not in dead]
