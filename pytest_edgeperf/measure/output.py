"""How much of what a benchmark printed travels to the coordinator, and from there to journals and reports."""

from __future__ import annotations

from typing import Any, Dict, List

#: Of longer texts, so many characters of the beginning and of the end are kept.
HEAD_CHARACTERS = 16_384
TAIL_CHARACTERS = 49_152
_LIMIT = HEAD_CHARACTERS + TAIL_CHARACTERS


def shortened(text: str) -> str:
    """``text``, or the beginning and the end of a long one with a sentence on what was left out between them."""
    left_out = len(text) - _LIMIT
    if left_out <= 0:
        return text
    return f"{text[:HEAD_CHARACTERS]}\n{_notice(left_out, 'characters')}\n{text[-TAIL_CHARACTERS:]}"


def shortened_report(report: Dict[str, Any]) -> Dict[str, Any]:
    """A serialised pytest report with its captured output and its explanation shortened; properties stay whole."""
    return {name: value if name == "user_properties" else _shortened(value) for name, value in report.items()}


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return shortened(value)
    if isinstance(value, dict):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        inner = [_shortened(item) for item in value]
        return _shortened_lines(inner) if all(isinstance(item, str) for item in inner) else type(value)(inner)
    return value


def _shortened_lines(lines: List[str]) -> List[str]:
    """The first and the last lines of an explanation with very many."""
    if sum(map(len, lines)) + len(lines) <= _LIMIT:
        return lines
    head, tail = _fitting(lines, HEAD_CHARACTERS), _fitting(lines[::-1], TAIL_CHARACTERS)
    left_out = len(lines) - head - tail
    return [*lines[:head], _notice(left_out, "lines"), *lines[len(lines) - tail :]] if left_out > 0 else lines


def _fitting(lines: List[str], room: int) -> int:
    """How many of the first lines fit into ``room`` characters."""
    for position, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            return position
    return len(lines)


def _notice(number: int, what: str) -> str:
    kept = "the beginning and the end of a long output are kept"
    return f"[... pytest-edgeperf left out {number:,} {what} here: {kept} ...]"
