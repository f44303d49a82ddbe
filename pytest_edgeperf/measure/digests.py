"""Short digests of files, each file's content read once: they are kept by path, size and times of change.

The processes of a session load nearly the same files, so the digests are kept in the private cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, List, Optional

from pytest_edgeperf.caches import cache_folder, open_private
from pytest_edgeperf.measure.build_ids import build_id
from pytest_edgeperf.results.loaded import DIGITS

#: Counts up when a digest means something else.
VERSION = 1
#: Files whose digests are kept; with more, those that this process did not ask for go.
MOST_KEPT = 4000
_MOST_BYTES = 4 << 20
#: Of a library without a build id that is larger, so many pieces are read, of so many bytes.
_WHOLE_BYTES = 4 << 20
_PIECES = 64
_PIECE_BYTES = 16 << 10
_BLOCK = 1 << 20

Reader = Callable[[BinaryIO, int], str]


class Digests:
    """The digests of files that this process or an earlier one has read."""

    def __init__(self, path: Optional[Path] = None) -> None:
        """Read those that are kept in ``path``; ``None``: none are, and none will be."""
        self._path = path
        self._kept = _read(path) if path is not None else {}
        self._asked: Dict[str, List[Any]] = {}
        #: Files that were read, as their digests were not known.
        self.files_read = 0

    @classmethod
    def in_cache(cls) -> Digests:
        """Those of the private cache; without one, none are kept."""
        try:
            return cls(cache_folder("digests") / "files.json")
        except OSError:
            return cls()

    def of_content(self, path: str) -> Optional[str]:
        """A digest of all that a file holds; ``None``: there is no such regular file, or it cannot be read."""
        return self._digest("content", path, _whole)

    def of_library(self, path: str) -> Optional[str]:
        """The beginning of a library's build id; without one, a digest of its content, of a large one in pieces."""
        return self._digest("library", path, _library)

    def of(self, kind: str, path: str, text: Callable[[], str]) -> str:
        """Another short text that is the same as long as a file or folder is; worked out where it is not known.

        Raises:
            OSError: there is no such file or folder.
        """
        return self._known(f"{kind}:{path}", os.stat(path), text)

    def save(self) -> None:
        """Keep the digests for the processes after this one; where that cannot be done, they read anew."""
        if self._path is None or not self.files_read:
            return
        kept = {**self._kept, **self._asked}
        stored = {"version": VERSION, "files": kept if len(kept) <= MOST_KEPT else self._asked}
        new = self._path.with_name(f".{self._path.name}-{secrets.token_hex(4)}")
        with suppress(OSError):
            with os.fdopen(open_private(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="ascii") as file:
                json.dump(stored, file)
            os.replace(new, self._path)

    def _digest(self, kind: str, path: str, read: Reader) -> Optional[str]:
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                return None

            def digest() -> str:
                with open(path, "rb") as file:
                    return read(file, status.st_size)

            return self._known(f"{kind}:{path}", status, digest)
        except OSError:
            return None

    def _known(self, name: str, status: os.stat_result, text: Callable[[], str]) -> str:
        identity = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        known = self._asked.get(name) or self._kept.get(name)
        if known is None or known[:-1] != identity:
            self.files_read += 1
            known = [*identity, text()]
        self._asked[name] = known
        return str(known[-1])


def _whole(file: BinaryIO, size: int) -> str:
    digest = hashlib.sha256()
    for block in iter(lambda: file.read(_BLOCK), b""):
        digest.update(block)
    return digest.hexdigest()[:DIGITS]


def _library(file: BinaryIO, size: int) -> str:
    identity = build_id(file)
    if identity is not None:
        return identity[:DIGITS]
    file.seek(0)
    if size <= _WHOLE_BYTES:
        return _whole(file, size)
    # A build moves everything behind what it changed, so that pieces from all over it tell two builds apart.
    digest = hashlib.sha256(str(size).encode())
    for piece in range(_PIECES):
        file.seek((size - _PIECE_BYTES) * piece // (_PIECES - 1))
        digest.update(file.read(_PIECE_BYTES))
    return digest.hexdigest()[:DIGITS]


def _read(path: Path) -> Dict[str, List[Any]]:
    """What an earlier process kept; nothing where it is not readable, not ours, or not what it should be."""
    try:
        with os.fdopen(open_private(path), "rb") as file:
            stored = json.loads(file.read(_MOST_BYTES))
        files = stored["files"] if stored["version"] == VERSION else {}
        return {name: kept for name, kept in files.items() if isinstance(kept, list) and len(kept) == 5}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
