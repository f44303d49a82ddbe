"""Temperatures of the thermal zones, and how far they are below the throttling limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from ..identity import Identity
from ..profiles import RASPBERRY_PI
from ..raspberrypi_boards import soft_limit_c
from ..system_files import link_target, names_in, read_integer, read_number, read_text
from .cooling_devices import slows_down
from .file_sensor import FileSensor
from .interface import TEMPERATURE, Sensor, Unavailable

_FOLDER = "/sys/class/thermal"

#: What a chip that runs can have, in degC: a domain that is powered off says -256, an unset trip 0.
LOWEST_C = 0.001
HIGHEST_C = 150.0

#: Answers with a constant (50 or 100 degC): it only shows whether the regulator has overheated.
_CONSTANT = re.compile(r"pmic", re.IGNORECASE)
#: Zones that slow no processor down: estimates for the fan, radio modules, batteries, the board.
_IRRELEVANT = re.compile(r"fan-est|iwlwifi|wifi|wlan|batt|\Atboard|\Atdiode", re.IGNORECASE)

#: What ends the work where nothing is known to slow it down before; ``active`` only starts a fan.
_LAST = ("hot", "critical")

#: The processor's zone of a Raspberry Pi, under its old names too. Its documentation, "Frequency management and
#: thermal control": each model slows its cores from 80 degC on, more from 85; 3A+ and 3B+ go from 1.4 to 1.2 GHz at a
#: soft limit before.
_PI_ZONES = ("cpu", "soc", "bcm2835")
_PI_C = 80.0
PUBLISHED = "published"
#: No processor is slowed down below this; firmware of PCs fills unused trip points with room temperatures.
_LEAST_TRIP_C = 50.0
#: A session begins this many degC below the trip point at least: nearer, its own heat reaches it.
COOL_HEADROOM_C = 10.0


#: Passive trips that lower no clock, by chip: the hot surface of an Orin under L4T 36, and the Nano's memory that is
#: refreshed more often. Sources: cooling maps of NVIDIA's device trees. Needed only where a recording lacks bindings.
_HARMLESS_C = (("tegra234", 70.0), ("tegra210", 70.0))


@dataclass(frozen=True)
class Trip:
    """A temperature at which the kernel or the firmware acts; ``type`` is the kernel's, or ``published``.

    ``devices`` are the types of the cooling devices that the kernel turns up there; None where it does not say.
    """

    type: str
    celsius: float
    devices: Optional[Tuple[str, ...]] = field(default=None, compare=False)

    @property
    def slows(self) -> Optional[bool]:
        """Whether the machine is slower beyond it; None where the kernel does not say which devices it turns up."""
        if self.devices is None:
            return None
        # A device of unknown kind may slow the machine down, but what is "active" cools, as a rule.
        doubtful = not self.type.startswith("active")
        effects = [slows_down(device) for device in self.devices]
        return True in effects or (doubtful and None in effects)


@dataclass(frozen=True)
class Zone:
    """A thermal zone: its name (``cpu``), the kernel's type (``CPU-therm``), its file and its trip points."""

    name: str
    type: str
    source: str
    trips: Tuple[Trip, ...] = ()

    @property
    def is_relevant(self) -> bool:
        """Whether its temperature can slow the processor or the GPU down."""
        return not (_CONSTANT.search(self.type) or _IRRELEVANT.search(self.type))


@dataclass(frozen=True)
class Headroom:
    """How far the machine is from slowing itself down.

    ``celsius`` is the trip point less the temperature of its zone, negative beyond it; None where it is
    not known, for the ``reason``. ``zone``, ``temperature_c`` and ``trip`` are those it is the least of.
    """

    celsius: Optional[float]
    zone: Optional[str] = None
    temperature_c: Optional[float] = None
    trip: Optional[Trip] = None
    source: Optional[str] = None
    reason: Optional[str] = None


