"""On which kind of platform software is installed: which JetPack, a Raspberry Pi, another ARM machine or a PC."""

from __future__ import annotations

import os
import platform as python_platform
from pathlib import Path

from .identity import identify
from .l4t import l4t
from .linux import architecture
from .profiles import JETSON, RASPBERRY_PI

#: First number of L4T's release -> JetPack's. Source: NVIDIA's Jetson Linux archive.
_JETPACKS = {
    "28": "jetpack-4",
    "31": "jetpack-4",
    "32": "jetpack-4",
    "34": "jetpack-5",
    "35": "jetpack-5",
    "36": "jetpack-6",
}
_NEWEST = "jetpack-7"


def platform(root: Path = Path("/")) -> str:
    """``jetpack-4`` to ``jetpack-7``, ``raspberry-pi``, ``aarch64`` or ``x86``."""
    identity = identify(root)
    if identity.family == JETSON:
        release = l4t(root, os.environ if root == Path("/") else {}).value
        if release is not None:
            return _JETPACKS.get(release.partition(".")[0], _NEWEST)
    if identity.family == RASPBERRY_PI:
        return "raspberry-pi"
    machine = python_platform.machine() if root == Path("/") else architecture(root)[0]
    arm = identity.family == JETSON or machine in ("aarch64", "arm64")
    return "aarch64" if arm else "x86"
