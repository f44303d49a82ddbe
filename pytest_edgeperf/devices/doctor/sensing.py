"""Which sensors cannot be read although the machine has them, and how to make them readable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

from ..identity import Identity
from ..sensors import power
from ..sensors.registry import find_power
from .check import ADVICE, Check, ok, unknown

_DENIED = re.compile(r"Permission denied|Operation not permitted")


def checks(root: Path, identity: Identity) -> List[Check]:
    """The power sensors: without them energy is not measured."""
    power_sensors, absent = find_power(identity, root)
    readable = ", ".join(sensor.name for sensor in power_sensors)
    refused = [sensor for sensor in absent if _DENIED.search(sensor.reason)]
    why = "Power and energy cannot be measured without it."
    if refused:
        first = refused[0]
        reason, _, remedy = first.reason.rpartition(": ") if "sudo " in first.reason else (first.reason, "", "")
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        return [Check("sensors", ADVICE, f"{first.name}{more}: {reason}", why, remedy)]
    total = next((sensor for sensor in absent if sensor.name == power.TOTAL), None)
    if readable:
        without = "" if total is None else f"; no total: {total.reason.partition('; ')[0]}"
        return [ok("sensors", f"power: {readable}{without}")]
    return [unknown("sensors", "; ".join(dict.fromkeys(sensor.reason for sensor in absent)) or "no power sensor", why)]
