"""Lines of tegrastats, NVIDIA's status program of the Jetsons, from Jetson TX1 (L4T 32) to Thor (L4T 39).

What a line holds, in which order and notation, differs between versions and between root and other users. The
average that follows a rail's power is one since tegrastats was started, not over a window.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, List, Match, Optional, Pattern, Tuple

from .interface import CLOCK, LOAD, MEMORY, POWER, TEMPERATURE, UNITS

#: What a domain that is powered off says, and the chip whose answer is a constant.
_POWERED_OFF_C = -256.0
_CONSTANT = "PMIC"
_KIB_PER_MIB = 1024.0


@dataclass(frozen=True)
class Quantity:
    """A named value of a line in its unit, or the reason why there is none.

    Names are a sensor's: ``load_cpu0``, ``clock_EMC``, ``temperature_GPU``, ``power_VDD_IN``, ``memory_ram_used``;
    a name may come twice, as ``power_NC`` does.
    """

    name: str
    value: Optional[float]
    unit: str
    reason: Optional[str] = None


@dataclass(frozen=True)
class Line:
    """A line's time as printed (L4T 35 and newer), its quantities in its order, and the words that are unknown."""

    time: Optional[str]
    quantities: Tuple[Quantity, ...]
    unknown: Tuple[str, ...]


def parse(line: str) -> Line:
    """The quantities of a line; what is not understood is left out and listed, never an error."""
    time: Optional[str] = None
    quantities: List[Quantity] = []
    unknown: List[str] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        for pattern, convert in _TOKENS:
            match = pattern.match(line, at)
            if match is not None:
                quantities += convert(match)
                at = match.end()
                break
        else:
            match = _TIME.match(line, at)
            if match is not None and time is None and not quantities:
                time = match.group(0)
                at = match.end()
                continue
            end = _WORD.match(line, at)
            word = end.group(0) if end is not None else line[at]
            unknown.append(word)
            at += len(word)
    return Line(time, tuple(quantities), tuple(unknown))


def _memory(match: Match[str]) -> List[Quantity]:
    name, used, total, blocks, size, unit, cached = match.groups()
    quantities = [_mib(f"{name}_used", used), _mib(f"{name}_total", total)]
    if blocks is not None:
        quantities.append(_mib(f"{name}_largest_block", size, unit))
        quantities.append(Quantity(f"count_{name.lower()}_largest_blocks", float(blocks), "blocks"))
    if cached is not None:
        quantities.append(_mib(f"{name}_cached", cached))
    return quantities


def _internal_memory(match: Match[str]) -> List[Quantity]:
    used, total, block = match.groups()
    return [_mib("iram_used", used, "kB"), _mib("iram_total", total, "kB"), _mib("iram_largest_block", block, "kB")]


def _cores(match: Match[str]) -> List[Quantity]:
    quantities: List[Quantity] = []
    for number, core in enumerate(match.group(1).split(",")):
        load = _CORE.match(core.strip())
        if load is None or load.group(1) is None:
            reason = "off line" if core.strip() == "off" else f"tegrastats says {core.strip()[:20]!r}"
            quantities.append(_absent(LOAD, f"cpu{number}", reason))
            continue
        quantities.append(_present(LOAD, f"cpu{number}", load.group(1)))
        clock = load.group(2) or match.group(2)
        if clock is not None:
            quantities.append(_clock(f"cpu{number}", clock))
    return quantities


def _mts(match: Match[str]) -> List[Quantity]:
    return [_present(LOAD, "MTS_fg", match.group(1)), _present(LOAD, "MTS_bg", match.group(2))]


def _temperature(match: Match[str]) -> List[Quantity]:
    zone, now, highest = match.groups()
    quantities = [_celsius(zone, now)]
    if highest is not None:
        quantities.append(_celsius(f"{zone}_highest", highest))
    return quantities


def _engine(match: Match[str]) -> List[Quantity]:
    name, load, clocks = _engine_name(match.group(1)), match.group(2), match.group(3)
    quantities = [_present(LOAD, name, load)] if load else []
    if clocks is not None:
        listed = clocks.strip("[]").split(",")
        names = [name] if len(listed) == 1 else [f"{name}_{number}" for number in range(len(listed))]
        quantities += [_clock(part, clock.strip()) for part, clock in zip(names, listed)]
    return quantities


def _engine_off(match: Match[str]) -> List[Quantity]:
    return [_absent(CLOCK, _engine_name(match.group(1)), "powered off")]


