"""The columns of the table of verdicts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import REGRESSED, MetricVerdict
from pytest_edgeperf.report import accuracy_text
from pytest_edgeperf.report.bars import axis_for
from pytest_edgeperf.report.benchmark_tables import figures_column, memory_column
from pytest_edgeperf.report.figures import LATENCY, compared_figure, figure, seconds
from pytest_edgeperf.report.numbers import NOTHING, decimal_column, in_seconds, percent, time_unit
from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.report.text import Paper, pad
from pytest_edgeperf.results.types import Benchmark

#: The width of a paper from which on a bar has so many cells.
_BAR_CELLS = ((140, 41), (100, 25), (0, 17))

#: How many times the shortest time of a group its longest one is, for both to have one unit.
_MOST_APART = 100

Seconds = Sequence[Optional[float]]


@dataclass(frozen=True)
class Figures:
    """What a row of the table is of: a benchmark's latency or, below it (not ``main``), another metric."""

    #: Rows of one group have one unit.
    group: str
    benchmark: Optional[Benchmark] = None
    metric: Optional[MetricVerdict] = None
    main: bool = True
    style: Optional[str] = None

    @property
    def is_judged(self) -> bool:
        """Whether there is a change to show."""
        return self.metric is not None and (self.metric.ratio is not None or self.metric.accuracy is not None)


def columns_of(rows: Sequence[Figures], paper: Paper, *, against: bool, measured: bool) -> List[Column]:
    """Latency, change and bar; memory and runs instead where nothing was judged.

    Args:
        against: with the change that would have been detected.
        measured: the latency of the rows' benchmarks; otherwise that of both sides of the rows' verdicts.
    """
    if measured:
        medians = [_seconds(row, "p50") for row in rows]
        columns = _latencies(rows, [("latency", medians, 0), ("p95", [_seconds(row, "p95") for row in rows], 5)])
        columns.append(accuracy_text.accuracy_column([row.benchmark if row.main else None for row in rows]))
    else:
        parts = [(title, [_side(row, side) for row in rows], spare) for title, side, spare in _SIDES]
        columns = _latencies(rows, parts)
    if any(row.is_judged for row in rows):
        return [*columns, *_changes(rows), *([_detects(rows)] if against else []), _bars(rows, paper)]
    benchmarks = [row.benchmark for row in rows]
    engines = figures_column(benchmarks, "engine_size", "engine", "memory", 2)
    return [*columns, memory_column(benchmarks), engines, _errors(benchmarks), _runs(benchmarks)]


_SIDES = (("base", "baseline", 4), ("now", "candidate", 0))


def _seconds(row: Figures, summary: str) -> Optional[float]:
    if row.benchmark is None or LATENCY not in row.benchmark.metrics:
        return None
    if summary != "p50":
        return seconds(row.benchmark, LATENCY, summary)
    value = compared_figure(row.benchmark, LATENCY, row.metric)
    return None if value is None else in_seconds(value, row.benchmark.metrics[LATENCY].unit)


def _side(row: Figures, side: str) -> Optional[float]:
    value = getattr(row.metric, side, None) if row.main else None
    return None if row.metric is None or value is None else in_seconds(value, row.metric.unit)


def _latencies(rows: Sequence[Figures], parts: Sequence[Tuple[str, Seconds, int]]) -> List[Column]:
    """Columns of times; the rows of a group have one unit, and their decimal points stand below each other.

    Where their times are too far apart for one unit, each row has its own.
    """
    together: Dict[str, List[int]] = {}
    for number, row in enumerate(rows):
        together.setdefault(row.group, []).append(number)
    groups: Dict[str, List[int]] = {}
    for group, numbers in together.items():
        times = [value for _, values, _ in parts for value in (values[number] for number in numbers) if value]
        if times and max(times) > _MOST_APART * min(times):
            groups.update({f"{group} {number}": [number] for number in numbers})
        else:
            groups[group] = numbers
    units: Dict[str, Tuple[str, float]] = {}
    for group, numbers in groups.items():
        known = [values[number] for _, values, _ in parts for number in numbers]
        units[group] = time_unit([value for value in known if value is not None])
    columns = []
    for title, values, spare in parts:
        texts = [""] * len(rows)
        for group, numbers in groups.items():
            unit, size = units[group]
            shown = [None if (value := values[number]) is None else value / size for number in numbers]
            for number, text in zip(numbers, decimal_column(shown)):
                if values[number] is not None:
                    texts[number] = f"{text} {unit}"
                elif rows[number].main and rows[number].benchmark is not None:
                    texts[number] = NOTHING
        if any(text not in ("", NOTHING) for text in texts):
            columns.append(Column(title, texts, spare=spare))
    return columns


