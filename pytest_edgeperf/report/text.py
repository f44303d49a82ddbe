"""Text in terminal cells: what may be printed, how wide it is, how it is shortened, wrapped and coloured."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Iterable, List, Optional, Sequence

from pytest_edgeperf.results.characters import printable

__all__ = [
    "LEAST_WIDTH",
    "Paper",
    "can_show_unicode",
    "cells",
    "common_path",
    "enumerate_names",
    "middle_ellipsis",
    "pad",
    "printable",
    "rows",
    "shorten_name",
    "wrap",
]

#: Reports take no less, in cells.
LEAST_WIDTH = 40

_NUMBER = re.compile(r"\[[-+\d.]+,|[-+(]?\d[\d.]*")
_PAINT = re.compile(r"\x1b\[[0-9;]*m")
_STYLES = {
    "strong": "1",
    "faint": "2",
    "bad": "1;31",
    "good": "32",
    "warning": "33",
    "remark": "36",
}


@dataclass(frozen=True)
class Paper:
    """What a report is written on: its width in cells, and whether it takes colour and more than ASCII."""

    width: int
    colour: bool = False
    ascii_only: bool = False

    @property
    def ellipsis(self) -> str:
        """What stands for the part that was left out."""
        return "..." if self.ascii_only else "…"

    def clean(self, text: str) -> str:
        """``text`` without anything that moves the cursor, reorders characters or cannot be shown."""
        return printable(text, ascii_only=self.ascii_only)

    def name(self, text: str) -> str:
        """A cleaned name that may begin a line: GitHub Actions runs a line that begins with ``::`` as a command."""
        shown = self.clean(text)
        return f"\\x3a{shown[1:]}" if shown.startswith("::") else shown

    def paint(self, text: str, style: Optional[str]) -> str:
        """``text`` in a style of this module, when the paper takes colour."""
        body = text.strip()
        if not (self.colour and style and body):
            return text
        before, _, after = text.partition(body)
        return f"{before}\x1b[{_STYLES[style]}m{body}\x1b[0m{after}"


def can_show_unicode(encoding: Optional[str]) -> bool:
    """Whether a stream of this encoding takes the few characters beyond ASCII that reports use."""
    try:
        "…█".encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def cells(text: str) -> int:
    """How many terminal cells printable ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


# Few characters beyond ASCII are all that most reports have, thousands of times.
@lru_cache(maxsize=4096)
def _cell(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def rows(line: str, width: int) -> int:
    """How many rows a terminal so wide takes for a line, which may be painted."""
    return max(1, -(-cells(_PAINT.sub("", line)) // width))


def pad(text: str, width: int, *, right: bool = False) -> str:
    """``text`` filled with spaces to ``width`` cells; ``right`` puts it at the right end."""
    space = " " * (width - cells(text))
    return space + text if right else text + space


def _head(text: str, width: int) -> str:
    used = 0
    for position, character in enumerate(text):
        used += _cell(character)
        if used > width:
            return text[:position]
    return text


def _tail(text: str, width: int) -> str:
    used = 0
    for position in range(len(text) - 1, -1, -1):
        used += _cell(text[position])
        if used > width:
            return text[position + 1 :]
    return text


def middle_ellipsis(text: str, width: int, ellipsis: str) -> str:
    """``text`` within ``width`` cells, its middle left out when it is longer; more of its end is kept."""
    if cells(text) <= width:
        return text
    room = width - cells(ellipsis)
    if room < 2:
        return _head(text, width)
    first = (room + 1) // 3
    return _head(text, first) + ellipsis + _tail(text, room - first)


def shorten_name(name: str, width: int, ellipsis: str) -> str:
    """A benchmark's name within ``width`` cells; its parameters in brackets are the last to be cut."""
    if cells(name) <= width:
        return name
    function, bracket, parameters = name.partition("[")
    if bracket and parameters.endswith("]"):
        least = min(cells(function), 3 + cells(ellipsis))
        inside = width - least - 2
        if inside >= 6:
            parameters = middle_ellipsis(parameters[:-1], inside, ellipsis)
            function = middle_ellipsis(function, width - cells(parameters) - 2, ellipsis)
            return f"{function}[{parameters}]"
    return middle_ellipsis(name, width, ellipsis)


def common_path(names: Sequence[str]) -> str:
    """What all node ids begin with, up to the last ``/`` or ``::`` outside of their parameters."""
    paths = [name.partition("[")[0] for name in names] or [""]
    first, last = min(paths), max(paths)
    # What the first and the last in order share, all between them share.
    same = takewhile(lambda at: first[at] == last[at], range(min(len(first), len(last))))
    shared = first[: sum(1 for _ in same)]
    # A prefix that ends in one colon of two has not reached the end of its part.
    return shared[: max(shared.rfind("/") + 1, shared.rfind("::") + 2 if "::" in shared else 0)]


def wrap(text: str, width: int, *, indent: str = "", hanging: Optional[str] = None) -> List[str]:
    """``text`` in lines of at most ``width`` cells, broken at spaces, and inside a word only when it must be.

    A number stays with the word after it, and an interval in brackets stays whole.
    """
    lines: List[str] = []
    line, room = indent, width - cells(indent)
    following = indent if hanging is None else hanging
    used, empty = 0, True
    for word in _unbroken(text):
        needed = cells(word)
        if not empty and used + 1 + needed > room:
            lines.append(line)
            line, room = following, width - cells(following)
            used, empty = 0, True
        if not empty:
            line, used = line + " " + word, used + 1 + needed
            continue
        *parts, word = _parts(word, room, width - cells(following)) if needed > room else [word]
        for part in parts:
            lines.append(line + part)
            line, room = following, width - cells(following)
        line, used, empty = line + word, cells(word), False
    if not empty or not lines:
        lines.append(line)
    return lines


def _parts(word: str, first: int, others: int) -> List[str]:
    """``word`` in pieces that take up to ``first`` cells, and ``others`` from the second on; each character once."""
    parts: List[str] = []
    begin, used, room = 0, 0, max(first, 2)
    for position, character in enumerate(word):
        size = _cell(character)
        if used + size > room:
            parts.append(word[begin:position])
            begin, used, room = position, 0, max(others, 2)
        used += size
    return [*parts, word[begin:]]


def _unbroken(text: str) -> List[str]:
    groups: List[List[str]] = []
    for word in text.split():
        if groups and _NUMBER.fullmatch(groups[-1][-1]):
            groups[-1].append(word)
        else:
            groups.append([word])
    return [" ".join(group) for group in groups]


def enumerate_names(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    listed = list(names)
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} and {listed[-1]}"
