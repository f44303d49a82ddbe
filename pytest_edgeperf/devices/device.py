"""The device that a session measures: asked for by name, or what this machine is."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, List, Mapping, Optional

from . import board_clues, gpu_hosts
from .fingerprint import inspect
from .identity import UNKNOWN, Identity, identify
from .profiles import HOST, JETSON, RASPBERRY_PI, DeviceError, Profile, profiles
from .system_files import ROOT_VARIABLE

AUTO = "auto"

_FAMILIES = {JETSON: "Jetson", RASPBERRY_PI: "Raspberry Pi"}
_SPELLING = {"kvm": "KVM", "qemu": "QEMU", "vmware": "VMware", "vm": "virtual machine", "docker": "Docker"}


class UnknownDevice(DeviceError):
    """A device was asked for that no profile describes."""


class DeviceMismatch(DeviceError):
    """This machine is not the device that was asked for, or it cannot be identified."""


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
    #: Where its files are.
    root: Path = Path("/")

    def without_power(self) -> Optional[str]:
        """Why the power of an inference cannot be measured here, or ``None`` where a sensor measures it."""
        from .sensors.power import FOR_INFERENCES, why_none
        from .sensors.registry import find_sensors

        sensors, absent = find_sensors(self.identity, self.root)
        return None if {sensor.name for sensor in sensors} & set(FOR_INFERENCES) else why_none(absent)

    def without_temperature(self) -> Optional[str]:
        """Why no temperature can be read here, or ``None`` where a sensor of one is."""
        from .sensors.interface import TEMPERATURE
        from .sensors.registry import find_sensors

        sensors, absent = find_sensors(self.identity, self.root)
        if any(sensor.quantity == TEMPERATURE for sensor in sensors):
            return None
        reasons = (sensor.reason for sensor in absent if sensor.quantity == TEMPERATURE)
        return next(reasons, "no temperature sensor was found")


def machine_root() -> Path:
    """Where the machine's files are: ``/``, or a recorded machine's folder, ``$EDGEPERF_ROOT``."""
    return Path(os.environ.get(ROOT_VARIABLE) or "/")


def resolve(name: str = AUTO, root: Optional[Path] = None, rootdir: Optional[Path] = None) -> Device:
    """The device called ``name``, after checking that this machine is that device; ``auto`` identifies the machine.

    ``host`` fits every machine; a host that a user describes fits every host.

    Args:
        name: what ``--device`` says.
        root: where ``/proc`` and ``/sys`` are; :func:`machine_root` unless given.
        rootdir: the folder of the ``pyproject.toml`` that may describe more devices.

    Raises:
        UnknownDevice: no profile has this name.
        DeviceMismatch: this machine is another device, or cannot be identified.
        ProfileError: a profile of a package or of the project cannot be used.
    """
    root = machine_root() if root is None else root
    known = profiles(rootdir)
    if name != AUTO and name not in known and not gpu_hosts.is_device_name(name):
        raise UnknownDevice(_unknown(name, list(known)))
    identity = identify(root, known)
    if name != HOST and identity.name == UNKNOWN:
        asked = f"--device={name}:" if name == AUTO else f"--device={name} needs {_expected(name, known)}, but"
        raise DeviceMismatch(
            f"{asked} this machine cannot be identified: {identity.reason}; make it readable or use --device=host"
        )
    if name not in (AUTO, HOST, identity.name) and not _is_described_host(name, known, identity):
        raise DeviceMismatch(
            f"--device={name} needs {_expected(name, known)}, but this machine is {_found(identity)}; "
            "use --device=auto to measure it as that, or --device=host, which fits any machine"
        )
    chosen = identity.name if name == AUTO else name
    profile = known.get(chosen) or _undescribed(identity, root)
    if name != HOST and _is_described_host(name, known, identity):
        identity = replace(identity, profile=profile)
    fields, absent = inspect(identity, root)
    return Device(chosen, profile, identity, fields, describe(profile, fields), absent, root)


def describe(profile: Profile, fingerprint: Mapping[str, Any]) -> str:
    """One line for people, such as ``AMD EPYC, 2 cores, 24.0 GiB, KVM, Linux 6.18``."""
    parts: List[str] = []
    if profile.family == HOST:
        if profile.name != HOST:
            parts.append(profile.description)
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
    return (
        f"--device={name}: no device has this name{hint}; choose one of {', '.join([AUTO, *known])}, "
        "or a host by its GPU, such as host-rtx4090"
    )


def _is_described_host(name: str, known: Mapping[str, Profile], identity: Identity) -> bool:
    """Whether ``name`` is a user's own name for a host: nothing distinguishes one host from another."""
    return name in known and known[name].family == identity.family == HOST and not gpu_hosts.is_device_name(name)


def _undescribed(identity: Identity, root: Path) -> Profile:
    if identity.family == HOST:
        return gpu_hosts.profile(identity.name, gpu_hosts.gpus(root))
    module = f" {identity.module}" if identity.module else ""
    hidden = f" ({board_clues.hint(root)})" if identity.is_hidden else ""
    return Profile(
        identity.name,
        f"{_FAMILIES.get(identity.family, identity.family)} of unknown kind{module}{hidden}",
        identity.family,
    )


def _expected(name: str, known: Mapping[str, Profile]) -> str:
    """What identifies a device, such as ``a module p3448-0000 or p3448-0002``."""
    profile = known.get(name)
    if gpu_hosts.is_device_name(name):
        return "a host with that NVIDIA GPU"
    if profile is None or profile.family == HOST:
        return "a host and not a board"
    signs = " or ".join([*profile.modules, *profile.compatible])
    return f"a {'module' if profile.family == JETSON else 'board'} {signs}"


def _found(identity: Identity) -> str:
    if identity.name == HOST:
        return f"a host and not a known board ({identity.reason})"
    model = f", which calls itself {identity.model!r}" if identity.model else ""
    return f"{identity.name}{model} ({identity.reason})"
