"""Which Raspberry Pi a device tree describes."""

from __future__ import annotations

from typing import Optional, Sequence

from .profiles import RASPBERRY_PI, Profile, profiles

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


def profile(compatible: Sequence[str]) -> Optional[Profile]:
    """The profile of a Raspberry Pi, or None where the board is none that we know."""
    for candidate in profiles().values():
        if candidate.family == RASPBERRY_PI and set(candidate.compatible) & set(compatible):
            return candidate
    return None
