"""Which Raspberry Pi a device tree describes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping, Optional, Sequence

from .profile import RASPBERRY_PI, Profile
from .system_files import read_text

UNKNOWN = "unknown-raspberry-pi"

_VENDOR = "raspberrypi,"
_CHIP = "brcm,"
_SOFT_LIMITED = ("3-model-a-plus", "3-model-b-plus")
_SOFT_LIMIT_C, _HIGHEST_SOFT_LIMIT_C = 60.0, 70.0
_CONFIGURATIONS = ("/boot/config.txt", "/boot/firmware/config.txt")


def board(compatible: Sequence[str]) -> Optional[str]:
    """The board, such as ``4-model-b``; None where this is no Raspberry Pi."""
    for item in compatible:
        if item.startswith(_VENDOR):
            return item[len(_VENDOR) :]
    return None


def board_of_model(model: str) -> Optional[str]:
    """The board of a model's name: ``4-model-b`` of ``Raspberry Pi 4 Model B Rev 1.4``; None of another's."""
    match = re.match(r"Raspberry Pi\s+(.+?)(?:\s+Rev\s+[0-9.]+)?\s*\Z", model)
    if match is None:
        return None
    name = re.sub(r"[^a-z0-9]+", "-", match.group(1).lower()).strip("-")
    # The device tree has other names for Raspberry Pi Zero 2 W and Compute Module 4S.
    name = re.sub(r"\A(zero\b.*)\Z", r"model-\1", name)
    name = re.sub(r"\Acompute-module-([0-9])([a-z])", r"\1-compute-module-\2", name)
    return re.sub(r"\Acompute-module-([0-9])", r"\1-compute-module", name)


def soft_limit_c(root: Path, board: Optional[str]) -> Optional[float]:
    """Where a 3A+ or 3B+ goes from 1.4 to 1.2 GHz, in degC: 60, unless config.txt moves it; None of other boards.

    Source: Raspberry Pi documentation, config.txt, ``temp_soft_limit`` ("defaults to 60, can be raised to 70").
    """
    if board not in _SOFT_LIMITED:
        return None
    limit = _SOFT_LIMIT_C
    for file in _CONFIGURATIONS:
        applies = True
        for line in (read_text(root, file).text or "").splitlines():
            section = re.match(r"[ \t]*\[([^\]]*)\]", line)
            setting = re.match(r"[ \t]*temp_soft_limit[ \t]*=[ \t]*([0-9]{1,3})\b", line)
            if section is not None:
                applies = section.group(1).strip().lower() in ("all", "pi3", "pi3+")
            elif setting is not None and applies:
                limit = min(max(float(setting.group(1)), _SOFT_LIMIT_C), _HIGHEST_SOFT_LIMIT_C)
    return limit


def soc(compatible: Sequence[str]) -> Optional[str]:
    """The chip, such as ``bcm2711``."""
    for item in compatible:
        if item.startswith(_CHIP):
            return item[len(_CHIP) :]
    return None


def profile(compatible: Sequence[str], known: Mapping[str, Profile]) -> Optional[Profile]:
    """The profile of a Raspberry Pi, or None where the board is none of the ``known`` ones."""
    for candidate in known.values():
        if candidate.family == RASPBERRY_PI and set(candidate.compatible) & set(compatible):
            return candidate
    return None
