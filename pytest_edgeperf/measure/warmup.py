"""Warm-up: repeat until the steady state is found, and say how long that took."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter_ns
from typing import Optional, Sequence, Tuple

from pytest_edgeperf.measure.loop import Call

#: max(3 calls, 0.25 s) discarded the warm-up of 986 recorded processes: their medians moved by 0.6 % at the most.
SHORTEST_CALLS = 3
SHORTEST_SECONDS = 0.25
LONGEST_SECONDS = 3.0
#: Until every rotating input was met once: a shape that is first seen may be compiled, for seconds.
LONGEST_ROTATION_SECONDS = 30.0
#: Until as many calls were made as are to be kept, where the warm-up itself makes fewer.
LONGEST_KEPT_SECONDS = 30.0
#: Steady: the best of the latest calls is no more than this much faster than the best of those before.
IMPROVEMENT = 0.02
#: The latest calls: those of the second half of the warm-up so far, and of half a second at most.
LATEST_SHARE = 0.5
LATEST_SECONDS = 0.5
#: With fewer calls on either side, the question stays open.
FEWEST_CALLS = 3
#: The question is asked again after so many seconds of calls.
WINDOW_SECONDS = 0.05


@dataclass(frozen=True)
class Window:
    """Calls that followed each other: when the last was over (seconds from the start), how many, the best of them."""

    end_s: float
    calls: int
    best_ns: int


@dataclass(frozen=True)
class WarmUp:
    """How a target warmed up. ``first_ms`` is the very first call, ``seconds`` the whole warm-up."""

    #: ``None`` where it is not known.
    first_ms: Optional[float]
    seconds: float
    calls: int
    #: ``None`` when the limit left too few calls to decide.
    steady: Optional[bool]
    #: The best call of the latest window: what one call costs now, in ns.
    call_ns: float
    #: Rotating inputs that the limit left no time for: their first call is timed.
    cold_inputs: int = 0
    #: The first calls, in ms, as many as were asked for and made.
    first_calls_ms: Tuple[float, ...] = ()


def is_steady(windows: Sequence[Window], fewest_calls: int = FEWEST_CALLS) -> Optional[bool]:
    """Whether the calls no longer get faster; ``None`` with fewer than ``fewest_calls`` on either side.

    The first window is the cold first call and does not count. The best of the latest calls is compared
    with the best of those before: a burst of noise lengthens calls but never shortens them. The latest are
    half of all, so that a slow decay does not hide between neighbours: of a start 30 % slow that decays
    with 0.3 s, 0.5 % is left when this is true (median over 204 recorded runs), against 6 % left when
    neighbouring windows of 0.1 s are compared.
    """
    now_s = windows[-1].end_s
    since_s = now_s - min(LATEST_SHARE * now_s, LATEST_SECONDS)
    first, calls = len(windows), 0
    while first > 1 and (calls < fewest_calls or windows[first - 2].end_s >= since_s):
        first -= 1
        calls += windows[first].calls
    before, latest = windows[1:first], windows[first:]
    if calls < fewest_calls or sum(window.calls for window in before) < fewest_calls:
        return None
    best_before_ns = min(window.best_ns for window in before)
    return min(window.best_ns for window in latest) >= best_before_ns * (1 - IMPROVEMENT)


def warm_up(
    calls: Sequence[Call],
    *,
    shortest_s: float = SHORTEST_SECONDS,
    longest_s: float = LONGEST_SECONDS,
    rotation_s: float = LONGEST_ROTATION_SECONDS,
    keep: int = 0,
) -> WarmUp:
    """Call in rotation until the calls no longer get faster (see :func:`is_steady`), or ``longest_s`` is over.

    At least three calls and ``shortest_s`` are made, and one call of each input unless that takes ``rotation_s``. The
    first ``keep`` calls are kept; where they are more than that, further ones follow, which do not count.
    """
    rotation = _Rotation(calls, keep)
    # Inputs may differ in cost: either side of the comparison holds all of them.
    fewest_calls = max(FEWEST_CALLS, len(calls))
    begin = perf_counter_ns()
    windows = [_window(rotation, begin, 0.0)]
    made = 1
    steady = None

    def goes_on() -> bool:
        now_s = windows[-1].end_s
        return (
            made < SHORTEST_CALLS
            or now_s < shortest_s
            or (not steady and now_s < longest_s)
            or (made < len(calls) and now_s < rotation_s)
        )

    while goes_on():
        windows.append(_window(rotation, begin, min(WINDOW_SECONDS, shortest_s)))
        made += windows[-1].calls
        steady = is_steady(windows, fewest_calls)
    seconds = (perf_counter_ns() - begin) / 1e9
    rotation.complete(begin + int(LONGEST_KEPT_SECONDS * 1e9))
    return WarmUp(
        first_ms=windows[0].best_ns / 1e6,
        seconds=seconds,
        calls=made,
        steady=steady,
        call_ns=float(windows[-1].best_ns),
        cold_inputs=max(0, len(calls) - made),
        first_calls_ms=tuple(rotation.kept_ms),
    )


class _Rotation:
    """Calls in turn, of which the first are kept."""

    def __init__(self, calls: Sequence[Call], keep: int) -> None:
        self._calls = cycle(calls)
        self._keep = keep
        self.kept_ms = array("d")

    def call(self) -> Tuple[int, int]:
        """Make the next call: ns that it took, and when it was over."""
        call = next(self._calls)
        start = perf_counter_ns()
        call()
        end = perf_counter_ns()
        if len(self.kept_ms) < self._keep:
            self.kept_ms.append((end - start) / 1e6)
        return end - start, end

    def complete(self, deadline_ns: int) -> None:
        """Call until all that are kept were made, or until the deadline."""
        while len(self.kept_ms) < self._keep and perf_counter_ns() < deadline_ns:
            self.call()


def _window(rotation: _Rotation, begin_ns: int, seconds: float) -> Window:
    """Call for ``seconds``, once at least; only the best is kept, because memory is measured too."""
    best_ns: Optional[int] = None
    made = 0
    end = perf_counter_ns()
    deadline = end + int(seconds * 1e9)
    while not made or end < deadline:
        call_ns, end = rotation.call()
        made += 1
        best_ns = call_ns if best_ns is None else min(best_ns, call_ns)
    assert best_ns is not None
    return Window((end - begin_ns) / 1e9, made, best_ns)
