"""Where exported and trained networks are kept: a private folder that survives the process, and what it is keyed by."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Iterable, Iterator

from pytest_edgeperf import FrameworkError

#: The modules of the networks; beside it those of the labelled sets.
SOURCES = Path(__file__).parent


def folder() -> Path:
    """The folder ``models`` of the cache, made with mode 0700 where it is missing.

    The cache is ``$EDGEPERF_CACHE_DIR``; else ``$XDG_CACHE_HOME/edgeperf``, ``~/.cache/edgeperf`` or, where no
    home can be written to, ``edgeperf-<user id>`` in the folder for temporary files.

    Raises:
        FrameworkError: the folder that was asked for cannot be used, or none can, or it is not ours alone.
    """
    asked = os.environ.get("EDGEPERF_CACHE_DIR")
    if asked:
        return _usable(Path(asked).absolute())
    refusals = []
    for candidate in _candidates():
        try:
            return _usable(candidate)
        except FrameworkError as error:
            refusals.append(str(error))
    raise FrameworkError("; ".join(refusals) + "; set EDGEPERF_CACHE_DIR to a folder of yours")


def digest_of(sources: Iterable[str]) -> Any:
    """A SHA-256 of source files, to go on with: ``detection`` is one of the networks', ``labelled/digits`` another."""
    digest = hashlib.sha256()
    for name in sorted(sources):
        path = SOURCES.parent / name if "/" in name else SOURCES / name
        digest.update(path.with_suffix(".py").read_bytes())
    return digest


def torch_suffix() -> str:
    """What torch's version adds to a name in the cache, read without importing it; empty where there is none."""
    try:
        return f"-torch-{metadata.version('torch')}"
    except metadata.PackageNotFoundError:
        return ""


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
    """``python -m module`` in a child process that finds what this one finds, its output captured."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCES.parent), *filter(None, sys.path)])}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _candidates() -> Iterator[Path]:
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):
        yield Path(xdg) / "edgeperf"
    home = os.path.expanduser("~")
    if os.path.isdir(home):
        yield Path(home) / ".cache" / "edgeperf"
    yield Path(tempfile.gettempdir()) / f"edgeperf-{os.getuid()}"


def _usable(root: Path) -> Path:
    models = root / "models"
    try:
        for level in (root, models):
            level.parent.mkdir(parents=True, exist_ok=True)
            level.mkdir(mode=0o700, exist_ok=True)
        found = models.lstat()
    except OSError as error:
        raise FrameworkError(f"the cache folder {models} cannot be made: {error}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise FrameworkError(f"the cache folder {models} is a link or belongs to another user")
    if found.st_mode & 0o077:
        models.chmod(0o700)
    if not os.access(models, os.W_OK | os.X_OK):
        raise FrameworkError(f"the cache folder {models} cannot be written to")
    return models
