"""The process's own memory: now, and at its peak."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional

_STATUS = Path("/proc/self/status")


def process_peak_mib(status: Path = _STATUS) -> Optional[float]:
    """The peak resident set of this process in MiB, ``None`` if the kernel does not report it.

    ``VmHWM`` and not ``ru_maxrss``, which a fresh process inherits from its parent.
    """
    return _mib("VmHWM", status)


def process_mib(status: Path = _STATUS) -> Optional[float]:
    """The resident set of this process in MiB now, ``None`` if the kernel does not report it."""
    return _mib("VmRSS", status)


def private_mib(folder: Path = Path("/proc/self")) -> Optional[float]:
    """What this process has in memory that it shares with no other, in MiB: of a forked one, what is its own."""
    for name in ("smaps_rollup", "smaps"):
        try:
            text = (folder / name).read_text()
        except OSError:
            continue
        return sum(int(kib) for kib in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.MULTILINE)) / 1024
    return None


def _mib(name: str, status: Path) -> Optional[float]:
    try:
        match = re.search(rf"^{name}:\s+(\d+) kB", status.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(match.group(1)) / 1024 if match else None
