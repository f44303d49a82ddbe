"""Published figures beside measured ones: the tables of them, the ratio, and what is known to differ."""

from __future__ import annotations

from itertools import groupby
from typing import Dict, List, Sequence, Tuple

from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.markup import codes, escape
from pytest_edgeperf.report.numbers import decimal_column, significant
from pytest_edgeperf.report.published_matching import Reference
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.report.text import Paper, enumerate_names, wrap
from pytest_edgeperf.report.whole_names import whole_names
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
    headings: Dict[int, str] = {}
    labels: List[str] = []
    for benchmark, group in groupby(references, key=lambda figure: figure.benchmark):
        headings[len(labels)] = names[benchmark]
        labels += ["  " + paper.clean(figure_label(figure)) for figure in group]
    columns = [
        Column("here", decimal_column([figure.measured for figure in references])),
        Column("published", [printed(figure.published) for figure in references]),
        Column("ratio", decimal_column([figure.ratio for figure in references])),
        Column("source", [paper.clean(figure.source) for figure in references], right=False, spare=1),
    ]
    devices = sorted({figure.device for figure in references} - {ANY_DEVICE}) or [f"{ANY_DEVICE} device"]
    title = f"published figures of {enumerate_names(devices)}"
    lines = [paper.paint(line, "strong") for line in wrap(paper.clean(title), paper.width)]
    lines += whole_names(names.shown_prefix, labels, columns, paper, headings=headings)
    for text in _remarks(references):
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
        cells = [name, *map(escape, texts), escape(_place(figure.device, figure.source, [figure.row]))]
        lines.append(f"| {' | '.join([*cells, escape('; '.join(figure.differs)) or '-'])} |")
    return "\n".join([*lines, "", CAVEAT]) + "\n"


def _remarks(references: Sequence[Reference]) -> List[str]:
    """Where figures stand, and what differs there; rows of a table with the same remarks together."""
    of_row: Dict[Tuple[str, str, str], List[str]] = {}
    for figure in references:
        known = of_row.setdefault((figure.device, figure.source, figure.row), [])
        known += [remark for remark in figure.differs if remark not in known]
    rows: Dict[Tuple[str, str, str], List[str]] = {}
    for (device, source, row), remarks in of_row.items():
        rows.setdefault((device, source, "; ".join(remarks)), []).append(row)
    return [
        ": ".join(filter(None, [_place(device, source, together), remarks]))
        for (device, source, remarks), together in rows.items()
    ]


def _place(device: str, source: str, rows: Sequence[str]) -> str:
    of_device = [] if device == ANY_DEVICE else [device]
    return ", ".join([*of_device, source, f"row{'s' * (len(rows) > 1)} {'; '.join(rows)}"])


def figure_label(figure: Reference) -> str:
    """The metric with its unit: ``latency, ms``."""
    label = metric_label(figure.metric)
    return f"{label}, {figure.unit}" if figure.unit else label


def printed(value: float) -> str:
    """A published number with the digits that it has."""
    return f"{value:.{_DIGITS}g}"
