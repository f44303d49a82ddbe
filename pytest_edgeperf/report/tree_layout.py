"""One aligned table of benchmarks below their headings; a name that has no room stands above its figures."""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.report.grouping import INDENT, Entry, Member, Row, Summary, Text, grouped, only_file
from pytest_edgeperf.report.table_layout import Column, over_line, placed, widths_of
from pytest_edgeperf.report.text import Paper, cells, pad, wrap
from pytest_edgeperf.results.types import Benchmark

#: Cells that names get before columns are left out.
NAME_CELLS = 26
#: Cells that names get however few columns are left.
_LEAST_NAME_CELLS = 8


def lay_out_tree(entries: Sequence[Entry], columns: Sequence[Column], paper: Paper, *, title: str = "") -> List[str]:
    """The lines of a table: headings across it, and rows of the columns' texts.

    Args:
        entries: in their order; a row's number is the place of its texts in the columns.
        title: printable; what all benchmarks share.
    """
    rows = [entry for entry in entries if isinstance(entry, Row)]
    sizes = [INDENT * row.depth + cells(row.name) for row in rows]
    natural = max(sizes, default=0)
    kept = [column for column in columns if any(column.texts[row.number].strip() for row in rows)]
    widths = widths_of(kept)
    while paper.width - sum(widths) < min(natural, NAME_CELLS) and any(column.spare for column in kept):
        spare = max(column.spare for column in kept)
        kept = [column for column in kept if column.spare != spare]
        widths = widths_of(kept)
    room = max(paper.width - sum(widths), 1)
    first = max([size for size in sizes if size <= room] + [min(room, _LEAST_NAME_CELLS)])
    lines: List[str] = []
    if title and cells(title) > first:
        lines += wrap(title, paper.width, hanging=" " * INDENT)
        title = ""
    if kept:
        if any(column.over for column in kept):
            lines.append(paper.paint(over_line(kept, widths, first), "faint"))
        titles = "".join(placed(column, column.title, width) for column, width in zip(kept, widths))
        lines.append((pad(title, first) + paper.paint(titles, "faint")).rstrip())
    elif title:
        lines.append(title)
    for entry in entries:
        indent = " " * (INDENT * entry.depth)
        if isinstance(entry, Text):
            wrapped = wrap(entry.text, paper.width, indent=indent, hanging=indent + " " * INDENT)
            lines += [paper.paint(line, entry.style) for line in wrapped] if entry.text else [""]
        elif isinstance(entry, Summary):
            lines += _beside(indent + entry.name, entry.text, first, paper)
        else:
            name = indent + entry.name
            if cells(name) > first:
                lines += wrap(entry.name, paper.width, indent=indent, hanging=indent + " " * INDENT)
                name = ""
            line = pad(name, first)
            for column, width in zip(kept, widths):
                style = column.styles[entry.number] if column.styles else None
                line += paper.paint(placed(column, column.texts[entry.number], width), style)
            lines += [line.rstrip()] if line.strip() else []
    return lines


def benchmark_table(
    rows: Sequence[Tuple[str, str]],
    columns: Sequence[Column],
    paper: Paper,
    benchmarks: Optional[Mapping[str, Benchmark]] = None,
) -> List[str]:
    """A table with a row per benchmark, and further rows below it.

    Args:
        rows: a benchmark's id with an empty label, then the printable labels of what stands below it, with its id.
        benchmarks: by id, where they are at hand: their parameters tell where a name may be parted.
    """
    members: List[Member] = []
    for number, (benchmark_id, label) in enumerate(rows):
        if not label or not members:
            known = None if benchmarks is None else benchmarks.get(benchmark_id)
            members.append(Member(benchmark_id, number, parameters={} if known is None else known.parameters))
        else:
            last = members[-1]
            members[-1] = last._replace(others=[*last.others, (label, number)])
    file: Optional[str] = only_file(member.id for member in members)
    return lay_out_tree(grouped(members, paper, said=file), columns, paper, title=paper.clean(file or ""))


def _beside(name: str, text: str, first: int, paper: Paper) -> List[str]:
    line = pad(name, first) + "  " + text if cells(name) <= first else f"{name}  {text}"
    return [line] if cells(line) <= paper.width else wrap(line.strip(), paper.width, indent="  ", hanging="    ")
