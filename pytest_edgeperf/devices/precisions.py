"""What a device's processors can compute by themselves in a numeric format, and what they only imitate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, FrozenSet, Mapping, Optional, Tuple

from .profiles import Profile
from .system_files import read_text

CPU = "cpu"
GPU = "gpu"

#: Format -> the CPU's flags of which one is enough: x86, then ARM. Sources: Linux, Documentation/arch/x86/cpuinfo.rst
#: and Documentation/arch/arm64/elf_hwcaps.rst.
_CPU_FLAGS: Mapping[str, Tuple[str, ...]] = {
    "fp16": ("avx512_fp16", "amx_fp16", "asimdhp"),
    "bf16": ("avx512_bf16", "amx_bf16", "bf16"),
    "int8": ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"),
}
#: Pascal's Tegra and its server chip lack the dot products of 6.1.
_NO_INT8 = (6.0, 6.2)
#: Format -> the GPU's least compute capability and the reason for lower ones. Sources: NVIDIA, TensorRT support matrix
#: ("Hardware and precision"), CUDA C++ programming guide, arithmetic instructions.
_GPU_FROM: Mapping[str, Tuple[float, str]] = {
    "int8": (6.1, "its GPU has no int8 instructions (compute capability {}; needs 6.1, or 7.0 and newer)"),
    "bf16": (8.0, "its GPU has no bf16 (compute capability {}; needs 8.0 or newer)"),
    "tf32": (8.0, "its GPU has no tf32 (compute capability {}; needs 8.0 or newer)"),
}


def lacks(profile: Profile, processor: str, precision: str) -> Optional[str]:
    """Why the device cannot run the precision on its ``cpu`` or ``gpu`` at all, or ``None``.

    A CPU can compute everything in some way; see :func:`imitates`.
    """
    figure = profile.hardware.get("compute_capability")
    if processor != GPU or precision not in _GPU_FROM or figure is None:
        return None
    least, reason = _GPU_FROM[precision]
    capability = float(figure.value)
    return (
        reason.format(figure.value) if capability < least or (precision == "int8" and capability in _NO_INT8) else None
    )


def imitates(root: Path, precision: str) -> Optional[str]:
    """A sentence where this CPU has no instructions for the precision; ``None`` where it has, or is unknown."""
    flags = cpu_flags(root)
    wanted = _CPU_FLAGS.get(precision)
    if not flags or wanted is None or flags & set(wanted):
        return None
    how: Dict[str, str] = {
        "fp16": "runtimes convert to fp32 and back",
        "bf16": "runtimes convert to fp32 and back",
        "int8": "runtimes use wider multiplications",
    }
    return f"this CPU has no {precision} instructions, so {how[precision]}; {precision} is not faster by itself"


def cpu_flags(root: Path) -> FrozenSet[str]:
    """What ``/proc/cpuinfo`` says that the first processor can do: ``flags`` of x86, ``Features`` of ARM."""
    match = re.search(r"^(?:flags|Features)\s*:(.*)$", read_text(root, "/proc/cpuinfo").text or "", re.MULTILINE)
    return frozenset(match.group(1).split()) if match else frozenset()
