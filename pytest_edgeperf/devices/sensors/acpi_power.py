"""The power meters that a server's firmware offers through ACPI, as NVIDIA's Grace and Grace Hopper do.

Each measures the mean power of a part, such as ``Module Power Socket 0`` (Grace and Hopper together), ``Grace Power
Socket 0``, ``CPU Power Socket 0`` or ``SysIO Power Socket 0``, some of which contain others.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import List, Tuple

from ..identity import Identity
from ..profiles import HOST
from ..system_files import exists, names_in, read_integer, read_number, read_text
from .interface import Reading, Unavailable
from .rail import Rail, rail_name, sort_out

_HWMON = "/sys/class/hwmon"
_MICROWATT_PER_MILLIWATT = 1000.0
_MS_PER_S = 1000.0
#: A rack's worth: a meter may be a whole server's.
_HIGHEST_MW = 1e8


def find_rails(root: Path, identity: Identity) -> Tuple[List[Rail], List[Unavailable]]:
    """The meters that can be read now, and the others with the reason; on hosts only.

    Sources: Linux, drivers/hwmon/acpi_power_meter.c (``power1_average`` in uW, ``power1_average_interval`` in ms,
    ``power1_oem_info``); NVIDIA, Grace Performance Tuning Guide, "Power Telemetry".
    """
    candidates: List[Tuple[str, Rail]] = []
    for entry in names_in(root, _HWMON) if identity.family == HOST else ():
        # Some kernels keep the files, and even the name, with the ACPI device.
        folders = (f"{_HWMON}/{entry}", f"{_HWMON}/{entry}/device")
        if "power_meter" not in (read_text(root, f"{folder}/name").text for folder in folders):
            continue
        folder = next((folder for folder in folders if exists(root, f"{folder}/power1_average")), folders[0])
        label = rail_name(read_text(root, f"{folder}/power1_oem_info").text or "") or f"meter_{entry}"
        interval_ms = read_number(root, f"{folder}/power1_average_interval") or 0
        refresh_hz = _MS_PER_S / interval_ms if interval_ms > 0 else None
        source = f"{folder}/power1_average"
        measure = partial(_power, root, source)
        candidates.append((entry, Rail(label, source, measure, refresh_hz, highest_mw=_HIGHEST_MW)))
    return sort_out(candidates)


def _power(root: Path, source: str) -> Reading:
    microwatt, reason = read_integer(root, source, f"make it readable until the next boot: sudo chmod a+r {source}")
    return Reading(None, reason) if microwatt is None else Reading(microwatt / _MICROWATT_PER_MILLIWATT)
