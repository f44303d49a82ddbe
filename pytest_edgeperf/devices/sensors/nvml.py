"""NVIDIA's management library: power, temperature, clock, load and memory of graphics cards, and what slows them.

Read through pynvml (the package nvidia-ml-py), which is imported only when somebody looks. The library of
Jetson Orin answers that it supports next to nothing, so each quantity is asked before it counts as a sensor.
"""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Collection, List, Optional, Tuple

from ..identity import Identity
from ..profiles import JETSON, RASPBERRY_PI
from ..system_files import exists
from .file_sensor import sort_out
from .interface import CLOCK, LOAD, MEMORY, POWER, TEMPERATURE, Reading, Sensor, Unavailable

SOURCE = "NVML"
_DRIVER = "/proc/driver/nvidia"
_BYTES_PER_MIB = 1024.0 * 1024.0
#: NVML's "not available" of 32 and of 64 bits.
_NOT_AVAILABLE = (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)

#: Bits of nvmlDeviceGetCurrentClocksEventReasons: name, and whether it says that the card was made slower
#: than its clocks are set to. Source: nvml.h.
_REASONS = (
    (0x001, "idle", False),
    (0x002, "application clocks", False),
    (0x004, "software power cap", True),
    (0x008, "hardware slowdown", True),
    (0x010, "sync boost", False),
    (0x020, "software thermal slowdown", True),
    (0x040, "hardware thermal slowdown", True),
    (0x080, "power brake", True),
    (0x100, "display clocks", False),
)


@dataclass(frozen=True)
class ClockReasons:
    """Why a card's clocks are what they are now: all reasons, and those that slow it down.

    Both are None where the card does not report them, for the ``problem``.
    """

    gpu: str
    reasons: Optional[Tuple[str, ...]]
    throttling: Optional[Tuple[str, ...]]
    problem: str = ""


def find(root: Path, identity: Identity, library: Any = None) -> Tuple[List[Sensor], List[Unavailable]]:
    """What each card reports (``power_gpu``; ``power_gpu0``, ``power_gpu1`` of several), and the rest with the reason.

    A card's power is its board's, not the machine's, so it is no total. On a Jetson the names end in
    ``_nvml``, as the kernel's files show the same.

    Args:
        root: NVML speaks of this machine only, so under another root there is nothing.
        identity: what the machine is.
        library: pynvml, or what the tests put in its place; imported if None.
    """
    sensors: List[Sensor] = []
    absent: List[Unavailable] = []
    if identity.family == RASPBERRY_PI:
        return sensors, absent
    try:
        library = _started(root, library)
        cards = _cards(library)
    except Exception as error:  # an optional library may fail in any way
        return [], [Unavailable("nvml", POWER, SOURCE, f"{_why(error)}; {_driver(root, error)}")]
    end = "_nvml" if identity.family == JETSON else ""
    for name, handle in cards:
        sort_out([_sensor(library, quantity, name, end, handle) for quantity in _CALLS], sensors, absent)
    if not cards:
        absent.append(Unavailable("nvml", POWER, SOURCE, "NVML lists no GPU"))
    return sensors, absent


def memory_of_processes(root: Path, pids: Collection[int], library: Any = None) -> Reading:
    """What these processes hold on all cards together, in MiB; a process that no card lists holds nothing.

    Not every driver reports it: in WSL, and for processes in a partition of a card, there is a reason instead.
    """
    try:
        library = _started(root, library)
        listed = [
            process for _, handle in _cards(library) for process in library.nvmlDeviceGetComputeRunningProcesses(handle)
        ]
        held = [_told(process.usedGpuMemory) for process in listed if process.pid in pids]
    except Exception as error:  # an optional library may fail in any way
        return Reading(None, _why(error))
    return Reading(sum(held) / _BYTES_PER_MIB)


def clock_reasons(root: Path, library: Any = None) -> List[ClockReasons]:
    """What holds each card's clocks down now; empty where NVML or a card is not there."""
    try:
        library = _started(root, library)
        cards = _cards(library)
    except Exception:  # an optional library may fail in any way
        return []
    return [_clock_reasons(library, name, handle) for name, handle in cards]


