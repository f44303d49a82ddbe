"""Power: which of a device's rails is the total, and which are parts of it.

The chips' own modules do not know what their rails feed; the device's profile does. A total is a rail that feeds
everything; rails are never added up to a total, as some feed others.
"""

from __future__ import annotations

import dataclasses
import difflib
import time
from functools import partial
from pathlib import Path
from typing import Callable, List, Mapping, Optional, Sequence, Set, Tuple

from ..identity import Identity
from ..profile import EVERY_RAIL, PowerRails
from ..profiles import JETSON, RASPBERRY_PI
from . import acpi_power, hwmon_power, ina238, ina3221, rapl, raspberrypi
from .interface import POWER, Sensor, Unavailable
from .rail import Rail, rail_name, sum_of, unique

TOTAL = "power_total"
#: A sum over rails that are no total: some consumers are on none of them.
SUM = "power_sum_of_rails"
#: Which sensor stands for the power of an inference, the fullest first.
FOR_INFERENCES = (
    TOTAL,
    SUM,
    "power_gpu",
    "power_package_0",
    "power_Module_Power_Socket_0",
    "power_Grace_Power_Socket_0",
)

_LONGEST_PAUSE_S = 1.0
_NO_SENSOR = "this board has no power sensor; only a meter in its supply can measure it"

#: Where the rails of a device come from, the surest names first.
_FINDERS: Tuple[Callable[[Path, Identity], Tuple[List[Rail], List[Unavailable]]], ...] = (
    ina238.find_rails,
    ina3221.find_rails,
    raspberrypi.find_rails,
    rapl.find_rails,
    acpi_power.find_rails,
    hwmon_power.find_rails,
)
_UNKNOWN = PowerRails(
    no_total="it is not known which rail of this device feeds all others (a profile can name it: power.total)"
)
#: The rails that NVIDIA calls the whole module's input, on whichever module there is one of this name.
_INPUTS = ("POM_5V_IN", "VDD_IN", "VIN")


def find(root: Path, identity: Identity) -> Tuple[List[Sensor], List[Unavailable]]:
    """The device's total (``power_total``) and rails (``power_VDD_SOC``, …), and the reasons of what is absent.

    Without a total, ``power_total`` is absent with the rails there are; ``power_sum_of_rails`` is then the sum of
    those that do not feed each other, a figure to compare with itself and no total.
    """
    rails: List[Rail] = []
    absent: List[Unavailable] = []
    names: Set[str] = set()
    for find_rails in _FINDERS:
        readable, missing = find_rails(root, identity)
        for rail in readable:
            rail.name = unique(rail.name, find_rails.__module__.rpartition(".")[2], names)
        rails += readable
        absent += missing
    board = described_rails(identity) or _undescribed(identity, rails)
    total = _named(board.total, rails)
    if total is None:
        absent.insert(0, Unavailable(TOTAL, POWER, _source(rails, absent), _why_no_total(board, rails, absent)))
        added = _sum(board, rails)
        return [*rails, *([added] if added else [])], absent
    whole = dataclasses.replace(total, name=TOTAL, is_total=True)
    others = [rail for rail in rails if rail is not total]
    reading = whole.read()
    if reading.value is None:
        absent.insert(0, Unavailable(TOTAL, POWER, whole.source, reading.reason or ""))
        return [*others], absent
    misfit = _misfit(whole, [rail for rail in others if any(_is_named(part, rail) for part in board.parts)])
    if misfit is not None:
        reason = f"the rail labels are inconsistent with the readings: {misfit}, {whole.rail}"
        absent.insert(0, Unavailable(TOTAL, POWER, whole.source, reason))
        return [*rails], absent
    return [whole, *others], absent


def described_rails(identity: Identity) -> Optional[PowerRails]:
    """What the machine's profile says of its rails, or ``None``."""
    profile = identity.described()
    return profile.power if profile is not None else None


def total_among(identity: Identity, sensors: Sequence[Sensor]) -> Optional[Tuple[Sensor, Rail]]:
    """Of sensors that :func:`find` did not give, the one that the profile names as the total, and that total."""
    board = described_rails(identity)
    wanted = rail_name(board.total) if board is not None and board.total is not None else None
    for sensor in sensors:
        if sensor.quantity == POWER and wanted in (sensor.name, sensor.name.partition("power_")[2]):
            return sensor, Rail(sensor.name, sensor.source, sensor.read, sensor.refresh_hz, TOTAL, is_total=True)
    return None


