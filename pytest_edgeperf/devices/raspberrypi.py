"""Which Raspberry Pi a device tree describes."""

from __future__ import annotations

from typing import Mapping, Optional, Sequence

from .profile import RASPBERRY_PI, Profile

UNKNOWN = "unknown-raspberry-pi"

_VENDOR = "raspberrypi,"
_CHIP = "brcm,"


def board(compatible: Sequence[str]) -> Optional[str]:
    """The board, such as ``4-model-b``; None where this is no Raspberry Pi."""
    for item in compatible:
        if item.startswith(_VENDOR):
            return item[len(_VENDOR) :]
    return None


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
