"""Tables whose names are never cut: one that is too long for its column has a line of its own above its figures."""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence

from pytest_edgeperf.report.table_layout import Column, width_of
from pytest_edgeperf.report.text import Paper, cells, middle_ellipsis, pad, wrap

#: Cells that names keep beside their figures before columns are left out or parted; longer ones take lines.
NAME_WIDTH = 32
#: Lines of a name; nobody reads more of one.
_MOST_LINES = 4


def whole_names(
    title: str,
    names: Sequence[str],
    columns: Sequence[Column],
    paper: Paper,
    *,
    headings: Optional[Mapping[int, str]] = None,
) -> List[str]:
    """The lines of a table: printable names, then columns.

    Columns that are empty are left out, and those that matter least where there is too little room.

    Args:
        title: what the names are.
        names: one for each row.
        columns: with a text for each row.
        paper: what it is shown on.
        headings: row -> what stands above it, over the whole width.
    """
    natural = max(cells(name) for name in (title, *names))
    kept = [column for column in columns if any(text.strip() for text in column.texts)]
    while _room(kept, paper) < min(natural, NAME_WIDTH) and any(column.spare for column in kept):
        most = max(column.spare for column in kept)
        kept = [column for column in kept if column.spare != most]
    first = max(min(_room(kept, paper), natural), 0)
    lines = []
    if cells(title) > first:
        lines += [paper.paint(line, "faint") for line in _own_line(title, paper)]
        title = ""
    header = pad(title, first) + "".join(_placed(column, column.title) for column in kept)
    lines.append(paper.paint(header.rstrip(), "faint"))
    for row, name in enumerate(names):
        if headings and row in headings:
            lines += _own_line(headings[row], paper)
        if cells(name) > first:
            lines += _own_line(name, paper)
            name = ""
        line = pad(name, first)
        for column in kept:
            style = column.styles[row] if column.styles else None
            line += paper.paint(_placed(column, column.texts[row]), style)
        lines += [line.rstrip()] if line.strip() else []
    return lines


def whole_names_in_parts(
    title: str,
    names: Sequence[str],
    columns: Sequence[Column],
    paper: Paper,
    *,
    repeated: int = 0,
    name_width: int = NAME_WIDTH,
    headings: Optional[Mapping[int, str]] = None,
) -> List[str]:
    """The columns as one table below the other where they are too wide for one; the first so many are in each.

    Names that are no longer than ``name_width`` keep their place beside the figures.
    """
    room = paper.width - min(name_width, max(cells(name) for name in (title, *names)))
    fixed = list(columns[:repeated])
    parts: List[List[Column]] = [fixed[:]]
    for column in columns[repeated:]:
        if len(parts[-1]) > repeated and sum(map(width_of, (*parts[-1], column))) > room:
            parts.append(fixed[:])
        parts[-1].append(column)
    return [line for part in parts for line in whole_names(title, names, part, paper, headings=headings)]


def _room(columns: Sequence[Column], paper: Paper) -> int:
    return paper.width - sum(map(width_of, columns))


def _own_line(name: str, paper: Paper) -> List[str]:
    indent = " " * (len(name) - len(name.lstrip()))
    shown = middle_ellipsis(name.strip(), _MOST_LINES * (paper.width - len(indent) - 2), paper.ellipsis)
    return wrap(shown, paper.width, indent=indent, hanging=indent + "  ")


def _placed(column: Column, text: str) -> str:
    return " " * column.gap + pad(text, width_of(column) - column.gap, right=column.right)
