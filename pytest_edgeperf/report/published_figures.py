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


def references_table(references: Sequence[Reference], names: Names, paper: Paper) -> List[str]:
    """A row per published figure, below its benchmark; then what differs in each source."""
    if not references:
        return []
    rows: List[Tuple[str, Optional[Reference]]] = []
    for benchmark, group in groupby(references, key=lambda figure: figure.benchmark):
        rows.append((names[benchmark], None))
        rows += [("  " + paper.clean(figure_label(figure)), figure) for figure in group]
    here = iter(decimal_column([figure.measured for figure in references]))
    ratios = iter(decimal_column([figure.ratio for figure in references]))
    columns = [
        Column("here", ["" if row is None else next(here) for _, row in rows]),
        Column("published", ["" if row is None else printed(row.published) for _, row in rows]),
        Column("ratio", ["" if row is None else next(ratios) for _, row in rows]),
        Column("source", ["" if row is None else paper.clean(row.source) for _, row in rows], right=False, spare=1),
    ]
    devices = sorted({figure.device for figure in references} - {ANY_DEVICE}) or [f"{ANY_DEVICE} device"]
    title = f"published figures of {enumerate_names(devices)}"
    lines = [paper.paint(line, "strong") for line in wrap(paper.clean(title), paper.width)]
    lines += lay_out(names.shown_prefix, [name for name, _ in rows], columns, paper)
    for source, remarks in _remarks(references).items():
        text = ": ".join(filter(None, [source, "; ".join(remarks)]))
        lines += wrap(paper.clean(text), paper.width, indent="  ", hanging="    ")
    return lines + wrap(CAVEAT, paper.width, indent="  ", hanging="  ")


def references_markdown(references: Sequence[Reference]) -> str:
    """The same as a Markdown table; nothing where there is no figure."""
    if not references:
        return ""
    lines = [
        "| benchmark | metric | here | published | ratio | source | what differs |",
        "|:--|:--|--:|--:|--:|:--|:--|",
    ]
    for name, figure in zip(codes(figure.benchmark for figure in references), references):
        ratio = "-" if figure.ratio is None else significant(figure.ratio)
        texts = (figure_label(figure), significant(figure.measured), printed(figure.published), ratio)
        cells = [name, *map(escape, texts), escape(_place(figure))]
        lines.append(f"| {' | '.join([*cells, escape('; '.join(figure.differs)) or '-'])} |")
    return "\n".join([*lines, "", CAVEAT]) + "\n"


def _remarks(references: Sequence[Reference]) -> Dict[str, List[str]]:
    """Where figures stand -> what differs there."""
    remarks: Dict[str, List[str]] = {}
    for figure in references:
        known = remarks.setdefault(_place(figure), [])
        known += [remark for remark in figure.differs if remark not in known]
    return remarks


def _place(figure: Reference) -> str:
    return f"{figure.device}, {figure.source}, row {figure.row}"


def figure_label(figure: Reference) -> str:
    """The metric with its unit: ``latency, ms``."""
    label = metric_label(figure.metric)
    return f"{label}, {figure.unit}" if figure.unit else label


def printed(value: float) -> str:
    """A published number with the digits that it has."""
    return f"{value:.{_DIGITS}g}"
