"""Power monitors of the kernel's hwmon that are no part of a board we know: an INA219, INA226, INA260 or LTC2947, say.

What such a chip measures depends on where it was soldered in, so its rail is a total only where a profile says so.
"""

from __future__ import annotations

import posixpath
import re
from functools import partial
from pathlib import Path
from typing import List, Tuple

from ..identity import Identity
from ..system_files import link_target, names_in, read_integer, read_number, read_text
from .interface import Reading, Unavailable
from .rail import Rail, rail_name, sort_out

_HWMON = "/sys/class/hwmon"
#: Chips that have modules of their own.
_KNOWN_ELSEWHERE = frozenset(("ina238", "ina3221", "power_meter"))
_MICROWATT_PER_MILLIWATT = 1000.0
_MS_PER_S = 1000.0


def find_rails(root: Path, identity: Identity) -> Tuple[List[Rail], List[Unavailable]]:
    """The rails that these chips measure and that can be read now, and the others with the reason.

    A rail is named by the chip's label for it (``powerN_label``, or ``label`` of the device tree), else by the chip
    and its place on the bus, which stays the same from boot to boot: ``ina226_1_0040``.

    Source: Linux, Documentation/hwmon/sysfs-interface.rst (``power[1-*]_input`` in uW, ``update_interval`` in ms).
    """
    del identity
    candidates: List[Tuple[str, Rail]] = []
    for entry in names_in(root, _HWMON):
        folder = f"{_HWMON}/{entry}"
        chip = read_text(root, f"{folder}/name").text or ""
        if chip in _KNOWN_ELSEWHERE:
            continue
        place = posixpath.basename((link_target(root, f"{folder}/device") or entry).rstrip("/"))
        interval_ms = read_number(root, f"{folder}/update_interval") or 0
        refresh_hz = _MS_PER_S / interval_ms if interval_ms > 0 else None
        for name in names_in(root, folder):
            match = re.match(r"power([0-9]{1,3})_input\Z", name)
            if match is None:
                continue
            source = f"{folder}/{name}"
            rail = _label(root, folder, match.group(1)) or rail_name(f"{chip}_{place}") or rail_name(entry)
            measure = partial(_power, root, source)
            candidates.append((place, Rail(rail, source, measure, refresh_hz, is_onboard=False)))
    return sort_out(candidates)


def _label(root: Path, folder: str, number: str) -> str:
    for label in (f"power{number}_label", *(("label",) if number == "1" else ())):
        name = rail_name(read_text(root, f"{folder}/{label}").text or "")
        if name:
            return name
    return ""


def _power(root: Path, source: str) -> Reading:
    microwatt, reason = read_integer(root, source, f"make it readable until the next boot: sudo chmod a+r {source}")
    return Reading(None, reason) if microwatt is None else Reading(microwatt / _MICROWATT_PER_MILLIWATT)
