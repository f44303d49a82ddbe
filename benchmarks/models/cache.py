"""Where exported networks are kept: a private folder that survives the process."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Iterator

from pytest_edgeperf import FrameworkError


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
