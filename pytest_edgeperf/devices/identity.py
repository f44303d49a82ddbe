"""What this machine is, read from the device tree and from the GPU's driver, and never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional, Tuple

from . import gpu_hosts, jetson, raspberrypi
from .files import Content, read_strings
from .profiles import BOARD, HOST, JETSON, RASPBERRY_PI, Profile, profiles

#: The name where the device tree is there but cannot be read.
UNKNOWN = "unknown"

_TREES = ("/proc/device-tree", "/sys/firmware/devicetree/base")


@dataclass(frozen=True)
class Identity:
    """What a machine is and from where this is known.

    ``name`` is a profile's, ``host-…`` of a host with an NVIDIA GPU, or ``unknown-jetson``,
    ``unknown-raspberry-pi``, ``unknown``; ``evidence`` is the file that decided and ``reason`` is what it says;
    ``model`` is the device tree's own name, which carriers change; ``module`` is the part number of a Jetson,
    the board of a Raspberry Pi, or what identified a board of another family.
    """

    name: str
    family: str
    evidence: str
    reason: str
    model: Optional[str] = None
    module: Optional[str] = None
    soc: Optional[str] = None


def identify(root: Path = Path("/"), known: Optional[Mapping[str, Profile]] = None) -> Identity:
    """What the machine under ``root`` is; a host without a device tree of a device that is known.

    Args:
        root: where ``/proc`` and ``/sys`` are.
        known: the profiles to choose from; ours and those of installed packages unless given.
    """
    known = profiles() if known is None else known
    compatible, content = _property(root, "compatible")
    models, _ = _property(root, "model")
    model = models[0] if models else None
    if content.text is None:
        if content.exists:
            return Identity(UNKNOWN, UNKNOWN, content.path, content.reason or "", model)
        return _host(root, content.path, content.reason or "", model)
    listed = f"{content.path} lists {', '.join(compatible) or 'nothing'}"
    chip = jetson.soc(compatible)
    if chip is not None:
        part = jetson.module(compatible, known)
        found = jetson.profile(compatible, known)
        if found is not None:
            return Identity(found.name, JETSON, content.path, listed, model, part, chip)
        reason = f"{listed}, which holds no Jetson module that is known here"
        return Identity(jetson.UNKNOWN, JETSON, content.path, reason, model, part, chip)
    board = raspberrypi.board(compatible)
    if board is not None:
        chip = raspberrypi.soc(compatible)
        found = raspberrypi.profile(compatible, known)
        if found is not None:
            return Identity(found.name, RASPBERRY_PI, content.path, listed, model, board, chip)
        reason = f"{listed}, which is no Raspberry Pi that is known here"
        return Identity(raspberrypi.UNKNOWN, RASPBERRY_PI, content.path, reason, model, board, chip)
    for profile in known.values():
        sign = next((item for item in compatible if item in profile.compatible), None)
        if profile.family == BOARD and sign is not None:
            return Identity(profile.name, BOARD, content.path, listed, model, sign)
    return _host(root, content.path, f"{listed}, which is no board that is known here", model)


def _host(root: Path, evidence: str, reason: str, model: Optional[str]) -> Identity:
    found = gpu_hosts.gpus(root)
    name = gpu_hosts.device_name([gpu.model for gpu in found])
    if name is None:
        return Identity(HOST, HOST, evidence, reason, model)
    told = "; ".join(f"{gpu.file} says {gpu.model}" for gpu in found)
    return Identity(name, HOST, found[0].file, told, model)


def _property(root: Path, name: str) -> Tuple[Tuple[str, ...], Content]:
    first = read_strings(root, f"{_TREES[0]}/{name}")
    if first[1].exists:
        return first
    second = read_strings(root, f"{_TREES[1]}/{name}")
    return second if second[1].exists else first
