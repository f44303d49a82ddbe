"""The settings that decide how fast a machine is and that people and reboots change: power mode, caps, clocks.

A baseline that was measured under other settings is not comparable, so they are recorded next to the
fingerprint of the hardware.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from .clock_files import (
    EMC_CAPS,
    EMC_LOCKS,
    EMC_MAX_RATES,
    Policy,
    cpu_list,
    cpu_policies,
    first_integer,
    gpu_folder,
)
from .identity import Identity
from .nvpmodel import power_mode
from .profiles import JETSON
from .system_files import read_integer, read_text
from .topology import online_cpus

_Value = Tuple[Optional[Any], str]

_KHZ_PER_MHZ = 1e3
_HZ_PER_MHZ = 1e6
_NO_CLOCKS = "the kernel does not scale clocks: there is no /sys/devices/system/cpu/cpufreq/policy*"
_NO_GPU = "/sys/class/devfreq lists no GPU"
#: Drivers whose governor "performance" is only a preference: the processor chooses its clock all the same.
_AUTONOMOUS = frozenset({"intel_pstate", "amd-pstate-epp"})


def settings_in_force(root: Path, identity: Identity) -> Tuple[Dict[str, Any], Dict[str, str]]:
    """The settings by name, and the reason of each that cannot be read.

    On every machine: ``cpus_online`` (``0-3``), ``governor``, ``cpu_max_mhz`` (the cap in force: a number, or
    ``0-3: 1344, 4-5: 1728`` where cores differ), ``cpu_capped`` (whether that is below what the hardware can
    do), ``cpu_pinned`` and ``clocks_pinned``. On a Jetson also ``power_mode`` by name, ``gpu_max_mhz``,
    ``gpu_pinned``, ``emc_max_mhz`` (memory) and ``emc_pinned``; ``clocks_pinned`` means CPU and GPU there.

    The clock of the moment is not a setting: see the sensors.
    """
    policies = cpu_policies(root)
    cpu_pinned = _cpu_pinned(root, policies)
    readings: Dict[str, _Value] = {
        "cpus_online": _cpus_online(root),
        "governor": _governor(root, policies),
        "cpu_max_mhz": _cpu_max_mhz(root, policies),
        "cpu_capped": _cpu_capped(root, policies),
        "cpu_pinned": cpu_pinned,
    }
    if identity.family == JETSON:
        gpu_pinned = _gpu_pinned(root)
        readings["power_mode"] = power_mode(root)
        readings["gpu_max_mhz"] = _gpu_max_mhz(root)
        readings["gpu_pinned"] = gpu_pinned
        readings["clocks_pinned"] = _both(cpu_pinned, gpu_pinned)
        readings["emc_max_mhz"] = _emc_max_mhz(root)
        readings["emc_pinned"] = _emc_pinned(root)
    else:
        readings["clocks_pinned"] = cpu_pinned
    known = {name: value for name, (value, _) in readings.items() if value is not None}
    absent = {name: reason for name, (value, reason) in readings.items() if value is None}
    return known, absent


def _cpus_online(root: Path) -> _Value:
    online = online_cpus(root)
    if not online:
        return None, "neither /sys/devices/system/cpu nor /proc/cpuinfo lists processors"
    return cpu_list(online), ""


def _governor(root: Path, policies: List[Policy]) -> _Value:
    governors = set()
    for policy in policies:
        content = read_text(root, f"{policy.folder}/scaling_governor")
        if not content.text:
            return None, content.reason or f"{content.path} is empty"
        governors.add(content.text)
    return (" + ".join(sorted(governors)), "") if governors else (None, _NO_CLOCKS)


def _cpu_max_mhz(root: Path, policies: List[Policy]) -> _Value:
    caps: Dict[float, Tuple[int, ...]] = {}
    for policy in policies:
        khz, reason = _frequency(root, f"{policy.folder}/scaling_max_freq")
        if khz is None:
            return None, reason
        mhz = round(khz / _KHZ_PER_MHZ, 3)
        caps[mhz] = caps.get(mhz, ()) + policy.cpus
    if not caps:
        return None, _NO_CLOCKS
    if len(caps) == 1:
        return next(iter(caps)), ""
    by_cpus = sorted((cpus, mhz) for mhz, cpus in caps.items())
    return ", ".join(f"{cpu_list(cpus)}: {mhz:g}" for cpus, mhz in by_cpus), ""


def _cpu_capped(root: Path, policies: List[Policy]) -> _Value:
    capped = False
    for policy in policies:
        cap, reason = _frequency(root, f"{policy.folder}/scaling_max_freq")
        most, other = _frequency(root, f"{policy.folder}/cpuinfo_max_freq")
        if cap is None or most is None:
            return None, reason or other
        capped = capped or cap < most
    return (capped, "") if policies else (None, _NO_CLOCKS)


def _cpu_pinned(root: Path, policies: List[Policy]) -> _Value:
    for policy in policies:
        pinned, reason = _policy_pinned(root, policy)
        if not pinned:
            return pinned, reason
    return (True, "") if policies else (None, _NO_CLOCKS)


def _policy_pinned(root: Path, policy: Policy) -> _Value:
    low, reason = _frequency(root, f"{policy.folder}/scaling_min_freq")
    high, other = _frequency(root, f"{policy.folder}/scaling_max_freq")
    if low is not None and low == high:
        return True, ""
    driver = read_text(root, f"{policy.folder}/scaling_driver").text
    governor = read_text(root, f"{policy.folder}/scaling_governor").text
    if governor == "performance" and driver not in _AUTONOMOUS:
        return True, ""
    if low is None or high is None:
        return None, reason or other
    return False, ""


def _gpu_max_mhz(root: Path) -> _Value:
    folder = gpu_folder(root)
    if folder is None:
        return None, _NO_GPU
    hz, reason = _frequency(root, f"{folder}/max_freq")
    return (None, reason) if hz is None else (round(hz / _HZ_PER_MHZ, 3), "")


def _gpu_pinned(root: Path) -> _Value:
    folder = gpu_folder(root)
    if folder is None:
        return None, _NO_GPU
    low, reason = _frequency(root, f"{folder}/min_freq")
    high, other = _frequency(root, f"{folder}/max_freq")
    return (None, reason or other) if low is None or high is None else (low == high, "")


def _both(cpu: _Value, gpu: _Value) -> _Value:
    if False in (cpu[0], gpu[0]):
        return False, ""
    for value, reason in (cpu, gpu):
        if value is None:
            return None, reason
    return True, ""


def _emc_max_mhz(root: Path) -> _Value:
    cap, cap_file, _ = first_integer(root, EMC_CAPS)
    most, _, reason = first_integer(root, EMC_MAX_RATES)
    known = [hz for hz in (cap, most) if hz is not None and hz > 0]
    if known:
        return round(min(known) / _HZ_PER_MHZ, 3), ""
    uncapped = f"{cap_file} sets no cap" if cap is not None else "no power mode sets a cap"
    return None, f"{uncapped}, and {reason}; only root can read the memory clock's limits"


def _emc_pinned(root: Path) -> _Value:
    locked, source, reason = first_integer(root, EMC_LOCKS)
    if locked is None:
        return None, f"{reason}; only root sees whether the memory clock is pinned"
    return (locked == 1, "") if locked in (0, 1) else (None, f"{source} holds {locked}, which is neither 0 nor 1")


def _frequency(root: Path, path: str) -> Tuple[Optional[int], str]:
    number, reason = read_integer(root, path)
    if number is not None and number <= 0:
        return None, f"{path} holds {number}, which is not a frequency"
    return number, reason
