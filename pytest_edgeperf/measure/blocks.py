"""The timed blocks of a run: each when the conductor says so, with what is read around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.conductor import Block, Conductor
from pytest_edgeperf.measure.own_memory import process_mib
from pytest_edgeperf.measure.pipeline import Pipeline
from pytest_edgeperf.measure.run_quality import Watch, canary_ms, settle
from pytest_edgeperf.measure.timers import Timer
from pytest_edgeperf.measure.warmup import WarmUp, warm_up


class Prepared(NamedTuple):
    """A target that is loaded, checked and warm, and what is known of it by then."""

    timer: Timer
    #: What to call when it is not to be timed; none where the timer has engines of its own.
    calls: Sequence[loop.Call]
    checked: Mapping[str, Any]
    warmed: WarmUp
    #: For the run's environment: what the runtime says of the engines.
    settings: Mapping[str, Any]
    calls_a_sample: int
    #: The device's own figures, read after the timed blocks.
    device_figures: Callable[[], Dict[str, Any]] = dict
    #: For the run's environment: where the nodes of the networks ran, asked for after the timed blocks.
    placement: Callable[[], Dict[str, Any]] = dict
    #: A callable is timed that no adapter knows: which runtimes it uses is seen by what is loaded.
    plain: bool = False
    #: What a profiled pass is of; ``None`` for several engines at once.
    profiled: Optional[Pipeline] = None


@dataclass
class TimedBlocks:
    """What the blocks of a run gave; the samples themselves are the timer's."""

    #: The index after the last sample of each block.
    ends: List[int] = field(default_factory=list)
    #: Whether another worker had turns between them.
    turns: bool = False
    timed_s: float = 0.0
    #: The longest wait for threads that went on after a block.
    settle_s: float = 0.0
    memory_growth_mib: float = 0.0
    canaries_ms: List[float] = field(default_factory=list)
    watch: Watch = field(default_factory=Watch)

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return self.ends[-1] if self.ends else 0

    def figures(self) -> Dict[str, Any]:
        """For the run's ``quality``."""
        return {
            "canary_ms": [round(value, 5) for value in self.canaries_ms],
            "settle_ms": round(self.settle_s * 1e3, 1),
            "timed_s": round(self.timed_s, 4),
            **self.watch.figures(),
        }


def time_blocks(conductor: Conductor, prepared: Prepared) -> TimedBlocks:
    """Time every block that the conductor gives."""
    run = TimedBlocks()
    for block in conductor.blocks():
        if block.sustained:
            conductor.sustained(*prepared.timer.repeat(block.seconds))
            continue
        run.turns = block.turn
        within_turns = block.turn and bool(run.ends)
        if not within_turns:
            run.canaries_ms.append(canary_ms())
        _settle_in(block, prepared)
        # Collecting before each of many turns would take longer than a turn.
        resident_mib = process_mib() if not block.turn else None
        with loop.collector_off(collect=not within_turns), run.watch:
            start = perf_counter_ns()
            end = prepared.timer.time(run.samples, block.seconds)
            run.timed_s += (perf_counter_ns() - start) / 1e9
        run.ends.append(end)
        if resident_mib is not None:
            run.memory_growth_mib += (process_mib() or resident_mib) - resident_mib
        run.settle_s = max(run.settle_s, settle())
        if not block.turn:
            run.canaries_ms.append(canary_ms())
    if run.turns:
        run.canaries_ms.append(canary_ms())
    return run


def _settle_in(block: Block, prepared: Prepared) -> None:
    """Make the untimed calls at a block's beginning."""
    if not prepared.calls:
        if block.settle_s:
            prepared.timer.repeat(block.settle_s)
    elif block.turn:
        loop.call_for(prepared.calls, block.settle_s)
    elif block.settle_s:
        warm_up(prepared.calls, shortest_s=block.settle_s, longest_s=block.settle_s, rotation_s=0.0)
