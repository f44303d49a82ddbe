"""The process's own peak memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional


def process_peak_mib(status: Path = Path("/proc/self/status")) -> Optional[float]:
    """The peak resident set of this process in MiB, ``None`` where the kernel does not tell.

    ``VmHWM`` and not ``ru_maxrss``, which a fresh process inherits from its parent.
    """
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found.group(1)) / 1024 if found else None
