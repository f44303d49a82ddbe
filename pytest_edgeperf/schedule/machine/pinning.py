"""Which processors workers are pinned to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from pytest_edgeperf.devices import Core, cpu_topology
from pytest_edgeperf.settings import SettingsError, cpu_list

#: Favoured cores of one type differ by a few per cent in their highest clock, types by a fifth and more.
SAME_TYPE = 0.9


@dataclass(frozen=True)
class Pinning:
    """The processors (none if not pinned), and a sentence on what could not be done."""

    cpus: Tuple[int, ...] = ()
    note: Optional[str] = None

    def __str__(self) -> str:
        return ",".join(map(str, self.cpus)) if self.cpus else "off"


def choose(setting: str, threads: int, root: Path = Path("/")) -> Pinning:
    """Choose processors for workers with ``threads`` threads.

    ``auto`` takes as many as there are threads: one hyperthread a core, cores of one type (the fastest),
    the highest numbers (interrupts go to the lowest), and leaves one core to the coordinator where it can.

    Raises:
        SettingsError: the setting names a processor that this process may not use.
    """
    if setting == "off":
        return Pinning()
    if not hasattr(os, "sched_getaffinity"):
        return Pinning(note="workers are not pinned: this system has no processor affinity")
    allowed = sorted(os.sched_getaffinity(0))
    if setting != "auto":
        return _asked(cpu_list(setting), allowed)
    return choose_automatically(cpu_topology(root), allowed, threads)


def _asked(asked: Sequence[int], allowed: Sequence[int]) -> Pinning:
    missing = [cpu for cpu in asked if cpu not in allowed]
    if missing:
        raise SettingsError(
            f"--edgeperf-cpus names processor {missing[0]}, which this process may not use; "
            f"it may use {','.join(map(str, allowed))}"
        )
    return Pinning(tuple(asked))


def choose_automatically(topology: Sequence[Core], allowed: Sequence[int], threads: int) -> Pinning:
    """The ``auto`` choice, from what is known of the cores."""
    cores = _one_cpu_per_core(topology, allowed)
    if len(cores) == 1:
        return Pinning(
            note="workers are not pinned: there is only one core, which the coordinator needs too"
            if threads == 1
            else f"workers are not pinned: {threads} threads on the only core"
        )
    fastest = max(_speed(core) for core in cores)
    same = [core for core in cores if _speed(core) >= SAME_TYPE * fastest]
    if len(same) < threads:
        if len(cores) < threads:
            return Pinning(note=f"workers are not pinned: {threads} threads, but {len(cores)} cores may be used")
        return Pinning(
            note=f"workers are not pinned: {threads} threads need cores of several types, "
            f"only {len(same)} of the fastest may be used"
        )
    chosen = tuple(sorted(core.cpu for core in same[-threads:]))
    if len(cores) == threads:
        return Pinning(
            chosen,
            note=f"no core is left for the coordinator: the {threads} threads take all cores that may be used",
        )
    return Pinning(chosen)


def _speed(core: Core) -> int:
    """The kernel's measure of a core's speed: Arm's capacity, else the highest clock; 0 if neither is exposed."""
    return core.capacity or core.max_khz or 0


def _one_cpu_per_core(topology: Sequence[Core], allowed: Sequence[int]) -> List[Core]:
    known = {core.cpu: core for core in topology}
    cores: Dict[Tuple[int, ...], Core] = {}
    for cpu in sorted(allowed):
        core = known.get(cpu, Core(cpu=cpu, siblings=(cpu,), capacity=None))
        cores.setdefault(tuple(core.siblings), core)
    return sorted(cores.values(), key=lambda core: core.cpu)
