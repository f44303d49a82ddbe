"""Exported, trained and converted networks in the cache: what their names depend on, and how they are written."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Iterable, Iterator, List, Optional

from pytest_edgeperf import FrameworkError, activity, is_private

#: For a lock that another process holds.
LONGEST_WAIT_S = 900
#: Where ``models``, ``tasks`` and ``labelled`` are.
BENCHMARKS = Path(__file__).parents[1]
#: What a module that is run takes its time for.
DOING = {
    "models.conversions": "converting",
    "models.export": "exporting",
    "models.state_files": "writing the weights of",
    "models.training": "training",
}


def untrusted(*paths: Path) -> Optional[str]:
    """Why files that are there must not be read: another user could have written them. ``None``: they may be."""
    for path in paths:
        if os.path.lexists(path) and not is_private(path):
            return f"others could have written {path}; if it is yours: chmod -R go-w {path}"
    return None


def close_to_others(folder: Path) -> None:
    """Take from everybody else what the umask lets them do with a folder and what is in it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)


def digest_of(sources: Iterable[str]) -> Any:
    """A SHA-256 of source files of ``benchmarks``, to go on with: ``models/resnet``, ``labelled/digits``."""
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update((BENCHMARKS / name).with_suffix(".py").read_bytes())
    return digest


def missing(libraries: Iterable[str]) -> List[str]:
    """Which of torch and the libraries that define a network are not installed, without importing them."""
    return [name for name in ("torch", *libraries) if _version(name) is None]


def versions_suffix(libraries: Iterable[str] = ()) -> str:
    """What their versions add to a name in the cache: other versions make other weights.

    Empty where one is not installed: then what any versions made will do, as nothing can be made here.
    """
    if missing(libraries):
        return ""
    return "".join(f"-{name}-{_version(name)}" for name in ("torch", *libraries))


def made_by_any_version(place: Path, libraries: Iterable[str] = ()) -> List[Path]:
    """What the cache has of a place: of the installed versions; of any, in order, where nothing can be made."""
    suffix = versions_suffix(libraries)
    name = place.name
    return [place.with_name(name + suffix)] if suffix else sorted(place.parent.glob(f"{name}-torch-*"))


def _version(name: str) -> Optional[str]:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@contextmanager
def locked(path: Path, doing: str) -> Iterator[None]:
    """Hold the lock of what is made at ``path``; ``doing`` says what: ``exporting resnet18``.

    Raises:
        FrameworkError: another process holds it for too long, or what locks files is not installed.
    """
    try:
        # torch brings it; a board that only reads an export has neither
        import filelock
    except ImportError as error:
        raise FrameworkError(f"{doing} needs the package filelock: pip install filelock") from error
    lock = filelock.FileLock(f"{path}.lock", timeout=LONGEST_WAIT_S)
    try:
        with activity(f"waiting for another process that is {doing}"):
            lock.acquire()
    except filelock.Timeout as error:
        raise FrameworkError(
            f"another process has been {doing} for {LONGEST_WAIT_S} s (lock: {lock.lock_file})"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write, in the place of ``path`` once it is finished and never before."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(handle)
    try:
        yield Path(name)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def run_module(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``python -m module`` in a child process that finds what this one finds, its output captured.

    The progress line says what it does: the sources of who calls it are part of names in the cache.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(BENCHMARKS), *filter(None, sys.path)])}
    command = [sys.executable, "-m", module, *arguments]
    doing = DOING.get(module, module.rpartition(".")[2])
    with activity(f"{doing} {' '.join(argument for argument in arguments if os.sep not in argument)}"):
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
