"""Whether there is enough memory: what is free, and what is swapped."""

from __future__ import annotations

from pathlib import Path
from typing import List

from ..identity import Identity
from ..profiles import JETSON
from ..sensors.memory import parse_meminfo
from ..system_files import read_text
from .check import ADVICE, PROBLEM, Check, ok, unknown

_SWAPS = "/proc/swaps"
_MEMINFO = "/proc/meminfo"
#: Python, a runtime and a small network; a Jetson's runtimes of CUDA alone take as much again.
_LEAST_MIB = 500
_KIB_PER_MIB = 1024


def checks(root: Path, identity: Identity) -> List[Check]:
    """Free memory and swap."""
    return [_free(root, identity), _swap(root, identity)]


def _free(root: Path, identity: Identity) -> Check:
    content = read_text(root, _MEMINFO)
    available = parse_meminfo(content.text or "").get("MemAvailable")
    if available is None:
        return unknown("memory-free", content.reason or f"{_MEMINFO} has no MemAvailable")
    mib = available // _KIB_PER_MIB
    least = 2 * _LEAST_MIB if identity.family == JETSON else _LEAST_MIB
    if mib >= least:
        return ok("memory-free", f"{mib} MiB are available")
    return Check(
        "memory-free",
        PROBLEM,
        f"only {mib} MiB are available",
        "A runtime and a model need more: the kernel would swap, or kill the worker.",
        "ps aux --sort=-rss | head  # stop what is not needed; then: echo 3 | sudo tee /proc/sys/vm/drop_caches",
    )


def _swap(root: Path, identity: Identity) -> Check:
    content = read_text(root, _SWAPS)
    if content.text is None:
        return unknown("swap", content.reason or "")
    rows = [line.split() for line in content.text.splitlines()[1:]]
    names = [row[0] for row in rows if len(row) >= 4]
    used = sum(int(row[3]) for row in rows if len(row) >= 4 and row[3].isdigit()) // _KIB_PER_MIB
    if not names:
        return ok("swap", "none")
    why = "Swapping stalls inferences, and the measured memory does not include what is swapped out."
    remedy = "sudo swapoff -a  # until the next boot"
    if identity.family == JETSON and any("zram" in name for name in names):
        remedy = "sudo systemctl disable --now nvzramconfig; sudo swapoff -a"
        why = "Compressed swap (zram) hides a memory shortage and costs CPU time."
    return Check("swap", ADVICE, f"{used} MiB in use on {', '.join(names)}", why, remedy)
