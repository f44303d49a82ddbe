"""Directs a worker's imports: code of the user's checkout is loaded from the tree of the worker's side.

Two commits are compared by two workers. The candidate's side is the checkout itself, the base's side is a worktree
of another commit. A worker enters its side before pytest starts: its search path, its folder and every module that
a later finder (``.pth`` files, editable installs) would take from the checkout then come from its own tree.

This package is never mapped: the measuring code is the coordinator's on both sides, even where the project under
test is pytest-edgeperf itself. Its benchmarks and their helpers are then the old commit's, ``pytest_edgeperf`` is not.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from importlib import invalidate_caches, metadata
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence

from pytest_edgeperf.measure.installed_copies import BUILD_REMEDY, borrowed_parts, hidden_sources
from pytest_edgeperf.measure.side import Side

_OUR_NAME = Path(__file__).resolve().parents[1].name


class SideFinder(MetaPathFinder):
    """Asks the finders behind it, and takes what they find in the checkout from the side's tree."""

    def __init__(self, side: Side, search_path: Sequence[str]) -> None:
        self._side = side
        self._unmapped = [path for path in search_path if side.counterpart(path) is not None]
        #: Module -> its file in the checkout, which was built there and is not in this side's tree.
        self.not_built: Dict[str, str] = {}

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Any = None
    ) -> Optional[ModuleSpec]:
        """The module's spec in this side's tree, or the one outside of both trees.

        Raises:
            ImportError: only the checkout has it, as something that was built there; names the remedy.
            ModuleNotFoundError: only the checkout has it.
        """
        if fullname.partition(".")[0] == _OUR_NAME:
            return None
        refused = []
        for spec in self._later_specs(fullname, path, target):
            accepted = self._accepted(spec)
            if accepted is not None:
                return accepted
            refused.append(spec)
        return self._without(refused, fullname, path)

    def find_distributions(self, context: Any = None) -> Iterable[metadata.Distribution]:
        """The coordinator's pytest-edgeperf, whose entry points must be found where it is not installed."""
        wanted = getattr(context, "name", None)
        if self._side.distribution and (wanted is None or re.sub(r"[-_.]+", "-", wanted).lower() == "pytest-edgeperf"):
            yield metadata.PathDistribution(Path(self._side.distribution))

    def problems(self) -> List[str]:
        """The problems by which this side measured the wrong code: one sentence each, with the remedy.

        Modules of the other side's tree, sources hidden by an installed copy, compiled parts that are missing or
        the other side's.
        """
        problems = [self._not_built_text(name) for name in self.not_built]
        problems += [
            f"{file.name} was loaded from the other side's tree: {file.path}; this side is {self._side.tree}. "
            "Give the base side an environment of its own with --against-python PATH"
            for file in foreign_modules(self._side)
        ]
        if not self._side.separate_environments:
            problems += hidden_sources(self._side)
            problems += borrowed_parts(self._side) if self._side.is_mapped else []
        return problems

    def _later_specs(self, fullname: str, path: Optional[Sequence[str]], target: Any) -> Iterator[ModuleSpec]:
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            find = getattr(finder, "find_spec", None)
            spec = find(fullname, path, target) if find is not None else None
            if spec is not None:
                yield spec

    def _without(
        self, refused: Sequence[ModuleSpec], fullname: str, path: Optional[Sequence[str]]
    ) -> Optional[ModuleSpec]:
        """What to answer for a module that nothing but the checkout may have."""
        for spec in refused or self._specs_in_checkout(fullname, path):
            accepted = self._accepted(spec)
            if accepted is not None:
                return accepted
            if spec.origin is not None and self._was_built(spec.origin):
                self.not_built[fullname] = spec.origin
                raise ImportError(self._not_built_text(fullname), name=fullname)
        if refused:
            # Returning None would let the finder that found it in the checkout have its way.
            raise ModuleNotFoundError(f"No module named {fullname!r} in {self._side.tree}", name=fullname)
        return None

    def _accepted(self, spec: ModuleSpec) -> Optional[ModuleSpec]:
        """The spec in this side's tree; as it is where it is not the checkout's; ``None``: not in the tree."""
        if not self._side.is_mapped:
            return spec
        origin = spec.origin if spec.has_location else None
        locations = None if spec.submodule_search_locations is None else list(spec.submodule_search_locations)
        if origin is not None and self._side.counterpart(origin) is not None:
            return self._moved(spec.name, str(self._side.counterpart(origin)), locations)
        if locations is None or all(self._side.counterpart(location) is None for location in locations):
            return spec
        mapped = self._mapped(locations)
        if origin is None and not any(map(os.path.exists, mapped)):
            return None
        spec.submodule_search_locations = mapped
        return spec

    def _moved(self, name: str, origin: str, locations: Optional[List[str]]) -> Optional[ModuleSpec]:
        if not os.path.isfile(origin):
            return None
        if locations is not None:
            locations = [location for location in self._mapped(locations) if os.path.isdir(location)] or [
                os.path.dirname(origin)
            ]
        return spec_from_file_location(name, origin, submodule_search_locations=locations)

    def _mapped(self, paths: Iterable[str]) -> List[str]:
        return [self._side.counterpart(location) or location for location in paths]

    def _specs_in_checkout(self, fullname: str, path: Optional[Sequence[str]]) -> List[ModuleSpec]:
        """What the checkout would have given for a module that this side's tree has not."""
        if not self._side.is_mapped:
            return []
        places = (
            self._unmapped if path is None else [location for location in map(self._side.in_checkout, path) if location]
        )
        spec = PathFinder.find_spec(fullname, places) if places else None
        return [spec] if spec is not None and spec.has_location else []

    def _was_built(self, file: str) -> bool:
        """A build product, or a file that git ignores: it is absent from a worktree without anyone removing it."""
        if file.endswith(tuple(EXTENSION_SUFFIXES)):
            return True
        command = ["git", "-C", self._side.checkout, "check-ignore", "-q", "--", file]
        # A git hook that runs these tests has set variables of its own repository.
        variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        try:
            done = subprocess.run(command, env=variables, stderr=subprocess.DEVNULL, timeout=20, check=False)
            return done.returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False

    def _not_built_text(self, name: str) -> str:
        return f"{name} is built in the checkout ({self.not_built[name]}) and not in {self._side.tree}; {BUILD_REMEDY}"


