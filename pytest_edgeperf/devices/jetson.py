"""Which Jetson a device tree describes: by the module's part number, never by the carrier or the model."""

from __future__ import annotations

import re
from typing import List, Mapping, Optional, Sequence

from .profile import JETSON, Profile

UNKNOWN = "unknown-jetson"

_SOC = re.compile(r"nvidia,(tegra\d+)(x?)\Z")
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


def profile(compatible: Sequence[str], known: Mapping[str, Profile]) -> Optional[Profile]:
    """The profile of a Jetson, or None where the module is none of the ``known`` ones."""
    part = module(compatible, known)
    for candidate in known.values():
        if candidate.family != JETSON:
            continue
        if part in candidate.modules or (part is None and set(candidate.compatible) & set(compatible)):
            return candidate
    return None
