"""What installed packages add: the entry points of a group, each with the package that registered it."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import metadata
from typing import Dict, List, Optional, Tuple

#: How the names of all our groups begin.
_OURS = "edgeperf."

Registered = Tuple[Tuple[metadata.EntryPoint, str], ...]


def entry_points(group: str, search_path: Optional[Tuple[str, ...]] = None) -> Registered:
    """The entry points of a group and the names of their packages, by name and then by value.

    Args:
        group: such as ``edgeperf.sensors``.
        search_path: the folders to look into; those of this Python unless given. Each is looked through once.
    """
    registered = _all(tuple(sys.path) if search_path is None else search_path)
    of_group = [(entry, package) for entry, package in registered if entry.group == group]
    return tuple(sorted(of_group, key=lambda registered: (registered[0].name, registered[0].value)))


@lru_cache(maxsize=None)
def _all(search_path: Tuple[str, ...]) -> Registered:
    # metadata.entry_points() has another shape in 3.8-3.9 and no distribution there. To read the names of all packages
    # takes ten times as long as the entry points of those that have some.
    path = list(search_path)
    packages: Dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions(path=path):
        if any(entry.group.startswith(_OURS) for entry in distribution.entry_points):
            packages.setdefault(str(distribution.metadata["Name"]), distribution)
    entries: List[Tuple[metadata.EntryPoint, str]] = []
    for package, registered in packages.items():
        # Of a package that is there twice, as in a virtual environment and below it, Python imports the first. Some
        # tools write folders that are not found by the name within.
        distribution = next(iter(metadata.distributions(name=package, path=path)), registered)
        entries += [(entry, package) for entry in distribution.entry_points if entry.group.startswith(_OURS)]
    return tuple(entries)
