"""What this machine is, read from the device tree and from the GPU's driver, and never guessed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Mapping, Optional, Tuple

from . import board_clues, gpu_hosts, jetson_modules, raspberrypi_boards
from .profiles import BOARD, HOST, JETSON, RASPBERRY_PI, Profile, profiles
from .system_files import Content, read_strings

#: The name where the device tree is there but cannot be read.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Identity:
    """What a machine is, and the evidence for it.

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
    #: Whether the device tree is hidden, so that only signs say what this is.
    is_hidden: bool = False
    #: The sizes in GiB with which this module or board is sold; empty where they are not known.
    memory_gib: Tuple[float, ...] = ()
    #: The profile that describes it; ``None``: look it up by the name.
    profile: Optional[Profile] = field(default=None, compare=False, repr=False)

    def described(self) -> Optional[Profile]:
        """The profile of this machine; of a host without one of its own that of ``host``, else ``None``."""
        if self.profile is not None:
            return self.profile
        known = profiles()
        return known.get(self.name) or (known[HOST] if self.family == HOST else None)


def identify(root: Path = Path("/"), known: Optional[Mapping[str, Profile]] = None) -> Identity:
    """What the machine under ``root`` is; a host without a device tree of a device that is known.

    A board whose device tree is hidden by a container is not a host: it is a board of unknown kind, and the reason says
    what to mount.

    Args:
        root: where ``/proc`` and ``/sys`` are.
        known: the profiles to choose from; ours and those of installed packages unless given.
    """
    known = profiles() if known is None else known
    compatible, content = _property(root, "compatible")
    models, _ = _property(root, "model")
    model = models[0] if models else None
    if not compatible:
        if content.exists and content.text is None:
            return Identity(UNKNOWN, UNKNOWN, content.path, content.reason or "", model)
        content = replace(content, reason=content.reason or f"{content.path} lists nothing")
        return _hidden(root, content, known) or _host(root, content.path, content.reason or "", model, known)
    listed = f"{content.path} lists {', '.join(compatible)}"
    chip = jetson_modules.soc(compatible)
    if chip is not None:
        return _jetson(root, compatible, known, Identity("", JETSON, content.path, listed, model, soc=chip))
    board = raspberrypi_boards.board(compatible)
    if board is not None:
        identity = Identity(raspberrypi_boards.UNKNOWN, RASPBERRY_PI, content.path, listed, model, board)
        identity = replace(identity, soc=raspberrypi_boards.soc(compatible))
        profile = raspberrypi_boards.profile(compatible, known)
        if profile is not None:
            sizes = next((profile.memory_gib[item] for item in compatible if item in profile.memory_gib), ())
            return replace(identity, name=profile.name, memory_gib=sizes, profile=profile)
        return replace(identity, reason=f"{listed}, which is not a known Raspberry Pi")
    for profile in known.values():
        sign = next((item for item in compatible if item in profile.compatible), None)
        if profile.family == BOARD and sign is not None:
            sizes = profile.memory_gib.get(sign, ())
            return Identity(profile.name, BOARD, content.path, listed, model, sign, memory_gib=sizes, profile=profile)
    return _host(root, content.path, f"{listed}, which is not a known board", model, known)


def _jetson(root: Path, compatible: Tuple[str, ...], known: Mapping[str, Profile], identity: Identity) -> Identity:
    """The Jetson with this device tree; modules that share one differ in the number that their EEPROM holds."""
    part = jetson_modules.module(compatible, known)
    profile = jetson_modules.profile(part, compatible, known)
    file, own = jetson_modules.eeprom_module(root, part, known)
    if own is not None and own != part:
        profile = jetson_modules.profile(own, (), known) or profile
        part, identity = own, replace(identity, reason=f"{identity.reason}; {file} says {own}")
    if profile is None:
        reason = f"{identity.reason}, which names no known Jetson module"
        return replace(identity, name=jetson_modules.UNKNOWN, module=part, reason=reason)
    sizes = profile.memory_gib.get(part or "") or next(
        (profile.memory_gib[item] for item in compatible if item in profile.memory_gib), ()
    )
    return replace(identity, name=profile.name, module=part, memory_gib=sizes, profile=profile)


def _host(root: Path, evidence: str, reason: str, model: Optional[str], known: Mapping[str, Profile]) -> Identity:
    cards = gpu_hosts.gpus(root)
    name = gpu_hosts.device_name([gpu.model for gpu in cards])
    if name is None:
        return Identity(HOST, HOST, evidence, reason, model, profile=known.get(HOST))
    reason = "; ".join(f"{gpu.file} says {gpu.model}" for gpu in cards)
    return Identity(name, HOST, cards[0].file, reason, model, profile=known.get(name))


def _hidden(root: Path, content: Content, known: Mapping[str, Profile]) -> Optional[Identity]:
    sign = board_clues.sign(root)
    if sign is None:
        return None
    name = jetson_modules.UNKNOWN if sign.family == JETSON else raspberrypi_boards.UNKNOWN
    file, part = jetson_modules.eeprom_module(root, None, known) if sign.family == JETSON else ("", None)
    profile = jetson_modules.profile(part, (), known) if part is not None else None
    if profile is not None:
        reason = f"{content.reason}, but {file} says {part}"
        sizes = profile.memory_gib.get(part or "", ())
        return Identity(
            profile.name, JETSON, file, reason, sign.model, part, sign.soc, memory_gib=sizes, profile=profile
        )
    reason = f"{content.reason}, but {sign.file} says {sign.says}; {board_clues.hint(root)}"
    module = raspberrypi_boards.board_of_model(sign.model) if sign.family == RASPBERRY_PI and sign.model else None
    return Identity(name, sign.family, sign.file, reason, sign.model, module, sign.soc, True)


def _property(root: Path, name: str) -> Tuple[Tuple[str, ...], Content]:
    looks = [read_strings(root, f"{tree}/{name}") for tree in board_clues.TREES]
    return next((look for look in looks if look[1].exists), looks[0])
