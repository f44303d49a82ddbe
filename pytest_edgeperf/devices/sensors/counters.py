"""Events since boot that spoil a measurement: slowed down for heat or current, out of memory, swapping.

All are counts: what happened in a measurement is the difference of two readings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from ..identity import Identity
from ..profiles import HOST, JETSON
from ..system_files import names_in, read_number, read_text
from ..throttling import throttle_counts
from ..topology import Core, cpu_topology

# Other packages look for these here.
from .cooling_devices import cooling_devices as cooling_devices
from .cooling_devices import throttling_now as throttling_now
from .file_sensor import FileSensor, sort_out
from .interface import COUNTER, Reading, Sensor, Unavailable

_CPUS = "/sys/devices/system/cpu"
_VMSTAT = "/proc/vmstat"
_CGROUPS = "/sys/fs/cgroup"
_HWMON = "/sys/class/hwmon"
_SOCTHERM = "/sys/devices/platform/soctherm-oc-event/hwmon"

#: What each over-current input of Tegra's soctherm watches (L4T 35 and newer).
_OVERCURRENT = {1: "undervoltage", 2: "average_overcurrent", 3: "instant_overcurrent"}

#: Line of /proc/vmstat -> the sensor's name, and where the kernel counts no such thing.
_VMSTAT_COUNTERS = {
    "oom_kill": ("oom_kills_system", "Linux counts it from 4.13 on"),
    "pswpin": ("swap_pages_in", "this kernel has no swap"),
    "pswpout": ("swap_pages_out", "this kernel has no swap"),
}


def find(root: Path, identity: Identity) -> Tuple[List[Sensor], List[Unavailable]]:
    """The counters of throttling, over-current, out of memory and swapping, and the reasons of the others."""
    sensors: List[Sensor] = []
    absent: List[Unavailable] = []
    candidates: List[Sensor] = []
    if identity.family == HOST:
        candidates += [_ThrottleCounter("core", root), _ThrottleCounter("package", root)]
    inputs = overcurrents(root)
    candidates += [
        FileSensor(f"overcurrent_oc{input_.number}_{input_.meaning}", COUNTER, input_.source, root) for input_ in inputs
    ]
    if identity.family == JETSON and not inputs:
        reason = f"there is no {_SOCTHERM}: L4T before 35 does not count over-current events"
        absent.append(Unavailable("overcurrent", COUNTER, _SOCTHERM, reason))
    candidates += [_LineCounter(name, _VMSTAT, line, why, root) for line, (name, why) in _VMSTAT_COUNTERS.items()]
    source, reason = memory_events(root)
    if source is None:
        absent.append(Unavailable("oom_kills_cgroup", COUNTER, _CGROUPS, reason))
    else:
        candidates.append(_LineCounter("oom_kills_cgroup", source, "oom_kill", "Linux counts it from 4.13 on", root))
    sort_out(candidates, sensors, absent)
    return sensors, absent


@dataclass(frozen=True)
class OverCurrent:
    """An over-current input of a Tegra: its number, what it watches and the file of its event count.

    ``throttles`` says whether an event slows the chip down; None where ``oc<N>_throt_en`` cannot be read.
    """

    number: int
    meaning: str
    source: str
    throttles: Optional[bool]


def overcurrents(root: Path) -> List[OverCurrent]:
    """The over-current inputs that the kernel counts events of; none before L4T 35."""
    inputs: Dict[int, OverCurrent] = {}
    for folder in _soctherm_folders(root):
        for entry in names_in(root, folder):
            match = re.match(r"oc([0-9]{1,2})_event_cnt\Z", entry)
            if match is None or int(match.group(1)) in inputs:
                continue
            number = int(match.group(1))
            enabled = read_number(root, f"{folder}/oc{number}_throt_en")
            throttles = None if enabled is None else enabled != 0
            meaning = _OVERCURRENT.get(number, "overcurrent")
            inputs[number] = OverCurrent(number, meaning, f"{folder}/{entry}", throttles)
    return [inputs[number] for number in sorted(inputs)]


def parse_counts(text: str) -> Dict[str, int]:
    """The counters of lines ``name number``, as in /proc/vmstat and memory.events; other lines are left out."""
    counts: Dict[str, int] = {}
    for line in text.splitlines():
        match = re.match(r"(\S+)[ \t]+([0-9]{1,20})[ \t]*\Z", line)
        if match is not None:
            counts[match.group(1)] = int(match.group(2))
    return counts


def memory_events(root: Path) -> Tuple[Optional[str], str]:
    """The file with the out-of-memory events of this process's control group, or None and the reason.

    ``memory.events`` of cgroup v2, else ``memory.oom_control`` of v1; in a container, which sees its own
    group as the root, the one that is mounted.
    """
    content = read_text(root, "/proc/self/cgroup")
    if content.text is None:
        return None, content.reason or ""
    unified, memory = parse_cgroups(content.text)
    files: List[str] = []
    if memory is not None:
        files += [f"{_CGROUPS}/memory{memory}/memory.oom_control", f"{_CGROUPS}/memory/memory.oom_control"]
    if unified is not None:
        files += [f"{_CGROUPS}{unified}/memory.events", f"{_CGROUPS}/memory.events"]
    for file in files:
        if read_text(root, file).exists:
            return file, ""
    controllers = read_text(root, f"{_CGROUPS}/cgroup.controllers").text
    if controllers is not None and "memory" not in controllers.split():
        return None, f"{_CGROUPS}/cgroup.controllers lists no memory controller (cgroup_disable=memory?)"
    return None, "this process's control group has neither memory.events nor memory.oom_control"


def parse_cgroups(text: str) -> Tuple[Optional[str], Optional[str]]:
    """The paths of the unified (v2) hierarchy and of the memory controller (v1) in /proc/self/cgroup."""
    unified: Optional[str] = None
    memory: Optional[str] = None
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not path.startswith("/") or ".." in path.split("/"):
            path = ""
        if number == "0" and not controllers:
            unified = path.rstrip("/")
        elif "memory" in controllers.split(","):
            memory = path.rstrip("/")
    return unified, memory


@dataclass
class _LineCounter:
    """The number behind ``line`` in a file of counters."""

    name: str
    source: str
    line: str
    why_absent: str
    root: Path
    quantity: str = COUNTER
    refresh_hz: Optional[float] = None
    is_total: bool = False

    def read(self) -> Reading:
        content = read_text(self.root, self.source)
        if content.text is None:
            return Reading(None, content.reason)
        count = parse_counts(content.text).get(self.line)
        if count is None:
            return Reading(None, f"{self.source} has no {self.line} ({self.why_absent})")
        return Reading(float(count))


@dataclass
class _ThrottleCounter:
    """Thermal events of all cores, or of all packages, each counted once; x86 only."""

    level: str
    root: Path
    name: str = field(init=False)
    source: str = f"{_CPUS}/cpu*/thermal_throttle"
    quantity: str = COUNTER
    refresh_hz: Optional[float] = None
    is_total: bool = False

    def __post_init__(self) -> None:
        self.name = f"throttle_{self.level}"

    def read(self) -> Reading:
        counts = throttle_counts(self.root)
        # Each CPU of a core, and of a package, repeats its count.
        distinct: Dict[object, int] = {}
        for core in cpu_topology(self.root):
            count = counts.get(f"cpu{core.cpu}/{self.level}_throttle_count")
            if count is not None:
                unit = self._unit(core)
                distinct[unit] = max(count, distinct.get(unit, 0))
        if not distinct:
            return Reading(None, f"the kernel counts no thermal events of a {self.level}: no readable {self.source}")
        return Reading(float(sum(distinct.values())))

    def _unit(self, core: Core) -> object:
        return core.siblings if self.level == "core" else core.package


def _soctherm_folders(root: Path) -> List[str]:
    folders = [f"{_SOCTHERM}/{entry}" for entry in names_in(root, _SOCTHERM)]
    for entry in names_in(root, _HWMON):
        if read_text(root, f"{_HWMON}/{entry}/name").text == "soctherm_oc":
            folders.append(f"{_HWMON}/{entry}")
    return folders
