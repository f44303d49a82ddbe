"""How fast the machine is allowed to be, and whether that stays so: power mode, cores, clocks, turbo."""

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
    "notsupported": "this processor shows no hyperthreads",
}
_PIN_PI = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor  # until the next boot"


def checks(root: Path, identity: Identity) -> List[Check]:
    """Power mode, clocks, cores, memory clock, governor, turbo, hyperthreads, as far as the machine has them."""
    settings, absent = settings_in_force(root, identity)
    found: List[Check] = []
    if identity.family == JETSON:
        found.append(_power_mode(root))
        found.append(_pinned(settings.get("clocks_pinned"), absent.get("clocks_pinned", ""), "sudo jetson_clocks"))
        found.append(_emc(settings.get("emc_pinned"), absent.get("emc_pinned", "")))
    elif identity.family == RASPBERRY_PI:
        found.append(_pinned(settings.get("clocks_pinned"), absent.get("clocks_pinned", ""), _PIN_PI))
    else:
        found.append(_governor(settings.get("governor"), settings.get("clocks_pinned"), absent.get("governor", "")))
    found.append(_online(root, identity))
    if identity.family == HOST:
        found += [check for check in (_turbo(root), _threads(root)) if check is not None]
    return found


def _power_mode(root: Path) -> Check:
    name, reason = power_mode(root)
    if name is None:
        return unknown("power-mode", reason, "Each mode caps clocks and cores otherwise.")
    best = fastest(parse_conf(read_text(root, CONF).text or ""))
    if best is None or best[1] == name:
        return ok("power-mode", name)
    return Check(
        "power-mode",
        ADVICE,
        f"{name}, and not {best[1]}",
        "A mode that caps clocks and cores measures another device; baselines of different modes are not compared.",
        f"sudo nvpmodel -m {best[0]}  # {best[1]}; some changes ask for a reboot",
    )


def _pinned(pinned: Optional[bool], reason: str, remedy: str) -> Check:
    if pinned is None:
        return unknown("clocks-pinned", reason, "Clocks that follow the load make each run another machine.")
    if pinned:
        return ok("clocks-pinned", "the clocks stay at their maximum")
    return Check(
        "clocks-pinned",
        PROBLEM,
        "the clocks follow the load",
        "Unpinned clocks made the same benchmark differ by 34 % from process to process, and up to 2.6 times.",
        remedy,
    )


def _emc(pinned: Optional[bool], reason: str) -> Check:
    if pinned is None:
        return unknown("emc", reason, "The memory's clock alone can change a latency.")
    if pinned:
        return ok("emc", "the memory's clock is held")
    why = "The memory's clock alone can change a latency."
    return Check("emc", ADVICE, "the memory's clock follows the load", why, "sudo jetson_clocks")


def _governor(governor: Optional[str], pinned: Optional[bool], reason: str) -> Check:
    if governor is None:
        return unknown("governor", reason, "Clocks that follow the load make short benchmarks noisy.")
    if pinned or governor == "performance":
        return ok("governor", governor)
    return Check(
        "governor",
        PROBLEM,
        f"{governor}: the clocks follow the load",
        "A short benchmark is over before the clock has risen, or meets whatever clock the last one left.",
        "sudo cpupower frequency-set -g performance  # until the next boot",
    )


def _online(root: Path, identity: Identity) -> Check:
    online, present = (set(read_cpu_list(root, f"{_CPUS}/{name}")) for name in ("online", "present"))
    if not online or not present:
        return unknown("cpus-online", f"{_CPUS}/online and {_CPUS}/present do not tell")
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
        f"{len(online)} of {len(present)}: off line are {numbers}",
        "Somebody's power mode or experiment may have been left behind: the device is not what it is taken for.",
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
        why = "The clock depends on how warm the processor is and how many of its cores work."
        return Check("turbo", ADVICE, "on", why, remedy)
    return None


def _threads(root: Path) -> Optional[Check]:
    if not exists(root, _SMT):
        return None
    state = read_text(root, _SMT).text
    if state != "on":
        return ok("smt", _SMT_WORDS.get(state or "", f"hyperthreads: {state or 'not told'}"))
    why = "What runs on a core's other hyperthread halves its speed; --edgeperf-cpus=auto takes whole cores."
    return Check("smt", ADVICE, "hyperthreads are on", why, f"echo off | sudo tee {_SMT}  # until the next boot")
