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
from typing import Any, Iterable, Iterator, Optional

from pytest_edgeperf import is_private

#: Where ``models``, ``tasks`` and ``labelled`` are.
BENCHMARKS = Path(__file__).parents[1]


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
