"""Tables of what explains a slowdown: a row per operator or function, the rest, and the sums."""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.report.explanation_text import (
    explained_regressions,
    explanation_headline,
    explanation_sentences,
    row_names,
    share_cell,
    shown_table,
    table_remarks,
)
from pytest_edgeperf.report.grouping import Row
from pytest_edgeperf.report.numbers import count, from_to, significant, time_unit
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.report.text import Paper, wrap
from pytest_edgeperf.report.tree_layout import lay_out_tree
from pytest_edgeperf.results.explanations import FUNCTIONS, OPERATORS, CostTable, Explanation

#: Tables of a report that is not asked for everything.
_MOST_TABLES = 3
#: From here on a figure is written with an exponent; nothing that was measured is.
_LONG = 1e7
_MOST_DECIMALS = 4
#: The columns that are left out first where names have too little room.
_SPARE = {"noise": 1, "change": 2}
#: Of the column of names.
TITLES = {OPERATORS: "operator", FUNCTIONS: "function"}


class Cells(NamedTuple):
    """The texts of a table: names, then a text for each of them under each title; ``unit`` is of all times."""

    names: Sequence[str]
    unit: str
    columns: Mapping[str, Sequence[str]]
    blamed: Sequence[bool]


def explanation_blocks(
    comparison: Comparison,
    explanations: Mapping[str, Explanation],
    names: Names,
    paper: Paper,
    *,
    everything: bool,
) -> List[List[str]]:
    """A block for each benchmark that got slower and has tables.

    Args:
        names: how each benchmark is called.
        everything: all benchmarks and rows, not only the first ones.
    """
    ids = explained_regressions(comparison, explanations)
    shown = ids if everything else ids[:_MOST_TABLES]
    blocks = []
    for name in shown:
        title = f"why it got slower: {names[name]}"
        blocks.append(explanation_lines(title, explanations[name], paper, everything=everything))
    if len(shown) < len(ids):
        more = f"why {count(len(ids) - len(shown), 'other benchmark')} got slower: see -v, or edgeperf explain ID"
        blocks.append([paper.paint(line, "strong") for line in wrap(more, paper.width, hanging="  ")])
    return blocks


def explanation_lines(title: str, explanation: Explanation, paper: Paper, *, everything: bool) -> List[str]:
    """A heading, what explains the loss in a line, and a table for each kind of part with its remarks."""
    lines = [
        paper.paint(line, "strong") for line in wrap(paper.clean(_title(title, explanation)), paper.width, hanging="  ")
    ]
    for number, sentence in enumerate(explanation_sentences(explanation)):
        style = "bad" if number == 0 and explanation_headline(explanation) else None
        wrapped = wrap(paper.clean(sentence), paper.width, indent="  ", hanging="    ")
        lines += [paper.paint(line, style) for line in wrapped]
    # Where operators are to blame, functions that are not say nothing, and the other way round.
    blaming = [] if everything else [table for table in explanation.tables if table.blamed]
    for table in blaming or explanation.tables:
        lines += _table(explanation, table, paper, everything=everything)
    return lines


def table_cells(explanation: Explanation, table: CostTable, ellipsis: str, *, everything: bool) -> Cells:
    """The rows of a table, with the rest and the sums below them, as texts in one unit."""
    shown = shown_table(table, everything=everything)
    names = row_names(shown.rows, ellipsis)
    times = [(row.before_ms, row.after_ms) for row in shown.rows]
    unit, size = time_unit([1e-3 * max((max(filter(None, pair), default=0.0) for pair in times), default=0.0)])
    in_unit = 1e-3 / size
    if shown.rest:
        names.append(f"the rest ({count(shown.rest, TITLES[table.parts])})")
        times.append((shown.rest_before_ms, shown.rest_after_ms))
    names.append("sum")
    times.append((table.sum_before_ms, table.sum_after_ms))
    largest = max(max(filter(None, pair), default=0.0) for pair in times[: len(shown.rows)] or times)
    decimals = _decimals(in_unit * largest)
    below = [""] * (len(names) - len(shown.rows))
    limits = [*("<= " if row.at_most else "" for row in shown.rows), *below]

    def text(value: Optional[float], form: str, absent: str) -> str:
        if value is None:
            return absent
        return f"{in_unit * value:{form}.{decimals}f}" if abs(in_unit * value) < _LONG else significant(in_unit * value)

    columns: Dict[str, Sequence[str]] = {
        "before": [limit + text(before, "", "new") for limit, (before, _) in zip(limits, times)],
        "now": [text(after, "", "gone") for _, after in times],
        "change": [text((after or 0.0) - (before or 0.0), "+", "") for before, after in times],
        "noise": [*(text(row.noise_ms, "", "") for row in shown.rows), *below],
        "of the loss": [*(share_cell(explanation, row) for row in shown.rows), *below],
    }
    return Cells(names, unit, columns, [*(row.blamed for row in shown.rows), *(False for _ in below)])


def _table(explanation: Explanation, table: CostTable, paper: Paper, *, everything: bool) -> List[str]:
    cells = table_cells(explanation, table, paper.ellipsis, everything=everything)
    styles = ["bad" if blamed else None for blamed in cells.blamed]
    columns = [
        Column(
            f"{title} ({cells.unit})" if title == "before" else title,
            texts,
            styles if title == "of the loss" else (),
            spare=_SPARE.get(title, 0),
        )
        for title, texts in cells.columns.items()
    ]
    rows = [Row(paper.clean(name), 1, number) for number, name in enumerate(cells.names)]
    lines = lay_out_tree(rows, columns, paper, title=f"  {TITLES[table.parts]}")
    for remark in table_remarks(explanation, table):
        lines += wrap(paper.clean(remark), paper.width, indent="  ", hanging="    ")
    return lines


def _decimals(largest: float) -> int:
    """That give the largest of several values three digits."""
    return min(max(0, 2 - math.floor(math.log10(largest))), _MOST_DECIMALS) if largest > 0 else 0


def _title(title: str, explanation: Explanation) -> str:
    if explanation.before_ms is None or explanation.after_ms is None:
        return title
    return f"{title}, latency {from_to(explanation.before_ms, explanation.after_ms, 'ms')}"
