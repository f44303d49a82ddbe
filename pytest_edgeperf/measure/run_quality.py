"""How undisturbed a run was: canaries around it, CPU time against wall time, involuntary switches."""

from __future__ import annotations

import resource
import time
from typing import Any, Callable, Dict, List, NamedTuple

CANARY_REPETITIONS = 96
CANARY_STEPS = 3000


def canary_ms(steps: int = CANARY_STEPS) -> float:
    """The median processor time of a fixed piece of work (a sum in the interpreter's own C code), in ms.

    It distinguishes a slow machine from slow code: the same work, before and after each block.
    By the thread's clock, because time that others take is a figure of its own; without bytecode, so that
    a tracer that the benchmark left on does not slow it; and without memory of its own, whose pages lie
    differently in each process (a copy of 256 KiB varied by 30 % between processes of a quiet machine).
    Whoever changes its work gives the figure another name: baselines hold it.
    """
    durations: List[int] = []
    for _ in range(CANARY_REPETITIONS):
        start = time.thread_time_ns()
        sum(range(steps))
        durations.append(time.thread_time_ns() - start)
    return sorted(durations)[CANARY_REPETITIONS // 2] / 1e6


class Usage(NamedTuple):
    """What this process has used so far."""

    wall_s: float
    cpu_s: float
    #: Processor time of this thread alone.
    thread_s: float
    involuntary_switches: float
    #: Processor time of children that have ended.
    children_s: float

    def since(self, earlier: Usage) -> Usage:
        """What was used between two readings."""
        return Usage(*(now - before for now, before in zip(self, earlier)))


def usage() -> Usage:
    """Read it now."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Usage(
        time.perf_counter(),
        time.process_time(),
        time.thread_time(),
        resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
        children.ru_utime + children.ru_stime,
    )


class Watch:
    """CPU time and involuntary context switches of this process over the timed blocks only.

    Args:
        read: gives what the process has used so far.
    """

    def __init__(self, read: Callable[[], Usage] = usage) -> None:
        self._read = read
        self._used = Usage(0.0, 0.0, 0.0, 0.0, 0.0)
        self._started = self._used

    def __enter__(self) -> Watch:
        self._started = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        block = self._read().since(self._started)
        self._used = Usage(*(before + more for before, more in zip(self._used, block)))

    def figures(self) -> Dict[str, Any]:
        """CPU time over wall time, of the process (``cpu_share``) and of the timing thread alone
        (``thread_share``), and ``involuntary_switches_per_s``; ``children_share`` of its children that have ended,
        where there were any.
        """
        used = self._used
        if used.wall_s <= 0:
            return {}
        figures = {
            "cpu_share": round(used.cpu_s / used.wall_s, 4),
            "thread_share": round(used.thread_s / used.wall_s, 4),
            "involuntary_switches_per_s": round(used.involuntary_switches / used.wall_s, 2),
        }
        if used.children_s > 0:
            figures["children_share"] = round(used.children_s / used.wall_s, 4)
        return figures


def settle(longest_s: float = 0.25, step_s: float = 0.005) -> float:
    """Wait until this process's CPU time stops advancing (a thread pool may spin after a call).

    Returns:
        The seconds waited; ``longest_s`` when it never became quiet.
    """
    begin = time.perf_counter()
    before = time.process_time()
    while time.perf_counter() - begin < longest_s:
        time.sleep(step_s)
        now = time.process_time()
        if now - before < 0.1 * step_s:
            break
        before = now
    return time.perf_counter() - begin
