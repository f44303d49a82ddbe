"""Rows of the Markdown report's tables: verdicts, figures, and why something has no clear verdict."""

from __future__ import annotations

from typing import List, Optional, Sequence

from pytest_edgeperf.judge.verdicts import INCOMPARABLE, INCONCLUSIVE, MISSING, NEW, REGRESSED, BenchmarkVerdict
from pytest_edgeperf.report.accuracy_text import difference
from pytest_edgeperf.report.figures import (
    LATENCY,
    MEMORY,
    compared_figure,
    deciding_metric,
    figure,
    metric_label,
)
from pytest_edgeperf.report.markup import escape
from pytest_edgeperf.report.numbers import NOTHING, change_with_interval, quantities, quantity
from pytest_edgeperf.report.sentences import differences_text, inconclusive_text
from pytest_edgeperf.results.types import Benchmark

_WHY = {NEW: "no baseline yet", MISSING: "in the baseline, not measured now"}


def verdict_row(
    name_as_code: str, verdict: BenchmarkVerdict, measured: Optional[Benchmark] = None, *, with_word: bool = True
) -> str:
    """A benchmark with the change of what decided, which a phone shows beside it, and both sides' figures.

    ``with_word`` adds the verdict.

    ``measured`` has the present latency where nothing was compared.
    """
    name = deciding_metric(verdict)
    metric = None if name is None else verdict.metrics[name]
    cells: List[str] = [name_as_code, NOTHING, NOTHING, NOTHING]
    if metric is not None and name is not None:
        cells[2:4] = _in_one_unit([metric.baseline, metric.candidate], metric.unit)
        label = metric_label(name, metric)
        if metric.ratio is not None:
            cells[1] = f"{escape(label)} {escape(change_with_interval(metric.ratio, metric.interval))}"
        elif metric.accuracy is not None:
            cells[1] = f"{escape(label)} {escape(difference(metric.accuracy, metric.unit))}"
    elif measured is not None and LATENCY in measured.metrics:
        cells[3:4] = _in_one_unit([figure(measured, LATENCY)], measured.metrics[LATENCY].unit)
    if with_word:
        cells.append(f"**{verdict.verdict}**" if verdict.verdict == REGRESSED else verdict.verdict)
    return f"| {' | '.join(cells)} |"


def undecided_row(name_as_code: str, verdict: BenchmarkVerdict) -> str:
    """A benchmark without a clear verdict, and why it has none."""
    why: Optional[str] = _WHY.get(verdict.verdict)
    if verdict.verdict == INCONCLUSIVE:
        why = inconclusive_text(verdict)
    elif verdict.verdict == INCOMPARABLE:
        why = differences_text(verdict.differences) or verdict.reason
    elif verdict.reason is not None:
        why = verdict.reason
    return f"| {name_as_code} | {verdict.verdict} | {escape(' '.join((why or NOTHING).split()))} |"


def refused_text(measured: Optional[Benchmark], verdict: Optional[BenchmarkVerdict]) -> str:
    """What runs that were not accepted measured: ``latency 1.20 ms, +2.0 % [-10.0, +10.0]``; or nothing."""
    metric = None if verdict is None else verdict.metrics.get(LATENCY)
    value = None if measured is None else compared_figure(measured, LATENCY, metric)
    if measured is None or value is None:
        return ""
    text = f"latency {quantity(value, measured.metrics[LATENCY].unit)}"
    if metric is None or metric.ratio is None:
        return text
    return f"{text}, {change_with_interval(metric.ratio, metric.interval)}"


def figures_rows(names_as_code: Sequence[str], benchmarks: Sequence[Benchmark]) -> List[str]:
    """Benchmarks with latency, memory and their number of runs."""
    rows = []
    for name, benchmark in zip(names_as_code, benchmarks):
        texts: List[str] = []
        for metric, summaries in ((LATENCY, ("p50", "p95")), (MEMORY, ("p50",))):
            unit = benchmark.metrics[metric].unit if metric in benchmark.metrics else ""
            texts += _in_one_unit([figure(benchmark, metric, summary) for summary in summaries], unit)
        rows.append(f"| {' | '.join([name, *texts, str(len(benchmark.runs))])} |")
    return rows


def _in_one_unit(values: Sequence[Optional[float]], unit: str) -> List[str]:
    """Cells of one row that a reader compares."""
    texts, one_unit = quantities([value for value in values if value is not None], unit)
    shown = iter(texts)
    return [NOTHING if value is None else escape(f"{next(shown)} {one_unit}".rstrip()) for value in values]
