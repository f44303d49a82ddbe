"""All sensors of a machine: entry points of the group ``edgeperf.sensors``, ours and other packages'.

Each is a function ``find(root, identity)`` that returns the sensors that can be read now, and the others with the
reason.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Dict, List, Sequence, Set, Tuple

from ..identity import Identity
from ..profiles import JETSON
from . import jtop
from .interface import COUNTER, POWER, UNITS, Sensor, Unavailable

GROUP = "edgeperf.sensors"


def find_sensors(identity: Identity, root: Path = Path("/")) -> Tuple[List[Sensor], List[Unavailable]]:
    """What can be read on this machine, and what cannot, with the reason.

    jetson-stats is asked only where the kernel tells no total power, as its service disturbs what is measured. A
    package that fails to look is among the absent ones.
    """
    sensors: List[Sensor] = []
    absent: List[Unavailable] = []
    names: Set[str] = set()
    for name, (entry, distribution) in sorted(_registered().items()):
        try:
            found, missing = _checked(*entry.load()(root, identity))
        except (Exception, SystemExit) as error:  # other packages' code
            reason = f"{type(error).__name__}: {error}"
            absent.append(Unavailable(name, COUNTER, f"{entry.value} of {distribution}", reason))
            continue
        for sensor in found:
            if sensor.name in names:
                absent.append(Unavailable(sensor.name, sensor.quantity, sensor.source, "another sensor has this name"))
            else:
                names.add(sensor.name)
                sensors.append(sensor)
        absent += missing
    if identity.family == JETSON and not any(one.quantity == POWER and one.is_total for one in sensors):
        found, missing = jtop.find(root, identity)
        sensors += found
        absent += missing
    return sensors, absent


def _checked(found: Sequence[Sensor], missing: Sequence[Unavailable]) -> Tuple[List[Sensor], List[Unavailable]]:
    """What a package's function returned.

    Raises:
        TypeError: it is not what it should be.
    """
    for sensor in found:
        texts = (sensor.name, sensor.quantity, sensor.source)
        if (
            not all(isinstance(text, str) for text in texts)
            or sensor.quantity not in UNITS
            or not callable(sensor.read)
        ):
            raise TypeError(f"{sensor!r:.60} is no sensor")
    for one in missing:
        if not isinstance(one, Unavailable):
            raise TypeError(f"{one!r:.60} is no Unavailable")
    return list(found), list(missing)


def _registered() -> Dict[str, Tuple[metadata.EntryPoint, str]]:
    # metadata.entry_points() has another shape in 3.8-3.9.
    return {
        entry.name: (entry, distribution.metadata["Name"])
        for distribution in metadata.distributions()
        for entry in distribution.entry_points
        if entry.group == GROUP
    }
