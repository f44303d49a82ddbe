"""Temporary folders, removed when the work is done, or by the next process if that one was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, Optional

#: The prefix of a folder that is not locked yet, so that no other process takes it for abandoned.
_UNLOCKED = ".new-"


@contextmanager
def scratch(prefix: str, parent: Optional[Path] = None) -> Iterator[Path]:
    """A private folder, removed at the end; first, those that killed processes left behind are removed.

    Args:
        prefix: how its name begins, and those of its kind.
        parent: where it lies; else in the temporary directory.

    Raises:
        OSError: it cannot be made.
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    remove_abandoned(place, prefix)
    made = Path(tempfile.mkdtemp(dir=str(place), prefix=_UNLOCKED + prefix))
    lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    folder = made
    try:
        # Where the file system has no locks, its name keeps it from being taken for abandoned.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder = made.with_name(made.name[len(_UNLOCKED) :])
            os.rename(made, folder)
        yield folder
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)
        os.close(lock)


def remove_abandoned(place: Path, prefix: str) -> None:
    """Remove this user's folders of that kind which no living process holds."""
    for folder in sorted(place.glob(f"{prefix}*")):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(lock).st_uid == os.getuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(str(folder), ignore_errors=True)
            finally:
                os.close(lock)
