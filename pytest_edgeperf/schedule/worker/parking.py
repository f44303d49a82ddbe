"""How many prepared workers may wait in memory for their next visit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from pytest_edgeperf.devices.system_files import read_text
from pytest_edgeperf.schedule.machine import usage

#: A dozen workers spread three visits over ten seconds, as long as a burst of noise; more only cost memory.
MOST_PARKED = 12
#: Of the memory, for the system and for what a worker still takes when it is timed.
RESERVED_SHARE = 0.15


@dataclass(frozen=True)
class Memory:
    """The system's total and available memory, in MiB."""

    total_mib: float
    available_mib: float


def memory(root: Path = Path("/")) -> Optional[Memory]:
    """The system's memory; ``None`` where the kernel does not expose it."""
    text = read_text(root, "/proc/meminfo").text or ""
    sizes = dict(re.findall(r"^(MemTotal|MemAvailable):\s*(\d+) kB$", text, re.MULTILINE))
    if len(sizes) < 2:
        return None
    return Memory(int(sizes["MemTotal"]) / 1024, int(sizes["MemAvailable"]) / 1024)


def peak_mib(leader: int, root: Path = Path("/")) -> Optional[float]:
    """The peak resident memory of a worker and its children, in MiB, added up; ``None`` if it cannot be read."""
    peaks = []
    for pid in usage.tree(usage.processes(root), leader):
        match = re.search(r"^VmHWM:\s+(\d+) kB", read_text(root, f"/proc/{pid}/status").text or "", re.MULTILINE)
        if match:
            peaks.append(int(match.group(1)) / 1024)
    return sum(peaks) if peaks else None


def needed_mib(leader: int, before: Optional[Memory], after: Optional[Memory], root: Path = Path("/")) -> float:
    """What a prepared worker takes, in MiB: its peak, or what the system lost meanwhile if that is more.

    On boards whose processors share one memory, a runtime's buffers are in no process's resident set.
    """
    lost = before.available_mib - after.available_mib if before and after else 0.0
    return max(peak_mib(leader, root) or 0.0, lost)


def has_room(parked: int, need_mib: Optional[float], now: Optional[Memory]) -> bool:
    """Whether one more worker may be prepared while ``parked`` others wait. The first always may.

    Args:
        parked: workers that wait in memory; what they take is no longer available.
        need_mib: what the next worker is expected to take; ``None`` if unknown.
        now: the system's memory now; ``None`` if unknown.
    """
    if parked == 0:
        return True
    if parked >= MOST_PARKED or need_mib is None or now is None:
        return False
    return now.available_mib - need_mib >= RESERVED_SHARE * now.total_mib
