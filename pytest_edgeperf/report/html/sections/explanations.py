"""Why benchmarks got slower: the operators and functions of each, before and after."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from pytest_edgeperf.judge.verdicts import REGRESSED
from pytest_edgeperf.report.explanation_tables import TITLES, Cells, table_cells
from pytest_edgeperf.report.explanation_text import explanation_headline, explanation_sentences, table_remarks
from pytest_edgeperf.report.html.benchmark_data import anchor
from pytest_edgeperf.report.html.sections import Section
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.numbers import from_to
from pytest_edgeperf.results.explanations import Explanation


def data(subject: Subject) -> Optional[Dict[str, Any]]:
    """What was explained, first what got slower; ``None`` where nothing was."""
    explanations = subject.measured.explanations
    verdicts = subject.comparison.benchmarks
    worse = [name for name in explanations if name in verdicts and verdicts[name].verdict == REGRESSED]
    others = [name for name in explanations if name not in worse and explanations[name].tables]
    listed = [_explained(name, explanations[name]) for name in (*worse, *others)]
    return {"benchmarks": listed} if listed else None


def _explained(name: str, explanation: Explanation) -> Dict[str, Any]:
    latency = ""
    if explanation.before_ms is not None and explanation.after_ms is not None:
        latency = from_to(explanation.before_ms, explanation.after_ms, "ms")
    return {
        "name": name,
        "anchor": anchor(name),
        "latency": latency,
        "has_headline": explanation_headline(explanation) is not None,
        "sentences": explanation_sentences(explanation),
        "tables": [
            {
                "title": TITLES[table.parts],
                **_cells(table_cells(explanation, table, "…", everything=True)),
                "remarks": table_remarks(explanation, table),
            }
            for table in explanation.tables
        ],
    }


def _cells(cells: Cells) -> Dict[str, Any]:
    titles = [f"{title} ({cells.unit})" if title == "before" else title for title in cells.columns]
    rows: List[List[Any]] = [
        [name, bool(blamed), *texts] for name, blamed, *texts in zip(cells.names, cells.blamed, *cells.columns.values())
    ]
    return {"columns": titles, "rows": rows}


SECTION = Section(
    "explanations",
    "Why it got slower",
    data,
    scripts=("links.js", "explanations.js"),
    styles=("pages.css", "explanations.css"),
)
