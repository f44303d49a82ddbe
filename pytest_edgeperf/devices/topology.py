"""The processor's cores: which logical CPUs share one, and which cores are stronger."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Set, Tuple

from .system_files import names_in, read_number, read_text

_CPUS = "/sys/devices/system/cpu"


@dataclass(frozen=True)
class Core:
    """A logical CPU that is online, and the physical core behind it.

    ``siblings`` are the logical CPUs that are online in its physical core, itself included;
    ``siblings_known`` says whether they were read or it was taken to be alone. ``capacity`` is the
    scheduler's relative strength (1024 for the strongest core), ``max_khz`` the hardware's limit in
    kHz; both are None where they are not said.
    """

    cpu: int
    siblings: Tuple[int, ...]
    core_id: Optional[int] = None
    package: Optional[int] = None
    capacity: Optional[int] = None
    max_khz: Optional[int] = None
    siblings_known: bool = False


def parse_cpu_list(text: str) -> Tuple[int, ...]:
    """The CPUs of a kernel list such as ``0-3,8``, sorted.

    Raises:
        ValueError: the text is no such list.
    """
    cpus: Set[int] = set()
    for part in text.replace(",", " ").split():
        match = re.match(r"(\d{1,5})(?:-(\d{1,5}))?\Z", part)
        if match is None:
            raise ValueError(f"{part!r} is not part of a CPU list")
        first = int(match.group(1))
        last = int(match.group(2) or first)
        if last < first:
            raise ValueError(f"{part!r} is not part of a CPU list")
        cpus.update(range(first, last + 1))
    return tuple(sorted(cpus))


def read_cpu_list(root: Path, path: str) -> Tuple[int, ...]:
    """The CPUs of a kernel list in a file; none where it cannot be read."""
    text = read_text(root, path).text
    try:
        return parse_cpu_list(text) if text is not None else ()
    except ValueError:
        return ()


def cpu_topology(root: Path = Path("/")) -> List[Core]:
    """The logical CPUs that are online, in order; where files are absent each is its own core."""
    return [_core(root, cpu) for cpu in online_cpus(root)]


def online_cpus(root: Path = Path("/")) -> Tuple[int, ...]:
    """The logical CPUs that are online, from /sys or else from /proc/cpuinfo."""
    listed = read_cpu_list(root, f"{_CPUS}/online")
    if listed:
        return listed
    cpus = [
        int(match.group(1))
        for match in (re.match(r"cpu(\d+)\Z", name) for name in names_in(root, _CPUS))
        if match and read_number(root, f"{_CPUS}/{match.group(0)}/online") != 0
    ]
    if not cpus:
        text = read_text(root, "/proc/cpuinfo").text or ""
        cpus = [int(number) for number in re.findall(r"^processor\s*:\s*(\d+)\s*$", text, re.MULTILINE)]
    return tuple(sorted(set(cpus)))


def _core(root: Path, cpu: int) -> Core:
    folder = f"{_CPUS}/cpu{cpu}"
    siblings: Tuple[int, ...] = ()
    for name in ("core_cpus_list", "thread_siblings_list"):
        siblings = siblings or read_cpu_list(root, f"{folder}/topology/{name}")
    known = cpu in siblings
    return Core(
        cpu,
        siblings if known else (cpu,),
        read_number(root, f"{folder}/topology/core_id"),
        read_number(root, f"{folder}/topology/physical_package_id"),
        read_number(root, f"{folder}/cpu_capacity"),
        read_number(root, f"{folder}/cpufreq/cpuinfo_max_freq"),
        known,
    )
