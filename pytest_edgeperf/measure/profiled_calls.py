"""Calls without a profiler and with one, and what the profiler itself costs."""

from __future__ import annotations

import cProfile
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice, repeat
from pathlib import Path
from typing import Any, Callable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.measure.call_graph import Added, EventCosts
from pytest_edgeperf.measure.loop import Call

#: Calls by which the profiler's own cost is measured, and how often.
COST_CALLS, COST_TRIES = 1000, 5
#: From here on cProfile changes the code of what it watches, and sees the calls of all threads as those of one.
BY_MONITORING = (3, 12)
RUN_DELAYS = Path("/proc/thread-self/schedstat")


class NoFunctionProfile(RuntimeError):
    """The calls cannot be profiled; the message says why and what to do."""


def run_delay_ns() -> Optional[int]:
    """How long this thread has waited for a processor so far; ``None``: the system does not tell."""
    try:
        return int(RUN_DELAYS.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None


class Clocks(NamedTuple):
    """What time is read from, in nanoseconds: the wall, and what this thread computed and waited for a processor."""

    wall: Callable[[], int]
    processor: Callable[[], int]
    run_delay: Callable[[], Optional[int]] = run_delay_ns

    def profiler(self) -> cProfile.Profile:
        """A new profiler by the wall clock."""
        # Its own reading of the same clock is cheaper than a call of ours.
        return cProfile.Profile() if self.wall is time.perf_counter_ns else cProfile.Profile(self.wall, 1e-9)


class Target(NamedTuple):
    """A function with what it is called with."""

    function: Callable[..., Any]
    arguments: Tuple[Any, ...]
    keywords: Mapping[str, Any]


class Elapsed(NamedTuple):
    """What calls took without a profiler, and what their thread waited for: a processor, and other than that."""

    wall_s: float
    #: All of the time where the system does not tell.
    queued_s: float
    waiting_s: Optional[float]

    @classmethod
    def sum(cls, parts: Sequence[Elapsed]) -> Elapsed:
        """All of them together."""
        waits_s = [part.waiting_s for part in parts if part.waiting_s is not None]
        return cls(
            sum(part.wall_s for part in parts),
            sum(part.queued_s for part in parts),
            sum(waits_s) if len(waits_s) == len(parts) else None,
        )


class Profiled(NamedTuple):
    """Calls with a profiler: how many, what they took, and what ``cProfile.Profile.getstats`` gave."""

    number: int
    wall_s: float
    #: How long their thread waited for a processor, or all of their time where the system does not tell.
    queued_s: float
    entries: List[Any]

    @classmethod
    def sum(cls, parts: Sequence[Profiled]) -> Profiled:
        """All of them together; a function has an entry for each."""
        return cls(
            sum(part.number for part in parts),
            sum(part.wall_s for part in parts),
            sum(part.queued_s for part in parts),
            [entry for part in parts for entry in part.entries],
        )


def targets_of(calls: Sequence[Call], number: int) -> List[Target]:
    """So many calls in rotation, as functions and arguments."""
    # A profiler does not see C functions that functools.partial calls, which the loop's calls are made of.
    bound = [
        Target(call.func, call.args, call.keywords) if isinstance(call, partial) else Target(call, (), {})
        for call in calls
    ]
    return list(islice(cycle(bound), number))


def elapsed(targets: Sequence[Target], clocks: Clocks) -> Elapsed:
    """Make the calls without a profiler."""
    delay, processor, start = clocks.run_delay(), clocks.processor(), clocks.wall()
    for function, arguments, keywords in targets:
        function(*arguments, **keywords)
    wall = clocks.wall() - start
    computed = clocks.processor() - processor
    delay_after = clocks.run_delay()
    if delay is None or delay_after is None:
        return Elapsed(wall / 1e9, wall / 1e9, None)
    queued = delay_after - delay
    return Elapsed(wall / 1e9, queued / 1e9, min(max(wall - computed - queued, 0), wall) / 1e9)


def profiled(targets: Sequence[Target], clocks: Clocks) -> Profiled:
    """Make the calls with the profiler."""
    profiler = clocks.profiler()
    delay = clocks.run_delay()
    profiler.enable()
    try:
        if sys.version_info >= BY_MONITORING:
            # Each function's first call while it is watched changes its code.
            function, arguments, keywords = targets[0]
            function(*arguments, **keywords)
        start = clocks.wall()
        profiler.clear()
        for function, arguments, keywords in targets:
            function(*arguments, **keywords)
    finally:
        profiler.disable()
    wall = clocks.wall() - start
    delay_after = clocks.run_delay()
    queued = wall if delay is None or delay_after is None else delay_after - delay
    entries = [entry for entry in profiler.getstats() if not _is_of_profiler(entry.code)]
    return Profiled(len(targets), wall / 1e9, queued / 1e9, entries)


def _is_of_profiler(code: Any) -> bool:
    return isinstance(code, str) and "_lsprof.Profiler" in code


@contextmanager
def no_other_profiler() -> Iterator[None]:
    """What profiles within is alone.

    Raises:
        NoFunctionProfile: it is not.
    """
    if sys.getprofile() is not None:
        raise NoFunctionProfile("no function times: another profiler is at work in this process; run without it")
    try:
        yield
    except ValueError as error:
        # From Python 3.12 on, cProfile itself says so.
        if "profiling tool" not in str(error):
            raise
        raise NoFunctionProfile(f"no function times: {error}; run without it") from None


class Threads:
    """Sees whether other Python threads run between ``__enter__`` and ``__exit__``."""

    def __init__(self) -> None:
        self.ran = False
        self._places: Mapping[int, Any] = {}
        self._former: Any = None

    def __enter__(self) -> Threads:
        self._places = self._places_now()
        self._former = getattr(threading, "_profile_hook", None)
        threading.setprofile(self._begins)
        return self

    def __exit__(self, *_: object) -> None:
        threading.setprofile(self._former)
        # One that only waits stays where it is.
        self.ran = self.ran or self._places_now() != self._places

    def _begins(self, *_: Any) -> None:
        self.ran = True
        sys.setprofile(self._former)

    @staticmethod
    def _places_now() -> Mapping[int, Any]:
        here = threading.get_ident()
        frames = sys._current_frames()
        return {thread: (id(frame), frame.f_lasti) for thread, frame in frames.items() if thread != here}


def event_costs(clocks: Clocks) -> EventCosts:
    """What the profiler adds to one call of a function, here and now: the least of some tries."""
    return EventCosts(
        _added(_call_nothing, _nothing.__code__, clocks),
        _added(_call_function, None, clocks),
        _added(_call_method, None, clocks),
    )


def _nothing() -> None:
    pass


def _call_nothing() -> None:
    for _ in repeat(None, COST_CALLS):
        _nothing()


def _call_function() -> None:
    for _ in repeat(None, COST_CALLS):
        len("")


def _call_method() -> None:
    for _ in repeat(None, COST_CALLS):
        "".isascii()


def _added(work: Callable[[], None], callee: Optional[Any], clocks: Clocks) -> Added:
    """What the profiler adds to a call of Python code, or of the only function in C that the work calls (``None``)."""
    plain_s, profiled_s, inside_s = [], [], []
    for _ in range(COST_TRIES):
        start = clocks.wall()
        work()
        plain_s.append((clocks.wall() - start) / 1e9)
        profiler = clocks.profiler()
        profiler.enable()
        work()
        profiler.disable()
        entries = {entry.code: entry for entry in profiler.getstats() if not _is_of_profiler(entry.code)}
        profiled_s.append(entries.pop(work.__code__).totaltime)
        inside_s.append(next(entry.inlinetime for code, entry in entries.items() if callee in (None, code)))
    added_s = max(min(profiled_s) - min(plain_s), 0.0) / COST_CALLS
    within_s = min(min(inside_s) / COST_CALLS, added_s)
    return Added(within_s, added_s - within_s)
