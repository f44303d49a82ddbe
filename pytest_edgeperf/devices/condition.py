"""The machine's state around a run: how hot it is, what slowed it down meanwhile, what was swapped, what was set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .identity import Identity
from .profiles import HOST, RASPBERRY_PI
from .sensors import cooling_devices, counters, nvml, power, thermal
from .sensors.interface import Sensor
from .sensors.raspberrypi import Throttled, get_throttled, throttled_between
from .sensors.registry import find_power
from .settings_in_force import settings_in_force

_SWAP = ("swap_pages_in", "swap_pages_out")
_OUT_OF_MEMORY = ("oom_kills_cgroup", "oom_kills_system")
_OVERCURRENT = "overcurrent_"
_UNDERVOLTAGE = "undervoltage"


@dataclass(frozen=True)
class Condition:
    """The machine's state at one moment. What could not be read is ``None`` or absent from the mapping."""

    headroom: thermal.Headroom
    #: Counter -> events since boot.
    counts: Mapping[str, int] = field(default_factory=dict)
    #: What slows the machine down at this moment.
    slowed_by: Tuple[str, ...] = ()
    firmware: Optional[Throttled] = None
    power_mw: Optional[float] = None
    settings: Mapping[str, Any] = field(default_factory=dict)


class Observer:
    """Reads one machine's state repeatedly; which sensors it has is determined once."""

    def __init__(self, identity: Identity, root: Path = Path("/")) -> None:
        self._identity = identity
        self.root = root
        self._counters: List[Sensor] = counters.find(root, identity)[0]
        self._total = next((sensor for sensor in find_power(identity, root)[0] if sensor.name == power.TOTAL), None)

    def look(self) -> Condition:
        """Read everything now; takes milliseconds, so never while something is timed."""
        readings = {sensor.name: sensor.read().value for sensor in self._counters}
        firmware = get_throttled(self.root) if self._identity.family == RASPBERRY_PI else None
        return Condition(
            headroom=self.headroom(),
            counts={name: int(value) for name, value in readings.items() if value is not None},
            slowed_by=(*self._slowed_by(), *((firmware.now if firmware is not None else None) or ())),
            firmware=firmware,
            power_mw=self._total.read().value if self._total is not None else None,
            settings=settings_in_force(self.root, self._identity)[0],
        )

    def headroom(self) -> thermal.Headroom:
        """How far the machine is from slowing itself down for heat."""
        return thermal.headroom(self.root, self._identity)

    def _slowed_by(self) -> Tuple[str, ...]:
        causes = [device.type for device in cooling_devices.throttling_now(self.root)]
        if self._identity.family == HOST:
            for card in nvml.clock_reasons(self.root):
                causes += [f"{card.gpu}: {reason}" for reason in card.throttling or ()]
        return tuple(causes)


def figures(before: Condition, after: Condition) -> Dict[str, Any]:
    """What two readings of the state show about the run between them, for its quality; what is unknown is left out.

    ``temperature_c`` and ``headroom_c`` (to the nearest trip point, of ``temperature_zone``) and
    ``power_at_rest_mw``: before and after. ``slowed_by``: what throttled the machine at either reading or in
    between, by name. ``overcurrent_events``, ``swapped_pages``, ``oom_kills``: how many in between.
    ``settings_changed``: names of the settings that changed.
    """
    quality: Dict[str, Any] = {}
    ends = (before.headroom, after.headroom)
    if ends[0].temperature_c is not None and ends[1].temperature_c is not None:
        quality["temperature_c"] = [round(end.temperature_c or 0.0, 1) for end in ends]
        quality["headroom_c"] = [round(end.celsius or 0.0, 1) for end in ends]
        quality["temperature_zone"] = ends[1].zone
    if before.power_mw is not None and after.power_mw is not None:
        quality["power_at_rest_mw"] = [round(before.power_mw, 1), round(after.power_mw, 1)]
    rises = {name: count - before.counts[name] for name, count in after.counts.items() if name in before.counts}
    slowed = [*before.slowed_by, *after.slowed_by, *_by_firmware(before, after)]
    slowed += [name for name, rise in rises.items() if rise > 0 and _is_undervoltage(name)]
    if slowed:
        quality["slowed_by"] = sorted(set(slowed))
    for figure, names in (("swapped_pages", _SWAP), ("oom_kills", _OUT_OF_MEMORY)):
        known = [rises[name] for name in names if name in rises]
        if known:
            # A group's kills are the system's too.
            quality[figure] = sum(known) if names is _SWAP else max(known)
    events = [rise for name, rise in rises.items() if name.startswith(_OVERCURRENT)]
    if events:
        quality["overcurrent_events"] = sum(events)
    either = sorted({*before.settings, *after.settings})
    changed = [name for name in either if before.settings.get(name) != after.settings.get(name)]
    if changed:
        quality["settings_changed"] = changed
    return quality


def _is_undervoltage(counter: str) -> bool:
    return counter.startswith(_OVERCURRENT) and counter.endswith(_UNDERVOLTAGE)


def _by_firmware(before: Condition, after: Condition) -> Tuple[str, ...]:
    if before.firmware is None or after.firmware is None:
        return ()
    return throttled_between(before.firmware, after.firmware) or ()
