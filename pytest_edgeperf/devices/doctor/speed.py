"""How fast the machine may run, and whether that is stable: power mode, cores, clocks, turbo."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

from ..identity import Identity
from ..nvpmodel import CONF, fastest, parse_conf, power_mode
from ..profiles import HOST, JETSON, RASPBERRY_PI
from ..settings_in_force import settings_in_force
from ..system_files import exists, read_number, read_text
from ..topology import read_cpu_list
from .check import ADVICE, PROBLEM, Check, ok, unknown

_CPUS = "/sys/devices/system/cpu"
_NO_TURBO = f"{_CPUS}/intel_pstate/no_turbo"
_BOOST = f"{_CPUS}/cpufreq/boost"
_SMT = f"{_CPUS}/smt/control"
_SMT_WORDS = {
    "off": "hyperthreads are off",
    "forceoff": "hyperthreads are off",
    "notsupported": "this processor has no hyperthreads",
}
_PIN_PI = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor  # until the next boot"


def checks(root: Path, identity: Identity) -> List[Check]:
    """Power mode, clocks, cores, memory clock, governor, turbo, hyperthreads, as far as the machine has them."""
    settings, absent = settings_in_force(root, identity)
    results: List[Check] = []
    if identity.family == JETSON:
        results.append(_power_mode(root))
        results.append(_pinned(settings.get("clocks_pinned"), absent.get("clocks_pinned", ""), "sudo jetson_clocks"))
        results.append(_emc(settings.get("emc_pinned"), absent.get("emc_pinned", "")))
    elif identity.family == RASPBERRY_PI:
        results.append(_pinned(settings.get("clocks_pinned"), absent.get("clocks_pinned", ""), _PIN_PI))
    else:
        results.append(_governor(settings.get("governor"), settings.get("clocks_pinned"), absent.get("governor", "")))
    results.append(_online(root, identity))
    if identity.family == HOST:
        results += [check for check in (_turbo(root), _threads(root)) if check is not None]
    return results


def _power_mode(root: Path) -> Check:
    name, reason = power_mode(root)
    if name is None:
        return unknown("power-mode", reason, "Each mode limits clocks and cores differently.")
    best = fastest(parse_conf(read_text(root, CONF).text or ""))
    if best is None or best[1] == name:
        return ok("power-mode", name)
    return Check(
        "power-mode",
        ADVICE,
        f"{name} instead of {best[1]}",
        "A mode with lower limits acts as another device; baselines of different modes are not compared.",
        f"sudo nvpmodel -m {best[0]}  # {best[1]}; some changes need a reboot",
    )


def _pinned(pinned: Optional[bool], reason: str, remedy: str) -> Check:
    if pinned is None:
        return unknown("clocks-pinned", reason, "With clocks that vary with load, each run sees a different machine.")
    if pinned:
        return ok("clocks-pinned", "the clocks are pinned at their maximum")
    return Check(
        "clocks-pinned",
        PROBLEM,
        "the clocks vary with load",
        "With unpinned clocks the same benchmark varied by 34 % between processes, and by up to a factor of 2.6.",
        remedy,
    )


def _emc(pinned: Optional[bool], reason: str) -> Check:
    if pinned is None:
        return unknown("emc", reason, "The memory clock alone can change a latency.")
    if pinned:
        return ok("emc", "the memory clock is pinned")
    why = "The memory clock alone can change a latency."
    return Check("emc", ADVICE, "the memory clock varies with load", why, "sudo jetson_clocks")


def _governor(governor: Optional[str], pinned: Optional[bool], reason: str) -> Check:
    if governor is None:
        return unknown("governor", reason, "Clocks that vary with load make short benchmarks noisy.")
    if pinned or governor == "performance":
        return ok("governor", governor)
    return Check(
        "governor",
        PROBLEM,
        f"{governor}: the clocks vary with load",
        "A short benchmark ends before the clock has ramped up, or starts at the clock that the last one left.",
        "sudo cpupower frequency-set -g performance  # until the next boot",
    )


def _online(root: Path, identity: Identity) -> Check:
    online, present = (set(read_cpu_list(root, f"{_CPUS}/{name}")) for name in ("online", "present"))
    if not online or not present:
        return unknown("cpus-online", f"{_CPUS}/online and {_CPUS}/present cannot be read")
    off = sorted(present - online)
    if not off:
        return ok("cpus-online", f"all {len(present)}")
    numbers = ", ".join(map(str, off))
    remedy = (
        "sudo nvpmodel -q  # then sudo nvpmodel -m with the number of a mode that has all cores"
        if identity.family == JETSON
        else f"echo 1 | sudo tee {_CPUS}/cpu{off[0]}/online"
    )
    return Check(
        "cpus-online",
        ADVICE,
        f"{len(online)} of {len(present)}: offline: {numbers}",
        "A power mode or an experiment may have left cores offline: the device is not at full capacity.",
        remedy,
    )


def _turbo(root: Path) -> Optional[Check]:
    for path, value_if_on, remedy in (
        (_NO_TURBO, 0, f"echo 1 | sudo tee {_NO_TURBO}  # until the next boot"),
        (_BOOST, 1, f"echo 0 | sudo tee {_BOOST}  # until the next boot"),
    ):
        value = read_number(root, path)
        if value is None:
            continue
        if value != value_if_on:
            return ok("turbo", "off")
        why = "The clock depends on the temperature and on how many cores are active."
        return Check("turbo", ADVICE, "on", why, remedy)
    return None


def _threads(root: Path) -> Optional[Check]:
    if not exists(root, _SMT):
        return None
    state = read_text(root, _SMT).text
    if state != "on":
        return ok("smt", _SMT_WORDS.get(state or "", f"hyperthreads: {state or 'unknown'}"))
    why = "Work on a core's other hyperthread halves its speed; --edgeperf-cpus=auto reserves whole cores."
    return Check("smt", ADVICE, "hyperthreads are on", why, f"echo off | sudo tee {_SMT}  # until the next boot")
