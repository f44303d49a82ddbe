"""Files of ours: replaced whole, tried before anything is measured, and locked while they are changed."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Iterator, Optional, Tuple, Union

from .errors import ResultsError

#: How long somebody else may take to change the same baseline.
LOCK_SECONDS = 60.0

_MODE = 0o644
_TEMPORARY = re.compile(r"\.edgeperf-[0-9a-f]{16}\.tmp\Z")
_TRIED_BYTES = 4096
_POLL_SECONDS = 0.05
_LOCKED_BY_OTHERS = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


def replace_file(path: Union[str, os.PathLike[str]], data: bytes) -> None:
    """Put ``data`` into a file so that at any moment either the old or the new one is there, complete.

    Folders are created; a symbolic link stays one and its target is replaced. Temporary files of writers that were
    killed in this folder are removed.

    Raises:
        ResultsError: it cannot be written; the old file is as it was.
    """
    source = os.fspath(path)
    try:
        _replace(Path(os.path.realpath(source)), data)
    except (OSError, ValueError) as error:
        raise unwritable(source, error) from error


def check_writable(path: Union[str, os.PathLike[str]]) -> None:
    """Find out whether a file could be written, as far as that can be known before: it is not touched.

    Folders that do not exist are not made.

    Raises:
        ResultsError: it could not.
    """
    source = os.fspath(path)
    try:
        target = Path(os.path.realpath(source))
        _mode_of(target)
        folder = next(folder for folder in target.parents if os.path.lexists(folder))
        temporary, descriptor = _new_temporary(folder)
        try:
            os.write(descriptor, bytes(_TRIED_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            os.unlink(temporary)
    except (OSError, ValueError) as error:
        raise unwritable(source, error) from error


@contextmanager
def locked(path: Union[str, os.PathLike[str]], patience_s: float = LOCK_SECONDS) -> Iterator[None]:
    """Inside, no other process of ours changes this file or another one of its folder.

    The lock is an ``flock`` of the folder, so that no file stays behind; where a file system locks files only (NFS), of
    a file in it. One that locks nothing leaves the moment between reading and writing unguarded.

    Raises:
        ResultsError: the folder cannot be opened, or somebody else has held the lock for ``patience_s``.
    """
    source = os.fspath(path)
    folder = Path(os.path.realpath(source)).parent
    deadline = time.monotonic() + patience_s
    with ExitStack() as held:
        try:
            if not folder.exists():
                folder.mkdir(parents=True, exist_ok=True)
                # A change that was refused leaves nothing behind.
                held.callback(_remove_empty, folder)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise unwritable(source, error) from error
        held.callback(os.close, descriptor)
        if not _await_lock(descriptor, deadline, source):
            path_of_lock = folder / ".edgeperf-lock"
            held.callback(os.close, _lock_file(path_of_lock, deadline, source))
            # Removed while it is still locked, so that nobody waits for a file that is gone without seeing it.
            held.callback(_remove, path_of_lock)
        yield


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _replace(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = _mode_of(target)
    temporary, descriptor = _new_temporary(target.parent)
    try:
        with open(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
            os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(target.parent)
    _sweep(target.parent)


def _mode_of(target: Path) -> Optional[int]:
    """The permissions of the file that is to be replaced; ``None`` if there is none."""
    try:
        old = os.lstat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(old.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(old.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return stat.S_IMODE(old.st_mode)


def _new_temporary(folder: Path) -> Tuple[Path, int]:
    """A new file that its writer holds locked, which distinguishes it from what a killed writer left."""
    while True:
        path = folder / f".edgeperf-{secrets.token_hex(8)}.tmp"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(descriptor, path):
            return path, descriptor
        # Another writer's sweep came between the opening and the lock.
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove the temporary files that no living writer holds."""
    with suppress(OSError):
        for name in os.listdir(folder):
            if _TEMPORARY.match(name):
                _remove_abandoned(folder / name)


def _remove_abandoned(path: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)


def _await_lock(descriptor: int, deadline: float, source: str) -> bool:
    """Lock what is open; ``False``: the file system does not lock it."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno not in _LOCKED_BY_OTHERS:
                return False
        if time.monotonic() >= deadline:
            raise ResultsError(
                f"{source}: another process has been changing files in this folder for too long; "
                "wait until it has ended, then run it again"
            )
        time.sleep(_POLL_SECONDS)


def _lock_file(path: Path, deadline: float, source: str) -> int:
    """Lock a file of this name; whoever had it locked before may have removed it since it was opened."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
        except OSError as error:
            raise unwritable(source, error) from error
        try:
            if not _await_lock(descriptor, deadline, source) or _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    return False


def _sync_folder(folder: Path) -> None:
    # Some file systems cannot sync a folder; the new file is in place by now.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def unwritable(source: str, error: Exception) -> ResultsError:
    """The error of a file that cannot be written, with the reason and the remedy."""
    why = getattr(error, "strerror", None) or str(error)
    return ResultsError(f"{source}: the file cannot be written ({why}); {_remedy(error)}")


def _remedy(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make the folder writable (a read-only checkout?) or choose another folder"
    if number in (errno.ENOSPC, errno.EDQUOT):
        return "free some space and run it again"
    return "choose another path"
