"""The process's own memory: now, and at its peak."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional

_STATUS = Path("/proc/self/status")


def process_peak_mib(status: Path = _STATUS) -> Optional[float]:
    """The peak resident set of this process in MiB, ``None`` where the kernel does not tell.

    ``VmHWM`` and not ``ru_maxrss``, which a fresh process inherits from its parent.
    """
    return _mib("VmHWM", status)


def process_mib(status: Path = _STATUS) -> Optional[float]:
    """The resident set of this process in MiB now, ``None`` where the kernel does not tell."""
    return _mib("VmRSS", status)


def forget_peak(clear_refs: Path = Path("/proc/self/clear_refs")) -> bool:
    """Let this process's peak begin anew, as one that was forked has its parent's; whether the kernel does it."""
    try:
        clear_refs.write_text("5")
    except OSError:
        return False
    return True


def _mib(name: str, status: Path) -> Optional[float]:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", status.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found.group(1)) / 1024 if found else None
