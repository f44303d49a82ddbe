"""Which code a session measures, so that a resumed session can detect a change."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from pytest_edgeperf.schedule.against.git import WITHOUT_HOOKS, environment

#: What a benchmark's body runs, as it is written or built.
CODE = (".py", ".pyx", ".pxd", ".so", ".pyd", ".c", ".cc", ".cpp", ".cxx", ".cu", ".cuh", ".h", ".hpp", ".rs")
#: What it may load besides; looked at where git says that it was changed.
LOADED = (*CODE, ".onnx", ".tflite", ".pt", ".pth", ".engine", ".bin", ".npz", ".yaml", ".yml", ".toml", ".ini", ".cfg")
#: So many files are read, and so much of them; beyond that the size and the time of change must do, or nothing.
MOST_FILES = 5000
MOST_BYTES = 64 << 20
#: So many names are looked at in search of sources, of one folder at most so many: they may be photographs.
MOST_NAMES = 100_000
_MOST_OF_A_FOLDER = 1000
_NOT_OURS = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})
_GIT_SECONDS = 20


def commit_of(rootdir: Path) -> Optional[str]:
    """The checkout's commit, with ``-dirty`` when files differ from it; ``None`` outside git."""
    return _git(rootdir, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def code_of(rootdir: Path, further: Sequence[Path] = ()) -> str:
    """Digest of a project's code: the sources below ``rootdir``, what git says was changed, and ``further`` files."""
    paths = {*_sources(rootdir), *_changed(rootdir), *further}
    return digest_of(sorted(paths)[:MOST_FILES], rootdir)


def modules_of(rootdir: Path, modules: Mapping[str, Any]) -> Dict[str, str]:
    """Top-level module -> digest of its sources, of those that neither the project nor an installation holds.

    A package that is installed in editable mode, say, or what ``PYTHONPATH`` adds.
    """
    digests: Dict[str, str] = {}
    installed = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    known = tuple(f"{place}{os.sep}" for place in (str(rootdir), os.path.dirname(os.__file__), *installed) if place)
    for name, module in sorted(modules.items()):
        file = getattr(module, "__file__", None)
        if "." in name or name == "__main__" or not isinstance(file, str):
            continue
        if file.startswith(known) or _NOT_OURS & set(file.split(os.sep)):
            continue
        path = Path(file)
        package = path.name.startswith("__init__.")
        paths = sorted(_sources(path.parent)) if package else [path]
        digests[name] = digest_of(paths, path.parent)
    return digests


def packages_of(search_path: Sequence[str]) -> str:
    """Digest of the distributions that are installed, by the names and versions of their metadata."""
    names: Set[str] = set()
    for folder in search_path:
        try:
            names.update(name for name in os.listdir(folder or ".") if name.endswith((".dist-info", ".egg-info")))
        except OSError:
            continue
    return _short("\n".join(sorted(names)).encode())


def digest_of(paths: Sequence[Path], root: Path) -> str:
    """Digest of the paths, relative to ``root``, and of what the files hold."""
    digest = hashlib.sha256()
    left = MOST_BYTES
    for path in paths:
        content, size = _content(path, left)
        left -= size
        digest.update(f"{os.path.relpath(path, root)}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _content(path: Path, most_bytes: int) -> Tuple[str, int]:
    """What stands for a file's content, and how much of it was read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return "no file", 0
            if status.st_size > most_bytes:
                return f"{status.st_size} {status.st_mtime_ns}", 0
            digest = hashlib.sha256()
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
            return digest.hexdigest(), status.st_size
    except OSError:
        return "absent", 0


def _sources(folder: Path) -> Iterator[Path]:
    """Files of code below a folder, in the same order every time; no hidden folder and no environment's packages."""
    sources = names_seen = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_project(os.path.join(place, name), name))
        names_seen += min(len(folders) + len(names), _MOST_OF_A_FOLDER)
        for name in sorted(name for name in names if name.endswith(CODE)):
            yield Path(place, name)
            sources += 1
        if sources >= MOST_FILES or names_seen >= MOST_NAMES:
            return


def _is_project(path: str, name: str) -> bool:
    return not (name.startswith(".") or name in _NOT_OURS or os.path.exists(os.path.join(path, "pyvenv.cfg")))


def _changed(rootdir: Path) -> List[Path]:
    """Files that differ from the commit anywhere in the repository; to look for new ones there could take long."""
    top = _git(rootdir, "rev-parse", "--show-toplevel")
    if top is None:
        return []
    changed = (_git(Path(top), "ls-files", "-z", "-m") or "").split("\0")
    return [Path(top, name) for name in changed if name.endswith(LOADED)]


def _git(folder: Path, *arguments: str) -> Optional[str]:
    try:
        answer = subprocess.run(
            [*WITHOUT_HOOKS, "-C", str(folder), *arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(answer.stdout).rstrip("\n") or None if answer.returncode == 0 else None


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def python_of() -> str:
    """The interpreter, so far as it decides how fast code runs."""
    return f"{sys.version} at {sys.executable}"
