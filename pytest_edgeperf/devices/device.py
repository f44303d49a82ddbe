"""The device that a session measures: asked for by name, or what this machine is."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, List, Mapping, Optional

from .fingerprint import inspect
from .identity import UNKNOWN, Identity, identify
from .profiles import HOST, Profile, profiles

AUTO = "auto"

_SPELLING = {"kvm": "KVM", "qemu": "QEMU", "vmware": "VMware", "vm": "virtual machine", "docker": "Docker"}


class UnknownDevice(Exception):
    """A device was asked for that no profile describes."""


class DeviceMismatch(Exception):
    """This machine is not the device that was asked for, or cannot tell what it is."""


@dataclass(frozen=True)
class Device:
    """What a session measures.

    ``name`` names the baseline; ``absent`` holds the reason of each field that the fingerprint lacks;
    ``description`` is one line for people.
    """

    name: str
    profile: Profile
    identity: Identity
    fingerprint: Mapping[str, Any]
    description: str
    absent: Mapping[str, str] = field(default_factory=dict)


def resolve(name: str = AUTO, root: Path = Path("/")) -> Device:
    """The device called ``name``, after a look whether this machine is it; ``auto`` takes what it is.

    ``host`` is right on every machine, as it asks for nothing.

    Raises:
        UnknownDevice: no profile has this name.
        DeviceMismatch: this machine is another device, or what it is cannot be read.
    """
    known = profiles()
    if name != AUTO and name not in known:
        raise UnknownDevice(_unknown(name, list(known)))
    identity = identify(root)
    if name != HOST and identity.name == UNKNOWN:
        raise DeviceMismatch(
            f"--device={name}: what this machine is cannot be told, as {identity.reason}; make it readable "
            "or use --device=host"
        )
    if name not in (AUTO, HOST, identity.name):
        raise DeviceMismatch(
            f"--device={name} was asked for, but this machine is {_what(identity)}; "
            "use --device=auto to measure it as what it is, or --device=host for any machine"
        )
    chosen = identity.name if name == AUTO else name
    profile = known.get(chosen)
    if profile is None:
        profile = Profile(chosen, _undescribed(identity), identity.family)
    fields, absent = inspect(identity, root)
    return Device(chosen, profile, identity, fields, describe(profile, fields), absent)


def describe(profile: Profile, fingerprint: Mapping[str, Any]) -> str:
    """One line for people, such as ``AMD EPYC, 2 cores, 24.0 GiB, KVM, Linux 6.18``."""
    parts: List[str] = []
    if profile.name == HOST:
        parts.append(str(fingerprint.get("cpu_model") or fingerprint.get("architecture") or "unknown processor"))
    else:
        module = fingerprint.get("module")
        named = module is None or module in profile.description
        parts.append(profile.description if named else f"{profile.description} ({module})")
    cores = _cores(fingerprint.get("cpu_count_physical"), fingerprint.get("cpu_count_logical"))
    if cores is not None:
        parts.append(cores)
    if "memory_mib" in fingerprint:
        parts.append(f"{fingerprint['memory_mib'] / 1024:.1f} GiB")
    layers = str(fingerprint.get("virtualised", "none"))
    if layers != "none":
        parts.append(" + ".join(_SPELLING.get(layer, layer) for layer in layers.split("+")))
    if "kernel" in fingerprint:
        parts.append(f"Linux {fingerprint['kernel']}")
    return ", ".join(parts)


def _cores(physical: Optional[int], logical: Optional[int]) -> Optional[str]:
    if physical is None:
        return None if logical is None else _counted(logical, "CPU")
    cores = _counted(physical, "core")
    return cores if logical in (None, physical) else f"{cores} with {logical} threads"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _unknown(name: str, known: List[str]) -> str:
    close = difflib.get_close_matches(name.lower(), [AUTO, *known], n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"--device={name}: no device has this name{hint}; choose one of {', '.join([AUTO, *known])}"


def _undescribed(identity: Identity) -> str:
    return f"{identity.family} of unknown kind" + (f" {identity.module}" if identity.module else "")


def _what(identity: Identity) -> str:
    if identity.family == HOST:
        return f"a host that is none of the known boards ({identity.reason})"
    model = f", which calls itself {identity.model!r}" if identity.model else ""
    return f"{identity.name}{model} ({identity.reason})"
