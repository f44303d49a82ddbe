"""Who used the processors while a worker was timed: itself, others, or the hypervisor; and whether they throttled."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set

from pytest_edgeperf.devices.system_files import read_text
from pytest_edgeperf.devices.throttling import throttle_counts
from pytest_edgeperf.schedule.machine.strangers import Stranger, busiest, rises

#: The kernel rounds each reading down to a clock tick: a difference of two is right to a tick either way.
TICKS_UNSURE = 2
_KERNEL_THREADS = 2
#: The place of the processor in a line of ``/proc/<pid>/stat``, behind the name.
_PROCESSOR = 36


class Processors(NamedTuple):
    """Clock ticks of some processors since boot. ``busy`` is without interrupts, which nobody's process uses."""

    busy: int
    steal: int


class Process(NamedTuple):
    """A line of ``/proc/<pid>/stat``: whose it is, and its clock ticks with those of its ended children."""

    parent: int
    session: int
    name: str
    ticks: int
    #: That it ran on last.
    processor: Optional[int] = None


def processors(root: Path, cpus: Sequence[int]) -> Optional[Processors]:
    """The ticks of ``cpus`` (of all if empty); ``None`` where ``/proc/stat`` does not have them."""
    text = read_text(root, "/proc/stat").text or ""
    wanted = {f"cpu{cpu}" for cpu in cpus} or {"cpu"}
    busy = steal = counted = 0
    for line in text.splitlines():
        name, *fields = line.split()
        if name in wanted and len(fields) >= 8 and all(item.isdigit() for item in fields[:8]):
            user, nice, system, _, _, _, _, stolen = (int(item) for item in fields[:8])
            busy += user + nice + system
            steal += stolen
            counted += 1
    return Processors(busy, steal) if counted == len(wanted) else None


def processes(root: Path) -> Dict[int, Process]:
    """All processes that can be seen, by id; one that ends meanwhile is left out."""
    by_id: Dict[int, Process] = {}
    for pid in _numbers(root / "proc"):
        match = re.match(r"\d+ \((.*)\) (.*)\Z", read_text(root, f"/proc/{pid}/stat").text or "", re.DOTALL)
        fields = match.group(2).split() if match else []
        if match and len(fields) >= 15:
            ticks = sum(int(item) for item in fields[11:15])
            processor = int(fields[_PROCESSOR]) if len(fields) > _PROCESSOR else None
            by_id[pid] = Process(int(fields[1]), int(fields[3]), match.group(1), ticks, processor)
    return by_id


def tree(all_processes: Mapping[int, Process], leader: int) -> Set[int]:
    """The ids of a session leader's session, and of the descendants that have left it."""
    own = {pid for pid, process in all_processes.items() if pid == leader or process.session == leader}
    while True:
        further = {pid for pid, process in all_processes.items() if process.parent in own} - own
        if not further:
            return own
        own |= further


def _numbers(folder: Path) -> List[int]:
    try:
        return [int(name) for name in os.listdir(folder) if name.isdigit()]
    except OSError:
        return []


@dataclass(frozen=True)
class Reading:
    """One look at the machine: seconds of a steady clock, and ticks and counts since boot."""

    at_s: float
    processors: Optional[Processors]
    #: Of the worker and all that it started.
    own: Optional[int]
    #: Of everybody else's processes, not of kernel threads; ``None`` where not all processes can be seen.
    foreign: Optional[int]
    strangers: Mapping[int, Stranger] = field(default_factory=dict)
    throttles: Mapping[str, int] = field(default_factory=dict)


def look(root: Path, leader: int, cpus: Sequence[int]) -> Reading:
    """Read everything at once; values that cannot be read are ``None``."""
    seen = processes(root)
    own = tree(seen, leader)
    aside = own | {os.getpid()}
    # Kernel threads may work for the worker (writing its files), so they are nobody's evidence.
    others = {
        pid: process
        for pid, process in seen.items()
        if pid not in aside and pid != _KERNEL_THREADS and process.parent != _KERNEL_THREADS
    }
    kernel = seen.get(_KERNEL_THREADS)
    return Reading(
        at_s=time.monotonic(),
        processors=processors(root, cpus),
        own=sum(seen[pid].ticks for pid in own) if leader in seen else None,
        # In a container, or with hidepid, others' processes are not seen; then the kernel's threads are not either.
        foreign=sum(process.ticks for process in others.values())
        if kernel is not None and kernel.name == "kthreadd"
        else None,
        strangers={
            pid: Stranger(pid, process.name, process.ticks, process.processor) for pid, process in others.items()
        },
        throttles=throttle_counts(root, cpus),
    )


