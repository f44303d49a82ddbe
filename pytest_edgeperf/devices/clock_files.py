"""Where the kernel shows the clocks of the processor, the GPU and the memory, and their limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

from .system_files import exists, names_in, read_integer, read_text
from .topology import online_cpus, read_cpu_list

_CPUS = "/sys/devices/system/cpu"
_DEVFREQ = "/sys/class/devfreq"

#: The GPU in /sys/class/devfreq, generation by generation; Thor has two parts, of which gpc computes.
_GPU_NAMES = (r".*\.gpu", r".*\.(?:gm20b|gp10b|gv11b|ga10b)", r"gpu-gpc.*", r"gpu-nvd.*")
#: Where it is if the class does not list it.
_GPU_FOLDERS = (
    "/sys/devices/57000000.gpu/devfreq/57000000.gpu",
    "/sys/devices/gpu.0/devfreq/57000000.gpu",
    "/sys/devices/17000000.gp10b/devfreq/17000000.gp10b",
    "/sys/devices/17000000.gv11b/devfreq/17000000.gv11b",
    "/sys/devices/17000000.ga10b/devfreq/17000000.ga10b",
    "/sys/devices/platform/bus@0/17000000.gpu/devfreq/17000000.gpu",
    "/sys/devices/platform/17000000.gpu/devfreq/17000000.gpu",
)

#: The memory controller's clock, readable by root only: of Nano and TX1, then of the others.
EMC_RATES = (
    "/sys/kernel/debug/clk/emc/clk_rate",
    "/sys/kernel/debug/bpmp/debug/clk/emc/rate",
)
EMC_MAX_RATES = ("/sys/kernel/debug/tegra_bwmgr/emc_max_rate", "/sys/kernel/debug/bpmp/debug/clk/emc/max_rate")
#: Whether something holds the memory's clock where it is: 1 or 0.
EMC_LOCKS = ("/sys/kernel/debug/clk/override.emc/clk_state", "/sys/kernel/debug/bpmp/debug/clk/emc/mrq_rate_locked")
#: The power mode's cap of the memory's clock, readable by all; 0 is no cap.
EMC_CAPS = ("/sys/kernel/nvpmodel_clk_cap/emc", "/sys/kernel/nvpmodel_emc_cap/emc_iso_cap")


@dataclass(frozen=True)
class Policy:
    """Cores that share a clock: the folder of its files, and those of its cores that are online."""

    folder: str
    cpus: Tuple[int, ...]

    @property
    def name(self) -> str:
        """``cpu0`` of cores 0 to 3."""
        return f"cpu{self.cpus[0]}"


def cpu_policies(root: Path) -> List[Policy]:
    """The clock domains of the cores that are online, in order; none where the kernel does not scale clocks."""
    online = online_cpus(root)
    policies: List[Policy] = []
    for entry in names_in(root, f"{_CPUS}/cpufreq"):
        match = re.match(r"policy([0-9]{1,5})\Z", entry)
        if match is None:
            continue
        folder = f"{_CPUS}/cpufreq/{entry}"
        cpus = tuple(cpu for cpu in _cpus_of(root, folder, int(match.group(1))) if not online or cpu in online)
        if cpus:
            policies.append(Policy(folder, cpus))
    if policies:
        return sorted(policies, key=lambda policy: policy.cpus)
    folders = ((cpu, f"{_CPUS}/cpu{cpu}/cpufreq") for cpu in online)
    return [Policy(folder, (cpu,)) for cpu, folder in folders if exists(root, folder)]


def gpu_folder(root: Path) -> Optional[str]:
    """The devfreq folder of a Tegra's GPU, or None."""
    listed = names_in(root, _DEVFREQ)
    for pattern in _GPU_NAMES:
        for name in listed:
            if re.fullmatch(pattern, name):
                return f"{_DEVFREQ}/{name}"
    return next((folder for folder in _GPU_FOLDERS if exists(root, folder)), None)


def gpu_load_files(root: Path) -> List[str]:
    """The files that may hold a Tegra GPU's load in per mille, the likeliest first."""
    files = ["/sys/devices/gpu.0/load", "/sys/devices/platform/gpu.0/load"]
    folder = gpu_folder(root)
    return [*files, f"{folder}/device/load"] if folder else files


def first_integer(root: Path, paths: Tuple[str, ...]) -> Tuple[Optional[int], str, str]:
    """The number in the first file that can be read, and that file; else None, a file and the reason.

    The reason of a file that is there and cannot be read outweighs those of files that are not there.
    """
    problem: Optional[Tuple[str, str]] = None
    for path in paths:
        number, reason = read_integer(root, path)
        if number is not None:
            return number, path, ""
        if problem is None and read_text(root, path).exists:
            problem = (path, reason)
    if problem is not None:
        return None, problem[0], problem[1]
    return None, paths[-1], f"there is neither {' nor '.join(paths)}" if len(paths) > 1 else f"there is no {paths[0]}"


def _cpus_of(root: Path, folder: str, first: int) -> Tuple[int, ...]:
    for name in ("affected_cpus", "related_cpus"):
        cpus = read_cpu_list(root, f"{folder}/{name}")
        if cpus:
            return cpus
    return (first,)


def cpu_list(cpus: Tuple[int, ...]) -> str:
    """The kernel's way to write these CPUs: ``0-3,8``; the inverse of ``parse_cpu_list``."""
    runs: List[List[int]] = []
    for cpu in sorted(set(cpus)):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
