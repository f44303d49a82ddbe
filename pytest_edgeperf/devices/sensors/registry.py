"""All sensors of a machine: entry points of the group ``edgeperf.sensors``, ours and other packages'.

Each is a function ``find(root, identity)`` that returns the sensors that can be read now, and the others with the
reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import List, Sequence, Set, Tuple

from ..identity import Identity
from ..packages import Registered, entry_points
from ..profiles import JETSON
from . import jtop, power
from .file_sensor import sort_out
from .interface import COUNTER, POWER, UNITS, Sensor, Unavailable

GROUP = "edgeperf.sensors"
#: The entry point that looks for the profile's total among the rails of the chips we know.
_RAILS = f"{power.__name__}:{power.find.__name__}"
#: How the values of our own entry points begin.
_OURS = __name__.partition(".")[0] + "."


def find_sensors(identity: Identity, root: Path = Path("/")) -> Tuple[List[Sensor], List[Unavailable]]:
    """What can be read on this machine, and what cannot, with the reason.

    jetson-stats is used only where the kernel shows no total power, as its service disturbs what is measured. A
    package whose function fails is among the absent ones.
    """
    sensors, absent = _collected(entry_points(GROUP), identity, root)
    if identity.family == JETSON and not any(sensor.quantity == POWER and sensor.is_total for sensor in sensors):
        readable, missing = jtop.find(root, identity)
        sensors += readable
        absent += missing
    return sensors, absent


def find_power(identity: Identity, root: Path = Path("/")) -> Tuple[List[Sensor], List[Unavailable]]:
    """The power sensors among them: the rails of the chips we know, those of other packages, and the total.

    Quick enough to be called often: no library of a vendor is loaded.
    """
    entries = tuple(entry for entry in entry_points(GROUP) if _is_rails_or_of_others(entry[0].value))
    sensors, absent = _collected(entries, identity, root)
    return (
        [sensor for sensor in sensors if sensor.quantity == POWER],
        [missing for missing in absent if missing.quantity == POWER],
    )


def _is_rails_or_of_others(value: str) -> bool:
    return value == _RAILS or not value.startswith(_OURS)


def _collected(entries: Registered, identity: Identity, root: Path) -> Tuple[List[Sensor], List[Unavailable]]:
    """What the functions behind these entry points return, with the total that the profile names in its place."""
    sensors: List[Sensor] = []
    absent: List[Unavailable] = []
    of_others: List[Sensor] = []
    names: Set[str] = set()
    for entry, package in entries:
        try:
            readable, missing = _checked(*entry.load()(root, identity))
        except (Exception, SystemExit) as error:  # other packages' code
            reason = f"{type(error).__name__}: {error}"
            absent.append(Unavailable(entry.name, COUNTER, f"{entry.value} of {package}", reason))
            continue
        for sensor in readable:
            if sensor.name in names:
                absent.append(Unavailable(sensor.name, sensor.quantity, sensor.source, "another sensor has this name"))
            else:
                names.add(sensor.name)
                sensors.append(sensor)
                if entry.value != _RAILS:
                    of_others.append(sensor)
        absent += missing
    named = power.total_among(identity, of_others) if power.TOTAL not in names else None
    if named is not None:
        sensor, total = named
        sensors = [other for other in sensors if other is not sensor]
        absent = [gone for gone in absent if gone.name != power.TOTAL]
        sort_out([total], sensors, absent)
    return sensors, absent


def _checked(readable: Sequence[Sensor], missing: Sequence[Unavailable]) -> Tuple[List[Sensor], List[Unavailable]]:
    """What a package's function returned.

    Raises:
        TypeError: it is not what it should be.
    """
    for sensor in readable:
        texts = (sensor.name, sensor.quantity, sensor.source)
        if (
            not all(isinstance(text, str) for text in texts)
            or sensor.quantity not in UNITS
            or not callable(sensor.read)
        ):
            raise TypeError(f"{sensor!r:.60} is not a sensor")
    for gone in missing:
        if not isinstance(gone, Unavailable):
            raise TypeError(f"{gone!r:.60} is not an Unavailable")
    return list(readable), list(missing)
