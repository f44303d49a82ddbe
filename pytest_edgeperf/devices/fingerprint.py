"""What this machine is, in figures that a reboot does not change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from . import linux
from .cpu_names import cpu_model
from .identity import Identity
from .l4t import l4t
from .memory_size import memory_mib
from .profiles import BOARD, JETSON, RASPBERRY_PI
from .system_files import read_text
from .topology import cpu_topology, read_cpu_list


def fingerprint(identity: Identity, root: Path = Path("/")) -> Dict[str, Any]:
    """The machine's hardware and system; what could not be read is not in it.

    ``memory_mib`` is nominal, ``kernel`` is major.minor; no clocks, host names or serial numbers.
    """
    return inspect(identity, root)[0]


def inspect(identity: Identity, root: Path = Path("/")) -> Tuple[Dict[str, Any], Dict[str, str]]:
    """The fingerprint, and the reason of each field that is absent from it."""
    logical, physical = _cpu_counts(root)
    readings: Dict[str, linux.Reading[Any]] = {
        "cpu_model": cpu_model(root),
        "cpu_count_logical": logical,
        "cpu_count_physical": physical,
        "memory_mib": memory_mib(root, identity),
        "os": linux.operating_system(root),
        "kernel": linux.kernel(root),
        "architecture": linux.architecture(root),
        "virtualised": linux.virtualised(root, is_board=identity.family in (JETSON, RASPBERRY_PI, BOARD)),
    }
    if identity.family in (JETSON, RASPBERRY_PI, BOARD):
        readings["module"] = (identity.module, f"{identity.evidence} holds no part number")
    if identity.family == JETSON:
        release = l4t(root, os.environ if root == Path("/") else {})
        readings["l4t"] = (release.value, release.reason)
    known: Dict[str, Any] = {"device": identity.name}
    absent: Dict[str, str] = {}
    for name, (value, reason) in readings.items():
        if value is None:
            absent[name] = reason
        else:
            known[name] = value
    return known, absent


def boot_id(root: Path = Path("/")) -> Optional[str]:
    """The first 8 hex digits of what the kernel draws at each boot, or None where it cannot be read."""
    text = read_text(root, "/proc/sys/kernel/random/boot_id").text
    return text[:8] if text else None


def _cpu_counts(root: Path) -> Tuple[linux.Reading[int], linux.Reading[int]]:
    cores = cpu_topology(root)
    if not cores:
        reason = "neither /sys/devices/system/cpu nor /proc/cpuinfo lists processors"
        return (None, reason), (None, reason)
    # Power modes and governors take cores off line: what is built in is what is present.
    present = read_cpu_list(root, "/sys/devices/system/cpu/present") or tuple(core.cpu for core in cores)
    logical = max(len(present), len(cores))
    if len(cores) < logical:
        return (logical, ""), (None, f"{logical - len(cores)} of {logical} processors are offline")
    if not all(core.siblings_known for core in cores):
        return (logical, ""), (None, "/sys/devices/system/cpu/cpu*/topology does not list the siblings")
    return (logical, ""), (len({core.siblings for core in cores}), "")
