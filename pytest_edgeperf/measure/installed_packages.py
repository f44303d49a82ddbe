"""Which installed distribution a file of a site-packages folder belongs to, and in which version."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Dict, NamedTuple, Optional, Tuple

from pytest_edgeperf.measure.digests import Digests
from pytest_edgeperf.measure.side import INSTALLED

_METADATA = (".dist-info", ".egg-info")
#: Between a name and a version, in what is kept, and what comes behind them.
_EQUALS, _OWN_BUILD = "==", "own build"


class Place(NamedTuple):
    """A file of a folder of what is installed: the folder, the path below it, and what in it may have an owner."""

    site: str
    path: str
    component: str


class Owner(NamedTuple):
    """A distribution."""

    name: str
    version: str
    #: Installed from a folder, an archive or a repository, so that its version may stand for any content.
    own_build: bool = False

    @property
    def kept(self) -> str:
        """It as text, for :meth:`of`."""
        return _EQUALS.join([self.name, self.version, *([_OWN_BUILD] if self.own_build else [])])

    @classmethod
    def of(cls, kept: str) -> Optional[Owner]:
        """Read what :attr:`kept` gave; ``None``: of nothing."""
        name, *rest = kept.split(_EQUALS)
        return cls(name, rest[0], _OWN_BUILD in rest[1:]) if rest else None


def place_of(file: str) -> Optional[Place]:
    """Where in a folder of what is installed a file lies; ``None``: in none.

    The component is the first folder or file of the path; of a namespace package, the first two folders.
    """
    parts = file.split(os.sep)
    index = max((index for index, part in enumerate(parts) if part in INSTALLED), default=None)
    if index is None or index + 1 >= len(parts):
        return None
    site, below = os.sep.join(parts[: index + 1]), parts[index + 1 :]
    component = below[0]
    if len(below) > 2 and not _is_package(os.path.join(site, below[0])):
        component = f"{below[0]}/{below[1]}"
    return Place(site, "/".join(below), component)


@lru_cache(maxsize=None)
def _is_package(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "__init__.py"))


class Owners:
    """Finds the distributions of components; an answer is kept as long as nothing is installed or removed."""

    def __init__(self, digests: Digests) -> None:
        self._digests = digests
        #: Folder -> normalised name -> distribution and the path of its metadata.
        self._listed: Dict[str, Dict[str, Tuple[Owner, str]]] = {}
        self._contents: Dict[str, bytes] = {}

    def of(self, place: Place) -> Optional[Owner]:
        """The distribution of a component; ``None``: its metadata is not there."""
        try:
            text = self._digests.of(f"owner {place.component}", place.site, lambda: self._found(place))
        except OSError:
            return None
        return Owner.of(text)

    def _found(self, place: Place) -> str:
        distributions = self._distributions(place.site)
        by_name = distributions.get(normalised(place.component.partition(".")[0]))
        if by_name is not None:
            return by_name[0].kept
        component = os.fsencode(place.component)
        needles = (b"\n" + component + b"/", b"\n" + component + b",", b"\n" + component + b"\n")
        for owner, path in distributions.values():
            content = self._content(path)
            if any(needle in content for needle in needles):
                return owner.kept
        return ""

    def _distributions(self, site: str) -> Dict[str, Tuple[Owner, str]]:
        if site not in self._listed:
            listed: Dict[str, Tuple[Owner, str]] = {}
            for entry in sorted(os.listdir(site)):
                stem, suffix = os.path.splitext(entry)
                name, dash, version = stem.partition("-")
                if suffix in _METADATA and dash:
                    path = os.path.join(site, entry)
                    own_build = os.path.exists(os.path.join(path, "direct_url.json"))
                    owner = Owner(normalised(name), re.sub(r"-py\d.*\Z", "", version), own_build)
                    listed[owner.name] = (owner, path)
            self._listed[site] = listed
        return self._listed[site]

    def _content(self, path: str) -> bytes:
        """The files that a distribution says it has, or its top-level names, each at the beginning of a line."""
        if path not in self._contents:
            self._contents[path] = b""
            for name in ("RECORD", "top_level.txt"):
                try:
                    with open(os.path.join(path, name), "rb") as file:
                        self._contents[path] = b"\n" + file.read() + b"\n"
                    break
                except OSError:
                    continue
        return self._contents[path]


def normalised(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
