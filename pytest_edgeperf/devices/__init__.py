"""Devices: what they should be (profiles), and what this machine is (identity, fingerprint, topology)."""

from __future__ import annotations

from .device import Device, DeviceMismatch, UnknownDevice, describe, resolve
from .fingerprint import boot_id, fingerprint
from .identity import Identity, identify
from .profiles import Profile, profiles
from .topology import Core, cpu_topology

__all__ = [
    "Core",
    "Device",
    "DeviceMismatch",
    "Identity",
    "Profile",
    "UnknownDevice",
    "boot_id",
    "cpu_topology",
    "describe",
    "fingerprint",
    "identify",
    "profiles",
    "resolve",
]
