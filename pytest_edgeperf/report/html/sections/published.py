"""Published figures beside the measured ones, the quotient of both, and what is known to differ."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from pytest_edgeperf.report.html.benchmark_data import anchor
from pytest_edgeperf.report.html.sections import Section
from pytest_edgeperf.report.html.study_charts import LABEL_CELLS, Chart
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.numbers import NOTHING, count, significant
from pytest_edgeperf.report.published_figures import CAVEAT, figure_label, printed
from pytest_edgeperf.report.published_matching import Reference, references
from pytest_edgeperf.report.series_looks import is_logarithmic
from pytest_edgeperf.report.shortening import shorten_names
from pytest_edgeperf.report.text import common_path, printable

#: Rows of a chart; the table has all.
_MOST_ROWS = 40


def data(subject: Subject) -> Optional[Dict[str, Any]]:
    """A row per published figure and a chart per metric; ``None`` where there is none."""
    known = references(subject.measured, subject.report.published)
    if not known:
        return None
    by_metric: Dict[str, List[Reference]] = {}
    for reference in known:
        by_metric.setdefault(figure_label(reference), []).append(reference)
    charts = [_chart(label, several) for label, several in by_metric.items()]
    return {"rows": list(map(_row, known)), "charts": charts, "caveat": CAVEAT}


def _row(reference: Reference) -> Dict[str, Any]:
    return {
        "name": reference.benchmark,
        "anchor": anchor(reference.benchmark),
        "metric": figure_label(reference),
        "here": significant(reference.measured),
        "published": printed(reference.published),
        "ratio": NOTHING if reference.ratio is None else significant(reference.ratio),
        "device": reference.device,
        "source": f"{reference.source}, row {reference.row}",
        "differs": list(reference.differs),
    }


def _chart(label: str, known: Sequence[Reference]) -> Chart:
    shown = known[:_MOST_ROWS]
    shared = len(common_path([reference.benchmark for reference in shown]))
    names = [printable(f"{reference.benchmark[shared:]} ({reference.device})") for reference in shown]
    sides = (
        ("here", [reference.measured for reference in shown], {"colour": 1, "marker": 0, "hollow": False}),
        ("published", [reference.published for reference in shown], {"colour": 0, "marker": 3, "hollow": True}),
    )
    series = [
        {
            "name": side,
            **look,
            "points": [
                {
                    "row": row,
                    "x": value,
                    "text": f"{side}: {significant(value)} {reference.unit}; {reference.benchmark}; {reference.source}",
                    "anchor": anchor(reference.benchmark),
                }
                for row, (value, reference) in enumerate(zip(values, shown))
            ],
        }
        for side, values, look in sides
    ]
    everything = [value for _, values, _ in sides for value in values]
    more = f" The first {_MOST_ROWS} of {len(known)}; the table has all." if len(known) > _MOST_ROWS else ""
    return {
        "kind": "dots",
        "title": label,
        "x": {"label": label, "log": is_logarithmic(everything)},
        "rows": shorten_names(names, LABEL_CELLS, "…"),
        "series": series,
        "alt": f"{count(len(known), 'published figure')} of {label}, each beside what was measured here.{more}",
        "note": f"Filled: here; hollow: published.{more}",
    }


SECTION = Section(
    "published",
    "Published figures beside these",
    data,
    scripts=("links.js", "plots.js", "published.js"),
    styles=("pages.css",),
)
