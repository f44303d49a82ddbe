"""What a Raspberry Pi's firmware reports: the rails of the Pi 5's power chip, and why the processor was slowed down.

The firmware is asked through the program ``vcgencmd``, which the user may run who is in the group ``video``.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from ..identity import Identity
from ..profiles import RASPBERRY_PI
from ..system_files import NOT_RUN, exists, inside, may_run, names_in, read_number, read_text
from .interface import COUNTER, POWER, Reading, Sensor, Unavailable
from .rail import Rail

_PROGRAMS = ("/usr/bin/vcgencmd", "/usr/local/bin/vcgencmd", "/opt/vc/bin/vcgencmd")
TIMEOUT_S = 2.0
#: Each look is a process of its own: more often than this it would disturb what it measures.
PMIC_REFRESH_HZ = 10.0
#: The firmware's folder is soc/soc:firmware up to the Pi 4 and soc@107c000000/soc@107c000000:firmware on the Pi 5. Its
#: get_throttled prints hexadecimal without 0x, and clears the bits "since boot": asked only where there is no vcgencmd.
_PLATFORM = "/sys/devices/platform"
_THROTTLED = f"{_PLATFORM}/soc/soc:firmware/get_throttled"
_DRIVER = "/sys/bus/platform/drivers/raspberrypi-firmware"
_HWMON = "/sys/class/hwmon"

#: Bit of get_throttled -> meaning; bit + 16: the same, at some time since boot.
#: Source: Raspberry Pi documentation, "vcgencmd", get_throttled.
FLAGS = {0: "undervoltage", 1: "frequency_capped", 2: "throttled", 3: "soft_temperature_limit"}
_SINCE_BOOT = 16

_CURRENT_OR_VOLTAGE = re.compile(
    r"^[ \t]*([A-Za-z0-9_]{1,40})_([AV])[ \t]+(current|volt)\([0-9]{1,4}\)="
    r"([0-9]{1,6}(?:\.[0-9]{1,12})?)([AV])[ \t\r]*$",
    re.MULTILINE,
)
_FLAGS_TEXT = re.compile(r"(?:(?:throttled=)?0x)?([0-9A-Fa-f]{1,8})\Z")


@dataclass(frozen=True)
class PmicRail:
    """A rail of the power chip: V and A, None where the chip does not measure it."""

    name: str
    volts: Optional[float] = None
    amperes: Optional[float] = None

    @property
    def milliwatts(self) -> Optional[float]:
        """The rail's power in mW; None unless the chip measures both voltage and current."""
        if self.volts is None or self.amperes is None:
            return None
        return self.volts * self.amperes * 1000.0


@dataclass(frozen=True)
class Throttled:
    """What the firmware reports about throttling: the flags that hold now and those that held since boot.

    Both are None where it does not report them, for the ``reason``; ``source`` is what was read, and ``reports`` the
    flags that it knows of.
    """

    now: Optional[Tuple[str, ...]]
    since_boot: Optional[Tuple[str, ...]]
    source: str
    reason: Optional[str] = None
    reports: Tuple[str, ...] = tuple(FLAGS.values())


def find(root: Path, identity: Identity) -> Tuple[List[Sensor], List[Unavailable]]:
    """Per kind of slowing down whether it happened since boot (1) or not (0): ``throttle_undervoltage``, ….

    A flag that is set stays set, so a second event shows in ``get_throttled`` only; the power chip's rails are
    ``find_rails``.
    """
    if identity.family != RASPBERRY_PI:
        return [], []
    state = get_throttled(root)
    if state.since_boot is None:
        return [], [Unavailable("throttle", COUNTER, state.source, state.reason or "")]
    return [_Flag(f"throttle_{flag}", state.source, flag, root) for flag in FLAGS.values()], []


def find_rails(root: Path, identity: Identity) -> Tuple[List[Rail], List[Unavailable]]:
    """The rails of a Raspberry Pi 5 whose voltage and current are both measured; older boards have none."""
    # A container that hides the device tree leaves the model's name: 5-model-b, 5-compute-module, 500.
    if identity.name != "rpi5" and not (identity.family == RASPBERRY_PI and (identity.module or "").startswith("5")):
        return [], []
    pmic = Pmic(root)
    rails, reason = pmic.read()
    measured = [
        Rail(rail.name, pmic.source, partial(pmic.power, rail.name), PMIC_REFRESH_HZ)
        for rail in rails.values()
        if rail.milliwatts is not None
    ]
    if measured:
        return measured, []
    return [], [Unavailable("power_pmic", POWER, pmic.source, reason or f"{pmic.source} lists no rail with a current")]


def get_throttled(root: Path) -> Throttled:
    """Whether the firmware slows the processor down or did so, and why.

    Asked are vcgencmd, the kernel's file, and at last the alarm of the kernel's voltage monitor (``rpi_volt``), which
    knows of undervoltage in the last two seconds only. Source: Linux, drivers/hwmon/raspberrypi-hwmon.c.
    """
    source = "vcgencmd get_throttled"
    text, reason = _vcgencmd(root, "get_throttled")
    bits = None if text is None else parse_throttled(text)
    if text is not None and bits is None:
        reason = f"{source} says {text[:40]!r}, which is not a set of flags"
    if bits is None:
        file = _throttled_file(root)
        content = read_text(root, file)
        bits = None if content.text is None else parse_throttled(content.text)
        if bits is None:
            other = content.reason or f"{file} holds {(content.text or '')[:40]!r}"
            return _by_alarm(root) or Throttled(None, None, source, f"{reason}; {other}")
        source = file
    now = tuple(name for bit, name in FLAGS.items() if bits >> bit & 1)
    since_boot = tuple(name for bit, name in FLAGS.items() if bits >> (bit + _SINCE_BOOT) & 1)
    return Throttled(now, since_boot, source)


