"""What else uses the machine: a desktop, updates, other load, other users of the GPU, monitors."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Dict, List, Optional

from .. import linux
from ..clock_files import gpu_load_files
from ..identity import Identity
from ..profiles import HOST, JETSON
from ..sensors import nvml
from ..sensors.interface import LOAD
from ..system_files import exists, link_target, names_in, read_text
from ..topology import online_cpus
from .check import ADVICE, PROBLEM, Check, ok, unknown

#: Of the last minute, per core.
_MOST_LOAD = 0.3
_MOST_GPU_PERCENT = 1.0
_DESKTOPS = ("Xorg", "Xwayland", "gnome-shell", "plasmashell", "kwin_wayland", "labwc", "wayfire", "lxpanel")
_UPDATES = ("apt", "apt-get", "dpkg", "unattended-upgr", "packagekitd", "snapd-update", "dnf", "yum")
_TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer", "unattended-upgrades.service", "dnf-makecache.timer")
_SYSTEMD = "/run/systemd/system"
_WANTS = ("/etc/systemd/system/timers.target.wants", "/etc/systemd/system/multi-user.target.wants")
_MONITORS = ("jtop", "tegrastats", "nvtop", "htop", "nvidia-smi", "btop")
_DISPLAY_MANAGER = "/etc/systemd/system/display-manager.service"
_DEFAULT_TARGETS = ("/etc/systemd/system/default.target", "/lib/systemd/system/default.target")


def checks(root: Path, identity: Identity) -> List[Check]:
    """Desktop, load, updates, monitors, and on a GPU other users."""
    running = _running(root)
    hidden = _why_hidden(root)
    results = [_load(root), _updates(root, running, hidden), _monitors(running, hidden)]
    results += [check for check in (_desktop(root, running), _gpu(root, identity)) if check is not None]
    return results


def _running(root: Path) -> Dict[str, int]:
    """Name -> process id of what runs; ours is left out."""
    processes: Dict[str, int] = {}
    ours = str(os.getpid()) if root == Path("/") else ""
    for name in names_in(root, "/proc"):
        if name.isdigit() and name != ours:
            text = read_text(root, f"/proc/{name}/comm").text
            if text:
                processes.setdefault(text, int(name))
    return processes


def _why_hidden(root: Path) -> str:
    """Why /proc does not list what else runs; empty where it does."""
    names = [name for name in names_in(root, "/proc") if name.isdigit()]
    if "1" in names:
        inside = linux.container(root)
        return f"a container ({inside}) sees its own processes only" if inside else ""
    return "/proc lists no process of others (mounted with hidepid?)" if names else "/proc lists no process"


def _load(root: Path) -> Check:
    content = read_text(root, "/proc/loadavg")
    match = re.match(r"([0-9]{1,6}\.[0-9]{1,4})\s", f"{content.text or ''} ")
    cores = len(online_cpus(root))
    if match is None or not cores:
        return unknown("background", content.reason or "/proc/loadavg holds no load")
    load = float(match.group(1))
    if load <= _MOST_LOAD * cores:
        return ok("background", f"load {load:.2f} on {cores} cores")
    return Check(
        "background",
        PROBLEM,
        f"load {load:.2f} on {cores} cores in the last minute",
        "Other processes take CPU time, cache and memory bandwidth from the benchmark.",
        "ps aux --sort=-%cpu | head  # stop what should not run, or wait a minute",
    )


def _updates(root: Path, running: Dict[str, int], hidden: str) -> Check:
    busy = [name for name in _UPDATES if name in running]
    if busy:
        found = f"running: {', '.join(f'{name} (process {running[name]})' for name in busy)}"
        return Check("updates", PROBLEM, found, "An update uses CPU and disk for minutes.", "wait until it ends")
    # Without systemd at work, as in most containers, its files start nothing.
    wanted = _TIMERS if exists(root, _SYSTEMD) else ()
    timers = [timer for timer in wanted if any(exists(root, f"{folder}/{timer}") for folder in _WANTS)]
    if not timers and hidden:
        return unknown("updates", hidden, "An update uses CPU and disk for minutes.")
    if not timers:
        return ok("updates", "no automatic updates")
    why = "They may start at any time, even during a session."
    remedy = f"sudo systemctl disable --now {' '.join(timers)}"
    return Check("updates", ADVICE, f"automatic updates are enabled: {', '.join(timers)}", why, remedy)


def _monitors(running: Dict[str, int], hidden: str) -> Check:
    found = [f"{name} (process {running[name]})" for name in _MONITORS if name in running]
    why = "Polling sensors several times a second disturbs the measurements."
    if not found:
        return unknown("monitors", hidden, why) if hidden else ok("monitors", "none is running")
    return Check("monitors", ADVICE, ", ".join(found), why, "stop it while you measure")


def _desktop(root: Path, running: Dict[str, int]) -> Optional[Check]:
    shown = [name for name in _DESKTOPS if name in running]
    links = (link_target(root, path) for path in _DEFAULT_TARGETS)
    target = next((os.path.basename(link) for link in links if link), None)
    # Servers have the target as well, but nothing that would show a desktop.
    at_boot = target == "graphical.target" and link_target(root, _DISPLAY_MANAGER) is not None
    if not shown and not at_boot:
        return ok("gui", "no desktop is running") if target or running else None
    found = f"running: {', '.join(shown)}" if shown else "a desktop is started at boot (graphical.target)"
    return Check(
        "gui",
        ADVICE,
        found,
        "A desktop uses 0.7 to 1 GB of memory, and CPU and GPU time whenever the screen changes.",
        "sudo systemctl set-default multi-user.target && sudo reboot",
    )


def _gpu(root: Path, identity: Identity) -> Optional[Check]:
    loads: List[float] = []
    if identity.family == JETSON:
        for file in gpu_load_files(root):
            text = read_text(root, file).text
            if text and re.match(r"[0-9]{1,4}\Z", text):
                loads.append(int(text) / 10.0)
                break
    elif identity.family == HOST and exists(root, "/proc/driver/nvidia"):
        sensors, _ = nvml.find(root, identity)
        readings = (sensor.read().value for sensor in sensors if sensor.quantity == LOAD)
        loads = [percent for percent in readings if percent is not None]
    if not loads:
        return None
    if max(loads) <= _MOST_GPU_PERCENT:
        return ok("gpu-busy", "the GPU is idle")
    return Check(
        "gpu-busy",
        PROBLEM,
        f"the GPU is {max(loads):.0f} % busy",
        "Another process is using the GPU that is to be measured.",
        "nvidia-smi  # on a Jetson: sudo cat /sys/kernel/debug/nvmap/iovmm/clients; then stop that process or container"
        if identity.family == HOST
        else "sudo cat /sys/kernel/debug/nvmap/iovmm/clients  # then stop that process or container",
    )
