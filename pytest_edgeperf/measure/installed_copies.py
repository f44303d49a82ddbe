"""Installed copies of the code under test: what both sides of a comparison would load alike."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from functools import lru_cache
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import unquote, urlsplit

from pytest_edgeperf.measure.side import INSTALLED, Side

OUR_NAME = "pytest_edgeperf"
BUILD_REMEDY = (
    "build it there with --against-setup CMD, or give the base side an environment of its own with "
    "--against-python PATH"
)
#: Where a project says its name: file -> the tables that may hold it.
PROJECT_FILES = {
    "pyproject.toml": ("project", "tool.poetry"),
    "setup.cfg": ("metadata",),
    "Cargo.toml": ("package",),
    "setup.py": (),
}
#: Folders of projects that are somebody else's, or no projects.
_NOT_OURS = {"third_party", "3rdparty", "thirdparty", "vendor", "_vendor", "vendored", "external", "extern", "deps"}
_NOT_OURS |= {"test", "tests", "testing", "testdata", "examples", "templates"}
_MOST_SECONDS = 20.0


class InstalledModule(NamedTuple):
    """A loaded module of an installed distribution but ours."""

    name: str
    file: str
    top: str

    @property
    def is_compiled(self) -> bool:
        """It is a library and no Python source."""
        return self.file.endswith(tuple(EXTENSION_SUFFIXES))


class Project(NamedTuple):
    """What is installed of a project of the checkout."""

    distribution: metadata.Distribution
    #: Folder of the project below the checkout's root, where it is known.
    folder: str
    #: It was installed from this checkout, so that what it loads is this code whatever the sources are called.
    from_here: bool
    editable: bool


def installed_modules() -> Iterator[InstalledModule]:
    """Every loaded module of an installed distribution but ours."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        top = name.partition(".")[0]
        if isinstance(file, str) and top != OUR_NAME and INSTALLED.intersection(file.split(os.sep)):
            yield InstalledModule(name, file, top)


def hidden_sources(side: Side) -> List[str]:
    """Packages of which this side has the sources and an installed copy was loaded, wherever the sources lie."""
    roots = _source_roots(side)
    problems: Dict[str, str] = {}
    modules = [module for module in installed_modules() if not (side.owns(module.file) or side.is_foreign(module.file))]
    for module in modules:
        if module.top not in problems:
            files = (path for root in roots for path in _files_of(root, module.name))
            source = next(filter(os.path.isfile, files), None)
            if source is not None:
                problems[module.top] = _hides(module, source)
    for project in _projects(side):
        for module in _loaded_of(project, modules):
            if module.top in problems or (project.editable and not module.is_compiled):
                continue
            source = _source_below(side, project.folder, module.name)
            if source is not None and not module.is_compiled:
                problems[module.top] = _hides(module, source)
            elif project.from_here or module.is_compiled:
                problems[module.top] = (
                    f"{module.name} was loaded from an installed part of this project ({module.file}): both sides "
                    f"would measure the same code, which does not follow {side.tree}. Give the base side an "
                    "environment of its own with --against-python PATH"
                )
    return [problems[top] for top in sorted(problems)]


def borrowed_parts(side: Side) -> List[str]:
    """Packages of this side's tree with a part from the environment, which was built from the other side's."""
    problems = {}
    for name, file, top in installed_modules():
        module, parent = sys.modules.get(name), sys.modules.get(name.rpartition(".")[0])
        parents_file = getattr(parent, "__dict__", {}).get("__file__")
        own_name = getattr(module, "__dict__", {}).get("__name__") == name
        if own_name and isinstance(parents_file, str) and side.owns(parents_file) and not side.owns(file):
            problems[top] = f"{name} is built in the environment ({file}) and not in {side.tree}; {BUILD_REMEDY}"
    return [problems[top] for top in sorted(problems)]


def _hides(module: InstalledModule, source: str) -> str:
    return (
        f"{module.name} was loaded from an installed copy ({module.file}), which hides {source}: both sides would "
        "measure the same code. Install the project editable (pip install -e .), or give the base side an "
        "environment of its own with --against-python PATH"
    )


def _files_of(root: str, name: str) -> Tuple[str, str]:
    stem = os.path.join(root, *name.split("."))
    return os.path.join(stem, "__init__.py"), stem + ".py"


def _source_roots(side: Side) -> List[str]:
    """Folders that packages may be imported from: the tree, its ``src``, and the same of every project in it."""
    projects = [side.tree]
    for distribution in metadata.distributions():
        url, _ = _direct_url(distribution)
        if url is not None:
            projects.append(side.counterpart(url) or "")
    return [
        folder
        for project in dict.fromkeys(filter(None, projects))
        for folder in (project, os.path.join(project, "src"))
    ]