def _throttled_file(root: Path) -> str:
    buses = [f"{_PLATFORM}/{name}" for name in names_in(root, _PLATFORM) if name.startswith("soc")]
    for folder in [*buses, _PLATFORM, _DRIVER]:
        for name in names_in(root, folder):
            file = f"{folder}/{name}/get_throttled"
            if (name.endswith("firmware") or folder == _DRIVER) and exists(root, file):
                return file
    return _THROTTLED


def _by_alarm(root: Path) -> Optional[Throttled]:
    for entry in names_in(root, _HWMON):
        folder = f"{_HWMON}/{entry}"
        if read_text(root, f"{folder}/name").text == "rpi_volt":
            alarm = read_number(root, f"{folder}/in0_lcrit_alarm")
            if alarm is not None:
                source = f"{folder}/in0_lcrit_alarm"
                reason = f"{source} shows undervoltage of the last two seconds only"
                return Throttled((FLAGS[0],) if alarm else (), None, source, reason, (FLAGS[0],))
    return None


def parse_throttled(text: str) -> Optional[int]:
    """The bits in ``throttled=0x50000`` (vcgencmd) or ``50000`` (the kernel), both hexadecimal; None in other text."""
    match = _FLAGS_TEXT.match(text.strip())
    return int(match.group(1), 16) if match is not None else None


def throttled_between(before: Throttled, after: Throttled) -> Optional[Tuple[str, ...]]:
    """The flags that held at one of two looks or came up between them; None where a look failed.

    What held since before the first look may have come back in between unseen: the firmware's flags stay set.
    """
    if before.now is None or after.now is None or before.since_boot is None or after.since_boot is None:
        return None
    new = set(after.since_boot) - set(before.since_boot)
    return tuple(flag for flag in FLAGS.values() if flag in {*before.now, *after.now, *new})


def parse_pmic(text: str) -> Dict[str, PmicRail]:
    """The rails in the output of ``vcgencmd pmic_read_adc``, by name; other lines are left out.

    Current and voltage of a rail belong together by its name: their numbers in brackets differ.
    """
    volts: Dict[str, float] = {}
    amperes: Dict[str, float] = {}
    for name, kind, word, number, unit in _CURRENT_OR_VOLTAGE.findall(text):
        if (kind, word, unit) == ("V", "volt", "V"):
            volts[name] = float(number)
        elif (kind, word, unit) == ("A", "current", "A"):
            amperes[name] = float(number)
    return {name: PmicRail(name, volts.get(name), amperes.get(name)) for name in {**amperes, **volts}}


@dataclass
class Pmic:
    """The Pi 5's power chip; one process reports all its rails, so their sensors share its last answer."""

    root: Path
    clock: Callable[[], float] = time.perf_counter
    source: str = "vcgencmd pmic_read_adc"
    _last: Optional[Tuple[float, Dict[str, PmicRail], str]] = field(default=None, init=False)

    def read(self) -> Tuple[Dict[str, PmicRail], str]:
        """The rails by name, no older than a tenth of a second; or none, and the reason."""
        now = self.clock()
        if self._last is None or now - self._last[0] >= 1.0 / PMIC_REFRESH_HZ:
            text, reason = _vcgencmd(self.root, "pmic_read_adc")
            rails = {} if text is None else parse_pmic(text)
            if text is not None and not rails:
                reason = f"{self.source} says {text[:40]!r}, which lists no rail"
            self._last = now, rails, reason
        return self._last[1], self._last[2]

    def power(self, name: str) -> Reading:
        """The power of a rail in mW, or the reason why there is none."""
        rails, reason = self.read()
        milliwatts = rails[name].milliwatts if name in rails else None
        if milliwatts is None:
            return Reading(None, reason or f"{self.source} no longer reports current and voltage of {name}")
        return Reading(milliwatts)


@dataclass
class _Flag:
    name: str
    source: str
    flag: str
    root: Path
    quantity: str = COUNTER
    refresh_hz: Optional[float] = None
    is_total: bool = False

    def read(self) -> Reading:
        state = get_throttled(self.root)
        if state.now is None or state.since_boot is None:
            return Reading(None, state.reason)
        return Reading(float(self.flag in state.now or self.flag in state.since_boot))


def _vcgencmd(root: Path, command: str) -> Tuple[Optional[str], str]:
    """What vcgencmd answers to a command, or None and the reason."""
    program = next((path for path in _PROGRAMS if exists(root, path)), None)
    if program is None:
        return None, "there is no vcgencmd; on Raspberry Pi OS: sudo apt install raspi-utils"
    if not may_run():
        return None, NOT_RUN
    try:
        done = subprocess.run(
            [str(inside(root, program)), command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, f"{program} {command} did not answer within {TIMEOUT_S:g} s"
    except OSError as error:
        return None, f"{program} cannot be started: {error.strerror or error}"
    text = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode == 0 and "error=" not in text:
        return text, ""
    said = " ".join(text.split())[:120] or f"exit code {done.returncode}"
    return None, f"{program} {command}: {said}{_remedy(said)}"


def _remedy(said: str) -> str:
    if re.search(r"permission|/dev/vc|VCHI", said, re.IGNORECASE):
        return '; allow this user to query the firmware: sudo usermod -aG video "$USER", then log in again'
    if "not registered" in said:
        return " (this board's firmware does not know the command)"
    return ""
