"""From a file's bytes to plain JSON, with one sentence for whatever is wrong with either."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple, Union

from .errors import ResultsError, place

#: What always works for a file that is damaged.
RESTORE = "restore it from version control, or move it away and measure again"

_NAME_END = re.compile(rb'"[ \t\r\n]+:')
_FORBIDDEN = (errno.EACCES, errno.EPERM)


def file_bytes(path: Union[str, os.PathLike[str]]) -> bytes:
    """The content of a file that the user named.

    Raises:
        ResultsError: it is missing or cannot be read.
    """
    source = os.fspath(path)
    try:
        return Path(source).read_bytes()
    except FileNotFoundError:
        if os.path.islink(source):
            raise ResultsError(
                f"{source}: the link points to {os.readlink(source)}, which does not exist; "
                "make that file, or remove the link"
            ) from None
        raise ResultsError(
            f"{source}: there is no such file; check the path, or make a baseline with --baseline=refresh"
        ) from None
    except IsADirectoryError:
        raise ResultsError(f"{source}: this is a folder, not a results file; check the path") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        forbidden = getattr(error, "errno", None) in _FORBIDDEN
        remedy = "make it readable for this user" if forbidden else "check the path"
        raise ResultsError(f"{source}: the file cannot be read ({why}); {remedy}") from None


def insist_on_file(path: Union[str, os.PathLike[str]]) -> None:
    """Insist that what lies where a file of ours belongs is a file: reading a FIFO that nobody writes never ends.

    What does not exist or cannot be looked at is left to :func:`file_bytes`.

    Raises:
        ResultsError: it is a folder, a FIFO, a socket or a device.
    """
    with suppress(OSError, ValueError):
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "a FIFO, a socket or a device"
            raise ResultsError(f"{os.fspath(path)}: this is {kind}, not a results file; move it away")


def decode(data: bytes, source: str) -> Any:
    """What ``json.loads`` returns, or an error that says what is wrong and where.

    Raises:
        ResultsError: the bytes are not JSON, or an object has two members of one name.
    """
    import orjson

    with suppress(orjson.JSONDecodeError):
        decoded = orjson.loads(data)
        if _same_number_of_names(data, orjson.dumps(decoded)):
            return decoded
    # Slower, but it says what is wrong and where.
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ResultsError(f"{source}: byte {error.start} is not UTF-8; {RESTORE}") from None
    if not text or text.isspace():
        raise ResultsError(f"{source}: the file is empty; {RESTORE}")
    members = _Members()
    try:
        decoded = json.loads(text, object_pairs_hook=members)
    except json.JSONDecodeError as error:
        if text.startswith("<<<<<<< ") or "\n<<<<<<< " in text:
            why = "the file holds an unresolved merge conflict"
        else:
            why = f"the JSON is broken at line {error.lineno} column {error.colno} ({error.msg})"
        raise ResultsError(f"{source}: {why}; {RESTORE}") from None
    except RecursionError:
        raise ResultsError(f"{source}: it is nested too deeply; {RESTORE}") from None
    except ValueError as error:
        raise ResultsError(f"{source}: the JSON cannot be read ({error}); {RESTORE}") from None
    if members.repeated:
        raise ResultsError(f"{source}: {members.problem(decoded, text)}")
    return decoded


def _same_number_of_names(data: bytes, compact: bytes) -> bool:
    """Whether every name of the text became a member of what was read from it, where that can be said quickly."""
    # Inside of texts, both spell a quote before a colon alike, or the slow way decides.
    return data.count(b'":') == compact.count(b'":') and _NAME_END.search(data) is None


class _Members:
    """Builds the objects of a JSON text and remembers those in which a name is given more than once."""

    def __init__(self) -> None:
        self.repeated: Dict[int, Tuple[Dict[str, Any], str]] = {}

    def __call__(self, pairs: Sequence[Tuple[str, Any]]) -> Dict[str, Any]:
        built = dict(pairs)
        if len(built) < len(pairs):
            seen = set()
            name = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            # The object is kept, so that no other one gets its id.
            self.repeated[id(built)] = built, name
        return built

    def problem(self, decoded: Any, text: str) -> str:
        """The place of the first one that is still part of the document, and what to do."""
        path = self._path(decoded)
        name = json.dumps(path[-1], ensure_ascii=False)
        lines = [number for number, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith(name)]
        where = f" (lines {lines[0]} and {lines[1]})" if len(lines) == 2 else ""
        return (
            f"{place(path)} is given twice{where}, as after a merge that kept both, and only the last one would count; "
            "put the runs of both into one list, or remove one of the two"
        )

    def _path(self, decoded: Any) -> List[Union[str, int]]:
        waiting: List[Tuple[Any, List[Union[str, int]]]] = [(decoded, [])]
        while waiting:
            part, path = waiting.pop()
            if id(part) in self.repeated:
                return [*path, self.repeated[id(part)][1]]
            if isinstance(part, dict):
                waiting.extend((inner, [*path, name]) for name, inner in part.items())
            elif isinstance(part, list):
                waiting.extend((inner, [*path, index]) for index, inner in enumerate(part))
        raise AssertionError("what was read contains none of the objects that were built for it")
