"""One measuring session on a device at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
from pathlib import Path
from typing import Optional

from pytest_edgeperf.caches import user_name
from pytest_edgeperf.schedule.machine.lock_notes import holder, leave_note, remove_note

#: Where the lock is, for all users of a machine; sessions that shall not see each other need different ones.
LOCK_FOLDER_VARIABLE = "EDGEPERF_LOCK_DIR"
_SHARED = Path("/run/lock")


class LockError(Exception):
    """The lock cannot be taken."""


class DeviceBusy(LockError):
    """Another session is measuring on this machine; the message names it."""


class DeviceLock:
    """An ``flock`` that ends with its process, with a note that names its holder.

    The lock file is opened for reading only, which ``flock`` allows: in a shared temporary folder the
    kernel lets nobody but its owner write it.
    """

    def __init__(self, folder: Optional[Path] = None) -> None:
        self._folder = folder or lock_folder()
        self._descriptor: Optional[int] = None

    def acquire(self, rootdir: Path) -> None:
        """Take the lock.

        Raises:
            DeviceBusy: another session holds it.
            LockError: the lock's file cannot be created or opened, or its file system does not support locks.
        """
        path = self._folder / "edgeperf-device.lock"
        remedy = f"set {LOCK_FOLDER_VARIABLE} to a folder that all users who measure on this machine can read and write"
        try:
            descriptor = self._open(path)
        except OSError as error:
            why = f"{error.strerror}{_owner_of(path)}" if error.errno == errno.EACCES else error.strerror
            raise LockError(f"{path}: the lock of the measuring session cannot be opened: {why}; {remedy}") from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise LockError(
                    f"{path}: the lock of the measuring session is not a regular file; remove it, or {remedy}"
                )
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise DeviceBusy(self._busy()) from None
        except OSError as error:
            os.close(descriptor)
            raise LockError(
                f"{path}: the session cannot be locked, because this file system does not support locks "
                f"({error.strerror}); set {LOCK_FOLDER_VARIABLE} to a folder on a local disk"
            ) from error
        except LockError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        leave_note(self._folder, rootdir)

    def release(self) -> None:
        """Release the lock; the end of the process releases it as well."""
        if self._descriptor is not None:
            remove_note(self._folder)
            os.close(self._descriptor)
            self._descriptor = None

    @staticmethod
    def _open(path: Path) -> int:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            descriptor = os.open(path, flags)
        status = os.fstat(descriptor)
        if status.st_uid == os.getuid() and stat.S_ISREG(status.st_mode) and status.st_mode & 0o444 != 0o444:
            # The umask of who comes first must not keep everybody else from measuring.
            with contextlib.suppress(OSError):
                os.fchmod(descriptor, 0o644)
        return descriptor

    def _busy(self) -> str:
        return (
            f"another session is measuring on this machine ({holder(self._folder)}); two sessions at once would "
            "disturb each other: wait until it has finished"
        )


def _owner_of(path: Path) -> str:
    """Whose file stands in the way, and how they make room."""
    try:
        name = user_name(os.lstat(path).st_uid)
    except OSError:
        return ""
    return f" (it belongs to {name}, who can run: chmod 644 {path})"


def lock_folder() -> Path:
    """The folder that all users who measure on this machine share: ``$EDGEPERF_LOCK_DIR``, else ``/run/lock`` where
    everybody may write there, else the temporary directory.

    A service may have a temporary directory of its own (``PrivateTmp``), so that comes last.
    """
    if os.environ.get(LOCK_FOLDER_VARIABLE):
        return Path(os.environ[LOCK_FOLDER_VARIABLE])
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(_SHARED.stat().st_mode) and _SHARED.stat().st_mode & stat.S_IWOTH:
            return _SHARED
    return Path(tempfile.gettempdir())
