"""Warm-up: repeat until the steady state is found, and say how long that took."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from time import perf_counter_ns
from typing import List, Sequence

from pytest_edgeperf.measure.loop import Call

#: max(3 calls, 0.25 s) discarded the warm-up of 986 recorded processes: their medians moved by 0.6 % at the most.
SHORTEST_CALLS = 3
SHORTEST_SECONDS = 0.25
LONGEST_SECONDS = 3.0
#: Steady: the best call of the latest window is no more than this much faster than any before it.
IMPROVEMENT = 0.02
WINDOW_SECONDS = 0.1
WINDOW_CALLS = 3


@dataclass(frozen=True)
class WarmUp:
    """How a target warmed up. ``first_ms`` is the very first call, ``seconds`` the whole warm-up."""

    first_ms: float
    seconds: float
    calls: int
    steady: bool
    #: The median of the latest window: what one call costs now, in ns.
    call_ns: float


def warm_up(
    calls: Sequence[Call],
    *,
    shortest_s: float = SHORTEST_SECONDS,
    longest_s: float = LONGEST_SECONDS,
) -> WarmUp:
    """Call in rotation until the calls no longer get faster (or ``longest_s`` is over, then not ``steady``).

    After ``shortest_s`` and three calls, windows of at least 0.1 s and three calls are compared: the
    target is steady when the best of a window is not 2 % better than the best before it. The minimum
    is compared because a burst of noise lengthens calls but never shortens them.
    """
    rotation = cycle(calls)
    begin = perf_counter_ns()

    def window(seconds: float, fewest: int) -> List[int]:
        durations: List[int] = []
        deadline = perf_counter_ns() + int(seconds * 1e9)
        while len(durations) < fewest or perf_counter_ns() < deadline:
            call = next(rotation)
            start = perf_counter_ns()
            call()
            durations.append(perf_counter_ns() - start)
        return durations

    first = window(0.0, 1)
    total = len(first)
    latest = window(shortest_s - first[0] / 1e9, SHORTEST_CALLS - 1)
    total += len(latest)
    best = min(latest)
    steady = False
    while not steady and perf_counter_ns() - begin < longest_s * 1e9:
        latest = window(min(WINDOW_SECONDS, shortest_s), WINDOW_CALLS)
        total += len(latest)
        steady = min(latest) >= best * (1 - IMPROVEMENT)
        best = min(best, *latest)
    return WarmUp(
        first_ms=first[0] / 1e6,
        seconds=(perf_counter_ns() - begin) / 1e9,
        calls=total,
        steady=steady,
        call_ns=float(sorted(latest)[len(latest) // 2]),
    )
