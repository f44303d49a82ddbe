"""Where exported and trained networks are kept: a private folder that survives the process, and what it is keyed by."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Iterable, Iterator, Optional

from pytest_edgeperf import FrameworkError, cache_folder, is_private

#: Where ``models``, ``tasks`` and ``labelled`` are.
BENCHMARKS = Path(__file__).parents[1]


def folder() -> Path:
    """The folder ``models`` of the cache, made with mode 0700 where it is missing.

    The cache is ``$EDGEPERF_CACHE_DIR``; else ``$XDG_CACHE_HOME/edgeperf``, ``~/.cache/edgeperf`` or, where no
    home can be written to, ``edgeperf-<user id>`` in the folder for temporary files.

    Raises:
        FrameworkError: the folder that was asked for cannot be used, or none can, or it is not ours alone.
    """
    try:
        return cache_folder("models", strict=True)
    except OSError as error:
        raise FrameworkError(str(error)) from error


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
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(BENCHMARKS), *filter(None, sys.path)])}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
