"""One aligned table within a width: names give way first, then columns that matter less are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from pytest_edgeperf.report.shortening import shorten_names
from pytest_edgeperf.report.text import Paper, cells, middle_ellipsis, pad

#: Cells that a name keeps before columns are left out, or a table is parted.
NAME_WIDTH = 20


@dataclass(frozen=True)
class Column:
    """A column below its title; neighbours with the same ``over`` share it as a line above their titles.

    ``texts`` are printable already. The column with the greatest ``spare`` is the first to be left
    out when the names have too little room; 0 stays.
    """

    title: str
    texts: Sequence[str]
    styles: Sequence[Optional[str]] = ()
    over: str = ""
    right: bool = True
    gap: int = 2
    spare: int = 0


def lay_out(prefix: str, names: Sequence[str], columns: Sequence[Column], paper: Paper) -> List[str]:
    """The lines of a table: printable names, then columns; ``prefix`` is what was dropped from all names."""
    natural = max((cells(name) for name in names), default=0)
    kept = [column for column in columns if any(text.strip() for text in column.texts)]
    widths = widths_of(kept)
    while paper.width - sum(widths) < min(natural, NAME_WIDTH) and any(column.spare for column in kept):
        spare = max(column.spare for column in kept)
        kept = [column for column in kept if column.spare != spare]
        widths = widths_of(kept)
    room = max(paper.width - sum(widths), 1)
    if natural > room:
        prefix, names = _without_test(prefix, names)
        natural = max(cells(name) for name in names)
    first = min(room, max(natural, cells(prefix), len("benchmark")))
    lines = []
    if any(column.over for column in kept):
        lines.append(paper.paint(over_line(kept, widths, first), "faint"))
    title = pad(middle_ellipsis(prefix or "benchmark", first, paper.ellipsis), first)
    header = title + "".join(placed(column, column.title, width) for column, width in zip(kept, widths))
    lines.append(paper.paint(header.rstrip(), "faint"))
    for row, name in enumerate(shorten_names(names, first, paper.ellipsis)):
        line = pad(name, first)
        for column, width in zip(kept, widths):
            style = column.styles[row] if column.styles else None
            line += paper.paint(placed(column, column.texts[row], width), style)
        lines.append(line.rstrip())
    return lines


def lay_out_in_parts(
    prefix: str,
    names: Sequence[str],
    columns: Sequence[Column],
    paper: Paper,
    *,
    repeated: int = 0,
    name_width: int = NAME_WIDTH,
) -> List[str]:
    """The columns as one table below the other where they are too wide for one; the first so many are in each.

    Names keep so many cells in each table.
    """
    room = paper.width - min(name_width, max(cells(name) for name in names))
    fixed = list(columns[:repeated])
    parts: List[List[Column]] = [fixed[:]]
    for column in columns[repeated:]:
        if len(parts[-1]) > repeated and sum(map(width_of, (*parts[-1], column))) > room:
            parts.append(fixed[:])
        parts[-1].append(column)
    return [line for part in parts for line in lay_out(prefix, names, part, paper)]


def width_of(column: Column) -> int:
    """The cells that a column takes, with the gap before it."""
    return column.gap + max(cells(text) for text in (column.title, *column.texts))


def _without_test(prefix: str, names: Sequence[str]) -> Tuple[str, Sequence[str]]:
    """Leave out the ``test_`` that all names begin with; indented ones belong to the name above them."""
    if not all(name.startswith(("test_", "  ")) for name in names):
        return prefix, names
    return prefix + "test_", [name[5:] if name.startswith("test_") else name for name in names]


def _ends_group(columns: Sequence[Column]) -> List[bool]:
    following = [column.over for column in columns[1:]] + [""]
    return [bool(column.over) and column.over != after for column, after in zip(columns, following)]


def widths_of(columns: Sequence[Column]) -> List[int]:
    """The cells of each column, with what several have above them."""
    widths = [column.gap + max(cells(text) for text in (column.title, *column.texts)) for column in columns]
    for position, (column, ends) in enumerate(zip(columns, _ends_group(columns))):
        if ends:
            others = [width for width, other in zip(widths, columns) if other.over == column.over]
            widths[position] += max(0, column.gap + cells(column.over) - sum(others))
    return widths


def over_line(columns: Sequence[Column], widths: Sequence[int], first: int) -> str:
    """What several columns have above their titles; names take the ``first`` cells."""
    line, edge = "", first
    for column, width, ends in zip(columns, widths, _ends_group(columns)):
        edge += width
        if ends:
            line += pad(column.over, edge - cells(line), right=True)
    return line


def placed(column: Column, text: str, width: int) -> str:
    """A text of a column in its cells."""
    return " " * column.gap + pad(text, width - column.gap, right=column.right)
