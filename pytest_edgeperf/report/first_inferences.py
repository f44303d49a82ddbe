"""The first inferences of a process, where a benchmark kept them: the cold one, and how the others go on."""

from __future__ import annotations

from statistics import median
from typing import List, Sequence, Tuple

from pytest_edgeperf.report.figures import usable_runs
from pytest_edgeperf.report.numbers import decimal_column
from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.report.tree_layout import benchmark_table
from pytest_edgeperf.results.types import Results, Run

#: The first and the last inference of each column, counted from 1.
_SPANS: Tuple[Tuple[int, int], ...] = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, 100))


def first_inferences_table(measured: Results, paper: Paper) -> List[str]:
    """A row per benchmark that kept them: the median over a column's inferences, and over the runs."""
    rows = []
    for benchmark_id, benchmark in measured.benchmarks.items():
        kept = [times for times in map(_times, usable_runs(benchmark)) if times]
        if kept:
            rows.append((benchmark_id, kept))
    if not rows:
        return []
    columns = []
    for spare, (first, last) in enumerate(_SPANS):
        values = []
        for _, runs in rows:
            medians = [median(times[first - 1 : last]) for times in runs if len(times) >= first]
            values.append(median(medians) if medians else None)
        if any(value is not None for value in values):
            title = str(first) if first == last else f"{first}-{last}"
            columns.append(Column(title, decimal_column(values), spare=0 if first == 1 else len(_SPANS) - spare))
    lines = [paper.paint("the first inferences of a process, by their number (ms)", "strong")]
    return lines + benchmark_table([(name, "") for name, _ in rows], columns, paper, measured.benchmarks)


def _times(run: Run) -> Sequence[float]:
    times = (run.quality or {}).get("first_inferences_ms")
    usable = isinstance(times, list) and all(isinstance(time, (int, float)) for time in times)
    return times if usable and times else ()
