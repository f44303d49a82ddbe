"""What a worker and the system had of memory while it loaded and ran: seen from outside, as the dead tell nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Callable, Optional

from pytest_edgeperf.measure.memory import process_peak_mib
from pytest_edgeperf.schedule import parking

#: A look costs some 50 us; what is allocated and freed between two of them goes unseen.
LOOKS_PER_S = 20.0


class MemoryWatch:
    """Looks from entering to leaving, in a thread; never around a timed block. Use as a context manager, once."""

    def __init__(self, pid: int, look: Callable[[], Optional[parking.Memory]] = parking.memory) -> None:
        #: The least that the system had available, in MiB, and what it had when last looked at.
        self.least_mib: Optional[float] = None
        self.last_mib: Optional[float] = None
        #: The worker's own peak when last looked at, in MiB.
        self.peak_mib: Optional[float] = None
        self._status = Path(f"/proc/{pid}/status")
        self._look = look
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="edgeperf-memory", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._take()

    def _watch(self) -> None:
        while not self._stop.wait(1 / LOOKS_PER_S):
            self._take()

    def _take(self) -> None:
        peak_mib = process_peak_mib(self._status)
        now = self._look()
        if peak_mib is not None:
            # One that has died has no memory any more; what was left while it lived is of interest.
            self.peak_mib = peak_mib
            self.last_mib = now.available_mib if now is not None else None
        if now is not None:
            self.least_mib = lowest(self.least_mib, now.available_mib)


def lowest(first: Optional[float], second: Optional[float]) -> Optional[float]:
    """The lower of two values, of which either may not be known."""
    known = [value for value in (first, second) if value is not None]
    return min(known) if known else None
