"""Whether the machine throttles, from heat or a weak supply, or is about to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, Optional

from ..identity import Identity
from ..nvpmodel import STATUS
from ..profiles import HOST, JETSON, RASPBERRY_PI
from ..sensors import nvml
from ..sensors.cooling_devices import cooling_devices, throttling_now
from ..sensors.counters import overcurrents
from ..sensors.ina3221 import IIO_DRIVER
from ..sensors.raspberrypi import get_throttled
from ..sensors.thermal import COOL_HEADROOM_C, headroom
from ..system_files import exists, names_in, read_number, read_text
from ..throttling import throttle_counts
from .check import ADVICE, PROBLEM, Check, ok, unknown

#: The Nano's module wants 5 V; below this its regulator slows it down.
_LEAST_NANO_MV = 4750
_INSTANTANEOUS = 3
_UNDERVOLTAGE = "undervoltage"
_THROTTLED = "throttled"
_WHY_SLOW = "A machine that throttles, from heat or a weak supply, gives slower results."
_FAN_CONFIGURATION = "/etc/nvfancontrol.conf"
_SUPPLY = "use a supply of 5 V and 4 A at the barrel jack, with jumper J48 set"
_WAIT = "wait until it has cooled down; add a fan or a heat sink"


def checks(root: Path, identity: Identity) -> List[Check]:
    """Temperature, throttling, supply and fan, as far as the machine shows them."""
    results = [_thermal(root, identity), _throttle(root, identity)]
    if identity.family == JETSON:
        results += [check for check in (_undervoltage(root), _fan(root)) if check is not None]
    elif identity.family == RASPBERRY_PI:
        results.append(_firmware(root))
    return results


def _thermal(root: Path, identity: Identity) -> Check:
    left = headroom(root, identity)
    if left.celsius is None or left.temperature_c is None or left.trip is None:
        return unknown("thermal", left.reason or "no temperature can be read", "A hot machine throttles.")
    text = f"{left.zone} {left.temperature_c:.1f} degC, {left.celsius:.1f} degC below its throttling limit"
    if left.celsius >= COOL_HEADROOM_C:
        return ok("thermal", text)
    if left.celsius <= 0:
        text = f"{left.zone} {left.temperature_c:.1f} degC, above its throttling limit of {left.trip.celsius:.1f}"
    return Check("thermal", PROBLEM, text, "It throttles now, or will within the first benchmark.", _WAIT)


def _throttle(root: Path, identity: Identity) -> Check:
    now = [device.type for device in throttling_now(root)]
    cards = nvml.clock_reasons(root) if identity.family == HOST else []
    now += [f"{card.gpu}: {reason}" for card in cards for reason in card.throttling or ()]
    firmware = get_throttled(root) if identity.family == RASPBERRY_PI else None
    if firmware is not None:
        now += firmware.now or ()
    if now:
        found = f"throttled now by {', '.join(now)}"
        return Check("throttle", PROBLEM, found, "It runs below its configured clocks.", _WAIT)
    # Instantaneous over-current (oc3) happens in the usual work of some boards: runs record it, without a hint here.
    inputs = [input_ for input_ in overcurrents(root) if input_.number < _INSTANTANEOUS]
    events = {f"oc{input_.number} ({input_.meaning})": read_number(root, input_.source) or 0 for input_ in inputs}
    counts = throttle_counts(root)
    for kind in ("core", "package"):
        events[f"{kind} too hot"] = max((n for name, n in counts.items() if f"/{kind}_" in name), default=0)
    known = [f"{name} {count}x" for name, count in events.items() if count]
    if firmware is not None:
        known += firmware.since_boot or ()
    past = ", ".join(known)
    if past:
        why = "It was too hot, or its supply too weak, since boot; expect the same under load."
        return Check("throttle", ADVICE, f"since boot: {past}", why, "sudo dmesg | grep -iE 'throttl|over.?current'")
    if firmware is not None:
        # A Raspberry Pi is slowed down by its firmware, whatever the kernel does beside it.
        if firmware.now is None or _THROTTLED not in firmware.reports:
            return unknown("throttle", firmware.reason or "", _WHY_SLOW)
        return ok("throttle", "not throttled now or since boot")
    readable = any(device.throttles and device.state is not None for device in cooling_devices(root))
    if counts or inputs:
        return ok("throttle", "not throttled now or since boot")
    if readable or any(card.throttling is not None for card in cards):
        return ok("throttle", "not throttled now")
    return unknown("throttle", "no readable cooling device or counter shows whether it throttles", _WHY_SLOW)


def _undervoltage(root: Path) -> Optional[Check]:
    for chip in names_in(root, IIO_DRIVER):
        for device in names_in(root, f"{IIO_DRIVER}/{chip}"):
            folder = f"{IIO_DRIVER}/{chip}/{device}"
            if read_text(root, f"{folder}/rail_name_0").text != "POM_5V_IN":
                continue
            millivolt = read_number(root, f"{folder}/in_voltage0_input")
            if millivolt is None:
                return None
            if millivolt >= _LEAST_NANO_MV:
                return ok("undervoltage", f"the module's supply voltage is {millivolt / 1000:.2f} V")
            found = f"the module's supply voltage is {millivolt / 1000:.2f} V"
            return Check("undervoltage", PROBLEM, found, "Below 4.75 V it throttles or shuts down.", _SUPPLY)
    return None


def _fan(root: Path) -> Optional[Check]:
    status = read_text(root, STATUS).text or ""
    configured = read_text(root, _FAN_CONFIGURATION).text or ""
    default = re.search(r"^\s*FAN_DEFAULT_PROFILE\s+(\w+)", configured, re.MULTILINE)
    mode = re.search(r"\bfmode:(\w+)", status)
    profile = (mode or default).group(1) if mode or default else None  # type: ignore[union-attr]
    if profile is None or "quiet" not in profile:
        return ok("fan", f"profile {profile}") if profile else None
    why = "With a quiet fan profile, a long session heats the module until it throttles."
    remedy = "sudo jetson_clocks --fan"
    if exists(root, _FAN_CONFIGURATION):
        remedy += f"  # permanently: FAN_DEFAULT_PROFILE cool in {_FAN_CONFIGURATION}"
    return Check("fan", ADVICE, f"profile {profile}", why, remedy)


def _firmware(root: Path) -> Check:
    state = get_throttled(root)
    if state.now is None:
        return unknown("undervoltage", state.reason or "", "A weak supply throttles the processor.")
    remedy = "use the official power supply, and a short cable"
    if _UNDERVOLTAGE in state.now:
        found = f"the supply is too weak now ({state.source})"
        return Check("undervoltage", PROBLEM, found, "The firmware lowers the clock below the reported value.", remedy)
    if _UNDERVOLTAGE in (state.since_boot or ()):
        found = f"the supply was too weak since boot ({state.source})"
        why = "Under load it is likely to drop again and to throttle the processor."
        return Check("undervoltage", ADVICE, found, why, remedy)
    if len(state.reports) == 1:
        return ok("undervoltage", f"the supply is not too weak now ({state.source})")
    return ok("undervoltage", f"the supply was not too weak since boot ({state.source})")
