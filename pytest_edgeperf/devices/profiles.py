"""The known devices: ours, those of installed packages, and those of the user's project."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .packages import entry_points
from .profile import (
    BOARD,
    HOST,
    JETSON,
    RASPBERRY_PI,
    SENSOR_KEYS,
    DeviceError,
    Figure,
    PowerRails,
    Profile,
    ProfileError,
    extended,
    read_profile,
)
from .toml import read_toml

__all__ = [
    "BOARD",
    "GROUP",
    "HOST",
    "JETSON",
    "RASPBERRY_PI",
    "DeviceError",
    "Figure",
    "PowerRails",
    "Profile",
    "ProfileError",
    "profiles",
]

#: Entry points that give one profile each, under its name: a mapping, or a callable that returns one.
GROUP = "edgeperf.devices"

_FILE = Path(__file__).with_name("profiles.toml")
_TABLE = ("tool", "edgeperf", "devices")

#: A profile, and where it was written.
_Written = Tuple[Profile, str]


def profiles(rootdir: Optional[Path] = None) -> Mapping[str, Profile]:
    """The known devices by name, ours first, from the smallest Jetson to ``host``.

    Args:
        rootdir: the folder of a ``pyproject.toml`` whose ``[tool.edgeperf.devices.NAME]`` are devices too.

    Raises:
        ProfileError: a profile of a package or of ``pyproject.toml`` cannot be used, or two clash.
    """
    search_path = tuple(sys.path)
    if rootdir is None:
        return _installed_by_name(search_path)
    return _by_name(_with_project(rootdir / "pyproject.toml", _installed(search_path)))


@lru_cache(maxsize=None)
def _installed(search_path: Tuple[str, ...]) -> Tuple[_Written, ...]:
    """Our profiles and those of the packages in the folders of ``search_path``."""
    packaged = (_loaded(entry, package) for entry, package in entry_points(GROUP, search_path))
    return (*_ours(), *packaged)


@lru_cache(maxsize=None)
def _installed_by_name(search_path: Tuple[str, ...]) -> Mapping[str, Profile]:
    return _by_name(_installed(search_path))


@lru_cache(maxsize=None)
def _ours() -> Tuple[_Written, ...]:
    data = _toml(_FILE)
    return tuple(
        (read_profile(name, table, f"{_FILE.name}: devices.{name}", data["sources"]), str(_FILE))
        for name, table in data["devices"].items()
    )


def _loaded(entry: metadata.EntryPoint, distribution: str) -> _Written:
    origin = f"{distribution}: {entry.value}"
    try:
        table = entry.load()
        if callable(table):
            table = table()
    except (Exception, SystemExit) as error:  # another package's code
        raise ProfileError(
            f"{origin}: the device {entry.name!r} cannot be loaded: {type(error).__name__}: {error}; "
            f"repair or uninstall {distribution}"
        ) from error
    return read_profile(entry.name, table, origin, {}), origin


def _with_project(file: Path, known: Sequence[_Written]) -> List[_Written]:
    """The known devices, with the rails and thermal zones that a ``pyproject.toml`` adds to them, and its own."""
    table: Any = _toml(file)
    for depth, key in enumerate(_TABLE):
        table = table.get(key, {})
        if not isinstance(table, dict):
            raise ProfileError(f"{file}: {'.'.join(_TABLE[: depth + 1])} must be a table, not {table!r:.60}")
    written = list(known)
    names = [profile.name for profile, _ in known]
    for name, keys in table.items():
        place = f"{file}: {'.'.join(_TABLE)}.{name}"
        if name in names and isinstance(keys, dict) and keys and set(keys) <= set(SENSOR_KEYS):
            at = names.index(name)
            written[at] = extended(known[at][0], keys, place), known[at][1]
        else:
            written.append((read_profile(name, keys, place, {}), place))
    return written


def _toml(file: Path) -> Dict[str, Any]:
    try:
        return read_toml(file) or {}
    except OSError as error:
        raise ProfileError(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ProfileError(f"{file} is not valid TOML: {error}") from error


def _by_name(written: Sequence[_Written]) -> Mapping[str, Profile]:
    known: Dict[str, Profile] = {}
    places: Dict[str, str] = {}
    for profile, origin in written:
        if profile.name in known:
            raise ProfileError(
                f"{origin}: the device {profile.name!r} is already described by {places[profile.name]}; "
                "give one of them another name"
            )
        for sign in profile.modules + profile.compatible:
            if sign in places:
                raise ProfileError(
                    f"{origin}: {sign!r} already identifies a device of {places[sign]}; remove it from one of them"
                )
            places[sign] = origin
        known[profile.name] = profile
        places[profile.name] = origin
    return MappingProxyType(known)
