"""What this process loaded, as names and digests: what a benchmark computes with, and nothing of whose machine it is.

Taken after everything was timed. Names are paths below the project's root, or what modules, files, packages and
libraries are called; a path outside the project, a home folder and the environment's variables are in none of them.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import ABOUT
from pytest_edgeperf.measure.digests import Digests
from pytest_edgeperf.measure.installed_packages import Owner, Owners, Place, place_of
from pytest_edgeperf.measure.loaded_paths import Listing, whole_listing
from pytest_edgeperf.results.loaded import LONGEST_ENTRY, folded, loaded_key

Record = Dict[str, Dict[str, str]]

#: With more modules of a project, those of deep folders are one entry each folder.
MOST_MODULES = 60
#: What pytest itself is made of; its plugins begin with ``pytest-``. None of it runs in an inference.
HARNESS = frozenset({"exceptiongroup", "iniconfig", "packaging", "pluggy", "py-cpuinfo", "pygments", "pytest", "tomli"})
#: Those that measure.
MEASURING = frozenset({"pytest-benchmark", "pytest-edgeperf"})
PYTHON = "python"
_OUR_FOLDER = str(Path(__file__).resolve().parents[1])
_OUR_ENTRY = f"{os.path.basename(_OUR_FOLDER)}/"
#: Folders of all users.
_OF_ALL = (os.sep, "/home", "/Users")
#: A shared library's name with its major version: what comes after it changes with every release.
_SONAME = re.compile(r"(.+?\.so(\.\d+)?)(\.[\d.]+)?\Z")


def record_of(loaded: Listing, root: str, digests: Digests, home: Optional[str] = None) -> Record:
    """The record of what a process has loaded.

    Args:
        loaded: its paths.
        root: the project's folder.
        digests: of files that were read before.
        home: whose folder is in no name; the user's unless given.
    """
    return _Recorder(root, digests, os.path.expanduser("~") if home is None else home).record(loaded)


def loaded_now(root: str, further: Iterable[ModuleType] = ()) -> Record:
    """The record of what this process has loaded, and engines' processes that it has started; digests are kept.

    Args:
        root: the project's folder.
        further: modules that are not among the imported ones any more.
    """
    loaded = whole_listing(further)
    digests = Digests.in_cache()
    record = record_of(loaded, root, digests)
    digests.save()
    return record


class _Recorder:
    def __init__(self, root: str, digests: Digests, home: str) -> None:
        self._digests = digests
        self._owners = Owners(digests)
        # What begins there would have a user's name in its paths.
        roots = [
            place for place in dict.fromkeys((os.path.abspath(root), os.path.realpath(root))) if place not in _OF_ALL
        ]
        homes = [place for place in dict.fromkeys((os.path.abspath(home), os.path.realpath(home))) if place != os.sep]
        # A project that begins above the home folder would have that in its paths.
        above = [place for place in homes if any(_below(place, root) for root in roots)]
        self._roots = [_with_separator(place) for place in (*above, *roots)]
        standard = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")} | {os.path.dirname(os.__file__)}
        self._standard = tuple(
            _with_separator(place) for folder in standard if folder for place in (folder, os.path.realpath(folder))
        )
        self._interpreters = {os.path.realpath(sys.executable), *_libpython()}

    def record(self, loaded: Listing) -> Record:
        modules, installed = self._modules(loaded.modules)
        libraries, extensions, python = self._libraries(loaded.mapped, modules)
        record = {
            "modules": _bounded(modules),
            "model": self._files(loaded.models),
            "engine": self._files(loaded.engines, without=ABOUT, with_folders=False),
            "packages": {**self._packages(installed, extensions, dict(loaded.versions)), PYTHON: python},
            "libraries": libraries,
        }
        return {
            section: {_shortened(name): _shortened(value) for name, value in entries.items()}
            for section, entries in record.items()
            if entries
        }

    def _modules(self, files: Iterable[Tuple[str, str]]) -> Tuple[Dict[str, str], List[Tuple[Place, str]]]:
        """Name -> digest of the project's modules, and place and file of those of packages."""
        found: Dict[str, List[str]] = {}
        installed: List[Tuple[Place, str]] = []
        ours = False
        for name, file in sorted(files):
            place = place_of(file)
            if place is not None:
                installed.append((place, file))
            elif file.startswith(self._standard):
                continue
            elif _below(file, _OUR_FOLDER):
                ours = True
            elif name != "__main__":
                digest = self._digest(file)
                if digest is not None:
                    found.setdefault(self._relative(file) or _path_of_module(name, file), []).append(digest)
        modules = {
            name: digests[0] if len(set(digests)) == 1 else loaded_key(dict.fromkeys(sorted(digests)))
            for name, digests in found.items()
        }
        if ours:
            # Of a checkout of ours, all of it: which of its modules are imported when says nothing.
            own = (str(path) for path in Path(_OUR_FOLDER).rglob("*.py"))
            modules[_OUR_ENTRY] = loaded_key({os.path.relpath(path, _OUR_FOLDER): self._digest(path) for path in own})
        return modules, installed

    def _libraries(
        self, mapped: Iterable[str], modules: Dict[str, str]
    ) -> Tuple[Dict[str, str], List[Tuple[Place, str]], str]:
        """Name -> digest of libraries of the system, those of packages, and the version of Python with its build.

        A library of the project, which something else than an import has loaded, is one of its modules.
        """
        libraries: Dict[str, str] = {}
        extensions: List[Tuple[Place, str]] = []
        python: List[str] = []
        for path in sorted(mapped):
            digest = self._digests.of_library(path)
            place = place_of(path)
            if digest is None or (place is None and path.startswith(self._standard)):
                continue
            if place is not None:
                extensions.append((place, digest))
            elif path in self._interpreters or re.match(r"libpython\d", os.path.basename(path)):
                python.append(digest)
            elif self._relative(path) is not None:
                modules.setdefault(str(self._relative(path)), digest)
            else:
                _add(libraries, _soname(os.path.basename(path)), digest)
        version = ".".join(map(str, sys.version_info[:3]))
        return libraries, extensions, f"{version} {loaded_key(dict.fromkeys(python))}" if python else version

    def _packages(
        self,
        modules: Iterable[Tuple[Place, str]],
        libraries: Iterable[Tuple[Place, str]],
        versions: Mapping[str, str],
    ) -> Dict[str, str]:
        """Name -> version, and with it a digest of the package's mapped libraries.

        Of a package that was not downloaded in a version the digest is of its modules, too.
        """
        found: Dict[str, str] = {}
        contents: Dict[str, Dict[str, str]] = {}
        owners: Dict[Tuple[str, str], Optional[Owner]] = {}

        def owner_of(place: Place) -> Optional[Owner]:
            component = place.site, place.component
            if component not in owners:
                owners[component] = self._owner(place, versions)
            owner = owners[component]
            if owner is not None:
                found[owner.name] = owner.version
            return owner

        for place, file in modules:
            owner = owner_of(place)
            if owner is not None and owner.own_build:
                contents.setdefault(owner.name, {})[place.path] = self._digest(file) or ""
        for place, digest in libraries:
            owner = owner_of(place)
            if owner is not None:
                contents.setdefault(owner.name, {})[place.path] = digest
        return {
            name: f"{version} {loaded_key(contents[name])}" if name in contents else version
            for name, version in found.items()
            if name in MEASURING or not (name in HARNESS or name.startswith("pytest-"))
        }

    def _owner(self, place: Place, versions: Mapping[str, str]) -> Optional[Owner]:
        owner = self._owners.of(place)
        name = place.component.partition(".")[0]
        # What has no metadata and begins so is what installers leave to direct imports.
        if owner is not None or name.startswith("_"):
            return owner
        return Owner(name, versions.get(name, "unknown"))

    def _files(self, paths: Iterable[str], *, without: str = "", with_folders: bool = True) -> Dict[str, str]:
        found: Dict[str, str] = {}
        for path in paths:
            name = os.path.basename(path)
            digest = self._digests.of_content(path) if name != without else None
            if digest is not None:
                _add(found, (self._relative(path) if with_folders else None) or name, digest)
        return found

    def _digest(self, file: str) -> Optional[str]:
        return self._digests.of_content(file) if file.endswith(".py") else self._digests.of_library(file)

    def _relative(self, file: str) -> Optional[str]:
        """The path below the project; ``None``: it is not there."""
        for path in dict.fromkeys((file, os.path.realpath(file))):
            for root in self._roots:
                if path.startswith(root):
                    return path[len(root) :].replace(os.sep, "/")
        return None


