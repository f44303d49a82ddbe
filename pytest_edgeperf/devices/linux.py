"""What any Linux machine reports about its processor, memory, system and virtualisation."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Optional, Tuple, TypeVar

from .system_files import exists, link_target, read_strings, read_text

T = TypeVar("T")
#: A value, or None and the reason why there is none.
Reading = Tuple[Optional[T], str]

_CLOCKS = {"kvm-clock": "kvm", "hyperv_clocksource_tsc_page": "hyper-v", "hyperv_clocksource_msr": "hyper-v"}
_VENDORS = (
    ("kvm", "kvm"),
    ("qemu", "qemu"),
    ("vmware", "vmware"),
    ("virtualbox", "virtualbox"),
    ("innotek", "virtualbox"),
    ("xen", "xen"),
    ("parallels", "parallels"),
    ("bhyve", "bhyve"),
    ("apple virtualization", "apple"),
    ("google compute engine", "google"),
    ("amazon ec2", "amazon"),
    ("microsoft corporation virtual machine", "hyper-v"),
)
_DMI = "/sys/class/dmi/id"
#: The inode that the kernel gives the first PID namespace: who is in it is in no container.
_FIRST_PID_NAMESPACE = "pid:[4026531836]"
#: proc(5): four fields, root, mount point, and after the dash type, source and options; here of an overlay on "/".
_OVERLAY = re.compile(r"^(?:\S+ ){4}/ .*? - overlay \S+ (\S+)$", re.MULTILINE)
#: Where Docker, containerd and Podman keep the layers of images.
_LAYERS = re.compile(r"/(docker|containerd|io\.containerd\.[^/]*|containers/storage)/")


def operating_system(root: Path) -> Reading[str]:
    """The distribution's name and version, from os-release."""
    content = read_text(root, "/etc/os-release")
    if content.text is None:
        content = read_text(root, "/usr/lib/os-release")
    if content.text is None:
        return None, content.reason or ""
    fields = {
        name: value.strip().strip("'\"")
        for name, equals, value in (line.strip().partition("=") for line in content.text.splitlines())
        if equals
    }
    text = fields.get("PRETTY_NAME") or " ".join(fields[name] for name in ("NAME", "VERSION") if fields.get(name))
    return (text, "") if text else (None, f"{content.path} has no PRETTY_NAME and no NAME")


def kernel(root: Path) -> Reading[str]:
    """The kernel's line, such as ``6.18``: its patch level changes with every update."""
    content = read_text(root, "/proc/sys/kernel/osrelease")
    if content.text is None:
        return None, content.reason or ""
    match = re.match(r"(\d+\.\d+)", content.text)
    return (match.group(1), "") if match else (None, f"{content.path} holds no version")


def architecture(root: Path) -> Reading[str]:
    """The kernel's architecture, such as ``aarch64``."""
    content = read_text(root, "/proc/sys/kernel/arch")
    if content.text:
        return content.text, ""
    # Linux before 6.1 has no such file; uname speaks of this machine only.
    if root == Path("/"):
        return os.uname().machine, ""
    return None, content.reason or f"{content.path} is empty"


def virtualised(root: Path, *, is_board: bool) -> Reading[str]:
    """What lies between us and the hardware: ``kvm``, ``docker``, ``kvm+docker``, ``vm``, …, or ``none``.

    ``is_board`` says that the device tree describes a known board, which a virtual machine's does not.
    """
    machine, reason = hypervisor(root, is_board=is_board)
    inside = container(root)
    if machine is None and inside is None:
        return None, reason
    parts = [part for part in (machine, inside) if part not in (None, "none")]
    return "+".join(str(part) for part in parts) or "none", ""


def hypervisor(root: Path, *, is_board: bool) -> Reading[str]:
    """The hypervisor, such as ``kvm``, or ``none``; ``is_board`` as for :func:`virtualised`."""
    kind = read_text(root, "/sys/hypervisor/type").text
    if kind:
        return kind.lower(), ""
    for item in read_strings(root, "/proc/device-tree/hypervisor/compatible")[0]:
        return item.rpartition(",")[2], ""
    flags = re.search(r"^flags\s*:(.*)$", read_text(root, "/proc/cpuinfo").text or "", re.MULTILINE)
    if flags is not None:
        if "hypervisor" not in flags.group(1).split():
            return "none", ""
        return _clock(root) or _vendor(root) or "vm", ""
    name = _vendor(root)
    if name is not None:
        return name, ""
    if is_board or read_text(root, f"{_DMI}/sys_vendor").text:
        return "none", ""
    # The device tree that QEMU, Firecracker and Cloud Hypervisor make for an Arm guest.
    if "linux,dummy-virt" in read_strings(root, "/proc/device-tree/compatible")[0]:
        return "vm", ""
    return None, "neither /proc/cpuinfo nor /sys shows whether there is a hypervisor"


def _clock(root: Path) -> Optional[str]:
    clocks = read_text(root, "/sys/devices/system/clocksource/clocksource0/available_clocksource").text or ""
    return next((_CLOCKS[clock] for clock in clocks.split() if clock in _CLOCKS), None)


def _vendor(root: Path) -> Optional[str]:
    texts = (read_text(root, f"{_DMI}/{name}").text for name in ("sys_vendor", "product_name"))
    text = " ".join(text for text in texts if text).lower()
    if ".metal" in text:
        return None
    return next((name for sign, name in _VENDORS if sign in text), None)


def container(root: Path) -> Optional[str]:
    """The container that this process is in, such as ``docker``; None where there is no sign of one."""
    namespace = link_target(root, "/proc/self/ns/pid")
    # An image that was unpacked to a disk keeps the files that mark a container.
    if namespace == _FIRST_PID_NAMESPACE:
        return None
    return _marked(root) or ("container" if namespace else None)


def image(root: Path) -> Optional[str]:
    """The container whose image ``/etc`` may be of, such as ``docker``; None where there is no sign of one.

    Stricter than :func:`container`: one that shares the machine's processes (``--pid=host``) has files of its own.
    """
    inside = container(root) or _marked(root)
    if inside is not None:
        return inside
    mounts = _OVERLAY.findall(read_text(root, "/proc/self/mountinfo").text or "")
    return "container" if any(_LAYERS.search(options) for options in mounts) else None


def _marked(root: Path) -> Optional[str]:
    named = read_text(root, "/run/systemd/container").text
    if named:
        return named
    marks = (("/run/.containerenv", "podman"), ("/.dockerenv", "docker"))
    return next((name for path, name in marks if exists(root, path)), None)