def find(root: Path, identity: Identity) -> Tuple[List[Sensor], List[Unavailable]]:
    """The thermal zones that can be read now, and the others with the reason.

    A zone whose part is powered off (a GPU that nobody uses) is absent: look again while the load runs.
    """
    sensors: List[Sensor] = []
    absent: List[Unavailable] = []
    for zone in zones(root):
        sensor = _sensor(root, zone)
        reason = _reason(zone, sensor)
        if reason is None:
            sensors.append(sensor)
        else:
            absent.append(Unavailable(sensor.name, TEMPERATURE, zone.source, reason))
    if not sensors and not absent:
        absent.append(Unavailable("temperature", TEMPERATURE, _FOLDER, f"{_FOLDER} has no thermal zone"))
    absent += [Unavailable(f"temperature_{name}", TEMPERATURE, _FOLDER, why) for name, why in _missing(root, identity)]
    return sensors, absent


def zones(root: Path) -> List[Zone]:
    """All thermal zones in the kernel's order, readable or not."""
    known: List[Zone] = []
    entries = [name for name in names_in(root, _FOLDER) if re.match(r"thermal_zone[0-9]+\Z", name)]
    bindings = {entry: _bindings(root, f"{_FOLDER}/{entry}") for entry in entries}
    # Where the kernel shows no binding of any zone, a recording left them out.
    shown = any(bindings.values())
    for entry in entries:
        folder, number = f"{_FOLDER}/{entry}", entry[len("thermal_zone") :]
        kind = read_text(root, f"{folder}/type").text or ""
        name = _name(kind) or f"zone{number}"
        if any(zone.name == name for zone in known):
            name = f"{name}_{number}"
        trips = _trips(root, folder, bindings[entry] if shown else None)
        known.append(Zone(name, kind, f"{folder}/temp", trips))
    return known


def headroom(root: Path, identity: Identity) -> Headroom:
    """How many degC the machine is from the nearest trip point that slows it down.

    Of each zone that matters to the processor or the GPU (those that the profile names, where it names some) counts
    the lowest trip point that is bound to a cooling device that slows them down (where no binding is known: the lowest
    passive one), else the profile's limit, else the lowest hot or critical trip point; of these the one nearest to its
    zone's temperature now.
    """
    known = zones(root)
    if not known:
        return Headroom(None, reason=f"{_FOLDER} has no thermal zone")
    candidates: List[Headroom] = []
    reasons = [why for _, why in _missing(root, identity)]
    named = _named(identity)
    for zone in known:
        if zone.name not in named if named else not zone.is_relevant:
            continue
        trip = _limit(root, zone, identity)
        reading = _sensor(root, zone).read()
        if trip is None:
            reasons.append(f"{zone.name} has no trip point")
        elif reading.value is None:
            reasons.append(reading.reason or "")
        else:
            left = trip.celsius - reading.value
            candidates.append(Headroom(left, zone.name, reading.value, trip, zone.source))
    if candidates:
        return min(candidates, key=lambda candidate: candidate.celsius or 0.0)
    return Headroom(None, reason="; ".join(reasons) or f"{_FOLDER} has no zone of a processor or GPU")


def _sensor(root: Path, zone: Zone) -> FileSensor:
    return FileSensor(f"temperature_{zone.name}", TEMPERATURE, zone.source, root, 1000.0, LOWEST_C, HIGHEST_C)


def _reason(zone: Zone, sensor: FileSensor) -> Optional[str]:
    if _CONSTANT.search(zone.type):
        return f"{zone.type} reports a constant, not a temperature"
    return sensor.read().reason


def _name(kind: str) -> str:
    stem = re.sub(r"[-_](?:therm|thermal)\Z", "", kind.strip().lower())
    return re.sub(r"[^a-z0-9]+", "_", stem).strip("_")


