"""How much of a GPU's memory processes hold: from nvmap's list on a Tegra, from NVML on a card."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Collection, Dict, Optional, Protocol

from ..identity import Identity
from ..profiles import HOST, JETSON
from . import memory, nvml
from .interface import Reading


class DeviceMemory(Protocol):
    """Reads how much of the GPU's memory processes hold."""

    source: str

    def held_by(self, pids: Collection[int]) -> Reading:
        """What these processes hold together now, in MiB; 0 where the list does not name them. Never raises."""


def find(root: Path, identity: Identity, library: Any = None) -> Optional[DeviceMemory]:
    """The source on this machine; ``None`` where there is none, such as without a GPU or without permission.

    Args:
        root: NVML speaks of this machine only, so under another root only nvmap's list counts.
        identity: what the machine is.
        library: pynvml, or what the tests put in its place; imported if None.
    """
    candidates: Dict[str, DeviceMemory] = {JETSON: _NvMapClients(root), HOST: _NvmlProcesses(root, library)}
    candidate = candidates.get(identity.family)
    return candidate if candidate is not None and candidate.held_by(()).value is not None else None


class _NvMapClients:
    source = memory.NVMAP_CLIENTS

    def __init__(self, root: Path) -> None:
        self._root = root

    def held_by(self, pids: Collection[int]) -> Reading:
        return memory.nvmap_of_processes(self._root, pids)


class _NvmlProcesses:
    source = f"{nvml.SOURCE} nvmlDeviceGetComputeRunningProcesses"

    def __init__(self, root: Path, library: Any) -> None:
        self._root = root
        self._library = library

    def held_by(self, pids: Collection[int]) -> Reading:
        return nvml.memory_of_processes(self._root, pids, self._library)
