"""Devices: what they should be (profiles), and what this machine is (identity, fingerprint, topology)."""

from __future__ import annotations

from .device import Device, DeviceMismatch, UnknownDevice, describe, machine_root, resolve
from .fingerprint import boot_id, fingerprint
from .identity import Identity, identify
from .platforms import platform
from .precisions import imitates, lacks
from .profiles import DeviceError, Figure, Profile, ProfileError, profiles
from .topology import Core, cpu_topology

__all__ = [
    "Core",
    "Device",
    "DeviceError",
    "DeviceMismatch",
    "Figure",
    "Identity",
    "Profile",
    "ProfileError",
    "UnknownDevice",
    "boot_id",
    "cpu_topology",
    "describe",
    "fingerprint",
    "identify",
    "imitates",
    "lacks",
    "machine_root",
    "platform",
    "profiles",
    "resolve",
]