def _is_named(name: str, rail: Rail) -> bool:
    """Whether a profile's name is this rail's: the kernel's label, or that of the sensor."""
    return rail_name(name) in (rail.rail, rail.name)


def _named(name: Optional[str], rails: Sequence[Rail]) -> Optional[Rail]:
    return next((rail for rail in rails if _is_named(name, rail)), None) if name is not None else None


def _undescribed(identity: Identity, rails: Sequence[Rail]) -> PowerRails:
    inputs = [rail.rail for rail in rails if rail.rail in _INPUTS]
    if identity.family == RASPBERRY_PI and not rails:
        return PowerRails(no_total=_NO_SENSOR)
    return PowerRails(inputs[0]) if identity.family == JETSON and len(inputs) == 1 else _UNKNOWN


def inconsistency(total_mw: float, parts_mw: Mapping[str, float]) -> Optional[str]:
    """Why the total cannot be one: a rail that it feeds draws more; None where it can.

    Some third-party images of Jetson Nano permute the labels of the rails. Means over the same time can be
    judged, and single readings of a steady load.
    """
    above = {name: value for name, value in parts_mw.items() if value > total_mw}
    if not above:
        return None
    name = max(above, key=lambda rail: above[rail])
    return f"{name} draws {above[name]:.0f} mW, more than the {total_mw:.0f} mW of the rail that should feed it"


def _misfit(total: Rail, parts: Sequence[Rail]) -> Optional[str]:
    """Why this rail cannot be the total that its label says; None if it can."""
    if _look(total, parts) is None:
        return None
    # A load that has just set in is seen by one channel before another.
    time.sleep(min(1.0 / total.refresh_hz, _LONGEST_PAUSE_S) if total.refresh_hz else 0.0)
    return _look(total, parts)


def _look(total: Rail, parts: Sequence[Rail]) -> Optional[str]:
    readings = {rail.rail: rail.read().value for rail in [total, *parts]}
    known = {name: value for name, value in readings.items() if value is not None}
    whole = known.pop(total.rail, None)
    return None if whole is None else inconsistency(whole, known)


def _why_no_total(board: PowerRails, rails: Sequence[Rail], absent: Sequence[Unavailable]) -> str:
    listed = f"; the rails are {', '.join(rail.name for rail in rails)}" if rails else ""
    if board.total is None:
        return f"{board.no_total or _UNKNOWN.no_total}{listed}"
    missing = next((other.reason for other in absent if other.name == f"power_{rail_name(board.total)}"), None)
    if missing is None:
        missing = f"no chip under {ina3221.IIO_DRIVER}, {ina3221.HWMON_DRIVER} or /sys/class/hwmon measures it"
        close = difflib.get_close_matches(rail_name(board.total), [rail.rail for rail in rails], n=1)
        missing += f" (did you mean {close[0]}?)" if close else ""
    return f"{board.total} cannot be read: {missing}{listed}"


def _source(rails: Sequence[Rail], absent: Sequence[Unavailable]) -> str:
    sources = [*(rail.source for rail in rails), *(other.source for other in absent)]
    return sources[0] if sources else "/sys/class/hwmon"


def _sum(board: PowerRails, rails: Sequence[Rail]) -> Optional[Rail]:
    if EVERY_RAIL in board.sum:
        chosen = [rail for rail in rails if rail.is_onboard]
    else:
        chosen = [rail for rail in rails if any(_is_named(name, rail) for name in board.sum)]
        if len(chosen) != len(board.sum):
            return None
    if not chosen:
        return None
    refresh_hz = min((rail.refresh_hz for rail in chosen if rail.refresh_hz is not None), default=None)
    source = " + ".join(rail.rail for rail in chosen)
    return Rail("sum_of_rails", source, partial(sum_of, chosen), refresh_hz, SUM)


def why_none(absent: Sequence[Unavailable]) -> str:
    """Why no power can be read, from what cannot be read at all."""
    reasons = {sensor.name: sensor.reason for sensor in absent if sensor.quantity == POWER}
    # On a host the processor's own sensor is what one would expect; nothing measures all of it.
    package = next((reason for name, reason in reasons.items() if name.startswith("power_package")), None)
    return package or reasons.get(TOTAL) or next(iter(reasons.values()), "no power sensor was found")