def _engine_clock(match: Match[str]) -> List[Quantity]:
    return [_clock(_engine_name(match.group(1)), match.group(2))]


def _rail(match: Match[str]) -> List[Quantity]:
    name = match.group(1)
    values = zip(("", "_average", "_highest"), match.group(2).replace("mW", "").split("/"))
    return [_present(POWER, f"{name}{ending}", value) for ending, value in values]


def _engine_name(name: str) -> str:
    return name[: -len("_FREQ")] if name.endswith("_FREQ") and name != "_FREQ" else name


def _present(quantity: str, name: str, value: str) -> Quantity:
    return Quantity(f"{quantity}_{name}", float(value), UNITS[quantity])


def _clock(name: str, mhz: str) -> Quantity:
    # A part whose clock is gated, or that is powered off, says 0.
    return _present(CLOCK, name, mhz) if float(mhz) > 0 else _absent(CLOCK, name, "its clock is off")


def _absent(quantity: str, name: str, reason: str) -> Quantity:
    return Quantity(f"{quantity}_{name}", None, UNITS[quantity], reason)


def _mib(name: str, value: str, unit: str = "MB") -> Quantity:
    # It writes MB and kB where it means MiB and KiB: a Nano with 4051100 KiB has "3956MB".
    number = float(value) / (_KIB_PER_MIB if unit == "kB" else 1.0)
    return Quantity(f"{MEMORY}_{name.lower()}", number, UNITS[MEMORY])


def _celsius(zone: str, value: str) -> Quantity:
    if zone.upper().startswith(_CONSTANT):
        return _absent(TEMPERATURE, zone, f"{zone} reports a constant, not a temperature")
    if float(value) <= _POWERED_OFF_C:
        return _absent(TEMPERATURE, zone, "powered off")
    return _present(TEMPERATURE, zone, value)


_INT = "[0-9]{1,9}"
_NUMBER = "-?[0-9]{1,9}(?:[.][0-9]{1,9})?"
#: A rail at rest, whose noise lies on both sides of nought.
_POWER = f"-?{_INT}"
_NAME = "[A-Za-z][A-Za-z0-9_]{0,39}"
_END = r"(?=\s|\Z)"
#: Parts whose bare number is known to be a clock; another name's could be anything.
_ENGINE = "(?:APE|EMC|GR3D2?|MSENC|NVDEC|NVDLA|NVENC|NVJPG|OFA|PVA|SE|VIC)[0-9]{0,2}(?:_FREQ)?"

_WORD = re.compile(r"\S{1,200}")
_TIME = re.compile(r"[0-9]{2}-[0-9]{2}-[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}" + _END)
_CORE = re.compile(f"(?:off|({_INT})%(?:@({_INT}))?)\\Z")
_CLOCKS = f"{_INT}|\\[{_INT}(?:,\\s?{_INT}){{0,31}}\\]"

#: Token -> its quantities; the first that matches counts.
_TOKENS: Tuple[Tuple[Pattern[str], Callable[[Match[str]], List[Quantity]]], ...] = (
    (
        re.compile(
            f"(RAM|SWAP) ({_INT})/({_INT})MB(?: ?\\(lfb ({_INT})x({_INT})(MB|kB)\\)| ?\\(cached ({_INT})MB\\))?{_END}"
        ),
        _memory,
    ),
    (re.compile(f"IRAM ({_INT})/({_INT})kB ?\\(lfb ({_INT})kB\\){_END}"), _internal_memory),
    (re.compile(f"CPU \\[([^\\[\\]]{{0,2000}})\\](?:@({_INT}))?{_END}"), _cores),
    (re.compile(f"MTS fg ({_INT})% bg ({_INT})%{_END}"), _mts),
    (re.compile(f"({_NAME})@({_NUMBER})C(?:/({_NUMBER})C)?{_END}"), _temperature),
    (re.compile(f"({_NAME})\\s+({_INT})%(?:@({_CLOCKS}))?{_END}"), _engine),
    (re.compile(f"({_NAME})\\s+()@({_CLOCKS}){_END}"), _engine),
    (re.compile(f"({_NAME})\\s+off{_END}"), _engine_off),
    (re.compile(f"({_ENGINE})\\s+({_INT}){_END}"), _engine_clock),
    (
        re.compile(f"(?!(?:I?RAM|SWAP)\\s)({_NAME})\\s+({_POWER}mW(?:/{_POWER}mW){{1,2}}|{_POWER}/{_POWER}){_END}"),
        _rail,
    ),
)
