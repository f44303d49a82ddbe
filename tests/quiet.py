"""Whether other processes used the machine while a test ran: what they can fail is skipped then, and only then.

A test with the marker ``quiet`` or ``alone`` whose expectation fails is skipped where somebody else was busy while it,
or a fixture that it shares with other tests, ran, and where the processor's own speed changes from one moment to the
next, as a virtual machine's does beside others; the reason holds what was seen. On a quiet machine it fails.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, NoReturn, Optional, Tuple, Type

import pytest

from pytest_edgeperf.schedule.machine.usage import Witness

#: In processors, over all of the time: what daemons use is less.
MOST_ON_AVERAGE = 0.1
#: The same in any window: a burst may fall on the one process that is timed.
MOST_IN_A_WINDOW = 0.3
WINDOW_S = 1.0
#: The slowest moment of a steady machine by its quickest.
MOST_UNSTEADY = 1.2
MOMENTS, PAUSE_S, REPETITIONS = 12, 0.25, 15
#: What a neighbour's work can make of an expectation: it is not met, or not in time.
EXPECTATIONS: Tuple[Type[BaseException], ...] = (AssertionError, pytest.fail.Exception, subprocess.TimeoutExpired)


class Window(NamedTuple):
    """A stretch of time, and the processors that others, the hypervisor included, used meanwhile."""

    seconds: float
    others: float
    #: How far off that may be.
    unsure: float


def load_of(windows: List[Window]) -> Optional[str]:
    """What others used, in words; ``None`` where the machine was quiet or nothing is known."""
    seconds = sum(window.seconds for window in windows)
    if not seconds:
        return None
    average = sum(window.seconds * window.others for window in windows) / seconds
    most = max(windows, key=lambda window: window.others - window.unsure)
    unsure = max(window.unsure * window.seconds for window in windows) / seconds
    if average <= MOST_ON_AVERAGE + unsure and most.others <= MOST_IN_A_WINDOW + most.unsure:
        return None
    return (
        f"others used {average:.2f} processors on the average over {seconds:.1f} s and {most.others:.2f} at the most "
        f"(of {os.cpu_count()}; the load of a minute is {os.getloadavg()[0]:.1f})"
    )


def piece_of_work_s() -> float:
    """The median time of some Python code, by the clock of this thread's processor: waiting does not count."""
    times = []
    for _ in range(REPETITIONS):
        began = time.thread_time()
        sum(number * number for number in range(10_000))
        times.append(time.thread_time() - began)
    return statistics.median(times)


def unsteadiness_of(moments: List[float]) -> Optional[str]:
    """How much a processor's speed varies, in words, by what the same work took at some moments, in seconds."""
    if max(moments) <= MOST_UNSTEADY * min(moments):
        return None
    span_s = PAUSE_S * (len(moments) - 1)
    return f"the same work took {1e3 * min(moments):.2f} to {1e3 * max(moments):.2f} ms within {span_s:.0f} s"


def unsteadiness() -> Optional[str]:
    """How much the speed of this machine varies just now, in words; ``None`` where it is steady. Takes 3 seconds."""
    moments = []
    for _ in range(MOMENTS):
        moments.append(piece_of_work_s())
        time.sleep(PAUSE_S)
    return unsteadiness_of(moments)


class Neighbours:
    """Watches what others use from ``__enter__`` on, in windows of a second, until ``__exit__``."""

    def __init__(self, witness: Optional[Callable[[], Any]] = None, window_s: float = WINDOW_S) -> None:
        # This process, all that it started, and what these used before they ended.
        self._witness = witness or (lambda: Witness(os.getpid(), ()))
        self._window_s = window_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.windows: List[Window] = []

    def __enter__(self) -> Neighbours:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def load(self) -> Optional[str]:
        """What others used, once it is over; ``None`` where the machine was quiet."""
        return load_of(self.windows)

    def _watch(self) -> None:
        while not self._over.is_set():
            witness = self._witness()
            began = time.monotonic()
            with witness:
                self._over.wait(self._window_s)
            figures = witness.figures()
            shares = [figures[name] for name in ("others_share", "steal_share") if name in figures]
            if shares:
                self.windows.append(Window(time.monotonic() - began, sum(shares), figures["share_resolution"]))


def skip_for(load: str, error: BaseException) -> NoReturn:
    """Skip the test that runs, because of others' load or an unsteady processor, with what was not met."""
    unmet = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    pytest.skip(f"this machine was not quiet: {load}; not met: {unmet[:150]}")


class Quiet:
    """The plugin that does so for marked tests."""

    MARKERS = ("quiet", "alone")

    def __init__(
        self,
        neighbours: Callable[[], Neighbours] = Neighbours,
        unsteadiness: Callable[[], Optional[str]] = unsteadiness,
    ) -> None:
        self._neighbours = neighbours
        self._unsteadiness = unsteadiness
        #: Shared fixture -> what others used while it was made.
        self._loads: Dict[str, Optional[str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        if fixturedef.scope == "function" or not self._asks(request.node, request.session):
            return (yield)
        neighbours = self._neighbours()
        try:
            with neighbours:
                return (yield)
        finally:
            self._loads[fixturedef.argname] = neighbours.load

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Any:
        return (yield from self._excusing(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        return (yield from self._excusing(item))

    def _excusing(self, item: pytest.Item) -> Any:
        if not self._is_marked(item):
            return (yield)
        neighbours = self._neighbours()
        try:
            with neighbours:
                return (yield)
        except EXPECTATIONS as error:
            shared = [self._loads.get(name) for name in getattr(item, "fixturenames", ())]
            load = neighbours.load or next(filter(None, shared), None) or self._unsteadiness()
            if load is None:
                raise
            skip_for(load, error)

    def _is_marked(self, item: Any) -> bool:
        return any(item.get_closest_marker(name) for name in self.MARKERS)

    def _asks(self, node: Any, session: pytest.Session) -> bool:
        """Whether some test of the session may be excused: others are not slowed down by watching."""
        return any(self._is_marked(item) for item in session.items)