def _bounded(modules: Mapping[str, str]) -> Dict[str, str]:
    """The modules, with those below folders of one depth as an entry for each folder where there are too many."""
    kept = dict(modules)
    deepest = max((name.rstrip("/").count("/") for name in modules), default=0)
    for depth in range(deepest, 0, -1):
        if len(kept) <= MOST_MODULES:
            break
        folders = {"/".join(name.split("/")[:depth]) + "/" for name in modules if name.rstrip("/").count("/") >= depth}
        kept = folded(modules, folders)
    return kept


def _path_of_module(name: str, file: str) -> str:
    """The path of a module outside the project, by its own name: ``library/parts/module.py``."""
    base = os.path.basename(file)
    parents = name.split(".") if base.startswith("__init__.") else name.split(".")[:-1]
    path = "/".join([*parents, base])
    # pytest names a file outside its root by the folders that it lies in.
    return base if file.endswith(f"/{path}") and file.lstrip("/") == path else path


def _libpython() -> Sequence[str]:
    folder, name = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME")
    return [os.path.realpath(os.path.join(folder, name))] if folder and name else []


def _soname(name: str) -> str:
    match = _SONAME.match(name)
    return match.group(1) if match is not None else name


def _add(entries: Dict[str, str], name: str, digest: str) -> None:
    """Add an entry; a second of the same name gets a number, unless it is the same."""
    number, numbered = 1, name
    while entries.get(numbered, digest) != digest:
        number += 1
        numbered = f"{name} ({number})"
    entries[numbered] = digest


def _below(path: str, folder: str) -> bool:
    return path.startswith(_with_separator(folder))


def _with_separator(folder: str) -> str:
    return folder.rstrip(os.sep) + os.sep


def _shortened(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_ENTRY else f"{text[: LONGEST_ENTRY // 2 - 1]}…{text[-LONGEST_ENTRY // 2 + 1 :]}"
