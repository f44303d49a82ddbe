"""What a processor is called: on Arm after the part numbers of all its cores, elsewhere as the kernel says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Set, Tuple

from .system_files import names_in, read_strings, read_text

_CPUINFO = "/proc/cpuinfo"
_TREES = ("/proc/device-tree/cpus", "/sys/firmware/devicetree/base/cpus", "/mnt/device-tree/cpus")

#: Implementer -> its name, and part -> the core's. Sources: Linux, arch/arm64/include/asm/cputype.h and
#: arch/arm/include/asm/cputype.h; util-linux, lscpu's table; LLVM, llvm/lib/TargetParser/Host.cpp.
_PARTS: Mapping[int, Tuple[str, Mapping[int, str]]] = {
    0x41: (
        "Arm",
        {
            0xB76: "ARM1176",
            0xC05: "Cortex-A5",
            0xC07: "Cortex-A7",
            0xC08: "Cortex-A8",
            0xC09: "Cortex-A9",
            0xC0D: "Cortex-A12",
            0xC0E: "Cortex-A17",
            0xC0F: "Cortex-A15",
            0xD01: "Cortex-A32",
            0xD02: "Cortex-A34",
            0xD03: "Cortex-A53",
            0xD04: "Cortex-A35",
            0xD05: "Cortex-A55",
            0xD06: "Cortex-A65",
            0xD07: "Cortex-A57",
            0xD08: "Cortex-A72",
            0xD09: "Cortex-A73",
            0xD0A: "Cortex-A75",
            0xD0B: "Cortex-A76",
            0xD0C: "Neoverse-N1",
            0xD0D: "Cortex-A77",
            0xD0E: "Cortex-A76AE",
            0xD13: "Cortex-R52",
            0xD15: "Cortex-R82",
            0xD40: "Neoverse-V1",
            0xD41: "Cortex-A78",
            0xD42: "Cortex-A78AE",
            0xD43: "Cortex-A65AE",
            0xD44: "Cortex-X1",
            0xD46: "Cortex-A510",
            0xD47: "Cortex-A710",
            0xD48: "Cortex-X2",
            0xD49: "Neoverse-N2",
            0xD4A: "Neoverse-E1",
            0xD4B: "Cortex-A78C",
            0xD4C: "Cortex-X1C",
            0xD4D: "Cortex-A715",
            0xD4E: "Cortex-X3",
            0xD4F: "Neoverse-V2",
            0xD80: "Cortex-A520",
            0xD81: "Cortex-A720",
            0xD82: "Cortex-X4",
            0xD83: "Neoverse-V3AE",
            0xD84: "Neoverse-V3",
            0xD85: "Cortex-X925",
            0xD87: "Cortex-A725",
            0xD88: "Cortex-A520AE",
            0xD89: "Cortex-A720AE",
            0xD8B: "C1-Pro",
            0xD8C: "C1-Ultra",
            0xD8E: "Neoverse-N3",
            0xD90: "C1-Premium",
        },
    ),
    0x42: ("Broadcom", {0x00F: "Brahma-B15", 0x100: "Brahma-B53", 0x516: "Vulcan"}),
    0x43: (
        "Cavium",
        {
            0x0A0: "ThunderX",
            0x0A1: "ThunderX 88XX",
            0x0A2: "ThunderX 81XX",
            0x0A3: "ThunderX 83XX",
            0x0AF: "ThunderX2 99xx",
            0x0B0: "OcteonTX2",
            0x0B1: "OcteonTX2 98XX",
            0x0B2: "OcteonTX2 96XX",
            0x0B3: "OcteonTX2 95XX",
            0x0B4: "OcteonTX2 95XXN",
            0x0B5: "OcteonTX2 95XXMM",
            0x0B6: "OcteonTX2 95XXO",
            0x0B8: "ThunderX3 T110",
        },
    ),
    0x46: ("Fujitsu", {0x001: "A64FX"}),
    0x48: ("HiSilicon", {0xD01: "TaiShan v110", 0xD02: "TaiShan v120"}),
    0x4E: ("NVIDIA", {0x000: "Denver", 0x003: "Denver 2", 0x004: "Carmel", 0x010: "Olympus"}),
    0x50: ("APM", {0x000: "X-Gene"}),
    0x51: (
        "Qualcomm",
        {
            0x001: "Oryon",
            0x00F: "Scorpion",
            0x02D: "Scorpion",
            0x04D: "Krait",
            0x06F: "Krait",
            0x201: "Kryo",
            0x205: "Kryo",
            0x211: "Kryo",
            0x800: "Kryo 2xx Gold",
            0x801: "Kryo 2xx Silver",
            0x802: "Kryo 3xx Gold",
            0x803: "Kryo 3xx Silver",
            0x804: "Kryo 4xx Gold",
            0x805: "Kryo 4xx Silver",
            0xC00: "Falkor",
            0xC01: "Saphira",
        },
    ),
    0x53: ("Samsung", {0x001: "Exynos M1", 0x002: "Exynos M3", 0x003: "Exynos M4", 0x004: "Exynos M5"}),
    0x56: ("Marvell", {0x131: "Feroceon 88FR131", 0x581: "PJ4", 0x584: "PJ4B-MP"}),
    0x61: (
        "Apple",
        {
            0x020: "Icestorm (A14)",
            0x021: "Firestorm (A14)",
            0x022: "Icestorm (M1)",
            0x023: "Firestorm (M1)",
            0x024: "Icestorm (M1 Pro)",
            0x025: "Firestorm (M1 Pro)",
            0x028: "Icestorm (M1 Max)",
            0x029: "Firestorm (M1 Max)",
            0x030: "Blizzard (A15)",
            0x031: "Avalanche (A15)",
            0x032: "Blizzard (M2)",
            0x033: "Avalanche (M2)",
        },
    ),
    0x66: ("Faraday", {0x526: "FA526", 0x626: "FA626"}),
    0x6D: ("Microsoft", {0xD49: "Azure Cobalt 100"}),
    0x70: ("Phytium", {0x660: "FTC660", 0x661: "FTC661", 0x662: "FTC662", 0x663: "FTC663"}),
    0xC0: ("Ampere", {0xAC3: "AmpereOne", 0xAC4: "AmpereOne A"}),
}
_TREE_NAMES: Dict[str, str] = {
    **{
        f"{vendor.lower()},{part.lower()}": f"{vendor} {part}"
        for vendor, parts in _PARTS.values()
        for part in parts.values()
    },
    "arm,arm1176jzf-s": "Arm ARM1176",
    "nvidia,tegra186-denver": "NVIDIA Denver 2",
    "nvidia,denver15": "NVIDIA Denver 2",
    "nvidia,tegra194-carmel": "NVIDIA Carmel",
}


def cpu_model(root: Path) -> Tuple[Optional[str], str]:
    """The processor's name, or None and the reason: of each kind of core on Arm, ``model name`` elsewhere.

    A core that nobody has named keeps its numbers, as one kind of core is never the name of all.
    """
    numbers = arm_parts(root)
    names = {name for name in map(_name, numbers) if name}
    unknown = sorted(_number(*number) for number in numbers if _name(number) is None)
    if unknown or not numbers:
        names = _names_of_tree(root) or (names and names.union(unknown))
    if names:
        return " + ".join(sorted(names)), ""
    if unknown:
        return None, f"{_CPUINFO} lists {', '.join(unknown)}, which is not known here"
    content = read_text(root, _CPUINFO)
    lines = re.findall(r"^model name\s*:[ \t]*(\S.*)$", content.text or "", re.MULTILINE)
    models = {" ".join(name.split()) for name in lines}
    # On Arm this line names the instruction set and depends on the reader.
    models = {name for name in models if not re.match(r"(ARM|AArch64)", name, re.IGNORECASE)}
    if models:
        return " + ".join(sorted(models)), ""
    return None, content.reason or f"{_CPUINFO} names no processor that is known here"


def arm_parts(root: Path) -> Set[Tuple[int, int]]:
    """Implementer and part of each kind of core that /proc/cpuinfo lists; none on other processors."""
    parts: Set[Tuple[int, int]] = set()
    implementer: Optional[int] = None
    for line in (read_text(root, _CPUINFO).text or "").splitlines():
        match = re.match(r"CPU (implementer|part)\s*:\s*(0x[0-9a-fA-F]{1,4})\s*\Z", line)
        if match is None:
            continue
        number = int(match.group(2), 16)
        if match.group(1) == "implementer":
            implementer = number
        elif implementer is not None:
            parts.add((implementer, number))
    return parts


def _name(number: Tuple[int, int]) -> Optional[str]:
    vendor, parts = _PARTS.get(number[0], ("", {}))
    name = parts.get(number[1])
    return f"{vendor} {name}" if name else None


def _number(implementer: int, part: int) -> str:
    vendor = _PARTS[implementer][0] if implementer in _PARTS else f"implementer 0x{implementer:02x}"
    return f"{vendor} part 0x{part:03x}"


def _names_of_tree(root: Path) -> Set[str]:
    """The names of all cores in the device tree; none where it does not name one of them."""
    names: List[Optional[str]] = []
    tree = next((tree for tree in _TREES if names_in(root, tree)), _TREES[0])
    for node in names_in(root, tree):
        if re.match(r"cpu@", node):
            strings, _ = read_strings(root, f"{tree}/{node}/compatible")
            names.append(next((_TREE_NAMES[item] for item in strings if item in _TREE_NAMES), None))
    return {name for name in names if name} if None not in names else set()
