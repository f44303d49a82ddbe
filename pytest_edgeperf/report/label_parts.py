"""The label of a benchmark, what stands in brackets, in parts: a parameter's value is one, whatever hyphens it has."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence, Tuple


def label_parts(label: str, parameters: Mapping[str, Any]) -> List[str]:
    """``label`` at its hyphens, but not inside the values of ``parameters``: ``["fp32", "yolov3-tiny", "416"]``.

    A value that stands in the label under another name is not known there, and is parted at its own hyphens.
    """
    values = sorted((str(value) for value in parameters.values() if _is_shown(value)), key=len)
    parts: List[str] = []
    begin = 0
    while begin <= len(label):
        fits = (value for value in reversed(values) if label.startswith(value, begin) and _ends(label, begin, value))
        known = next(fits, None)
        if known is not None:
            values.remove(known)
        part = label[begin:].partition("-")[0] if known is None else known
        parts.append(part)
        begin += len(part) + 1
    return parts


def shared_parts(labels: Sequence[Sequence[str]]) -> Tuple[int, int]:
    """How many first and last parts all labels share; each label keeps one at least.

    Where labels have different numbers of parts, a value has hyphens that nobody knows of: the last part before the
    difference may be the beginning of that value, and the first one after it the end.
    """
    if len(labels) < 2:
        return 0, 0
    shortest = min(map(len, labels))
    first = _same([parts[: shortest - 1] for parts in labels])
    last = (
        _same([parts[len(parts) - (shortest - 1 - first) :][::-1] for parts in labels]) if first < shortest - 1 else 0
    )
    unsure = len(set(map(len, labels))) > 1
    return max(first - unsure, 0), max(last - unsure, 0)


def _is_shown(value: Any) -> bool:
    """Whether pytest makes the value itself a part of a label."""
    return isinstance(value, (str, int, float)) and value != ""


def _ends(label: str, begin: int, value: str) -> bool:
    end = begin + len(value)
    return end == len(label) or label[end] == "-"


def _same(parts: Sequence[Sequence[str]]) -> int:
    """How many first members all sequences of one length share."""
    count = 0
    for members in zip(*parts):
        if len(set(members)) > 1:
            break
        count += 1
    return count
