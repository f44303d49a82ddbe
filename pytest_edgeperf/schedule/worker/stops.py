"""When a worker, or the session itself, was stopped: in that time nothing was measured."""

from __future__ import annotations

import time
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from pytest_edgeperf.devices.system_files import read_text

#: Begin and end, in seconds of :func:`time.monotonic`.
Interval = Tuple[float, float]

#: A wait that ends so much later than it was to: this process did not run either, and a container stops all at once.
LATE_SECONDS = 1.0
#: A machine that is suspended sleeps for longer.
SHORTEST_SUSPEND_S = 0.5
#: The state of a process that its debugger has stopped, which its keeper cannot see.
_TRACED = "t"


def overlap_s(intervals: Sequence[Interval], windows: Sequence[Interval]) -> float:
    """Seconds of the windows, which do not overlap, that lie in at least one interval."""
    total = 0.0
    for begin, end in windows:
        covered = begin
        for first, last in sorted(intervals):
            first, last = max(first, covered), min(last, end)
            if last > first:
                total += last - first
                covered = last
    return total


def is_held(pid: int, root: Path = Path("/")) -> bool:
    """Whether a debugger holds the process just now."""
    fields = (read_text(root, f"/proc/{pid}/stat").text or "").rpartition(")")[2].split()
    return fields[:1] == [_TRACED]


def suspended_clock_s() -> Optional[float]:
    """Seconds for which the whole machine has been suspended since boot; ``None`` where no clock counts them."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return None if clock is None else time.clock_gettime(clock) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Windows:
    """The time in which a worker was timed, and how much of it the machine was suspended. Use around each block."""

    def __init__(self) -> None:
        self.windows: List[Interval] = []
        self.suspended_s = 0.0
        self._began: Tuple[float, Optional[float]] = (0.0, None)

    def __enter__(self) -> Windows:
        self._began = (time.monotonic(), suspended_clock_s())
        return self

    def __exit__(self, *_: object) -> None:
        begin_s, before = self._began
        after = suspended_clock_s()
        self.windows.append((begin_s, time.monotonic()))
        # The two clocks cannot be read at once, so that they seem to drift by as much as this process is held up.
        if before is not None and after is not None and after - before > SHORTEST_SUSPEND_S:
            self.suspended_s += after - before

    def stopped_s(self, stops: Sequence[Interval]) -> float:
        """Seconds of the windows in which the worker was stopped, and those in which all was suspended."""
        return overlap_s(stops, self.windows) + self.suspended_s
