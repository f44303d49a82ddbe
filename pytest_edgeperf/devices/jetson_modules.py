"""Which Jetson a device tree describes: by the module's part number, never by the carrier or the model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, Mapping, Match, Optional, Sequence, Tuple

from .board_clues import TREES
from .profile import JETSON, Profile
from .system_files import names_in, read_text

UNKNOWN = "unknown-jetson"

_SOC = re.compile(r"nvidia,(tegra\d+)(x?)\Z")
_I2C = "/sys/bus/i2c/devices"
_ADDRESS = "-0050"
_EEPROM = re.compile(r"69[0-9]-[0-9]([0-9]{4})-([0-9]{4})(?![0-9])")
_ID = re.compile(r"([0-9]{4})-([0-9]{4})(?![0-9])")
_PART = re.compile(r"p\d{4}-\d{4}(?![0-9])")


def soc(compatible: Sequence[str]) -> Optional[str]:
    """The chip, such as ``tegra234``; an alias such as ``tegra23x`` only where nothing else is said."""
    matches = [match for match in map(_SOC.match, compatible) if match]
    exact = [match.group(1) for match in matches if not match.group(2)]
    aliases = [match.group(1) + match.group(2) for match in matches]
    return (exact or aliases or [None])[0]


def module(compatible: Sequence[str], known: Mapping[str, Profile]) -> Optional[str]:
    """The module's part number, such as ``p3448-0000``.

    It stands behind the carrier's, ``carrier+module-suffix``; alone only if one of the ``known`` profiles has
    it, as a carrier's number looks the same.
    """
    behind: List[str] = []
    alone: List[str] = []
    for item in compatible:
        carrier, plus, rest = item.partition("+")
        (behind if plus else alone).extend(_PART.findall(rest if plus else carrier))
    parts = {part for profile in known.values() for part in profile.modules}
    for part in behind + alone:
        if part in parts:
            return part
    return behind[0] if behind else None


def eeprom_module(root: Path, part: Optional[str], known: Mapping[str, Profile]) -> Tuple[str, Optional[str]]:
    """The module's part number in its EEPROM and the file that holds it; nothing where it cannot be read.

    Boot loaders copy it into the device tree: NVIDIA's UEFI as ``chosen/nvidia,sku`` (``699-13767-0000-301 G.1``) and
    ``chosen/ids`` (``3767-0000-301 3768-0000-ES1``), those of L4T 32 as names in ``chosen/plugin-manager/ids``. Else
    the EEPROM answers at address 0x50 of its I2C bus, to root as a rule. Carriers have EEPROMs too: what counts is a
    number of the board that the device tree names (``part``), or else of a module that is ``known``.

    Source: NVIDIA, Jetson Linux Developer Guide, "Jetson Module EEPROM Layout": bytes 20 to 49 are the part number,
    such as ``699-82888-0004-400 M.0``.
    """
    board = part[:5] if part else None
    matches: List[Tuple[str, Optional[Match[str]]]] = []
    for chosen in (f"{tree}/chosen" for tree in TREES):
        sku, ids = read_text(root, f"{chosen}/nvidia,sku"), read_text(root, f"{chosen}/ids")
        matches.append((sku.path, _EEPROM.search(sku.text or "")))
        matches += [(ids.path, _ID.match(number)) for number in re.split(r"[\s\0]+", ids.text or "")]
        folder = f"{chosen}/plugin-manager/ids"
        matches += [(folder, _ID.match(name)) for name in names_in(root, folder)]
    for bus in names_in(root, _I2C):
        if bus.endswith(_ADDRESS):
            file = f"{_I2C}/{bus}/eeprom"
            matches.append((file, _EEPROM.search(read_text(root, file).text or "")))
    parts = {module for candidate in known.values() for module in candidate.modules}
    for file, match in matches:
        if match is not None:
            number = f"p{match.group(1)}-{match.group(2)}"
            if number[:5] == board or (board is None and number in parts):
                return file, number
    return "", None


def profile(part: Optional[str], compatible: Sequence[str], known: Mapping[str, Profile]) -> Optional[Profile]:
    """The profile of a Jetson module, or None where it is none of the ``known`` ones.

    Without a part number the ``compatible`` strings decide.
    """
    for candidate in known.values():
        if candidate.family != JETSON:
            continue
        if part in candidate.modules or (part is None and set(candidate.compatible) & set(compatible)):
            return candidate
    return None
