"""Every run is written down as it arrives, so that a crash, a kill or Ctrl-C loses nothing measured."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

#: Journals of this many sessions that did not come to their end are kept.
KEPT_JOURNALS = 20


@dataclass(frozen=True)
class Past:
    """What an unfinished session had measured: its header, and (benchmark id, record) of each run."""

    path: Path
    header: Mapping[str, Any]
    runs: Tuple[Tuple[str, Mapping[str, Any]], ...]
    #: Length of the whole lines; a torn last line lies behind it.
    length: int


class Journal:
    """An append-only file of JSON lines: what the session is, then one line per run."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self._descriptor: Optional[int] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if os.fstat(self._descriptor).st_size == 0:
            self._append({"kind": "session", **header})

    @classmethod
    def resumed(cls, past: Past) -> Journal:
        """Go on with a journal, without the line that its end tore."""
        with past.path.open("r+b") as stream:
            stream.truncate(past.length)
        return cls(past.path, past.header)

    def run(self, benchmark_id: str, record: Mapping[str, Any]) -> None:
        """Append one run and have it on the disk before going on."""
        self._append({"kind": "run", "benchmark": benchmark_id, **record})

    def close(self, keep: bool) -> None:
        """Close the journal; ``keep`` it when the session did not come to its end."""
        if self._descriptor is None:
            return
        os.close(self._descriptor)
        self._descriptor = None
        if not keep:
            self.path.unlink()

    def _append(self, line: Mapping[str, Any]) -> None:
        assert self._descriptor is not None
        rest = json.dumps(line, sort_keys=True).encode() + b"\n"
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fsync(self._descriptor)


def read(path: Path) -> Optional[Past]:
    """Read a journal up to its last whole line; ``None`` if not even its header is whole."""
    lines: List[Dict[str, Any]] = []
    length = 0
    for raw in path.read_bytes().splitlines(keepends=True):
        if not raw.endswith(b"\n"):
            break
        try:
            lines.append(json.loads(raw))
        except ValueError:
            break
        length += len(raw)
    if not lines or lines[0].get("kind") != "session":
        return None
    runs = tuple((str(line["benchmark"]), line) for line in lines[1:] if line.get("kind") == "run")
    return Past(path, lines[0], runs, length)


def unfinished(folder: Path, header: Mapping[str, Any]) -> Optional[Past]:
    """The newest journal in the folder whose header agrees with ``header``; oldest surplus ones are removed."""
    newest = sorted(folder.glob("*.jsonl"), key=lambda path: path.name, reverse=True)
    for path in newest[KEPT_JOURNALS:]:
        path.unlink()
    for path in newest[:KEPT_JOURNALS]:
        past = read(path)
        if past is not None and all(past.header.get(key) == value for key, value in header.items()):
            return past
    return None
