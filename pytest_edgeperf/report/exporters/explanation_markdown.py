"""Why benchmarks got slower, as Markdown: a line for each, and their tables folded."""

from __future__ import annotations

from typing import List, Mapping, Sequence

from pytest_edgeperf.judge.verdicts import REGRESSED, Comparison
from pytest_edgeperf.report.explanation_tables import TITLES, table_cells
from pytest_edgeperf.report.explanation_text import (
    explained_regressions,
    explanation_headline,
    explanation_sentences,
    table_remarks,
)
from pytest_edgeperf.report.exporters.markdown_blocks import Block, folded
from pytest_edgeperf.report.markup import code, codes, escape, item, table
from pytest_edgeperf.report.numbers import from_to
from pytest_edgeperf.results.explanations import Explanation

#: Benchmarks that a reader sees without opening anything.
_OPEN_ROWS = 10


def explanation_blocks(comparison: Comparison, explanations: Mapping[str, Explanation], prefix: str) -> List[Block]:
    """The operator or function to blame of each benchmark that got slower, and folded below it the tables.

    Args:
        prefix: what all names begin with, which is left out.
    """
    worse = [name for name, verdict in comparison.benchmarks.items() if verdict.verdict == REGRESSED]
    headlines = {name: explanation_headline(explanations[name]) for name in worse if name in explanations}
    blamed = {name: headline for name, headline in headlines.items() if headline is not None}
    short = dict(zip(worse, codes(name[len(prefix) :] if name.startswith(prefix) else name for name in worse)))
    blocks = []
    if blamed:
        rows = [f"- {short[name]}: {escape(headline)}" for name, headline in blamed.items()][:_OPEN_ROWS]
        blocks.append(Block("explanation", ["", "**Why it got slower:**", ""], rows))
    tables = [
        "\n".join(["", f"{short[name]}{escape(_latency(explanations[name]))}:", *_lines(explanations[name])])
        for name in explained_regressions(comparison, explanations)
    ]
    if tables:
        blocks.append(folded(f"Operators and functions ({len(tables)})", Block("explanation", rows=tables)))
    return blocks


def explanation_markdown(benchmark_id: str, explanation: Explanation) -> str:
    """One benchmark: a heading, what explains the loss, and all rows of its tables."""
    heading = f"### Why {code(benchmark_id)} got slower{escape(_latency(explanation))}"
    return "\n".join([heading, *_lines(explanation)]) + "\n"


def _lines(explanation: Explanation) -> List[str]:
    lines = ["", *map(item, explanation_sentences(explanation))]
    for costs in explanation.tables:
        cells = table_cells(explanation, costs, "…", everything=True)
        titles = [f"{title} ({cells.unit})" if title == "before" else title for title in cells.columns]
        rows: Sequence[Sequence[str]] = list(zip(cells.names, *cells.columns.values()))
        lines += ["", *table([TITLES[costs.parts], *titles], rows), "", *map(item, table_remarks(explanation, costs))]
    return lines


def _latency(explanation: Explanation) -> str:
    if explanation.before_ms is None or explanation.after_ms is None:
        return ""
    return f", latency {from_to(explanation.before_ms, explanation.after_ms, 'ms')}"
