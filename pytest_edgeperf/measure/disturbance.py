"""How undisturbed a run was: canaries around it, CPU time against wall time, involuntary switches."""

from __future__ import annotations

import resource
import time
from typing import Any, Dict, List

CANARY_REPETITIONS = 96
_CANARY_STEPS = 3000


def canary_ms() -> float:
    """The median processor time of a fixed piece of work (a sum in the interpreter's own C code), in ms.

    It tells a machine that is slow from code that is slow: the same work, before and after each block.
    By the thread's clock, because time that others take is a figure of its own; without bytecode, so that
    a tracer that the benchmark left on does not slow it; and without memory of its own, whose pages lie
    differently in each process (a copy of 256 KiB varied by 30 % between processes of a quiet machine).
    Whoever changes its work gives the figure another name: baselines hold it.
    """
    durations: List[int] = []
    for _ in range(CANARY_REPETITIONS):
        start = time.thread_time_ns()
        sum(range(_CANARY_STEPS))
        durations.append(time.thread_time_ns() - start)
    return sorted(durations)[CANARY_REPETITIONS // 2] / 1e6


class Watch:
    """CPU time and involuntary context switches of this process over the timed blocks only."""

    def __init__(self) -> None:
        self._wall_s = 0.0
        self._cpu_s = 0.0
        self._thread_s = 0.0
        self._switches = 0
        self._children_s = 0.0
        self._started = (0.0, 0.0, 0.0, 0, 0.0)

    def __enter__(self) -> Watch:
        self._started = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        wall, cpu, thread, switches, children = self._now()
        self._wall_s += wall - self._started[0]
        self._cpu_s += cpu - self._started[1]
        self._thread_s += thread - self._started[2]
        self._switches += switches - self._started[3]
        self._children_s += children - self._started[4]

    def figures(self) -> Dict[str, Any]:
        """CPU time over wall time, of the process (``cpu_share``) and of the timing thread alone
        (``thread_share``), and ``involuntary_switches_per_s``; ``children_share`` of its children that have ended,
        where there were any.
        """
        if self._wall_s <= 0:
            return {}
        figures = {
            "cpu_share": round(self._cpu_s / self._wall_s, 4),
            "thread_share": round(self._thread_s / self._wall_s, 4),
            "involuntary_switches_per_s": round(self._switches / self._wall_s, 2),
        }
        if self._children_s > 0:
            figures["children_share"] = round(self._children_s / self._wall_s, 4)
        return figures

    @staticmethod
    def _now() -> Any:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (
            time.perf_counter(),
            time.process_time(),
            time.thread_time(),
            resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
            children.ru_utime + children.ru_stime,
        )


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
