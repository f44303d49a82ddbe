"""Cooling devices: what the kernel uses against heat, and which of them throttle the machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from ..system_files import names_in, read_integer, read_number, read_text

_FOLDER = "/sys/class/thermal"


@dataclass(frozen=True)
class CoolingDevice:
    """A means against heat, how far it is turned up now, and whether that slows the machine down.

    ``state`` is 0 (off) to ``max_state``; None where it cannot be read, for the ``reason``. ``throttles``
    is None where it is not known what the device does.
    """

    type: str
    state: Optional[int]
    max_state: Optional[int]
    throttles: Optional[bool]
    source: str
    reason: str = ""


#: Types that slow the processor, GPU or memory down. Sources: Linux, drivers/thermal (cpufreq, devfreq, cpuidle) and
#: drivers/acpi/processor_thermal.c, intel_powerclamp.c, tegra/soctherm.c (heavy, light); NVIDIA's kernels of L4T 28 and
#: 32, balanced_throttle (cpu-balanced, skin-balanced). A throttle-alert itself is a notice, but one that software
#: throttling has begun: NVIDIA's nvpmodel_indicator says "System throttled" of it.
_SLOW = re.compile(
    r"(?:thermal-)?(?:cpufreq|devfreq|idle|cpuidle)-.*|Processor|intel_powerclamp|.*throttle-alert"
    r"|(?:.*[-_])?balanced|(?:tegra|throttle)?[-_]?(?:heavy|medium|light)"
)
#: Fans and chargers, and notices that slow nothing: "hot-surface-alert" warns people not to touch. "tegra-dram" of a
#: Nano refreshes the memory more often from 70 degC on, and lowers no clock (NVIDIA's device tree, PLL-therm).
_HARMLESS = re.compile(r".*fan.*|TCC Offset|.*charg.*|LCD|.*alert|tegra[-_]dram", re.IGNORECASE)


def cooling_devices(root: Path) -> List[CoolingDevice]:
    """The cooling devices in the kernel's order: fans, and what slows the processor, GPU or memory down."""
    devices: List[CoolingDevice] = []
    for entry in names_in(root, _FOLDER):
        if re.match(r"cooling_device[0-9]+\Z", entry) is None:
            continue
        folder = f"{_FOLDER}/{entry}"
        kind = read_text(root, f"{folder}/type").text or ""
        state, reason = read_integer(root, f"{folder}/cur_state")
        if state is not None and state < 0:
            # intel_powerclamp answers -1 while it does nothing.
            state = 0 if kind == "intel_powerclamp" else None
            reason = "" if state == 0 else f"{folder}/cur_state is negative"
        most = read_number(root, f"{folder}/max_state")
        devices.append(CoolingDevice(kind, state, most, slows_down(kind), f"{folder}/cur_state", reason))
    return devices


def throttling_now(root: Path) -> List[CoolingDevice]:
    """The cooling devices that slow the machine down at this moment."""
    return [device for device in cooling_devices(root) if device.throttles and device.state]


def slows_down(kind: str) -> Optional[bool]:
    """Whether a cooling device of this type slows the machine down; None where that is not known of it."""
    if _SLOW.fullmatch(kind):
        return True
    return False if _HARMLESS.fullmatch(kind) else None