class Witness:
    """Adds up, over a worker's timed blocks, who used its processors. Use around each block."""

    def __init__(self, leader: int, cpus: Sequence[int], root: Path = Path("/")) -> None:
        self._leader = leader
        self._cpus = tuple(cpus)
        self._root = root
        self._tick_s = 1 / os.sysconf("SC_CLK_TCK")
        self._before: Optional[Reading] = None
        self._wall_s = 0.0
        self._blocks = 0
        self._sums: Dict[str, Optional[float]] = {"own": 0.0, "others": 0.0, "steal": 0.0}
        self._throttled: Optional[Dict[str, int]] = {}
        self._strangers: List[Stranger] = []

    def __enter__(self) -> Witness:
        self._before = look(self._root, self._leader, self._cpus)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._before is not None
        before, after = self._before, look(self._root, self._leader, self._cpus)
        self._wall_s += after.at_s - before.at_s
        self._blocks += 1
        own = _rise(before.own, after.own)
        self._add("own", own)
        self._add("others", _others(before, after, own))
        self._add("steal", _rise(*(look.processors and look.processors.steal for look in (before, after))))
        self._add_throttles(before.throttles, after.throttles)
        self._strangers += rises(before.strangers, after.strangers, self._cpus)

    def strangers(self) -> List[Dict[str, Any]]:
        """Others' processes that used the processors most: ``pid``, ``name`` and ``share`` of each."""
        return busiest(self._strangers, self._tick_s, self._wall_s) if self._wall_s > 0 else []

    def figures(self) -> Dict[str, Any]:
        """Quality figures of the run; values that could not be read are absent.

        ``own_share``, ``others_share``, ``steal_share``: seconds of processor time per second that the worker
        and its children, everybody else, and the hypervisor used on the run's processors (1.0: one whole
        processor); ``share_resolution``: how far off these may be. ``throttled``: thermal events of the
        processors meanwhile, and ``throttled_by``: the counters that rose.
        """
        figures: Dict[str, Any] = {}
        if self._wall_s <= 0:
            return figures
        for name, ticks in self._sums.items():
            if ticks is not None:
                figures[f"{name}_share"] = round(ticks * self._tick_s / self._wall_s, 3)
        if figures:
            unsure_s = TICKS_UNSURE * self._tick_s * self._blocks
            figures["share_resolution"] = round(unsure_s / self._wall_s, 3)
        if self._throttled is not None:
            # A package's event is repeated by each of its CPUs: the largest rise counts, not the sum.
            figures["throttled"] = max(self._throttled.values(), default=0)
            if figures["throttled"]:
                figures["throttled_by"] = sorted(name for name, rise in self._throttled.items() if rise)
        return figures

    def _add(self, name: str, ticks: Optional[float]) -> None:
        so_far = self._sums[name]
        self._sums[name] = None if so_far is None or ticks is None else so_far + ticks

    def _add_throttles(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        if self._throttled is None or not after:
            self._throttled = None
            return
        for name, count in after.items():
            self._throttled[name] = self._throttled.get(name, 0) + max(0, count - before.get(name, count))


def _rise(before: Optional[int], after: Optional[int]) -> Optional[int]:
    return None if before is None or after is None else max(0, after - before)


def _others(before: Reading, after: Reading, own: Optional[int]) -> Optional[int]:
    busy = _rise(*(look.processors and look.processors.busy for look in (before, after)))
    if busy is None or own is None:
        return None
    others = max(0, busy - own)
    foreign = _rise(before.foreign, after.foreign)
    return others if foreign is None else min(others, foreign)
