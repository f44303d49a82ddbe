"""Every run is written down as it arrives, so that a crash, a kill or Ctrl-C loses nothing measured."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.caches import open_private
from pytest_edgeperf.schedule.record import RunRecord

#: Counts up when a line means something else.
VERSION = 3
#: Journals of this many sessions that did not come to their end are kept.
KEPT_JOURNALS = 20
_LONGEST_HEADER = 1 << 20
_LONGEST_LINE = 64 << 20


class JournalError(Exception):
    """A file cannot be resumed by this version; the message gives the reason."""


@dataclass(frozen=True)
class Past:
    """The header of an unfinished session, and (benchmark id, record) of each of its runs."""

    path: Path
    header: Mapping[str, Any]
    runs: Tuple[Tuple[str, RunRecord], ...]
    #: Length of the whole lines; a torn last line lies behind it.
    length: int
    #: Complete lines that do not hold a run.
    damaged: int = 0


@dataclass
class Search:
    """The result of a search among the journals: one to resume, and why others were rejected."""

    past: Optional[Past] = None
    #: The newest session of this project that cannot be resumed, and the header fields in which it differs.
    nearest: Optional[Tuple[Path, Mapping[str, Any], List[str]]] = None
    unusable: List[str] = field(default_factory=list)


class Journal:
    """An append-only file of JSON lines: what the session is, then one line per run. Locked while it is open."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self._header = header
        self._descriptor: Optional[int] = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with contextlib.suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(self._descriptor).st_size == 0:
            self._append({"kind": "session", "version": VERSION, **header})

    @classmethod
    def resumed(cls, past: Past) -> Journal:
        """Reopen a journal, without a torn last line."""
        descriptor = open_private(past.path, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, past.length)
        finally:
            os.close(descriptor)
        return cls(past.path, past.header)

    def run(self, benchmark_id: str, record: RunRecord) -> None:
        """Append one run, and return once it is on the disk."""
        self._append({"kind": "run", "benchmark": benchmark_id, **record.to_dict()})

    def close(self, keep: bool, rest: Sequence[Tuple[str, RunRecord]] = ()) -> None:
        """Close the journal; ``keep`` the file if the session is unfinished.

        ``rest`` holds runs of an earlier session whose benchmarks this one did not select; they are always kept.
        """
        if self._descriptor is None:
            return
        os.close(self._descriptor)
        self._descriptor = None
        if keep:
            return
        if not rest:
            self.path.unlink()
            return
        shorter = self.path.with_name(f".{self.path.name}-{secrets.token_hex(4)}")
        try:
            other = Journal(shorter, self._header)
            for benchmark_id, record in rest:
                other.run(benchmark_id, record)
            other.close(keep=True)
            os.replace(shorter, self.path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                shorter.unlink()

    def _append(self, line: Mapping[str, Any]) -> None:
        assert self._descriptor is not None
        rest = json.dumps(line, sort_keys=True).encode() + b"\n"
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fsync(self._descriptor)


def read(path: Path) -> Past:
    """Read a journal up to its last complete line; complete lines without a run are skipped and counted.

    Raises:
        JournalError: it has no header that this version understands.
        OSError: it cannot be read, or others may write it.
    """
    runs: List[Tuple[str, RunRecord]] = []
    damaged = 0
    with _open(path) as stream:
        header = _header_of(stream)
        length = stream.tell()
        for raw in iter(lambda: stream.readline(_LONGEST_LINE), b""):
            if not raw.endswith(b"\n"):
                break
            length += len(raw)
            run = _run_of(_parsed(raw))
            if run is not None:
                runs.append(run)
            else:
                damaged += 1
    return Past(path, header, tuple(runs), length, damaged)


def read_header(path: Path) -> Dict[str, Any]:
    """Read the header of a journal only.

    Raises:
        JournalError: it has no header that this version understands.
        OSError: it cannot be read, or others may write it.
    """
    with _open(path) as stream:
        return _header_of(stream)


def search(folder: Path, header: Mapping[str, Any]) -> Search:
    """Look for the newest journal whose header agrees with ``header``, among the newest ones in the folder."""
    result = Search()
    for path in journals(folder)[:KEPT_JOURNALS]:
        try:
            theirs = read_header(path)
            if any(theirs.get(key) != header.get(key) for key in ("rootdir", "device")):
                continue
            differing = differences(theirs, header)
            if differing:
                result.nearest = result.nearest or (path, theirs, differing)
            elif _in_use(path):
                result.unusable.append(f"{path.name} belongs to a session that is still running")
            else:
                result.past = read(path)
                return result
        except (OSError, JournalError) as error:
            result.unusable.append(f"{path.name} cannot be resumed: {error}")
    return result


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> List[str]:
    """The fields of two headers that keep one session from going on with the other.

    Of ``modules``, which one session may load and the other may not, those that both have must agree.
    """
    differing = []
    for key, value in ours.items():
        other = theirs.get(key)
        if key == "modules" and isinstance(other, dict):
            differing += [f"modules.{name}" for name in value if name in other and value[name] != other[name]]
        elif other != value:
            differing.append(key)
    return differing


def prune(folder: Path) -> None:
    """Remove the oldest surplus journals, but none that is being written; another session may do so meanwhile."""
    for path in journals(folder)[KEPT_JOURNALS:]:
        with contextlib.suppress(OSError):
            if not _in_use(path):
                path.unlink()


def journals(folder: Path) -> List[Path]:
    """The journals in a folder, newest first by their names; none if it cannot be read."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.endswith(".jsonl") and not entry.name.startswith(".")]
        return [folder / name for name in sorted(names, reverse=True)]
    return []


@contextlib.contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    with os.fdopen(open_private(path), "rb") as stream:
        yield stream


def _in_use(path: Path) -> bool:
    """Whether a session has it open; what is no file of ours is not."""
    try:
        descriptor = open_private(path)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _header_of(stream: BinaryIO) -> Dict[str, Any]:
    raw = stream.readline(_LONGEST_HEADER)
    header = _parsed(raw) if raw.endswith(b"\n") else None
    if not isinstance(header, dict) or header.get("kind") != "session" or not isinstance(header.get("session"), str):
        raise JournalError("its first line does not identify a session")
    if header.get("version") != VERSION:
        raise JournalError(f"its version is {str(header.get('version'))[:20]}, and this one reads {VERSION}")
    return header


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _run_of(line: Any) -> Optional[Tuple[str, RunRecord]]:
    """The benchmark and the run of a line; ``None``: it holds no run."""
    if not isinstance(line, dict) or line.get("kind") != "run" or not isinstance(line.get("benchmark"), str):
        return None
    try:
        return line["benchmark"], RunRecord.from_dict(line)
    except ValueError:
        return None
