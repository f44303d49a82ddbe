"""Read small files of /proc and /sys under any root, so that recorded trees test what boards do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple


@dataclass(frozen=True)
class Content:
    """A file's text, or None and the reason why it could not be read."""

    path: str
    text: Optional[str]
    reason: Optional[str] = None
    exists: bool = True


def read_text(root: Path, path: str) -> Content:
    """The text of ``path`` (absolute, as on the device) under ``root``, without surrounding white space.

    Bytes that are not UTF-8 are replaced; a file that cannot be read has no text but a reason.
    """
    try:
        data = (root / path.lstrip("/")).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return Content(path, None, f"there is no {path}", exists=False)
    except OSError as error:
        return Content(path, None, f"{path} cannot be read: {error.strerror or error}")
    return Content(path, data.decode("utf-8", "replace").strip())


def read_strings(root: Path, path: str) -> Tuple[Tuple[str, ...], Content]:
    """The strings of a device-tree property, which are NUL-separated; none where it cannot be read."""
    content = read_text(root, path)
    if content.text is None:
        return (), content
    return tuple(part.strip() for part in content.text.split("\0") if part.strip()), content


def read_number(root: Path, path: str) -> Optional[int]:
    """The whole number in a file, or None where there is none."""
    text = read_text(root, path).text
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


def exists(root: Path, path: str) -> bool:
    """Whether ``path`` is there under ``root``."""
    return os.path.lexists(root / path.lstrip("/"))
