"""The power monitor INA238, which measures the whole module's input on Jetson Thor."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import List, Tuple

from ..identity import Identity
from ..system_files import names_in, read_integer, read_text
from .interface import Reading, Unavailable
from .rail import Rail, rail_name, sort_out

_HWMON = "/sys/class/hwmon"

#: 3 conversions of 1.052 ms x 16 averages: Linux, drivers/hwmon/ina238.c, INA238_ADC_CONFIG_DEFAULT.
REFRESH_HZ = 19.8
#: What the chip measures on a Thor, of whichever module; the mainline driver has no labels.
THOR_RAIL = "VIN"
THOR_SOC = "tegra264"
_MICROWATT_PER_MILLIWATT = 1000.0


def find_rails(root: Path, identity: Identity) -> Tuple[List[Rail], List[Unavailable]]:
    """The rails that a chip measures and that can be read now, and the others with the reason."""
    candidates: List[Tuple[str, Rail]] = []
    for entry in names_in(root, _HWMON):
        folder = f"{_HWMON}/{entry}"
        if read_text(root, f"{folder}/name").text != "ina238":
            continue
        source = f"{folder}/power1_input"
        label = _label(root, identity, folder, entry)
        candidates.append((entry, Rail(label, source, partial(_power, root, source), REFRESH_HZ)))
    return sort_out(candidates)


def _power(root: Path, source: str) -> Reading:
    microwatt, reason = read_integer(root, source, f"make it readable until the next boot: sudo chmod a+r {source}")
    return Reading(None, reason) if microwatt is None else Reading(microwatt / _MICROWATT_PER_MILLIWATT)


def _label(root: Path, identity: Identity, folder: str, entry: str) -> str:
    for label in ("power1_label", "in1_label"):
        named = rail_name(read_text(root, f"{folder}/{label}").text or "")
        if named:
            return named
    return THOR_RAIL if identity.soc == THOR_SOC or identity.name == "thor" else f"ina238_{rail_name(entry)}"
