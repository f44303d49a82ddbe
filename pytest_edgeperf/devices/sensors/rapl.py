"""RAPL: what an x86 processor says that it consumes, as differences of its energy counters."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, List, Optional, Set, Tuple

from ..identity import Identity
from ..profiles import HOST
from ..system_files import exists, names_in, read_integer, read_text
from .interface import POWER, Reading, Unavailable
from .rail import Rail, rail_name, unique

_POWERCAP = "/sys/class/powercap"
#: A package as a whole; its cores and memory are the zones below it (``intel-rapl:0:0``), which would count twice.
_ZONE = re.compile(r"intel-rapl:[0-9]+\Z")

#: Intel's Software Developer's Manual, volume 3, "RAPL domains": the counter "is updated every ~1msec".
REFRESH_HZ = 1000.0
#: More than any package draws, in uW: over a longer time than this takes, the counter may have wrapped twice.
_HIGHEST_UW = 1_000_000_000


def find_rails(
    root: Path, identity: Identity, clock: Callable[[], float] = time.perf_counter
) -> Tuple[List[Rail], List[Unavailable]]:
    """The processor packages (``power_package_0``) whose counter can be read now, and the others with the reason.

    ``clock`` gives seconds.
    """
    rails: List[Rail] = []
    absent: List[Unavailable] = []
    if identity.family != HOST:
        return rails, absent
    names: Set[str] = set()
    zones = [name for name in names_in(root, _POWERCAP) if _ZONE.match(name)]
    for zone in zones:
        folder = f"{_POWERCAP}/{zone}"
        name = rail_name(read_text(root, f"{folder}/name").text or "") or rail_name(zone)
        name = unique(name, zone, names)
        meter = Meter(root, folder, clock)
        reason = meter.start()
        if reason:
            absent.append(Unavailable(f"power_{name}", POWER, meter.source, reason))
        else:
            rails.append(Rail(name, meter.source, meter.read, REFRESH_HZ))
    if not zones:
        absent.append(Unavailable("power_package", POWER, _POWERCAP, _why_none(root)))
    return rails, absent


def energy_between(before_uj: int, after_uj: int, range_uj: int) -> int:
    """The energy in uJ between two readings of a counter that goes back to nought at ``range_uj``, at most once."""
    return after_uj - before_uj if after_uj >= before_uj else after_uj - before_uj + range_uj


@dataclass
class Meter:
    """The mean power between one reading of an energy counter and the next."""

    root: Path
    folder: str
    clock: Callable[[], float] = time.perf_counter
    _last: Optional[Tuple[float, int]] = field(default=None, init=False)
    _range_uj: int = field(default=0, init=False)

    @property
    def source(self) -> str:
        """The counter's file."""
        return f"{self.folder}/energy_uj"

    def start(self) -> str:
        """Read the counter for the first time; the reason if that fails, else nothing."""
        range_uj, reason = read_integer(self.root, f"{self.folder}/max_energy_range_uj")
        if range_uj is None:
            return reason
        if range_uj <= 0:
            return f"{self.folder}/max_energy_range_uj reads {range_uj}, which is not a range"
        self._range_uj = range_uj
        energy_uj, reason = self._energy()
        if energy_uj is not None:
            self._last = self.clock(), energy_uj
        return reason

    def read(self) -> Reading:
        """The mean power in mW since the reading before, or the reason why there is none."""
        energy_uj, reason = self._energy()
        now = self.clock()
        if energy_uj is None:
            return Reading(None, reason)
        last, self._last = self._last, (now, energy_uj)
        if last is None:
            return Reading(None, f"{self.source} was read for the first time; power is the difference of two readings")
        seconds, before_uj = now - last[0], last[1]
        consumed_uj = energy_between(before_uj, energy_uj, self._range_uj)
        if consumed_uj == 0 or seconds <= 0:
            self._last = last
            return Reading(None, f"{self.source} has no new value yet")
        if seconds * _HIGHEST_UW > self._range_uj:
            return Reading(None, f"{self.source} was not read for {seconds:.0f} s and may have wrapped more than once")
        return Reading(consumed_uj / seconds / 1000.0)

    def _energy(self) -> Tuple[Optional[int], str]:
        remedy = (
            "only root reads it since CVE-2020-8694, because it reveals what others compute; to allow it until the "
            f"next boot: sudo chmod o+r {self.source}"
        )
        energy_uj, reason = read_integer(self.root, self.source, remedy)
        if energy_uj is not None and not 0 <= energy_uj <= self._range_uj:
            return None, f"{self.source} reads {energy_uj} uJ, beyond its range of {self._range_uj} uJ"
        return energy_uj, reason


def _why_none(root: Path) -> str:
    if exists(root, _POWERCAP):
        return f"{_POWERCAP} has no intel-rapl zone: this processor has no RAPL, or a virtual machine hides it"
    return f"there is no {_POWERCAP}: this kernel, container or virtual machine does not expose power"
