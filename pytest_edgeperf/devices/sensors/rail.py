"""What measures power: a rail, a sum of some, or a whole module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Set, Tuple

from .interface import POWER, Reading, Unavailable

#: In mW. The noise of an idle rail lies on both sides of nought, some steps of 32 mA at 12 V on Thor; no board draws a
#: kilowatt.
_LOWEST_MW = -5_000.0
_HIGHEST_MW = 1_000_000.0


@dataclass
class Rail:
    """The power of the rail that the board calls ``rail``, as ``measure`` gives it in mW."""

    rail: str
    source: str
    measure: Callable[[], Reading]
    refresh_hz: Optional[float]
    name: str = ""
    quantity: str = POWER
    is_total: bool = False
    highest_mw: float = _HIGHEST_MW
    #: Whether a power chip of the board's own measures it, and not something that was added.
    is_onboard: bool = True

    def __post_init__(self) -> None:
        self.name = self.name or f"power_{self.rail}"

    def read(self) -> Reading:
        """The power now in mW, or the reason why there is none."""
        reading = self.measure()
        if reading.value is None:
            return reading
        if not _LOWEST_MW <= reading.value <= self.highest_mw:
            return Reading(None, f"{self.source} says {reading.value:g} mW, which is not a valid measurement")
        if self.is_total and reading.value <= 0:
            return Reading(
                None, f"{self.source} says {reading.value:g} mW for the whole device, so it was not measured"
            )
        return reading


def rail_name(label: str) -> str:
    """A board's label as part of a sensor's name: letters, digits and ``_``."""
    return re.sub(r"[^A-Za-z0-9]+", "_", label[:40]).strip("_")


def unique(name: str, place: str, names: Set[str]) -> str:
    """The name, with its place behind it if it is among ``names`` already; added to them."""
    candidate, number = name, 1
    while candidate in names:
        candidate = f"{name}_{rail_name(place)}" + (f"_{number}" if number > 1 else "")
        number += 1
    names.add(candidate)
    return candidate


def sort_out(candidates: Sequence[Tuple[str, Rail]]) -> Tuple[List[Rail], List[Unavailable]]:
    """Of (chip, rail) those rails that can be read now, and the others with the reason; each name once."""
    rails: List[Rail] = []
    absent: List[Unavailable] = []
    names: Set[str] = set()
    for chip, rail in candidates:
        rail.name = unique(rail.name, chip, names)
        reading = rail.read()
        if reading.value is None:
            absent.append(Unavailable(rail.name, POWER, rail.source, reading.reason or ""))
        else:
            rails.append(rail)
    return rails, absent


def sum_of(rails: Sequence[Rail]) -> Reading:
    """The sum of these rails in mW; none if one of them is missing."""
    total = 0.0
    for rail in rails:
        reading = rail.read()
        if reading.value is None:
            return Reading(None, reading.reason)
        total += reading.value
    return Reading(total)
