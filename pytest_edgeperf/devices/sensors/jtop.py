"""jetson-stats as an optional second source of power and temperature: only where its service runs.

The service polls everything at each tick, which disturbs a measurement: look here only for what the kernel's
own files do not show. Its licence (AGPL) is why nothing of it is built in.
"""

from __future__ import annotations

import atexit
import importlib
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ..identity import Identity
from ..profiles import JETSON
from ..system_files import exists
from .interface import POWER, TEMPERATURE, Reading, Sensor, Unavailable
from .power import inconsistency
from .thermal import HIGHEST_C, LOWEST_C

SOCKET = "/run/jtop.sock"
#: Seconds between two polls that this client asks for; the first client's wish counts.
_INTERVAL_S = 1.0
#: The rails that carry the whole module; without one, jtop's total is a blind sum, which is none.
_TOTALS = frozenset({"POM_5V_IN", "VDD_IN", "VIN"})
_TOTAL = "power_total_jtop"


def find(root: Path, identity: Identity, library: Any = None) -> Tuple[List[Sensor], List[Unavailable]]:
    """The rails and temperatures that jtop's service reports, named ``…_jtop``; nothing on other machines.

    Connects to the service and stays connected until the interpreter ends.

    Args:
        root: where ``/run/jtop.sock`` is; the client itself speaks of this machine only.
        identity: what the machine is.
        library: the module ``jtop``, or what the tests put in its place; imported if None.
    """
    if identity.family != JETSON:
        return [], []
    if not exists(root, SOCKET):
        return [], [Unavailable("jtop", POWER, SOCKET, f"there is no {SOCKET}: the optional jtop.service is off")]
    if library is None and root != Path("/"):
        return [], [Unavailable("jtop", POWER, SOCKET, "jtop reports on this machine only, not on a recorded one")]
    try:
        client = (library or importlib.import_module("jtop")).jtop(interval=_INTERVAL_S)
        client.start()
        atexit.register(client.close)
        client.ok()
        power, temperature = parse_power(client.power), parse_temperature(client.temperature)
        interval_s = float(getattr(client, "interval", 0.0))
    except Exception as error:  # an optional library may fail in any way
        return [], [Unavailable("jtop", POWER, SOCKET, f"{type(error).__name__}: {error}")]
    refresh_hz = 1.0 / interval_s if interval_s > 0 else None
    absent: List[Unavailable] = []
    for name in sorted(_TOTALS & set(power)):
        reason = inconsistency(power[name], {rail: value for rail, value in power.items() if rail != name})
        if reason is not None:
            reason = f"{reason}, {name}: the rail labels are inconsistent with the readings"
            absent.append(Unavailable(_TOTAL, POWER, SOCKET, reason))
            del power[name]
    rails = [_rail(client, name, refresh_hz) for name in power]
    zones = [_zone(client, name, refresh_hz) for name in temperature]
    return [*rails, *zones], absent


def parse_power(power: Any) -> Dict[str, float]:
    """Rail -> mW of ``jtop().power``: a tuple before version 4.2, a mapping since.

    The total is among them under its rail's name; a total without a name is jtop's own sum and left out.
    """
    rails: Any = {}
    total: Any = {}
    if isinstance(power, tuple) and len(power) == 2:
        total, rails = power
    elif isinstance(power, Mapping):
        total, rails = power.get("tot"), power.get("rail")
    values_by_name: Dict[str, float] = {}
    for name, values in _items(rails):
        # NC is a channel that is not connected.
        if isinstance(values, Mapping) and values.get("online", True) and name != "NC":
            _keep(values_by_name, name, values.get("power", values.get("cur")))
    if isinstance(total, Mapping) and isinstance(total.get("name"), str):
        _keep(values_by_name, total["name"], total.get("power", total.get("cur")))
    return values_by_name


def parse_temperature(temperature: Any) -> Dict[str, float]:
    """Zone -> degC of ``jtop().temperature``: numbers before version 4.2, mappings since; those off are left out."""
    values_by_name: Dict[str, float] = {}
    for name, values in _items(temperature):
        value = values
        if isinstance(values, Mapping):
            value = values.get("temp") if values.get("online", True) else None
        if "pmic" not in name.lower():
            _keep(values_by_name, name, value)
    return {name: value for name, value in values_by_name.items() if LOWEST_C <= value <= HIGHEST_C}


@dataclass
class _JtopSensor:
    name: str
    quantity: str
    client: Any
    key: str
    table: Callable[[Any], Dict[str, float]]
    refresh_hz: Optional[float]
    is_total: bool = False
    source: str = SOCKET

    def read(self) -> Reading:
        try:
            # Raises what has ended the client's thread: its last values would stay for ever.
            self.client.ok(spin=True)
            value = self.table(self.client).get(self.key)
        except Exception as error:  # the service may stop, or restart as another version
            return Reading(None, f"jtop: {type(error).__name__}: {error}")
        return Reading(value, None if value is not None else f"jtop no longer reports {self.key}")


def _rail(client: Any, name: str, refresh_hz: Optional[float]) -> _JtopSensor:
    total = name in _TOTALS
    shown = _TOTAL if total else f"power_{name}_jtop"
    return _JtopSensor(shown, POWER, client, name, _power_of, refresh_hz, total)


def _zone(client: Any, name: str, refresh_hz: Optional[float]) -> _JtopSensor:
    shown = f"temperature_{re.sub('[^a-z0-9]+', '_', name.lower())}_jtop"
    return _JtopSensor(shown, TEMPERATURE, client, name, _temperature_of, refresh_hz)


def _power_of(client: Any) -> Dict[str, float]:
    return parse_power(client.power)


def _temperature_of(client: Any) -> Dict[str, float]:
    return parse_temperature(client.temperature)


def _items(mapping: Any) -> List[Tuple[str, Any]]:
    if not isinstance(mapping, Mapping):
        return []
    return [(name, values) for name, values in mapping.items() if isinstance(name, str)]


def _keep(values_by_name: Dict[str, float], name: str, value: Any) -> None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        values_by_name[name] = float(value)
