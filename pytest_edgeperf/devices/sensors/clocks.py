"""Clocks of the processor, the GPU and the memory in MHz, and how busy processor and GPU are in %."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Tuple

from ..clock_files import EMC_RATES, cpu_policies, first_integer, gpu_folder, gpu_load_files
from ..identity import Identity
from ..profiles import HOST, JETSON
from ..system_files import read_text
from .file_sensor import FileSensor, sort_out
from .interface import CLOCK, LOAD, Reading, Sensor, Unavailable

_STAT = "/proc/stat"
_KHZ_PER_MHZ = 1e3
_HZ_PER_MHZ = 1e6
#: A load file counts to 1000, and a clock of 0 or of over 10 GHz is none.
_PER_MILLE = 10.0
_LOWEST_MHZ = 0.001
_HIGHEST_MHZ = 1e4


def find(root: Path, identity: Identity) -> Tuple[List[Sensor], List[Unavailable]]:
    """The clocks and loads that can be read now, and the others with the reason.

    One clock for each group of cores that share one: ``clock_cpu0`` of a Nano's four cores. The GPU's and
    the memory's are a Tegra's; those of an NVIDIA card are NVML's.
    """
    sensors: List[Sensor] = []
    absent: List[Unavailable] = []
    policies = cpu_policies(root)
    candidates: List[Sensor] = [
        _clock(f"clock_{policy.name}", f"{policy.folder}/scaling_cur_freq", _KHZ_PER_MHZ, root) for policy in policies
    ]
    if not policies:
        reason = "the kernel does not scale clocks: there is no /sys/devices/system/cpu/cpufreq/policy*"
        if identity.family == HOST:
            reason += " (for a virtual machine its host does)"
        absent.append(Unavailable("clock_cpu", CLOCK, "/sys/devices/system/cpu/cpufreq", reason))
    candidates.append(CpuLoad(root))
    if identity.family == JETSON:
        candidates += _gpu(root, absent)
        candidates += _memory(root, absent)
    sort_out(candidates, sensors, absent)
    return sensors, absent


def parse_busy(text: str) -> Optional[Tuple[int, int]]:
    """The ticks that all processors were busy, and all their ticks, of /proc/stat; None where it has none."""
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name != "cpu":
            continue
        # user nice system idle iowait irq softirq steal; guest time is part of user's.
        fields = rest.split()[:8]
        if len(fields) < 4 or not all(field.isdecimal() and field.isascii() and len(field) <= 20 for field in fields):
            return None
        ticks = [int(field) for field in fields]
        return sum(ticks) - sum(ticks[3:5]), sum(ticks)
    return None


class CpuLoad:
    """How busy all processors were since the last reading, in %; at the first reading since boot."""

    name = "load_cpu"
    quantity = LOAD
    source = _STAT
    is_total = False

    def __init__(self, root: Path) -> None:
        self.refresh_hz: Optional[float] = None
        self._root = root
        self._last = (0, 0)

    def read(self) -> Reading:
        """The share of the ticks since the last reading, or the reason why there is none."""
        content = read_text(self._root, _STAT)
        if content.text is None:
            return Reading(None, content.reason)
        now = parse_busy(content.text)
        if now is None:
            return Reading(None, f"{_STAT} has no line of all processors")
        busy, ticks = now[0] - self._last[0], now[1] - self._last[1]
        if ticks <= 0 or not 0 <= busy <= ticks:
            return Reading(None, f"{_STAT} has not advanced since the last reading")
        self._last = now
        return Reading(100.0 * busy / ticks)


def _readable(candidates: List[FileSensor]) -> FileSensor:
    """The first that can be read; else the first whose file is there, as its reason is the most useful."""
    there = [sensor for sensor in candidates if read_text(sensor.root, sensor.source).exists]
    readable = (sensor for sensor in there if sensor.read().value is not None)
    return next(readable, (there or candidates)[0])


def _gpu(root: Path, absent: List[Unavailable]) -> List[Sensor]:
    loads = [FileSensor("load_gpu", LOAD, file, root, _PER_MILLE, highest=100.0) for file in gpu_load_files(root)]
    sensors: List[Sensor] = [_readable(loads)]
    folder = gpu_folder(root)
    if folder is None:
        reason = "/sys/class/devfreq lists no GPU"
        absent.append(Unavailable("clock_gpu", CLOCK, "/sys/class/devfreq", reason))
    else:
        sensors.append(_clock("clock_gpu", f"{folder}/cur_freq", _HZ_PER_MHZ, root))
    return sensors


def _memory(root: Path, absent: List[Unavailable]) -> List[Sensor]:
    rate, source, reason = first_integer(root, EMC_RATES)
    if rate is None:
        absent.append(Unavailable("clock_emc", CLOCK, source, f"{reason}; only root can read the memory clock"))
        return []
    return [_clock("clock_emc", source, _HZ_PER_MHZ, root)]


def _clock(name: str, source: str, per_mhz: float, root: Path) -> FileSensor:
    return FileSensor(name, CLOCK, source, root, per_mhz, _LOWEST_MHZ, _HIGHEST_MHZ)