class LoadedFile(NamedTuple):
    """A module and one of the places it was loaded from."""

    name: str
    path: str


def foreign_modules(side: Side) -> List[LoadedFile]:
    """Loaded modules that come from the other side's tree, in order of their names; one place each."""
    first: Dict[str, LoadedFile] = {}
    for file in _loaded_files():
        if side.is_foreign(file.path):
            first.setdefault(file.name, file)
    return [first[name] for name in sorted(first)]


def _loaded_files() -> Iterator[LoadedFile]:
    for name, module in list(sys.modules.items()):
        # Some modules make up attributes when asked, so only what they really have is looked at.
        inside = getattr(module, "__dict__", {})
        places = [inside.get("__file__"), getattr(inside.get("__spec__"), "origin", None)]
        # A __path__ that cannot be listed names no file.
        with suppress(Exception):
            places.extend(inside.get("__path__") or ())
        for place in {place for place in places if isinstance(place, str)}:
            if os.path.isabs(place):
                yield LoadedFile(name, place)


def enter(side: Side, search_path: Sequence[Optional[str]]) -> SideFinder:
    """Make this process one of ``side``: search path, current folder, PYTHONPATH and imports.

    ``None`` in ``search_path`` stands for the interpreter's own path. Processes that the benchmark starts inherit
    all but the finder.
    """
    own = list(sys.path)
    wanted = [folder for entry in search_path for folder in (own if entry is None else [entry])]
    finder = SideFinder(side, wanted)
    sys.path[:] = list(dict.fromkeys(side.counterpart(folder) or folder for folder in wanted))
    if "PYTHONPATH" in os.environ:
        inherited = os.environ["PYTHONPATH"].split(os.pathsep)
        os.environ["PYTHONPATH"] = os.pathsep.join(side.counterpart(folder) or folder for folder in inherited)
    folder = side.counterpart(os.getcwd())
    if folder is not None:
        os.chdir(folder if os.path.isdir(folder) else side.tree)
    sys.meta_path.insert(0, finder)
    invalidate_caches()
    return finder
