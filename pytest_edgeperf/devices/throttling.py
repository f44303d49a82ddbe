"""How often the processor has slowed itself down for heat: the kernel's counters of thermal events."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, Sequence

from .system_files import names_in, read_number

_CPUS = "/sys/devices/system/cpu"
#: x86: events of the core itself, and of the whole package (which each of its CPUs repeats).
_COUNTERS = ("core_throttle_count", "package_throttle_count")


def throttle_counts(root: Path = Path("/"), cpus: Sequence[int] = ()) -> Dict[str, int]:
    """Counter (``cpu1/core_throttle_count``) -> thermal events since boot; empty where the kernel counts none.

    Args:
        root: where ``/sys`` is.
        cpus: the logical CPUs to look at; all that are there if empty.
    """
    counts: Dict[str, int] = {}
    for cpu in cpus or _all_cpus(root):
        for counter in _COUNTERS:
            count = read_number(root, f"{_CPUS}/cpu{cpu}/thermal_throttle/{counter}")
            if count is not None:
                counts[f"cpu{cpu}/{counter}"] = count
    return counts


def _all_cpus(root: Path) -> Sequence[int]:
    matches = (re.match(r"cpu(\d+)\Z", name) for name in names_in(root, _CPUS))
    return sorted(int(match.group(1)) for match in matches if match)
