"""The private folder for what is kept between sessions: who must own it, and which files may be read.

Anyone who can write here decides what a session loads, so everything must belong to this user and be writable by no
other: each folder from the cache's down is checked by owner, kind and mode, and no link in it is followed. What another
user left in it is moved aside.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, Optional, Tuple

#: Where the cache is to be.
VARIABLE = "EDGEPERF_CACHE_DIR"
#: In a worker whose engines are built several times: the number of its build, from 0.
BUILD_VARIABLE = "EDGEPERF_BUILD"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class NotPrivate(OSError):
    """A folder or file of the cache is not this user's own; the message names it, why, and the remedy."""


def cache_folder(*parts: str, strict: bool = False) -> Path:
    """A private folder (0700) for what can be made again: journals, results, models, engines, digests.

    ``$EDGEPERF_CACHE_DIR``, else ``$XDG_CACHE_HOME/edgeperf``, else ``~/.cache/edgeperf``; where none of
    these can be used (no home, read-only, another user's, a link), a folder of this user in the temporary directory.

    Args:
        parts: folders below the cache's.
        strict: raise an error if ``$EDGEPERF_CACHE_DIR`` names an unusable folder, instead of passing it over.

    Raises:
        OSError: not even the temporary directory can be used, or the folder that was asked for cannot.
    """
    refusals = []
    for candidate in _candidates():
        try:
            return _usable(candidate, parts)
        except OSError as error:
            refusals.append(_sentence(error, candidate))
        if strict and os.environ.get(VARIABLE):
            break
    raise OSError(
        f"no folder can be used for journals and caches ({'; '.join(refusals)}); set {VARIABLE} to a usable folder"
    )


def build_number() -> int:
    """Which of several builds of the same engine this process uses, from 0; 0 where there is one."""
    text = os.environ.get(BUILD_VARIABLE, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def why_passed_over() -> Optional[str]:
    """Why the folder in ``$EDGEPERF_CACHE_DIR`` is not used, or ``None`` where it is, or where none is named."""
    asked = os.environ.get(VARIABLE)
    if not asked:
        return None
    try:
        _usable(Path(os.path.abspath(asked)), ())
    except OSError as error:
        return _sentence(error, Path(asked))
    return None


def is_private(path: Path) -> bool:
    """Whether a file, or a folder with all its content, belongs to this user and is writable by no other.

    Links, devices and pipes are not, wherever they lead.
    """
    try:
        status = os.lstat(path)
        if _why_not_private(status, path) is not None:
            return False
        if not stat.S_ISDIR(status.st_mode):
            return stat.S_ISREG(status.st_mode)
        with os.scandir(path) as entries:
            return all(is_private(Path(entry.path)) for entry in entries)
    except OSError:
        return False


def make_private(folder: Path) -> None:
    """Remove all permissions of other users from a folder and its content.

    Raises:
        NotPrivate: there is a link, a device or a pipe in it, or something of another user.
    """
    for path in (folder, *folder.rglob("*")):
        status = os.lstat(path)
        if status.st_uid != os.getuid() or not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
            raise NotPrivate(
                f"{path} is a link, a pipe or owned by another user; only this user's own files may be here"
            )
        os.chmod(path, stat.S_IMODE(status.st_mode) & 0o700)


def clear_place(folder: Path) -> None:
    """Remove whatever is at the path of a folder in the cache; what another user left there is moved aside.

    Raises:
        OSError: neither can be done.
    """
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        _move_aside(folder)


def _move_aside(path: Path) -> None:
    """Rename what another user left in the cache, so that nothing looks for it."""
    # Another session may do so at the same time.
    with suppress(FileNotFoundError):
        os.rename(path, f"{path}.not-ours-{secrets.token_hex(4)}")


def open_private(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a file of ours: neither through a link, nor waiting for the other end of a pipe. Made 0600 with O_CREAT.

    Raises:
        NotPrivate: it is not a regular file of this user, or others may write it.
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotPrivate(f"{path} is not a regular file; remove it")
        reason = _why_not_private(status, path)
        if reason is not None:
            raise NotPrivate(f"{reason}; remove it")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file in the cache, which is made where it is missing; waits until nobody else holds it.

    Raises:
        OSError: the file is not ours, or its file system has no locks.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
            raise NotPrivate(f"{path} is not a file of this user; remove it")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise OSError(
                f"{path} cannot be locked, because its file system does not support locks ({error.strerror}); "
                f"set {VARIABLE} to a folder on a local disk"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _candidates() -> Iterator[Path]:
    if os.environ.get(VARIABLE):
        yield Path(os.path.abspath(os.environ[VARIABLE]))
    if os.path.isabs(os.environ.get("XDG_CACHE_HOME", "")):
        yield Path(os.environ["XDG_CACHE_HOME"]) / "edgeperf"
    if os.path.isdir(os.environ.get("HOME", "")):
        yield Path(os.environ["HOME"]) / ".cache" / "edgeperf"
    yield Path(tempfile.gettempdir()) / f"edgeperf-{os.getuid()}"


def _usable(root: Path, parts: Tuple[str, ...]) -> Path:
    """The folder below ``root``, made where it is missing, each level of it ours alone."""
    try:
        os.makedirs(os.path.dirname(root), exist_ok=True)
        if os.path.islink(root) and os.lstat(root).st_uid in (os.getuid(), 0):
            # The user's or the administrator's way of naming a place; what lies in it must not be one.
            root = Path(os.path.realpath(root))
        folder = root
        _own_level(folder)
        for part in parts:
            folder = folder / part
            if os.path.lexists(folder) and os.lstat(folder).st_uid != os.getuid():
                _move_aside(folder)
            _own_level(folder)
    except NotPrivate:
        raise
    except OSError as error:
        raise OSError(f"the cache folder {root.joinpath(*parts)} cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(f"the cache folder {folder} cannot be written to")
    return folder


def _own_level(folder: Path) -> None:
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if os.path.islink(folder):
            raise NotPrivate(f"{folder} is a link, which could lead to files that others can write") from None
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise NotPrivate(f"{folder} is not a folder")
    if status.st_uid != os.getuid():
        raise NotPrivate(f"{folder} belongs to {user_name(status.st_uid)}, who could change what is loaded from it")
    if status.st_mode & stat.S_ISVTX and status.st_mode & stat.S_IWOTH:
        raise NotPrivate(f"{folder} is shared by all users of this machine; use a folder in it")
    if status.st_mode & 0o077:
        os.chmod(folder, 0o700)


def _why_not_private(status: os.stat_result, path: Path) -> Optional[str]:
    if status.st_uid != os.getuid():
        return f"{path} belongs to {user_name(status.st_uid)}"
    if not stat.S_ISLNK(status.st_mode) and status.st_mode & _WRITABLE_BY_OTHERS:
        return f"{path} is writable by others (mode {stat.S_IMODE(status.st_mode):o})"
    return None


def user_name(uid: int) -> str:
    """The name of a user, or the number where this machine has none for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OSError):
        return f"uid {uid}"


def _sentence(error: OSError, place: Path) -> str:
    return str(error) if error.errno is None else f"{place}: {error.strerror}"
