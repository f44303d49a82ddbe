"""Read small files of /proc and /sys under any root, so that recorded trees test what boards do."""

from __future__ import annotations

import errno
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

#: A folder with the files of another machine (``/proc``, ``/sys``, ``/etc``), which is then looked at instead.
ROOT_VARIABLE = "EDGEPERF_ROOT"
#: Why a program of a machine that somebody recorded gives no answer.
NOT_RUN = f"programs of a recorded machine are not run ({ROOT_VARIABLE} is set)"

#: Sensors that are busy answer EAGAIN; those of a part that is powered off do so for ever.
_ATTEMPTS = 3
PAUSE_S = 0.001
_CHUNK_BYTES = 1 << 16
_THIS_MACHINE = Path("/")
#: As many as Linux follows.
_MOST_LINKS = 40

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}\Z")


@dataclass(frozen=True)
class Content:
    """A file's text, or None and the reason why it could not be read; ``denied`` if for want of permission."""

    path: str
    text: Optional[str]
    reason: Optional[str] = None
    exists: bool = True
    denied: bool = False


def read_text(root: Path, path: str) -> Content:
    """The text of ``path`` (absolute, as on the device) under ``root``, without surrounding white space.

    Bytes that are not UTF-8 are replaced; a file that cannot be read has no text but a reason. A file that
    answers EAGAIN is asked a few times.
    """
    for attempt in range(_ATTEMPTS):
        try:
            data = read_bytes(inside(root, path))
        except BlockingIOError as error:
            last = error
            if attempt + 1 < _ATTEMPTS:
                time.sleep(PAUSE_S)
        except (FileNotFoundError, NotADirectoryError):
            return Content(path, None, f"there is no {path}", exists=False)
        except OSError as error:
            denied = isinstance(error, PermissionError)
            return Content(path, None, f"{path} cannot be read: {error.strerror or error}", denied=denied)
        except ValueError as error:
            return Content(path, None, f"{path!r} is not a path: {error}", exists=False)
        else:
            return Content(path, data.decode("utf-8", "replace").strip())
    return Content(path, None, f"{path} cannot be read: {last.strerror or last} ({_ATTEMPTS} attempts)")


def read_strings(root: Path, path: str) -> Tuple[Tuple[str, ...], Content]:
    """The strings of a device-tree property, which are NUL-separated; none where it cannot be read."""
    content = read_text(root, path)
    if content.text is None:
        return (), content
    return tuple(part.strip() for part in content.text.split("\0") if part.strip()), content


def read_integer(root: Path, path: str, if_denied: str = "") -> Tuple[Optional[int], str]:
    """The whole number in a file, or None and the reason why there is none.

    ``if_denied`` is added to the reason where permission is wanting: how to get it.
    """
    content = read_text(root, path)
    if content.text is None:
        remedy = f"; {if_denied}" if content.denied and if_denied else ""
        return None, f"{content.reason}{remedy}"
    if _INTEGER.match(content.text) is None:
        return (
            None,
            f"{path} holds {content.text[:40]!r}, which is not a number" if content.text else f"{path} is empty",
        )
    return int(content.text), ""


def read_number(root: Path, path: str) -> Optional[int]:
    """The whole number in a file, or None where there is none."""
    return read_integer(root, path)[0]


def exists(root: Path, path: str) -> bool:
    """Whether ``path`` is there under ``root``."""
    try:
        return os.path.lexists(inside(root, path, follow_last=False))
    except (OSError, ValueError):
        return False


def is_folder(root: Path, path: str) -> bool:
    """Whether ``path`` is a folder under ``root``, links followed."""
    try:
        return inside(root, path).is_dir()
    except (OSError, ValueError):
        return False


def link_target(root: Path, path: str) -> Optional[str]:
    """What the link ``path`` under ``root`` holds, or None where it is no link."""
    try:
        return os.readlink(inside(root, path, follow_last=False))
    except (OSError, ValueError):
        return None


def inside(root: Path, path: str, follow_last: bool = True) -> Path:
    """The file that ``path`` is on the machine under ``root``: links there lead nowhere else.

    An absolute link of a recorded machine (``/etc/nvpmodel.conf -> /etc/nvpmodel/…``) is one of that machine, and
    ``..`` ends at its root.

    Raises:
        OSError: too many links.
    """
    if root == _THIS_MACHINE:
        return root / path.lstrip("/")
    # Strings, as this is done for each of hundreds of small files.
    top = str(root)
    left = path.split("/")[::-1]
    here = [top]
    links = 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del here[max(len(here) - 1, 1) :]
            continue
        target = _link_at(f"{here[-1]}/{part}") if left or follow_last else None
        if target is None:
            here.append(f"{here[-1]}/{part}")
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if target.startswith("/"):
            del here[1:]
        left += target.split("/")[::-1]
    return Path(here[-1])


def _link_at(file: str) -> Optional[str]:
    try:
        return os.readlink(file)
    except OSError:
        return None


def may_run() -> bool:
    """Whether programs below the root may be run: those of a recorded machine are only files."""
    return not os.environ.get(ROOT_VARIABLE)


def names_in(root: Path, folder: str) -> Tuple[str, ...]:
    """The names in a folder, ``zone2`` before ``zone10``; none where it cannot be listed."""
    try:
        return tuple(sorted(os.listdir(inside(root, folder)), key=_by_number))
    except (OSError, ValueError):
        return ()


def read_bytes(file: Path) -> bytes:
    """All that a file holds.

    Raises:
        OSError: it cannot be read; ``BlockingIOError`` where a sensor is busy.
    """
    # Python's own files raise TypeError, not OSError, where a sensor answers EAGAIN.
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks: List[bytes] = []
        while True:
            chunk = os.read(descriptor, _CHUNK_BYTES)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
    finally:
        os.close(descriptor)


def _by_number(name: str) -> Tuple[Tuple[str, int], ...]:
    parts = re.split(r"([0-9]{1,9})", name)
    return tuple((text, int(number or 0)) for text, number in zip(parts[::2], [*parts[1::2], ""]))
