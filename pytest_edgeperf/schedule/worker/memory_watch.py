"""Watches the memory of a worker and of the system from outside: a killed worker cannot report it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Callable, Optional

from pytest_edgeperf.devices.sensors.process_memory import DeviceMemory
from pytest_edgeperf.measure.own_memory import process_peak_mib
from pytest_edgeperf.schedule.machine.usage import processes, tree
from pytest_edgeperf.schedule.worker import parking

#: A look costs some 50 us; what is allocated and freed between two of them goes unseen.
LOOKS_PER_S = 20.0
#: Finding all that a worker started costs far more, and allocators of GPUs keep what they once had.
DEVICE_LOOKS_PER_S = 2.0


class MemoryWatch:
    """Samples memory in a thread, never around a timed block. Use as a context manager, once."""

    def __init__(
        self,
        pid: int,
        look: Callable[[], Optional[parking.Memory]] = parking.memory,
        device_memory: Optional[DeviceMemory] = None,
    ) -> None:
        #: The least that the system had available, in MiB, and what it had when last looked at.
        self.least_mib: Optional[float] = None
        self.last_mib: Optional[float] = None
        #: The worker's own peak when last looked at, in MiB.
        self.peak_mib: Optional[float] = None
        #: The most that the worker and all that it started held of the GPU's memory, in MiB; ``None``: nothing seen.
        self.device_peak_mib: Optional[float] = None
        self._pid = pid
        self._device_memory = device_memory
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
        self._take_device()

    def _watch(self) -> None:
        looks = 0
        while not self._stop.wait(1 / LOOKS_PER_S):
            self._take()
            looks += 1
            if looks % int(LOOKS_PER_S / DEVICE_LOOKS_PER_S) == 0:
                self._take_device()

    def _take_device(self) -> None:
        if self._device_memory is None:
            return
        held = self._device_memory.held_by(tree(processes(Path("/")), self._pid))
        # Who is not listed may not be seen, as in a container: that is no 0.
        if held.value:
            self.device_peak_mib = max(held.value, self.device_peak_mib or 0.0)

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
    """The lower of two values; either may be unknown."""
    known = [value for value in (first, second) if value is not None]
    return min(known) if known else None
