"""What a profile says of a device, and how one is read from a table that somebody wrote."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, Mapping, NamedTuple, Optional, Tuple, Type, Union

JETSON = "jetson"
RASPBERRY_PI = "raspberry-pi"
#: A board of another family, identified by its device tree.
BOARD = "board"
HOST = "host"
FAMILIES = (JETSON, RASPBERRY_PI, BOARD, HOST)

_NUMBER = (int, float)
#: What a profile may say of the hardware -> the types of its value. ``_super`` is what the power modes called
#: Super allow; ``variant`` names the model that the figures are of, where a profile covers several.
HARDWARE: Mapping[str, Tuple[Type[Any], ...]] = {
    "variant": (str,),
    "soc": (str,),
    "cpu": (str,),
    "cpu_cores": (int,),
    "cpu_max_mhz": _NUMBER,
    "cpu_max_mhz_super": _NUMBER,
    "gpu": (str,),
    "gpu_cores": (int,),
    "compute_capability": (str,),
    "gpu_max_mhz": _NUMBER,
    "gpu_max_mhz_super": _NUMBER,
    "memory": (str,),
    "memory_gib": _NUMBER,
    "memory_gb_per_s": _NUMBER,
    "memory_gb_per_s_super": _NUMBER,
    "memory_max_mhz": _NUMBER,
    "memory_max_mhz_super": _NUMBER,
    "dla_count": (int,),
    "peak_tflops": _NUMBER,
    "peak_tops": _NUMBER,
    "peak_tops_super": _NUMBER,
    "peak_precision": (str,),
}

#: What a table may add to a device that is known already.
SENSOR_KEYS = ("power", "thermal_zones", "thermal_limits_c")
_KEYS = ("description", "family", "modules", "compatible", "memory_gib", "hardware", *SENSOR_KEYS)
_FIGURE_KEYS = ("value", "source")
_POWER_KEYS = ("total", "parts", "sum", "no_total")
#: In ``power.sum``: every rail of the board's own power chips.
EVERY_RAIL = "*"
#: No silicon works beyond this, in degC.
_HIGHEST_LIMIT_C = 150.0
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_PART = re.compile(r"p[0-9]{4}-[0-9]{4}\Z")
#: More than any board has.
_MOST_GIB = 1 << 20
_RESERVED = ("auto", "unknown")


class DeviceError(Exception):
    """A device cannot be measured; the message says which, why, and what to do."""


class ProfileError(DeviceError):
    """A profile cannot be used; the message names the file and the key."""


class Figure(NamedTuple):
    """A published figure: a number or a text, and who published it."""

    value: Union[str, int, float]
    source: str


@dataclass(frozen=True)
class PowerRails:
    """Which of a device's power rails is the total, and which are parts of it.

    Rails are named as the kernel labels them, or as ``edgeperf sensors`` lists them.

    Attributes:
        total: the rail that feeds everything; ``None``: there is none, or it is not known.
        parts: rails that the total feeds; a total that is below one of them is mislabelled and is not used.
        sum: without a total, the rails whose sum is a figure to compare with itself; ``*``: all of the board's own
            chips.
        no_total: why there is no total.
    """

    total: Optional[str] = None
    parts: Tuple[str, ...] = ()
    sum: Tuple[str, ...] = ()
    no_total: str = ""


@dataclass(frozen=True)
class Profile:
    """A device under a name that people use.

    Attributes:
        name: what ``--device`` calls it.
        description: a few words for people.
        family: one of ``FAMILIES``.
        modules: part numbers of Jetson modules, such as ``p3448-0000``.
        compatible: strings of the device tree that identify the device where no part number does.
        hardware: a ``Figure`` for each of those keys of ``HARDWARE`` that are known.
        memory_gib: module or compatible string -> the sizes in GiB that it is sold with.
        power: its power rails; ``None``: not described.
        thermal_zones: the zones of its processor and GPU; empty: all that are not known to be of something else.
        thermal_limits_c: zone -> degC at which the device slows itself down, where the kernel has no trip point for it.
    """

    name: str
    description: str
    family: str
    modules: Tuple[str, ...] = ()
    compatible: Tuple[str, ...] = ()
    hardware: Mapping[str, Any] = field(default_factory=dict, hash=False)
    memory_gib: Mapping[str, Tuple[float, ...]] = field(default_factory=dict, hash=False)
    power: Optional[PowerRails] = None
    thermal_zones: Tuple[str, ...] = ()
    thermal_limits_c: Mapping[str, float] = field(default_factory=dict, hash=False)


def read_profile(name: str, table: object, origin: str, sources: Mapping[str, str]) -> Profile:
    """The profile ``name`` of a table whose keys are the attributes of :class:`Profile`.

    Args:
        name: what ``--device`` calls it.
        table: what was written.
        origin: where it was written; starts each message.
        sources: short names of sources that figures may use, and what they stand for.

    Raises:
        ProfileError: a key is unknown or missing, or its value cannot be used.
    """
    if not _NAME.match(name) or name.split("-")[0] in _RESERVED:
        raise ProfileError(
            f"{origin}: {name!r} is not a valid device name; use lower-case letters, digits and hyphens, and do not "
            f"start with {' or '.join(_RESERVED)}"
        )
    if not isinstance(table, Mapping):
        raise ProfileError(f"{origin} must be a table of {', '.join(_KEYS)}, not {_kind(table)}")
    _check_keys(table, _KEYS, origin)
    description = table.get("description")
    if not isinstance(description, str) or not description.strip():
        raise ProfileError(f"{origin}.description must describe the device in a few words")
    modules, compatible = _texts(table, "modules", origin), _texts(table, "compatible", origin)
    family = table.get("family", JETSON if modules else BOARD if compatible else HOST)
    if family not in FAMILIES:
        raise ProfileError(f"{origin}.family is {family!r}; it must be one of {', '.join(FAMILIES)}")
    _check_identification(family, modules, compatible, origin)
    hardware = _hardware(table.get("hardware", {}), f"{origin}.hardware", origin, sources)
    memory = _memory(table.get("memory_gib", {}), (*modules, *compatible), f"{origin}.memory_gib")
    return Profile(
        name,
        " ".join(description.split()),
        family,
        modules,
        compatible,
        hardware,
        memory,
        **_of_sensors(table, origin),
    )


def extended(profile: Profile, table: Mapping[Any, Any], origin: str) -> Profile:
    """A known device with the rails and thermal zones of a table that has only such keys.

    Raises:
        ProfileError: a value cannot be used.
    """
    changed = replace(profile, **_of_sensors(table, origin))
    return replace(changed, thermal_limits_c={**profile.thermal_limits_c, **changed.thermal_limits_c})


def _of_sensors(table: Mapping[Any, Any], origin: str) -> Dict[str, Any]:
    read: Dict[str, Any] = {}
    if "power" in table:
        read["power"] = _power(table["power"], f"{origin}.power")
    if "thermal_zones" in table:
        read["thermal_zones"] = _texts(table, "thermal_zones", origin)
    if "thermal_limits_c" in table:
        read["thermal_limits_c"] = _limits(table["thermal_limits_c"], f"{origin}.thermal_limits_c")
    return read


def _check_identification(family: str, modules: Tuple[str, ...], compatible: Tuple[str, ...], origin: str) -> None:
    for part in modules:
        if not _PART.match(part):
            raise ProfileError(f"{origin}.modules has {part!r}; a module's part number looks like p3448-0000")
    if modules and family != JETSON:
        raise ProfileError(f"{origin}.modules are part numbers of Jetsons, but its family is {family}")
    if family == HOST and compatible:
        raise ProfileError(f"{origin}.compatible identifies boards, but its family is {HOST}; make it {BOARD}")
    if family != HOST and not modules and not compatible:
        keys = "modules or compatible" if family == JETSON else "compatible"
        raise ProfileError(f"{origin} has nothing that identifies it: add {keys}, or use the family {HOST}")


def _hardware(table: object, place: str, origin: str, sources: Mapping[str, str]) -> Dict[str, Figure]:
    if not isinstance(table, Mapping):
        raise ProfileError(f"{place} must be a table of {', '.join(HARDWARE)}, not {_kind(table)}")
    _check_keys(table, HARDWARE, place)
    return {key: _figure(value, f"{place}.{key}", HARDWARE[key], origin, sources) for key, value in table.items()}


def _memory(table: object, signs: Tuple[str, ...], place: str) -> Dict[str, Tuple[float, ...]]:
    if not isinstance(table, Mapping):
        raise ProfileError(f"{place} must be a table of GiB by module or compatible string, not {_kind(table)}")
    memory: Dict[str, Tuple[float, ...]] = {}
    for sign, written in table.items():
        if sign not in signs:
            raise ProfileError(f"{place}.{sign} is not among this device's modules and compatible strings")
        sizes = written if isinstance(written, (list, tuple)) else [written]
        numbers = [size for size in sizes if isinstance(size, (int, float)) and not isinstance(size, bool)]
        if len(numbers) != len(sizes) or not sizes or not all(0 < size < _MOST_GIB for size in numbers):
            raise ProfileError(f"{place}.{sign} must be a size in GiB above 0, or a list of such sizes")
        memory[str(sign)] = tuple(sorted(float(size) for size in numbers))
    return memory


def _power(table: object, place: str) -> PowerRails:
    if not isinstance(table, Mapping):
        raise ProfileError(f"{place} must be a table of {', '.join(_POWER_KEYS)}, not {_kind(table)}")
    _check_keys(table, _POWER_KEYS, place)
    for key in ("total", "no_total"):
        if key in table and not (isinstance(table[key], str) and table[key].strip()):
            raise ProfileError(f"{place}.{key} must be a string, not {_kind(table[key])}")
    rails = PowerRails(
        table.get("total"), _texts(table, "parts", place), _texts(table, "sum", place), table.get("no_total", "")
    )
    if rails.total is None and rails.parts:
        raise ProfileError(f"{place}.parts are parts of a total; name that in {place}.total")
    if rails.total is not None and (rails.sum or rails.no_total):
        key = "sum" if rails.sum else "no_total"
        raise ProfileError(f"{place} has both total and {key}, which is for devices without a total; remove one")
    return rails


def _limits(table: object, place: str) -> Dict[str, float]:
    if not isinstance(table, Mapping):
        raise ProfileError(f"{place} must be a table of degC by thermal zone, not {_kind(table)}")
    limits: Dict[str, float] = {}
    for zone, written in table.items():
        if isinstance(written, bool) or not isinstance(written, _NUMBER) or not 0 < written <= _HIGHEST_LIMIT_C:
            raise ProfileError(
                f"{place}.{zone} must be a temperature in degC, above 0 and at most {_HIGHEST_LIMIT_C:g}, "
                f"not {_kind(written)}"
            )
        limits[str(zone)] = float(written)
    return limits


def _figure(
    written: object, place: str, types: Tuple[Type[Any], ...], origin: str, sources: Mapping[str, str]
) -> Figure:
    value, source = written, origin
    if isinstance(written, Mapping):
        _check_keys(written, _FIGURE_KEYS, place)
        value = written.get("value")
        source = written.get("source", origin)
        if not isinstance(source, str) or not source.strip():
            raise ProfileError(f"{place}.source must name who published the figure")
    if isinstance(value, bool) or not isinstance(value, types):
        wanted = "a string" if str in types else "a number" if float in types else "a whole number"
        raise ProfileError(f"{place} must be {wanted}, not {_kind(value)}")
    assert isinstance(value, (str, int, float))
    if not isinstance(value, str) and not 0 <= value < float("inf"):
        raise ProfileError(f"{place} is {value}; it must be at least 0 and finite")
    return Figure(value, sources.get(source, source))


def _texts(table: Mapping[Any, Any], key: str, origin: str) -> Tuple[str, ...]:
    texts = table.get(key, ())
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) and text for text in texts):
        raise ProfileError(f"{origin}.{key} must be a list of strings")
    return tuple(texts)


def _check_keys(table: Mapping[Any, Any], known: Iterable[str], place: str) -> None:
    names = list(known)
    for key in table:
        if key not in names:
            close = difflib.get_close_matches(str(key), names, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise ProfileError(f"{place}.{key} is not a key of a device{hint}; known: {', '.join(names)}")


def _kind(value: object) -> str:
    return "nothing" if value is None else f"{value!r:.60}"
