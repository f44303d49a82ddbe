"""What other packages add: entry points of one group, read once for a search path, without loading any."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any, Dict, List, Mapping, Sequence, Tuple


@dataclass(frozen=True)
class Extension:
    """One entry point, and the distribution that registers it."""

    name: str
    distribution: str
    entry_point: metadata.EntryPoint

    @property
    def origin(self) -> str:
        """For messages: ``their_package:Thing of their-package``."""
        return f"{self.entry_point.value} of {self.distribution}"

    def load(self) -> Any:
        """The registered object.

        Raises:
            ExtensionError: importing it fails; the message names the package and the remedy.
        """
        try:
            return self.entry_point.load()
        except (Exception, SystemExit) as error:  # another package's code
            raise ExtensionError(
                f"{self.name!r} cannot be loaded from {self.origin}: {type(error).__name__}: {error}; repair or "
                f"uninstall {self.distribution}"
            ) from error


class ExtensionError(Exception):
    """Another package's extension cannot be used; the message names the package and the remedy."""


def extensions(group: str) -> Mapping[str, Sequence[Extension]]:
    """Name -> the registrations in a group of entry points; several where packages use the same name."""
    return _extensions_on(group, tuple(sys.path))


def extension(group: str, name: str) -> Extension:
    """The only registration of a name that is there.

    Raises:
        ExtensionError: packages register different things under the name.
    """
    registered = extensions(group)[name]
    if len({candidate.entry_point.value for candidate in registered}) > 1:
        origins = ", ".join(
            sorted(f"{candidate.distribution} ({candidate.entry_point.value})" for candidate in registered)
        )
        raise ExtensionError(f"{name!r} is registered by several packages: {origins}; uninstall all but one of them")
    return registered[0]


@lru_cache(maxsize=16)
def _extensions_on(group: str, search_path: Tuple[str, ...]) -> Mapping[str, Sequence[Extension]]:
    # metadata.entry_points() has another shape in 3.8 and 3.9, and no distribution there.
    registered: Dict[str, List[Extension]] = {}
    for distribution in metadata.distributions():
        for entry_point in distribution.entry_points:
            if entry_point.group == group:
                known = Extension(entry_point.name, distribution.metadata["Name"], entry_point)
                registered.setdefault(entry_point.name, []).append(known)
    return registered
