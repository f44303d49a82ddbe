"""What every sensor is: a named quantity with a unit, where it comes from, and how often it is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Protocol

POWER = "power"
TEMPERATURE = "temperature"
CLOCK = "clock"
LOAD = "load"
MEMORY = "memory"
#: A number of events since boot: throttling, over-current, out of memory.
COUNTER = "counter"

#: Quantity -> unit of its values.
UNITS = {POWER: "mW", TEMPERATURE: "degC", CLOCK: "MHz", LOAD: "%", MEMORY: "MiB", COUNTER: "events"}


@dataclass(frozen=True)
class Reading:
    """One value in the sensor's unit, or the reason why there is none; never 0 for "not read"."""

    value: Optional[float]
    reason: Optional[str] = None


@dataclass(frozen=True)
class Unavailable:
    """A sensor that this kind of machine has and that cannot be read here, and why."""

    name: str
    quantity: str
    source: str
    reason: str


class Sensor(Protocol):
    """One quantity of the machine.

    Attributes:
        name: unique in the machine: ``power_total``, ``power_VDD_GPU``, ``temperature_cpu``, ``clock_gpu``.
        quantity: one of the constants above; its unit is ``UNITS[quantity]``.
        source: the file or library that it is read from.
        refresh_hz: how often the hardware has a new value; ``None``: not known.
        is_total: of a power sensor, whether it is the whole module's or board's and not one rail.
    """

    name: str
    quantity: str
    source: str
    refresh_hz: Optional[float]
    is_total: bool

    def read(self) -> Reading:
        """The value now. Never raises: what cannot be read is a reading with its reason."""
