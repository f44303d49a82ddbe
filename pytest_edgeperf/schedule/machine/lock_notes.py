"""Notes on who holds the device's lock, one per user, for messages only.

Every user can write to the folder, so its files are not trusted: they are read within bounds, never through
a link or from a pipe, and shown without anything that a terminal would obey.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from pytest_edgeperf.caches import user_name

_LARGEST_BYTES = 4096
_MOST_NOTES = 64
_LONGEST_TEXT = 200
_NAME = re.compile(r"edgeperf-device-\d{1,10}\.json\Z")
UNKNOWN = "an unknown process"


def leave_note(folder: Path, rootdir: Path) -> None:
    """Write this user's note on who holds the lock; a note that cannot be written does not prevent measuring."""
    note = {
        "pid": os.getpid(),
        "began": _began(os.getpid()),
        "namespace": _namespace(),
        "rootdir": str(rootdir),
        "since": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC",
    }
    remove_note(folder)
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(_own_note(folder), flags, 0o644)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            os.fchmod(descriptor, 0o644)
            json.dump(note, stream)


def remove_note(folder: Path) -> None:
    """Remove this user's note, if there is one."""
    with contextlib.suppress(OSError):
        _own_note(folder).unlink()


def holder(folder: Path) -> str:
    """The holder of the lock, according to the note of a process that is alive.

    A process in another PID namespace (a container) cannot be looked for, so its note is believed where no other is.
    """
    elsewhere: List[str] = []
    for owner, note in _notes(folder):
        known = f"{owner}, in {_shown(note['rootdir'])}, since {_shown(note['since'])}"
        if note.get("namespace") != _namespace():
            elsewhere.append(f"a process in another container or PID namespace, of {known}")
        elif _is_alive(note):
            return f"process {note['pid']} of {known}"
    return elsewhere[0] if elsewhere else UNKNOWN


def _own_note(folder: Path) -> Path:
    return folder / f"edgeperf-device-{os.getuid()}.json"


def _notes(folder: Path) -> List[Tuple[str, Dict[str, Any]]]:
    """Each note that can be read, with the user whose file it is."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if _NAME.match(entry.name)]
    except OSError:
        return []
    read = (_read(folder / name) for name in sorted(names)[:_MOST_NOTES])
    return [note for note in read if note is not None]


def _read(path: Path) -> Optional[Tuple[str, Dict[str, Any]]]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_BYTES:
                return None
            note = json.loads(stream.read(_LARGEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return (user_name(status.st_uid), note) if _is_note(note) else None


def _is_note(note: Any) -> bool:
    if not isinstance(note, dict) or type(note.get("pid")) is not int or not 0 < note["pid"] < 1 << 31:
        return False
    return all(isinstance(note.get(name), str) for name in ("rootdir", "since"))


def _is_alive(note: Mapping[str, Any]) -> bool:
    began = _began(note["pid"])
    return began is not None and note.get("began") == began


def _began(pid: int) -> Optional[int]:
    """When a process began, in clock ticks since boot: its id may be another's by now. ``None``: there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def _namespace() -> Optional[str]:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _shown(text: str) -> str:
    """Without control characters, what turns the direction of writing, or half characters, and not too long."""
    plain = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:_LONGEST_TEXT])
    return plain + ("…" if len(text) > _LONGEST_TEXT else "")
