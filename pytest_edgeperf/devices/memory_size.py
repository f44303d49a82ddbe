"""How much memory is built into the machine, whatever its firmware and kernel keep of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional, Sequence, Tuple

from .identity import Identity
from .profile import JETSON, RASPBERRY_PI
from .system_files import read_text

_MEMINFO = "/proc/meminfo"
_MIB_PER_GIB = 1024
#: Boards of these families are sold with powers of two.
_POWERS_MIB = tuple(1 << power for power in range(8, 18))


def memory_mib(root: Path, identity: Identity) -> Tuple[Optional[int], str]:
    """The memory's nominal size in MiB, or None and the reason.

    That of the module or board where its number says it; else the least of the sizes with which it is sold that holds
    ``MemTotal``. On other machines ``MemTotal`` is rounded up to an eighth of the next power of two, which as a rule
    gives back what was built in: the kernel keeps some for itself, how much changes with every update.
    """
    coded = _by_revision(root) if identity.family == RASPBERRY_PI else None
    if coded is not None:
        return coded, ""
    sizes: Sequence[int] = [round(gib * _MIB_PER_GIB) for gib in identity.memory_gib]
    total_mib, reason = _total_mib(root)
    if total_mib is None:
        return (sizes[0], "") if len(sizes) == 1 else (None, reason)
    if not sizes and identity.family in (JETSON, RASPBERRY_PI):
        sizes = _POWERS_MIB
    fitting = [size for size in sizes if size >= total_mib]
    if fitting:
        return min(fitting), ""
    step_mib = max(1 << max((total_mib - 1).bit_length() - 3, 0), 64)
    return -(-total_mib // step_mib) * step_mib, ""


def _total_mib(root: Path) -> Tuple[Optional[int], str]:
    content = read_text(root, _MEMINFO)
    if content.text is None:
        return None, content.reason or ""
    match = re.search(r"^MemTotal:\s*(\d{1,18}) kB$", content.text, re.MULTILINE)
    if match is None or int(match.group(1)) == 0:
        return None, f"{_MEMINFO} has no MemTotal"
    return -(-int(match.group(1)) // 1024), ""


def _by_revision(root: Path) -> Optional[int]:
    """The size in a Raspberry Pi's revision code; None of codes of the first boards, which do not hold it.

    Source: Raspberry Pi documentation, "Raspberry Pi revision codes": bit 23 marks new codes, bits 20 to 22 the size.
    """
    match = re.search(r"^Revision\s*:\s*([0-9a-fA-F]{1,8})$", read_text(root, "/proc/cpuinfo").text or "", re.MULTILINE)
    code = int(match.group(1), 16) if match is not None else 0
    size = code >> 20 & 7
    return 256 << size if code >> 23 & 1 and size <= 6 else None
