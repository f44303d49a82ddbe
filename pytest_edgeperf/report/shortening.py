"""Names within a width that stay apart: what was left out of two of them is never all that they differ in."""

from __future__ import annotations

from typing import Dict, List, Sequence, Set

from pytest_edgeperf.report.text import cells, middle_ellipsis, shorten_name

#: Cells of each end that a name keeps beside what makes it differ, if there is room.
_END_CELLS = 8
#: Below this there is no room for what differs.
_LEAST_CELLS = 5


def shorten_names(names: Sequence[str], width: int, ellipsis: str) -> List[str]:
    """``names`` within ``width`` cells each; different names stay different where the width allows it at all.

    Each is shortened as :func:`~pytest_edgeperf.report.text.shorten_name` does it. Those that would look alike show
    what they differ in; where even that is too long, they are numbered in their order.
    """
    shown = {name: shorten_name(name, width, ellipsis) for name in dict.fromkeys(names)}
    for alike in _colliding(shown):
        shown.update(_apart(alike, width, ellipsis))
    used = set(shown.values())
    for alike in _colliding(shown):
        shown.update(_numbered(alike, width, used, ellipsis))
    return [shown[name] for name in names]


def _colliding(shown: Dict[str, str]) -> List[List[str]]:
    groups: Dict[str, List[str]] = {}
    for name, text in shown.items():
        groups.setdefault(text, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _apart(names: Sequence[str], width: int, ellipsis: str) -> Dict[str, str]:
    """Different names that look alike when shortened, each with the part in which it differs from the others."""
    before = _common_length(names)
    after = _common_length([name[before:][::-1] for name in names])
    parts = {name: name[before : len(name) - after] for name in names}
    longest = max(map(cells, parts.values()))
    left_out = 2 * cells(ellipsis)
    room = width - left_out
    if room < _LEAST_CELLS:
        return {}
    ends = max(0, room - longest)
    head, tail = min(ends // 2, _END_CELLS), min(ends - ends // 2, _END_CELLS)
    around = (ends - head - tail) // 2
    inner = shorten_names(list(parts.values()), room - head - tail, ellipsis) if longest > room else None
    shown: Dict[str, str] = {}
    for position, (name, part) in enumerate(parts.items()):
        if inner is not None:
            shown[name] = f"{ellipsis}{inner[position]}{ellipsis}"
            continue
        begin, end = max(before - around, 0), min(len(name) - after + around, len(name))
        beginning = name[:begin] if begin <= head + 1 else name[:head] + ellipsis
        ending = name[end:] if len(name) - end <= tail + 1 else ellipsis + name[len(name) - tail :]
        text = beginning + name[begin:end] + ending
        # Wide characters take more than their number.
        shown[name] = text if cells(text) <= width else middle_ellipsis(ellipsis + part + ellipsis, width, ellipsis)
    return shown


def _numbered(names: Sequence[str], width: int, used: Set[str], ellipsis: str) -> Dict[str, str]:
    """The last resort: ``…~1``, ``…~2``; ``used`` are the texts of all names, and get those that are made here."""
    shown: Dict[str, str] = {}
    number = 0
    for name in names:
        while True:
            number += 1
            mark = f"~{number}"
            text = middle_ellipsis(name, max(width - len(mark), 0), ellipsis) + mark
            if text not in used or cells(text) > width:
                break
        used.add(text)
        shown[name] = text if cells(text) <= width else middle_ellipsis(name, width, ellipsis)
    return shown


def _common_length(texts: Sequence[str]) -> int:
    """How many first characters all texts share."""
    first, last = min(texts), max(texts)
    for position, (left, right) in enumerate(zip(first, last)):
        if left != right:
            return position
    return min(len(first), len(last))
