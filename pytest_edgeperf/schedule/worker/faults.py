"""Why a worker did not deliver, in words, with the evidence."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Dict, Optional

#: How the reason of a worker that somebody killed begins.
KILLED = "killed"


def oom_kills(root: Path = Path("/")) -> Dict[str, int]:
    """Counters of processes killed for lack of memory: of the kernel, and of our control group where it has one."""
    counters = {}
    found = _counter(root / "proc/vmstat")
    if found is not None:
        counters["the kernel's oom_kill counter"] = found
    group = _control_group(root)
    if group is not None:
        found = _counter(group)
        if found is not None:
            counters["the control group's oom_kill counter"] = found
    return counters


def _counter(path: Path) -> Optional[int]:
    try:
        found = re.search(r"^oom_kill (\d+)$", path.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found.group(1)) if found else None


def _control_group(root: Path) -> Optional[Path]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            return root / "sys/fs/cgroup" / path.lstrip("/") / "memory.events"
        if "memory" in controllers.split(","):
            return root / "sys/fs/cgroup/memory" / path.lstrip("/") / "memory.oom_control"
    return None


def last_memory(peak_mib: Optional[float], available_mib: Optional[float]) -> str:
    """What was last seen of the memory: the worker's peak, and what the system had left. Empty if nothing was."""
    parts = []
    if peak_mib is not None:
        parts.append(f"its peak was {peak_mib:.0f} MiB")
    if available_mib is not None:
        parts.append(f"the system had {available_mib:.0f} MiB left")
    return f"; when last looked at, {' and '.join(parts)}" if parts else ""


def describe_exit(status: int, before: Dict[str, int], after: Dict[str, int]) -> str:
    """Say how a process ended that should have gone on.

    Args:
        status: as of ``Popen.returncode``, negative for a signal.
        before: :func:`oom_kills` when the process was started.
        after: the same when it had ended.
    """
    if status >= 0:
        return f"its process left with exit status {status} in the middle of the benchmark"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    grown = [place for place, count in after.items() if count > before.get(place, count)]
    if -status == signal.SIGKILL and grown:
        return f"killed: out of memory (SIGKILL, and {' and '.join(grown)} rose meanwhile)"
    if -status == signal.SIGKILL:
        return (
            "killed by SIGKILL, which was not ours (no out-of-memory counter rose: "
            "look for a user, a watchdog or a container limit)"
        )
    return f"crashed with {name}"


def hung(timeout_s: float) -> str:
    """Say that nothing came back in time."""
    return f"hung: not done after {timeout_s:g} s and killed; --edgeperf-timeout raises the limit"


def not_understood(what: str) -> str:
    """Say that something else than our messages came over the connection."""
    return (
        f"its worker sent what the coordinator cannot use: {what}; does the benchmark, or a library in it, write to a "
        "file descriptor that is not its own?"
    )
