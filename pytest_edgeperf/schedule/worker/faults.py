"""Descriptions of why a worker did not deliver, with the evidence."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Dict, Optional

#: How the reason of a killed worker begins.
KILLED = "killed"
#: And that of one which did not answer in time.
HUNG = "hung: "
_OF_SIGNAL = 128
#: The reason may stand above advice: ``Run 'docker run --help' for more information``.
LINES_OF_A_COMMAND = 3


def oom_kills(root: Path = Path("/")) -> Dict[str, int]:
    """Counters of processes killed for lack of memory: of the kernel, and of our control group where it has one."""
    counters = {}
    count = _counter(root / "proc/vmstat")
    if count is not None:
        counters["the kernel's oom_kill counter"] = count
    group = _control_group(root)
    if group is not None:
        count = _counter(group)
        if count is not None:
            counters["the control group's oom_kill counter"] = count
    return counters


def _counter(path: Path) -> Optional[int]:
    try:
        match = re.search(r"^oom_kill (\d+)$", path.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(match.group(1)) if match else None


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
    """The last known memory figures: the worker's peak and the system's available memory; empty if unknown."""
    parts = []
    if peak_mib is not None:
        parts.append(f"its peak was {peak_mib:.0f} MiB")
    if available_mib is not None:
        parts.append(f"the system had {available_mib:.0f} MiB left")
    return f"; at the last reading {' and '.join(parts)}" if parts else ""


def describe_exit(status: int, before: Dict[str, int], after: Dict[str, int], *, by_command: bool = False) -> str:
    """Describe how a process ended that should have continued.

    Args:
        status: as of ``Popen.returncode``, negative for a signal.
        before: :func:`oom_kills` when the process was started.
        after: the same when it had ended.
        by_command: it was started by a command, which passes a signal on as 128 and its number.
    """
    if by_command and _OF_SIGNAL < status < _OF_SIGNAL + signal.NSIG:
        status = _OF_SIGNAL - status
    if status >= 0:
        return f"its process ended with exit status {status} in the middle of the benchmark"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    grown = [place for place, count in after.items() if count > before.get(place, count)]
    if -status == signal.SIGKILL and grown:
        return f"killed: out of memory (SIGKILL, and {' and '.join(grown)} rose meanwhile)"
    if -status == signal.SIGKILL:
        return (
            "killed by SIGKILL from outside the session (no out-of-memory counter rose: "
            "look for a user, a watchdog or a container limit)"
        )
    return f"crashed with {name}"


def ended_early(status: int, output: str) -> str:
    """Describe that a command ended instead of starting its worker."""
    said = last_words(output, LINES_OF_A_COMMAND)
    return f"--against-command ended with exit status {status} before its worker began{f': {said}' if said else ''}"


def last_words(output: str, number: int) -> str:
    """The last lines of a program's output that are not empty, in one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return "; ".join(lines[-number:])


def no_beginning(what: str) -> str:
    """Describe that a command sent something else than what its worker sends first."""
    return f"--against-command did not start its worker, but sent invalid data: {what}"


def never_began(timeout_s: float) -> str:
    """Describe that a command did not start its worker in time."""
    return (
        f"--against-command did not start its worker within {timeout_s:g} s, so it was killed; --edgeperf-timeout "
        "raises the limit"
    )


def hung(timeout_s: float) -> str:
    """Describe that a worker did not answer in time."""
    return f"{HUNG}not finished after {timeout_s:g} s, so it was killed; --edgeperf-timeout raises the limit"


def not_understood(what: str) -> str:
    """Describe that invalid data arrived on the connection."""
    return (
        f"its worker sent invalid data: {what}; does the benchmark, or a library in it, write to a "
        "file descriptor that is not its own?"
    )
