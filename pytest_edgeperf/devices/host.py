"""What any Linux machine says of its processor, memory, system and virtualisation."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Dict, Optional, Tuple, TypeVar

from .files import exists, read_strings, read_text

T = TypeVar("T")
#: A value, or None and the reason why there is none.
Reading = Tuple[Optional[T], str]

_ARM_PARTS: Dict[int, Tuple[str, Dict[int, str]]] = {
    0x41: (
        "Arm",
        {
            0xD03: "Cortex-A53",
            0xD04: "Cortex-A35",
            0xD05: "Cortex-A55",
            0xD07: "Cortex-A57",
            0xD08: "Cortex-A72",
            0xD09: "Cortex-A73",
            0xD0A: "Cortex-A75",
            0xD0B: "Cortex-A76",
            0xD0C: "Neoverse-N1",
            0xD0D: "Cortex-A77",
            0xD40: "Neoverse-V1",
            0xD41: "Cortex-A78",
            0xD42: "Cortex-A78AE",
            0xD44: "Cortex-X1",
            0xD46: "Cortex-A510",
            0xD47: "Cortex-A710",
            0xD49: "Neoverse-N2",
            0xD4B: "Cortex-A78C",
            0xD4F: "Neoverse-V2",
            0xD81: "Cortex-A720",
            0xD83: "Neoverse-V3AE",
            0xD84: "Neoverse-V3",
            0xD8E: "Neoverse-N3",
        },
    ),
    0x4E: ("NVIDIA", {0x003: "Denver 2", 0x004: "Carmel", 0x010: "Olympus"}),
    0xC0: ("Ampere", {0xAC3: "AmpereOne"}),
}
_DEVICE_TREE_CPUS = {
    **{
        f"{vendor.lower()},{part.lower()}": f"{vendor} {part}"
        for vendor, parts in _ARM_PARTS.values()
        for part in parts.values()
    },
    "nvidia,tegra186-denver": "NVIDIA Denver 2",
    "nvidia,denver15": "NVIDIA Denver 2",
    "nvidia,tegra194-carmel": "NVIDIA Carmel",
}

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


def cpu_model(root: Path) -> Reading[str]:
    """The processor's name: of each kind of core on Arm, ``model name`` elsewhere."""
    content = read_text(root, "/proc/cpuinfo")
    text = content.text or ""
    names = set()
    for block in text.split("\n\n"):
        name = _arm_part(block)
        if name is not None:
            names.add(name)
    if not names:
        for path in sorted((root / "proc/device-tree/cpus").glob("cpu@*/compatible")):
            strings, _ = read_strings(root, "/" + path.relative_to(root).as_posix())
            names.update(_DEVICE_TREE_CPUS[item] for item in strings if item in _DEVICE_TREE_CPUS)
    if names:
        return " + ".join(sorted(names)), ""
    named = re.search(r"^model name\s*:\s*(\S.*)$", text, re.MULTILINE)
    # On Arm this line tells the instruction set and changes with who asks.
    if named is not None and not re.match(r"(ARM|AArch64)", named.group(1), re.IGNORECASE):
        return " ".join(named.group(1).split()), ""
    return None, content.reason or "/proc/cpuinfo names no processor that is known here"


def memory_mib(root: Path) -> Reading[int]:
    """The memory's nominal size in MiB.

    The kernel keeps some memory for itself, how much changes with every update: so ``MemTotal`` is
    rounded up to an eighth of the next power of two, which gives back the size that was built in.
    """
    content = read_text(root, "/proc/meminfo")
    if content.text is None:
        return None, content.reason or ""
    match = re.search(r"^MemTotal:\s*(\d+) kB$", content.text, re.MULTILINE)
    if match is None or int(match.group(1)) == 0:
        return None, "/proc/meminfo has no MemTotal"
    total_mib = -(-int(match.group(1)) // 1024)
    step_mib = max(1 << max((total_mib - 1).bit_length() - 3, 0), 64)
    return -(-total_mib // step_mib) * step_mib, ""


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
    machine, reason = _hypervisor(root, is_board)
    inside = container(root)
    if machine is None and inside is None:
        return None, reason
    parts = [part for part in (machine, inside) if part not in (None, "none")]
    return "+".join(str(part) for part in parts) or "none", ""


def _arm_part(block: str) -> Optional[str]:
    implementer = re.search(r"^CPU implementer\s*:\s*(0x[0-9a-fA-F]{1,4})$", block, re.MULTILINE)
    part = re.search(r"^CPU part\s*:\s*(0x[0-9a-fA-F]{1,4})$", block, re.MULTILINE)
    if implementer is None or part is None:
        return None
    vendor, parts = _ARM_PARTS.get(int(implementer.group(1), 16), ("", {}))
    name = parts.get(int(part.group(1), 16))
    return f"{vendor} {name}" if name else None


def _hypervisor(root: Path, is_board: bool) -> Reading[str]:
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
    return None, "neither /proc/cpuinfo nor /sys tells whether there is a hypervisor"


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
    try:
        namespace = os.readlink(root / "proc/self/ns/pid")
    except OSError:
        namespace = ""
    # An image that was unpacked to a disk keeps the files that mark a container.
    if namespace == _FIRST_PID_NAMESPACE:
        return None
    named = read_text(root, "/run/systemd/container").text
    if named:
        return named
    for path, name in (("/run/.containerenv", "podman"), ("/.dockerenv", "docker")):
        if exists(root, path):
            return name
    return "container" if namespace else None
