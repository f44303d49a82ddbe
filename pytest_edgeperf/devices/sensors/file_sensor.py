"""A sensor that is one number in one file of /sys, /proc or debugfs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence

from ..system_files import read_integer
from .interface import UNITS, Reading, Sensor, Unavailable


@dataclass
class FileSensor:
    """The whole number in the file ``source``, divided by ``per_unit``, in the unit of ``quantity``.

    Outside ``lowest`` to ``highest`` (in that unit) it is no measurement, but what a part that is powered
    off or absent answers.
    """

    name: str
    quantity: str
    source: str
    root: Path
    per_unit: float = 1.0
    lowest: float = 0.0
    highest: float = float("inf")
    refresh_hz: Optional[float] = None
    is_total: bool = False

    def read(self) -> Reading:
        """The value now, or the reason why there is none."""
        number, reason = read_integer(self.root, self.source)
        if number is None:
            return Reading(None, reason)
        value = number / self.per_unit
        if not self.lowest <= value <= self.highest:
            return Reading(
                None, f"{self.source} says {value:g} {UNITS[self.quantity]}, which is not a valid measurement"
            )
        return Reading(value)


def sort_out(candidates: Sequence[Sensor], sensors: List[Sensor], absent: List[Unavailable]) -> None:
    """Add each candidate to the sensors where it can be read now, else to the absent ones with the reason."""
    for sensor in candidates:
        reading = sensor.read()
        if reading.value is not None:
            sensors.append(sensor)
        else:
            absent.append(Unavailable(sensor.name, sensor.quantity, sensor.source, reading.reason or ""))
