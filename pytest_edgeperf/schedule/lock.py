"""One measuring session on a device at a time."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import stat
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Optional

#: Where the lock is, for all users of a machine; sessions that shall not see each other need different ones.
LOCK_FOLDER_VARIABLE = "EDGEPERF_LOCK_DIR"
_SHARED = Path("/run/lock")


class LockError(Exception):
    """The lock cannot be taken."""


class DeviceBusy(LockError):
    """Another session measures on this machine; the message says who."""


class DeviceLock:
    """An ``flock`` that goes with its process, beside a file that says who holds it.

    The lock file is opened for reading only, which ``flock`` allows: in a shared temporary folder the
    kernel lets nobody but its owner write it.
    """

    def __init__(self, folder: Optional[Path] = None) -> None:
        self._folder = folder or lock_folder()
        self._descriptor: Optional[int] = None

    def acquire(self, rootdir: Path) -> None:
        """Take the lock, or say who has it.

        Raises:
            DeviceBusy: another session holds it.
            LockError: the lock's file can neither be made nor opened.
        """
        path = self._folder / "edgeperf-device.lock"
        try:
            descriptor = self._open(path)
        except OSError as error:
            raise LockError(
                f"{path}: the lock of the measuring session cannot be opened: {error.strerror}; "
                f"set {LOCK_FOLDER_VARIABLE} to a folder that all who measure on this machine may read and write"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise DeviceBusy(self._busy()) from None
        self._descriptor = descriptor
        self._tell(
            {
                "pid": os.getpid(),
                "user": _user(),
                "rootdir": str(rootdir),
                "since": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC",
            }
        )

    def release(self) -> None:
        """Give the lock back; dying does so too."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @staticmethod
    def _open(path: Path) -> int:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        with contextlib.suppress(FileExistsError):
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
        return os.open(path, flags)

    def _tell(self, holder: Dict[str, Any]) -> None:
        """Say who holds it, in a file of this user's own; not being able to say so is no reason not to measure."""
        path = self._folder / f"edgeperf-device-{os.getuid()}.json"
        with contextlib.suppress(OSError):
            path.unlink()
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            with os.fdopen(descriptor, "w") as stream:
                json.dump(holder, stream)

    def _busy(self) -> str:
        who = "an unknown process"
        for path in self._folder.glob("edgeperf-device-*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                holder = json.loads(path.read_text())
                if Path(f"/proc/{int(holder['pid'])}").exists():
                    who = (
                        f"process {holder['pid']} of {holder['user']}, in {holder['rootdir']}, since {holder['since']}"
                    )
        return (
            f"another session is measuring on this machine ({who}); two at once would disturb each other: "
            "wait until it has ended"
        )


def lock_folder() -> Path:
    """The folder that all who measure on this machine share: ``$EDGEPERF_LOCK_DIR``, else ``/run/lock`` where
    everybody may write there, else the temporary directory.

    A service may have a temporary directory of its own (``PrivateTmp``), so that comes last.
    """
    if os.environ.get(LOCK_FOLDER_VARIABLE):
        return Path(os.environ[LOCK_FOLDER_VARIABLE])
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(_SHARED.stat().st_mode) and _SHARED.stat().st_mode & stat.S_IWOTH:
            return _SHARED
    return Path(tempfile.gettempdir())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