def _trips(root: Path, folder: str, bindings: Optional[Dict[int, List[str]]]) -> Tuple[Trip, ...]:
    trips: List[Trip] = []
    for entry in names_in(root, folder):
        match = re.match(r"trip_point_([0-9]+)_temp\Z", entry)
        if match is None:
            continue
        milli, _ = read_integer(root, f"{folder}/{entry}")
        kind = read_text(root, f"{folder}/trip_point_{match.group(1)}_type").text
        if milli is not None and kind and LOWEST_C <= milli / 1000 <= HIGHEST_C:
            devices = None if bindings is None else tuple(bindings.get(int(match.group(1)), ()))
            trips.append(Trip(kind, milli / 1000, devices))
    return tuple(trips)


def _bindings(root: Path, folder: str) -> Optional[Dict[int, List[str]]]:
    """Number of a trip point -> types of the cooling devices bound to it; None where one of them is not readable.

    Source: Linux, Documentation/driver-api/thermal/sysfs-api.rst, ``cdev[0-*]`` and ``cdev[0-*]_trip_point``.
    """
    bindings: Dict[int, List[str]] = {}
    for entry in names_in(root, folder):
        match = re.match(r"(cdev[0-9]+)_trip_point\Z", entry)
        if match is None:
            continue
        trip = read_number(root, f"{folder}/{entry}")
        kind = _bound_type(root, f"{folder}/{match.group(1)}")
        if trip is None or not kind:
            return None
        bindings.setdefault(trip, []).append(kind)
    return bindings


def _bound_type(root: Path, link: str) -> Optional[str]:
    # A recording may hold the device under its class only, and not where the link leads.
    device = (link_target(root, link) or "").rpartition("/")[2]
    return read_text(root, f"{link}/type").text or read_text(root, f"{_FOLDER}/{device}/type").text


def _named(identity: Identity) -> Tuple[str, ...]:
    """The zones that the profile names as those of the processor and the GPU; the kernel's types are fine too."""
    profile = identity.described()
    return tuple(map(_name, profile.thermal_zones)) if profile is not None else ()


def _missing(root: Path, identity: Identity) -> List[Tuple[str, str]]:
    """Each zone that the profile names and the kernel does not have, and the reason."""
    profile = identity.described()
    if profile is None:
        return []
    known = [zone.name for zone in zones(root)]
    named = dict.fromkeys([*_named(identity), *map(_name, profile.thermal_limits_c)])
    listed = ", ".join(known) or "none"
    return [
        (name, f"the profile of {profile.name} names the thermal zone {name}, but the kernel has {listed}")
        for name in named
        if name not in known
    ]


def _published_c(root: Path, zone: Zone, identity: Identity) -> Optional[float]:
    profile = identity.described()
    limits = profile.thermal_limits_c if profile is not None else {}
    own = next((limit for name, limit in limits.items() if _name(name) == zone.name), None)
    if own is not None or identity.family != RASPBERRY_PI or zone.name not in _PI_ZONES:
        return own
    soft = soft_limit_c(root, identity.module)
    return _PI_C if soft is None else soft


def _limit(root: Path, zone: Zone, identity: Identity) -> Optional[Trip]:
    plausible = [trip for trip in zone.trips if trip.celsius >= _LEAST_TRIP_C]
    bound = [trip for trip in plausible if trip.slows and trip.type != "critical"]
    passive = [trip for trip in plausible if trip.type == "passive" and trip.slows is None]
    passive = [trip for trip in passive if (identity.soc, trip.celsius) not in _HARMLESS_C]
    slowing = min([*bound, *passive], key=lambda trip: trip.celsius, default=None)
    published = _published_c(root, zone, identity)
    by_maker = None if published is None else Trip(PUBLISHED, published)
    if slowing is not None and by_maker is not None and identity.family == RASPBERRY_PI:
        # Its firmware acts whatever the kernel does beside it.
        return min(slowing, by_maker, key=lambda trip: trip.celsius)
    if slowing is not None or by_maker is not None:
        return slowing or by_maker
    for kind in _LAST:
        # A hot trip point that is bound to a notice only ends nothing.
        last = [trip for trip in plausible if trip.type == kind and (kind == "critical" or not trip.devices)]
        if last:
            return min(last, key=lambda trip: trip.celsius)
    return None
