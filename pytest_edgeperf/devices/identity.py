"""What this machine is, read from the device tree and never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple

from . import jetson, raspberrypi
from .files import Content, read_strings
from .profiles import HOST, JETSON, RASPBERRY_PI

#: The name where the device tree is there but cannot be read.
UNKNOWN = "unknown"

_TREES = ("/proc/device-tree", "/sys/firmware/devicetree/base")


@dataclass(frozen=True)
class Identity:
    """What a machine is and from where this is known.

    ``name`` is a profile's, or ``unknown-jetson``, ``unknown-raspberry-pi``, ``unknown``; ``evidence``
    is the file that decided and ``reason`` is what it says; ``model`` is the device tree's own name, which
    carriers change; ``module`` is the part number of a Jetson or the board of a Raspberry Pi.
    """

    name: str
    family: str
    evidence: str
    reason: str
    model: Optional[str] = None
    module: Optional[str] = None
    soc: Optional[str] = None


def identify(root: Path = Path("/")) -> Identity:
    """What the machine under ``root`` is; ``host`` without a device tree of a family that we know."""
    compatible, content = _property(root, "compatible")
    models, _ = _property(root, "model")
    model = models[0] if models else None
    if content.text is None:
        name = UNKNOWN if content.exists else HOST
        return Identity(name, name, content.path, content.reason or "", model)
    listed = f"{content.path} lists {', '.join(compatible) or 'nothing'}"
    chip = jetson.soc(compatible)
    if chip is not None:
        part = jetson.module(compatible)
        found = jetson.profile(compatible)
        if found is not None:
            return Identity(found.name, JETSON, content.path, listed, model, part, chip)
        reason = f"{listed}, which holds no Jetson module that is known here"
        return Identity(jetson.UNKNOWN, JETSON, content.path, reason, model, part, chip)
    board = raspberrypi.board(compatible)
    if board is not None:
        chip = raspberrypi.soc(compatible)
        found = raspberrypi.profile(compatible)
        if found is not None:
            return Identity(found.name, RASPBERRY_PI, content.path, listed, model, board, chip)
        reason = f"{listed}, which is no Raspberry Pi that is known here"
        return Identity(raspberrypi.UNKNOWN, RASPBERRY_PI, content.path, reason, model, board, chip)
    reason = f"{listed}, which is neither a Jetson nor a Raspberry Pi"
    return Identity(HOST, HOST, content.path, reason, model)


def _property(root: Path, name: str) -> Tuple[Tuple[str, ...], Content]:
    first = read_strings(root, f"{_TREES[0]}/{name}")
    if first[1].exists:
        return first
    second = read_strings(root, f"{_TREES[1]}/{name}")
    return second if second[1].exists else first
