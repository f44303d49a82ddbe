"""Which files this process has loaded: modules, mapped libraries, models, engines. None of them is read here."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Iterable, Iterator, List, Mapping, Optional, Tuple

from pytest_edgeperf.frameworks.files_read import files_read
from pytest_edgeperf.measure.side import INSTALLED

_MAPS = "/proc/self/maps"


@dataclass(frozen=True)
class Listing:
    """Paths of what a process has loaded; nothing of it is read yet."""

    #: Name and file of every module that has one.
    modules: Tuple[Tuple[str, str], ...] = ()
    #: Files whose code is mapped: libraries and the interpreter.
    mapped: Tuple[str, ...] = ()
    models: Tuple[str, ...] = ()
    engines: Tuple[str, ...] = ()
    #: Package -> the version that its module says, for those whose metadata is not there.
    versions: Tuple[Tuple[str, str], ...] = ()

    def joined(self, other: Listing) -> Listing:
        """What either of two processes has loaded."""
        return Listing(
            *(
                tuple(dict.fromkeys((*getattr(self, name), *getattr(other, name))))
                for name in ("modules", "mapped", "models", "engines", "versions")
            )
        )


def listing(
    modules: Optional[Mapping[str, Any]] = None, maps: str = _MAPS, *, further: Iterable[ModuleType] = ()
) -> Listing:
    """What this process has loaded by now.

    Args:
        modules: those that were imported; this process's unless given.
        maps: what is mapped, as Linux tells it.
        further: modules that are not among the imported ones any more, as conftest files of one name are not.
    """
    imported = list((sys.modules if modules is None else modules).items())
    files = [
        (name, file, module)
        for name, module in (*imported, *((module.__name__, module) for module in further))
        for file in [getattr(module, "__dict__", {}).get("__file__")]
        if isinstance(file, str) and os.path.isabs(file)
    ]
    versions = (
        (name, module.__dict__.get("__version__"))
        for name, file, module in files
        if "." not in name and INSTALLED.intersection(file.split(os.sep))
    )
    read = files_read()
    return Listing(
        tuple(dict.fromkeys((name, file) for name, file, _ in files)),
        tuple(_mapped(maps)),
        read.models,
        read.engines,
        tuple((name, version) for name, version in versions if isinstance(version, str)),
    )


#: What the processes of engines have loaded that this one has started.
_of_engines: List[Listing] = []


def add(other: Listing) -> None:
    """Count what a process of an engine has loaded as loaded by this one."""
    _of_engines.append(other)


def whole_listing(further: Iterable[ModuleType] = ()) -> Listing:
    """What this process has loaded by now, with what the processes of engines have; ``further`` as above."""
    loaded = listing(further=further)
    for other in _of_engines:
        loaded = loaded.joined(other)
    return loaded


def _mapped(maps: str) -> Iterator[str]:
    """The files whose code is mapped, each once."""
    try:
        with open(maps, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    seen = set()
    for line in lines:
        fields = line.split(None, 5)
        if len(fields) == 6 and "x" in fields[1] and fields[5].startswith("/") and fields[5] not in seen:
            seen.add(fields[5])
            yield fields[5]