def parse_reasons(bits: int) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """The names of all set reasons, and of those that slow the card down; bits without a name are left out."""
    held = [(name, slows) for bit, name, slows in _REASONS if bits & bit]
    return tuple(name for name, _ in held), tuple(name for name, slows in held if slows)


@dataclass
class _NvmlSensor:
    name: str
    quantity: str
    source: str
    ask: Callable[[], float]
    refresh_hz: Optional[float] = None
    is_total: bool = False

    def read(self) -> Reading:
        try:
            value = self.ask()
        except Exception as error:  # a card may vanish, and a binding may lack a function
            return Reading(None, f"{self.source}: {_why(error)}")
        return Reading(value)


def _power(library: Any, handle: Any) -> float:
    return _told(library.nvmlDeviceGetPowerUsage(handle))


def _temperature(library: Any, handle: Any) -> float:
    return _told(library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU))


def _clock(library: Any, handle: Any) -> float:
    return _told(library.nvmlDeviceGetClockInfo(handle, library.NVML_CLOCK_SM))


def _load(library: Any, handle: Any) -> float:
    return _told(library.nvmlDeviceGetUtilizationRates(handle).gpu)


def _memory(library: Any, handle: Any) -> float:
    return _told(library.nvmlDeviceGetMemoryInfo(handle).used) / _BYTES_PER_MIB


def _told(value: Any) -> float:
    if value is None or value in _NOT_AVAILABLE:
        raise LookupError("NVML reports it as not available")
    return float(value)


#: Quantity, name of the function that reports it, and how it is called, in the quantity's unit.
_CALLS: Tuple[Tuple[str, str, Callable[[Any, Any], float]], ...] = (
    (POWER, "nvmlDeviceGetPowerUsage", _power),
    (TEMPERATURE, "nvmlDeviceGetTemperature", _temperature),
    (CLOCK, "nvmlDeviceGetClockInfo", _clock),
    (LOAD, "nvmlDeviceGetUtilizationRates", _load),
    (MEMORY, "nvmlDeviceGetMemoryInfo", _memory),
)


def _sensor(
    library: Any, call: Tuple[str, str, Callable[[Any, Any], float]], card: str, end: str, handle: Any
) -> _NvmlSensor:
    quantity, function, ask = call
    return _NvmlSensor(f"{quantity}_{card}{end}", quantity, f"{SOURCE} {function}", lambda: ask(library, handle))


def _clock_reasons(library: Any, name: str, handle: Any) -> ClockReasons:
    # Called "throttle reasons" before the driver 535.
    ask = getattr(library, "nvmlDeviceGetCurrentClocksEventReasons", None)
    older = getattr(library, "nvmlDeviceGetCurrentClocksThrottleReasons", None)
    problem = "this pynvml has no such function"
    for function in (ask, older):
        if function is None:
            continue
        try:
            reasons, throttling = parse_reasons(int(function(handle)))
        except Exception as error:  # as above; an older driver has the older function only
            problem = _why(error)
        else:
            return ClockReasons(name, reasons, throttling)
    return ClockReasons(name, None, None, problem)


def _started(root: Path, library: Any) -> Any:
    if library is None:
        if root != Path("/"):
            raise RuntimeError("NVML reports on this machine only, not on a recorded one")
        with warnings.catch_warnings():
            # The old package named pynvml warns that it is old.
            warnings.simplefilter("ignore")
            library = importlib.import_module("pynvml")
    library.nvmlInit()
    return library


def _cards(library: Any) -> List[Tuple[str, Any]]:
    count = int(library.nvmlDeviceGetCount())
    handles = [library.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
    return [("gpu" if count == 1 else f"gpu{index}", handle) for index, handle in enumerate(handles)]


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _driver(root: Path, error: Exception) -> str:
    if not exists(root, _DRIVER):
        return f"no NVIDIA driver is loaded (there is no {_DRIVER})"
    if isinstance(error, ImportError):
        return "install nvidia-ml-py to read this machine's NVIDIA card"
    return f"the driver is loaded ({_DRIVER})"