def _changes(rows: Sequence[Figures]) -> List[Column]:
    changes, bounds, summaries = [], [], []
    for row in rows:
        metric = row.metric
        answers = None if metric is None else metric.accuracy
        summaries.append(_summary(row))
        if metric is not None and answers is not None:
            moved, low_end, high_end = accuracy_text.change_cells(answers, metric.unit)
            changes.append(moved)
            bounds.append((low_end, high_end))
            continue
        ratio = None if metric is None else metric.ratio
        interval = None if metric is None or ratio is None else metric.interval
        changes.append("" if ratio is None else f"{percent(ratio - 1)} %")
        bounds.append(("", "") if interval is None else (percent(interval[0] - 1), percent(interval[1] - 1)))
    low = max(len(bound[0]) for bound in bounds)
    high = max(len(bound[1]) for bound in bounds)
    intervals = [f"[{pad(a, low, right=True)}, {pad(b, high, right=True)}]" if a else "" for a, b in bounds]
    styles = [row.style for row in rows]
    return [
        Column("of", summaries, right=False, spare=4),
        Column("change", changes, styles),
        Column("[95 %]", intervals, styles, right=False, gap=1, spare=1),
    ]


def _summary(row: Figures) -> str:
    """What a change is of, where it is not the median's and no sentence below the row says so."""
    metric = row.metric
    if metric is None or not row.main or metric.ratio is None or metric.verdict == REGRESSED:
        return ""
    return "" if metric.summary in ("p50", "value", "mean") else metric.summary


def _detects(rows: Sequence[Figures]) -> Column:
    """The smallest change that would have been detected with 80 % power."""
    sizes = [None if row.metric is None else row.metric.detectable for row in rows]
    texts = ["" if size is None or not math.isfinite(size) else f"{percent(size - 1)} %" for size in sizes]
    return Column("detects", texts, spare=4)


def _bars(rows: Sequence[Figures], paper: Paper) -> Column:
    drawn: List[Optional[Tuple[float, Tuple[float, float], Optional[float]]]] = []
    for row in rows:
        metric = row.metric
        if metric is None or metric.ratio is None:
            drawn.append(None)
            continue
        low, high = metric.interval or (metric.ratio, metric.ratio)
        # Of what should be high, a decrease is what would be detected.
        falls = metric.detectable is not None and metric.detectable < 1
        tolerance = None if metric.tolerance is None else -metric.tolerance if falls else metric.tolerance
        drawn.append((metric.ratio - 1, (low - 1, high - 1), tolerance))
    bars = [bar for bar in drawn if bar is not None]
    tolerances = [
        abs(tolerance) for row, bar in zip(rows, drawn) if row.main and bar for tolerance in (bar[2],) if tolerance
    ]
    cells = next(cells for width, cells in _BAR_CELLS if paper.width >= width)
    axis = axis_for([ends for _, ends, _ in bars], tolerances, cells, ascii_only=paper.ascii_only)
    texts = ["" if bar is None else axis.bar(*bar) for bar in drawn]
    return Column(axis.title(), texts, [row.style for row in rows], right=False, spare=3)


def _errors(benchmarks: Sequence[Optional[Benchmark]]) -> Column:
    values = [None if benchmark is None else figure(benchmark, "output_error") for benchmark in benchmarks]
    shown = ["0" if value == 0 else f"{value:.1e}" if value is not None else NOTHING for value in values]
    return Column("error", shown if any(value is not None for value in values) else [""] * len(values), spare=1)


def _runs(benchmarks: Iterable[Optional[Benchmark]]) -> Column:
    return Column("runs", ["" if b is None else str(len(b.runs)) for b in benchmarks], spare=3)
