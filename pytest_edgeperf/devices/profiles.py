"""What each known device is: names, families and the part numbers that identify it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Mapping, Tuple

JETSON = "jetson"
RASPBERRY_PI = "raspberry-pi"
HOST = "host"


@dataclass(frozen=True)
class Profile:
    """A device under a name that people use.

    ``modules`` are part numbers such as ``p3448-0000``; ``compatible`` are strings of the device
    tree that identify the device where no part number does.
    """

    name: str
    description: str
    family: str
    modules: Tuple[str, ...] = ()
    compatible: Tuple[str, ...] = ()


_PROFILES = (
    Profile(
        "nano",
        "NVIDIA Jetson Nano 4GB",
        JETSON,
        ("p3448-0000", "p3448-0002"),
        ("nvidia,p3450-0000",),
    ),
    Profile("nano-2gb", "NVIDIA Jetson Nano 2GB", JETSON, ("p3448-0003",)),
    Profile(
        "tx2",
        "NVIDIA Jetson TX2",
        JETSON,
        ("p3310-1000", "p3489-0000", "p3489-0888"),
        ("nvidia,p2771-0000", "nvidia,quill"),
    ),
    Profile("tx2-nx", "NVIDIA Jetson TX2 NX", JETSON, ("p3636-0001",)),
    Profile("xavier-nx", "NVIDIA Jetson Xavier NX", JETSON, ("p3668-0000", "p3668-0001", "p3668-0003")),
    Profile(
        "agx-xavier",
        "NVIDIA Jetson AGX Xavier",
        JETSON,
        ("p2888-0001", "p2888-0003", "p2888-0004", "p2888-0005", "p2888-0006", "p2888-0008"),
        ("nvidia,p2972-0000", "nvidia,galen", "nvidia,jetson-xavier"),
    ),
    Profile("orin-nano", "NVIDIA Jetson Orin Nano", JETSON, ("p3767-0003", "p3767-0004", "p3767-0005")),
    Profile("orin-nx", "NVIDIA Jetson Orin NX", JETSON, ("p3767-0000", "p3767-0001")),
    Profile(
        "agx-orin",
        "NVIDIA Jetson AGX Orin",
        JETSON,
        ("p3701-0000", "p3701-0002", "p3701-0004", "p3701-0005", "p3701-0008"),
    ),
    Profile("thor", "NVIDIA Jetson AGX Thor", JETSON, ("p3834-0008",)),
    Profile(
        "rpi3",
        "Raspberry Pi 3",
        RASPBERRY_PI,
        compatible=(
            "raspberrypi,3-model-b",
            "raspberrypi,3-model-b-plus",
            "raspberrypi,3-model-a-plus",
            "raspberrypi,3-compute-module",
        ),
    ),
    Profile(
        "rpi4",
        "Raspberry Pi 4",
        RASPBERRY_PI,
        compatible=("raspberrypi,4-model-b", "raspberrypi,400", "raspberrypi,4-compute-module"),
    ),
    Profile(
        "rpi5",
        "Raspberry Pi 5",
        RASPBERRY_PI,
        compatible=("raspberrypi,5-model-b", "raspberrypi,500", "raspberrypi,5-compute-module"),
    ),
    Profile("host", "any other machine", HOST),
)

_BY_NAME: Mapping[str, Profile] = MappingProxyType({profile.name: profile for profile in _PROFILES})


def profiles() -> Mapping[str, Profile]:
    """The known devices by name, from the smallest Jetson to ``host``."""
    return _BY_NAME
