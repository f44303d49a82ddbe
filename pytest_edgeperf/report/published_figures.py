"""Published figures beside measured ones: the tables of them, the ratio, and what is known to differ."""

from __future__ import annotations

from itertools import groupby
from typing import Dict, List, Optional, Sequence, Tuple

from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.markup import codes, escape
from pytest_edgeperf.report.numbers import decimal_column, significant
from pytest_edgeperf.report.published_matching import Reference
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.table_layout import Column, lay_out
from pytest_edgeperf.report.text import Paper, enumerate_names, wrap
from pytest_edgeperf.results.published import ANY_DEVICE

CAVEAT = (
    "Published figures come from other releases, weights, inputs and settings; they are shown for "
    "information and affect no verdict. Means are compared with means where both are known; ratio: here / published."
)
_DIGITS = 10


def references_table(found: Sequence[Reference], names: Names, paper: Paper) -> List[str]:
    """A row per published figure, below its benchmark; then what differs in each source."""
    if not found:
        return []
    rows: List[Tuple[str, Optional[Reference]]] = []
    for benchmark, group in groupby(found, key=lambda one: one.benchmark):
        rows.append((names[benchmark], None))
        rows += [("  " + paper.clean(_label(one)), one) for one in group]
    here = iter(decimal_column([one.measured for one in found]))
    ratios = iter(decimal_column([one.ratio for one in found]))
    columns = [
        Column("here", ["" if row is None else next(here) for _, row in rows]),
        Column("published", ["" if row is None else _printed(row.published) for _, row in rows]),
        Column("ratio", ["" if row is None else next(ratios) for _, row in rows]),
        Column("source", ["" if row is None else paper.clean(row.source) for _, row in rows], right=False, spare=1),
    ]
    devices = sorted({one.device for one in found} - {ANY_DEVICE}) or [f"{ANY_DEVICE} device"]
    title = f"published figures of {enumerate_names(devices)}"
    lines = [paper.paint(line, "strong") for line in wrap(paper.clean(title), paper.width)]
    lines += lay_out(names.shown_prefix, [name for name, _ in rows], columns, paper)
    for source, remarks in _remarks(found).items():
        text = ": ".join(filter(None, [source, "; ".join(remarks)]))
        lines += wrap(paper.clean(text), paper.width, indent="  ", hanging="    ")
    return lines + wrap(CAVEAT, paper.width, indent="  ", hanging="  ")


def references_markdown(found: Sequence[Reference]) -> str:
    """The same as a Markdown table; nothing where there is no figure."""
    if not found:
        return ""
    lines = [
        "| benchmark | metric | here | published | ratio | source | what differs |",
        "|:--|:--|--:|--:|--:|:--|:--|",
    ]
    for name, one in zip(codes(one.benchmark for one in found), found):
        ratio = "-" if one.ratio is None else significant(one.ratio)
        texts = (_label(one), significant(one.measured), _printed(one.published), ratio)
        cells = [name, *map(escape, texts), escape(_place(one))]
        lines.append(f"| {' | '.join([*cells, escape('; '.join(one.differs)) or '-'])} |")
    return "\n".join([*lines, "", CAVEAT]) + "\n"


def _remarks(found: Sequence[Reference]) -> Dict[str, List[str]]:
    """Where figures stand -> what differs there."""
    remarks: Dict[str, List[str]] = {}
    for one in found:
        known = remarks.setdefault(_place(one), [])
        known += [remark for remark in one.differs if remark not in known]
    return remarks


def _place(one: Reference) -> str:
    return f"{one.device}, {one.source}, row {one.row}"


def _label(one: Reference) -> str:
    label = metric_label(one.metric)
    return f"{label}, {one.unit}" if one.unit else label


def _printed(value: float) -> str:
    return f"{value:.{_DIGITS}g}"
