"""The known devices: ours, those of installed packages, and those of the user's project."""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .profile import (
    BOARD,
    HOST,
    JETSON,
    RASPBERRY_PI,
    DeviceError,
    Figure,
    Profile,
    ProfileError,
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
    if rootdir is None:
        return _installed()
    return _by_name([*_ours(), *_packaged(), *_of_project(rootdir / "pyproject.toml")])


@lru_cache(maxsize=None)
def _installed() -> Mapping[str, Profile]:
    return _by_name([*_ours(), *_packaged()])


@lru_cache(maxsize=None)
def _ours() -> Tuple[_Written, ...]:
    data = _toml(_FILE)
    return tuple(
        (read_profile(name, table, f"{_FILE.name}: devices.{name}", data["sources"]), str(_FILE))
        for name, table in data["devices"].items()
    )


@lru_cache(maxsize=None)
def _packaged() -> Tuple[_Written, ...]:
    # metadata.entry_points() has another shape in 3.8-3.9 and no distribution there.
    found: Dict[Tuple[str, str], str] = {}
    entries: Dict[Tuple[str, str], metadata.EntryPoint] = {}
    for distribution in metadata.distributions():
        for entry in distribution.entry_points:
            if entry.group == GROUP:
                found[entry.name, entry.value] = distribution.metadata["Name"]
                entries[entry.name, entry.value] = entry
    return tuple(_loaded(entry, found[key]) for key, entry in sorted(entries.items()))


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


def _of_project(file: Path) -> List[_Written]:
    table: Any = _toml(file)
    for depth, key in enumerate(_TABLE):
        table = table.get(key, {})
        if not isinstance(table, dict):
            raise ProfileError(f"{file}: {'.'.join(_TABLE[: depth + 1])} must be a table, not {table!r:.60}")
    place = f"{file}: {'.'.join(_TABLE)}"
    return [(read_profile(name, one, f"{place}.{name}", {}), f"{place}.{name}") for name, one in table.items()]


def _toml(file: Path) -> Dict[str, Any]:
    try:
        return read_toml(file) or {}
    except OSError as error:
        raise ProfileError(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ProfileError(f"{file} is no TOML: {error}") from error


def _by_name(written: List[_Written]) -> Mapping[str, Profile]:
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
                raise ProfileError(f"{origin}: {sign!r} already identifies a device of {places[sign]}; leave it to one")
            places[sign] = origin
        known[profile.name] = profile
        places[profile.name] = origin
    return MappingProxyType(known)
