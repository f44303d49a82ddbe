"""Memory in MiB: what is available, what is swapped out, and what a Tegra's GPU allocations take.

On a Tegra, CPU and GPU share the memory: what the GPU allocates is in no process's resident set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Collection, Dict, List, Mapping, Optional, Tuple

from ..identity import Identity
from ..profiles import JETSON
from ..system_files import read_text
from .file_sensor import sort_out
from .interface import MEMORY, Reading, Sensor, Unavailable

_MEMINFO = "/proc/meminfo"
NVMAP_CLIENTS = "/sys/kernel/debug/nvmap/iovmm/clients"
_KIB_PER_MIB = 1024.0


def find(root: Path, identity: Identity) -> Tuple[List[Sensor], List[Unavailable]]:
    """What is available and what is swapped out; on a Jetson also what nvmap holds, for root or where
    /proc/meminfo shows it.
    """
    sensors: List[Sensor] = []
    absent: List[Unavailable] = []
    sort_out([_Available(root), _Swapped(root)], sensors, absent)
    if identity.family == JETSON:
        client_list = _NvMap(root)
        in_meminfo = _NvMapInMeminfo(root)
        readable = [sensor for sensor in (client_list, in_meminfo) if sensor.read().value is not None]
        if readable:
            sensors.append(readable[0])
        else:
            reason = f"{client_list.read().reason}; {in_meminfo.read().reason}"
            absent.append(Unavailable("memory_nvmap", MEMORY, NVMAP_CLIENTS, reason))
    return sensors, absent


def parse_meminfo(text: str) -> Dict[str, int]:
    """Name -> KiB of the lines ``Name:  123 kB``; other lines are left out."""
    matches = (re.match(r"([^\s:]+):[ \t]*([0-9]{1,18}) kB[ \t]*\Z", line) for line in text.splitlines())
    return {match.group(1): int(match.group(2)) for match in matches if match}


@dataclass(frozen=True)
class NvMap:
    """What nvmap has allocated, in KiB: in all (None where the list has no total), and by process id."""

    total_kib: Optional[int]
    by_process_kib: Mapping[int, int] = field(default_factory=dict)


def parse_nvmap(text: str) -> NvMap:
    """The list ``CLIENT PROCESS PID SIZE`` of nvmap, whose sizes end in K; other lines are left out."""
    total: Optional[int] = None
    by_process: Dict[int, int] = {}
    for line in text.splitlines():
        row = re.match(r"\S+[ \t]+.*?([0-9]{1,9})[ \t]+([0-9]{1,18})K[ \t]*\Z", line)
        end = re.match(r"total[ \t]+([0-9]{1,18})K[ \t]*\Z", line)
        if end is not None:
            total = int(end.group(1))
        elif row is not None:
            pid = int(row.group(1))
            by_process[pid] = by_process.get(pid, 0) + int(row.group(2))
    return NvMap(total, by_process)


def nvmap_of_processes(root: Path, pids: Collection[int]) -> Reading:
    """What nvmap holds for these processes together, in MiB; root only.

    A process that the list does not name holds nothing.
    """
    content = read_text(root, NVMAP_CLIENTS)
    if content.text is None:
        return Reading(None, content.reason)
    listed = parse_nvmap(content.text)
    if listed.total_kib is None:
        return Reading(None, f"{NVMAP_CLIENTS} has no total, so it is not a list of clients")
    return Reading(sum(listed.by_process_kib.get(pid, 0) for pid in pids) / _KIB_PER_MIB)


class _Meminfo:
    """A quantity of /proc/meminfo; the base of those below."""

    quantity = MEMORY
    source = _MEMINFO
    is_total = False

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.refresh_hz: Optional[float] = None
        self._root = root

    def _kib(self, *fields: str) -> Tuple[List[int], Optional[str]]:
        content = read_text(self._root, _MEMINFO)
        if content.text is None:
            return [], content.reason
        known = parse_meminfo(content.text)
        missing = [name for name in fields if name not in known]
        if missing:
            return [], f"{_MEMINFO} has no {' and no '.join(missing)}"
        return [known[name] for name in fields], None


class _Available(_Meminfo):
    def __init__(self, root: Path) -> None:
        super().__init__("memory_available", root)

    def read(self) -> Reading:
        values, reason = self._kib("MemAvailable")
        return Reading(values[0] / _KIB_PER_MIB) if values else Reading(None, reason)


class _Swapped(_Meminfo):
    def __init__(self, root: Path) -> None:
        super().__init__("memory_swapped", root)

    def read(self) -> Reading:
        values, reason = self._kib("SwapTotal", "SwapFree")
        if not values:
            return Reading(None, reason)
        if values[1] > values[0]:
            return Reading(None, f"{_MEMINFO} says that more swap is free than there is")
        return Reading((values[0] - values[1]) / _KIB_PER_MIB)


class _NvMapInMeminfo(_Meminfo):
    def __init__(self, root: Path) -> None:
        super().__init__("memory_nvmap", root)

    def read(self) -> Reading:
        values, reason = self._kib("NvMapMemUsed")
        return Reading(values[0] / _KIB_PER_MIB) if values else Reading(None, reason)


class _NvMap:
    name = "memory_nvmap"
    quantity = MEMORY
    source = NVMAP_CLIENTS
    is_total = False

    def __init__(self, root: Path) -> None:
        self.refresh_hz: Optional[float] = None
        self._root = root

    def read(self) -> Reading:
        content = read_text(self._root, NVMAP_CLIENTS)
        if content.text is None:
            return Reading(None, content.reason)
        total = parse_nvmap(content.text).total_kib
        if total is None:
            return Reading(None, f"{NVMAP_CLIENTS} has no total")
        return Reading(total / _KIB_PER_MIB)
