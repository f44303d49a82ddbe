"""The three-channel power monitor INA3221 of the Jetsons, through either of the kernel's two drivers.

L4T 32 has a driver of the industrial-I/O subsystem, which gives power; L4T 35 and newer have the mainline one
of hwmon, which gives voltage and current. Each value is read over I2C, which costs time on the bus.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from ..identity import Identity
from ..system_files import exists, names_in, read_integer, read_number, read_text
from .interface import Reading, Unavailable
from .rail import Rail, rail_name, sort_out

IIO_DRIVER = "/sys/bus/i2c/drivers/ina3221x"
HWMON_DRIVER = "/sys/bus/i2c/drivers/ina3221"
_HWMON = "/sys/class/hwmon"

#: 3 channels x 64 averages x (1.1 ms + 1.1 ms) a value: linux-tegra 4.9, drivers/staging/iio/meter/ina3221.c.
IIO_REFRESH_HZ = 2.4
#: All channels with the stock configuration of L4T 36.5, as measured; the bus yields no more than that.
HWMON_REFRESH_HZ = 77.0
#: The label of a channel that no rail is connected to.
_NOT_CONNECTED = "NC"


def find_rails(root: Path, identity: Identity) -> Tuple[List[Rail], List[Unavailable]]:
    """The rails that a chip measures and that can be read now, and the others with the reason."""
    del identity
    return sort_out([*_iio(root), *_hwmon(root)])


def _iio(root: Path) -> List[Tuple[str, Rail]]:
    rails: List[Tuple[str, Rail]] = []
    for chip in names_in(root, IIO_DRIVER):
        for device in names_in(root, f"{IIO_DRIVER}/{chip}"):
            folder = f"{IIO_DRIVER}/{chip}/{device}"
            for channel in range(3) if device.startswith("iio:device") else ():
                source = f"{folder}/in_power{channel}_input"
                measure = partial(_iio_power, root, folder, channel)
                rail = _rail(root, f"{folder}/rail_name_{channel}", chip, channel, source, measure, IIO_REFRESH_HZ)
                if rail is not None:
                    rails.append((chip, rail))
    return rails


def _iio_power(root: Path, folder: str, channel: int) -> Reading:
    # Late images of L4T 32 let only root read; tegrastats then leaves the rails out without a word.
    remedy = f"make it readable until the next boot: sudo chmod a+r {folder}/in_{{power,voltage,current}}*_input"
    milliwatt, reason = read_integer(root, f"{folder}/in_power{channel}_input", remedy)
    return Reading(None, reason) if milliwatt is None else Reading(float(milliwatt))


def _hwmon(root: Path) -> List[Tuple[str, Rail]]:
    rails: List[Tuple[str, Rail]] = []
    for chip, folder in _hwmon_folders(root).values():
        interval_ms = read_number(root, f"{folder}/update_interval") or 0
        refresh_hz = min(HWMON_REFRESH_HZ, 1000.0 / interval_ms) if interval_ms > 0 else HWMON_REFRESH_HZ
        # Inputs 4 to 7 are voltages of the shunts, in other units.
        for channel in range(1, 4):
            source = f"{folder}/in{channel}_input"
            measure = partial(_hwmon_power, root, folder, channel)
            rail = _rail(root, f"{folder}/in{channel}_label", chip, channel, source, measure, refresh_hz)
            if rail is not None:
                rail.source = f"{source} x curr{channel}_input"
                rails.append((chip, rail))
    return rails


def _hwmon_folders(root: Path) -> Dict[str, Tuple[str, str]]:
    folders: Dict[str, Tuple[str, str]] = {}
    for chip in names_in(root, HWMON_DRIVER):
        for entry in names_in(root, f"{HWMON_DRIVER}/{chip}/hwmon"):
            folders.setdefault(entry, (chip, f"{HWMON_DRIVER}/{chip}/hwmon/{entry}"))
    for entry in names_in(root, _HWMON):
        if entry not in folders and read_text(root, f"{_HWMON}/{entry}/name").text == "ina3221":
            folders[entry] = (entry, f"{_HWMON}/{entry}")
    return folders


def _hwmon_power(root: Path, folder: str, channel: int) -> Reading:
    values: List[int] = []
    for file in (f"{folder}/in{channel}_input", f"{folder}/curr{channel}_input"):
        value, reason = read_integer(root, file, f"make it readable until the next boot: sudo chmod a+r {file}")
        if value is None:
            off = read_number(root, f"{folder}/in{channel}_enable") == 0
            return Reading(None, f"{folder}/in{channel}_enable: the channel is switched off" if off else reason)
        values.append(value)
    # Two reads that are not atomic: mV and mA of neighbouring moments.
    millivolt, milliampere = values
    return Reading(millivolt * milliampere / 1000.0)


def _rail(
    root: Path,
    label_file: str,
    chip: str,
    channel: int,
    source: str,
    measure: Callable[[], Reading],
    refresh_hz: Optional[float],
) -> Optional[Rail]:
    label = read_text(root, label_file)
    if label.text == _NOT_CONNECTED or not (label.exists or exists(root, source)):
        return None
    if label.exists and label.text is None:
        # Without its name nobody knows what it measures.
        measure = partial(Reading, None, label.reason)
    return Rail(rail_name(label.text or "") or f"{rail_name(chip)}_{channel}", source, measure, refresh_hz)