def _projects(side: Side) -> Iterator[Project]:
    """What is installed of this checkout's projects: by where it was installed from, or by a project's name."""
    names: Optional[Dict[str, str]] = None
    for distribution in metadata.distributions():
        url, editable = _direct_url(distribution)
        relative = _below_checkout(side, url) if url is not None else None
        if relative is not None:
            # A wheel lies in a folder of what was built, its project above that.
            folder = os.path.dirname(os.path.dirname(relative)) if relative.endswith(".whl") else relative
            yield Project(distribution, "" if folder == "." else folder, True, editable)
            continue
        if names is None:
            names = _project_names(side)
        name = _normalised(distribution.metadata["Name"] or "")
        if name in names and name != _normalised(OUR_NAME):
            yield Project(distribution, names[name], False, editable)


def _loaded_of(project: Project, modules: Sequence[InstalledModule]) -> Iterator[InstalledModule]:
    tops = {module.top for module in modules}
    files = project.distribution.files
    if files is None:
        listed = set((project.distribution.read_text("top_level.txt") or "").split())
        yield from (module for module in modules if module.top in listed)
        return
    # Only what may be of a loaded module is worth asking where it lies.
    wanted = [file for file in files if file.parts and file.parts[0].partition(".")[0] in tops]
    placed = {os.path.realpath(str(project.distribution.locate_file(file))) for file in wanted}
    yield from (module for module in modules if os.path.realpath(module.file) in placed and not _directs(module.name))


def _directs(name: str) -> bool:
    """Whether the module belongs to an editable install itself, such as setuptools' finder."""
    return name.startswith(("__editable__", "_editable", "_distutils_hack", "_virtualenv"))


def _source_below(side: Side, folder: str, name: str) -> Optional[str]:
    """The module's source in this side's tree, whatever folder of the project holds its packages."""
    parts = name.split(".")
    ends = ("/".join([*parts, "__init__.py"]), "/".join(parts) + ".py")
    start = f"{folder}/" if folder else ""
    for path in _tracked(side.tree):
        if path.startswith(start) and any(path == end or path.endswith("/" + end) for end in ends):
            below = path[len(start) :].split("/")[: -len(parts)]
            if not _NOT_OURS.intersection(below):
                return os.path.join(side.tree, path)
    return None


def _project_names(side: Side) -> Dict[str, str]:
    """Normalised name -> folder of every project in the checkout that is not somebody else's."""
    folders: Dict[str, str] = {}
    for path in sorted(_tracked(side.checkout), key=lambda path: path.count("/")):
        folder, _, file = path.rpartition("/")
        if file in PROJECT_FILES and not _NOT_OURS.intersection(folder.split("/")):
            for name in project_names_in(os.path.join(side.checkout, path), file):
                folders.setdefault(_normalised(name), folder)
    return folders


def project_names_in(path: str, file: str) -> Iterable[str]:
    """The names that a project file gives, read by its lines: the worker's Python may have no TOML reader."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    tables = PROJECT_FILES[file]
    if not tables:
        yield from re.findall(r"\bname\s*=\s*[\"']([\w.-]+)[\"']", text)
        return
    table = ""
    for line in text.splitlines():
        header = re.match(r"\s*\[([^\[\]]+)\]\s*(#.*)?$", line)
        name = re.match(r"\s*name\s*=\s*[\"']?([\w.-]+)[\"']?\s*(#.*)?$", line)
        if header:
            table = header.group(1).strip()
        elif line.lstrip().startswith("["):
            table = ""
        elif name and table in tables:
            yield name.group(1)


@lru_cache(maxsize=None)
def _tracked(tree: str) -> Tuple[str, ...]:
    """All files of a tree that are its sources: those that git knows or would take."""
    command = ["git", "-C", tree, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    # A git hook that runs the tests sets variables that name its own repository.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(command, env=variables, capture_output=True, timeout=_MOST_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(os.fsdecode(path) for path in done.stdout.split(b"\0") if path)


def _direct_url(distribution: metadata.Distribution) -> Tuple[Optional[str], bool]:
    """The local path that a distribution was installed from, if it is known, and whether it is editable."""
    with suppress(ValueError, OSError, AttributeError, TypeError):
        stored = json.loads(distribution.read_text("direct_url.json") or "{}")
        url = urlsplit(stored.get("url", ""))
        if url.scheme == "file":
            return unquote(url.path), bool(stored.get("dir_info", {}).get("editable", False))
    return None, False


def _below_checkout(side: Side, path: str) -> Optional[str]:
    """The path below the checkout's root; ``None``: not the checkout's source."""
    counterpart = side.counterpart(path)
    if counterpart is None:
        return None
    relative = os.path.relpath(counterpart, side.tree)
    return None if _NOT_OURS.intersection(relative.split(os.sep)) else relative


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
