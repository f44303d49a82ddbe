"""The tables: latency with its change, phases and memory, two results files side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    UNCHANGED,
    BenchmarkVerdict,
    Comparison,
    MetricVerdict,
)
from pytest_edgeperf.report import accuracy_text
from pytest_edgeperf.report.figures import LATENCY, MEMORY, PHASES, course, figure, metric_label, seconds
from pytest_edgeperf.report.numbers import NOTHING, decimal_column, in_seconds, percent, quantity, time_unit
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.table_layout import Column, lay_out
from pytest_edgeperf.report.text import Paper, pad
from pytest_edgeperf.results.types import Benchmark

VERDICT_STYLES = {
    REGRESSED: "bad",
    IMPROVED: "good",
    INCONCLUSIVE: "warning",
    INCOMPARABLE: "warning",
    MISSING: "warning",
    NEW: "remark",
}
_FAILED = "failed"
_STARTS = (("first_inference", "first"), ("warm_up", "warm-up"))

#: Metric -> title, what its neighbours share, and how soon its column gives way.
_TELEMETRY = {
    "power_mean": ("mean", "power, W", 0),
    "power_sd": ("sd", "power, W", 2),
    "power_idle": ("idle", "power, W", 1),
    "energy_per_inference": ("gross", "energy, mJ", 0),
    "energy_above_idle": ("above idle", "energy, mJ", 1),
    "temperature_max": ("degC", "", 3),
    "utilisation_gpu": ("GPU %", "", 3),
    "clock_gpu_mean": ("GPU MHz", "", 4),
}

Seconds = Sequence[Optional[float]]


@dataclass(frozen=True)
class _Row:
    """A benchmark with its latency, or below it another metric that moved."""

    name: str
    word: str
    main: bool
    benchmark: Optional[Benchmark] = None
    metric: Optional[MetricVerdict] = None


def latency_table(report: SessionReport, names: Names, paper: Paper) -> List[str]:
    """Every measured benchmark: median, p95, change and verdict; memory and runs while nothing is judged."""
    rows: List[_Row] = []
    judged = report.comparison.benchmarks if report.comparison is not None else {}
    for benchmark_id, benchmark in report.measured.benchmarks.items():
        verdict = judged.get(benchmark_id, BenchmarkVerdict(NEW))
        if benchmark_id in report.faults:
            rows.append(_Row(names[benchmark_id], _FAILED, True, benchmark))
        else:
            rows += _rows(names[benchmark_id], verdict, benchmark, paper)
    if not rows:
        return []
    columns = _times(
        [
            ("median", [_seconds(row, "p50") for row in rows], 0),
            ("p95", [_seconds(row, "p95") for row in rows], 2),
        ],
        LATENCY,
        paper,
        [row.main for row in rows],
    )
    columns.append(accuracy_text.accuracy_column([row.benchmark for row in rows]))
    words = {row.word for row in rows}
    if words <= {NEW, _FAILED}:
        benchmarks = list(report.measured.benchmarks.values())
        columns += [_memory(benchmarks)]
        columns += [_figures(benchmarks, "engine_size", "engine", "memory", 2)]
        columns += [_errors(benchmarks), _runs(benchmarks)]
        columns += [_words(rows)] if _FAILED in words else []
    else:
        columns += _changes(rows)
        columns += [_detects(rows)] if report.against is not None else []
    return lay_out(names.shown_prefix, [row.name for row in rows], columns, paper)


def phase_table(report: SessionReport, names: Names, paper: Paper) -> List[str]:
    """Medians of the phases, the cold first inference, the warm-up, the process's memory, and courses not flat."""
    measured = report.measured.benchmarks
    benchmarks = list(measured.values())
    phases = [(title, [seconds(benchmark, name) for benchmark in benchmarks], 2) for name, title in PHASES.items()]
    starts = [(title, [seconds(benchmark, name) for benchmark in benchmarks], 3) for name, title in _STARTS]
    courses = Column("course", [course(benchmark) for benchmark in benchmarks], right=False, spare=4)
    columns = [*_times(phases, "median", paper), *_times(starts, "start", paper), _memory(benchmarks), courses]
    if not any(text for column in columns for text in column.texts):
        return []
    return lay_out(names.shown_prefix, [names[name] for name in measured], columns, paper)


def power_table(report: SessionReport, names: Names, paper: Paper) -> List[str]:
    """Power, energy an inference, the hottest zone and the GPU, where a sensor measured them."""
    measured = report.measured.benchmarks
    columns = [
        _figures(measured.values(), metric, title, over, spare) for metric, (title, over, spare) in _TELEMETRY.items()
    ]
    if not any(text for column in columns for text in column.texts):
        return []
    return lay_out(names.shown_prefix, [names[name] for name in measured], columns, paper)


def _figures(benchmarks: Iterable[Benchmark], metric: str, title: str, over: str, spare: int) -> Column:
    values = [figure(benchmark, metric) for benchmark in benchmarks]
    texts = decimal_column(values) if any(value is not None for value in values) else [""] * len(values)
    return Column(title, texts, over=over, spare=spare)


def _errors(benchmarks: Iterable[Benchmark]) -> Column:
    values = [figure(benchmark, "output_error") for benchmark in benchmarks]
    shown = ["0" if value == 0 else f"{value:.1e}" if value is not None else NOTHING for value in values]
    return Column("error", shown if any(value is not None for value in values) else [""] * len(values), spare=1)


def comparison_table(comparison: Comparison, names: Names, paper: Paper) -> List[str]:
    """Two results files side by side: both figures, the change and the verdict."""
    rows: List[_Row] = []
    for benchmark_id, verdict in comparison.benchmarks.items():
        rows += _rows(names[benchmark_id], verdict, None, paper)
    if not rows:
        return []
    sides = (
        ("base", [_side(row, "baseline") for row in rows], 1),
        ("now", [_side(row, "candidate") for row in rows], 1),
    )
    columns = [*_times(sides, LATENCY, paper, [row.main for row in rows]), *_changes(rows)]
    return lay_out(names.shown_prefix, [row.name for row in rows], columns, paper)


def moved_metrics(verdict: BenchmarkVerdict) -> List[str]:
    """The gating metrics beside latency that a reader must see: better, worse, not compared, or what decided."""
    return [
        name
        for name, metric in verdict.metrics.items()
        if name != LATENCY
        and metric.gates
        and metric.verdict != UNCHANGED
        and metric.verdict in (REGRESSED, IMPROVED, NEW, MISSING, INCOMPARABLE, verdict.verdict)
    ]


def latency_word(verdict: BenchmarkVerdict) -> str:
    """The word beside the latency: its own verdict, ``regressed p95`` when not read from the median."""
    metric = verdict.metrics.get(LATENCY)
    if metric is None or verdict.verdict in (NEW, MISSING, INCOMPARABLE):
        return verdict.verdict
    if metric.verdict not in (REGRESSED, IMPROVED) or metric.summary in ("p50", "value"):
        return metric.verdict
    return f"{metric.verdict} {metric.summary}"


def _rows(name: str, verdict: BenchmarkVerdict, benchmark: Optional[Benchmark], paper: Paper) -> List[_Row]:
    rows = [_Row(name, latency_word(verdict), True, benchmark, verdict.metrics.get(LATENCY))]
    for other in moved_metrics(verdict):
        metric = verdict.metrics[other]
        label = "  " + metric_label(other, metric)
        if metric.candidate is not None:
            label += f": {quantity(metric.candidate, metric.unit)}"
        rows.append(_Row(paper.clean(label), metric.verdict, False, metric=metric))
    return rows


def _seconds(row: _Row, summary: str) -> Optional[float]:
    return None if row.benchmark is None else seconds(row.benchmark, LATENCY, summary)


def _side(row: _Row, side: str) -> Optional[float]:
    value = getattr(row.metric, side, None) if row.main else None
    return None if row.metric is None or value is None else in_seconds(value, row.metric.unit)


def _times(
    parts: Sequence[Tuple[str, Seconds, int]],
    over: str,
    paper: Paper,
    shown: Optional[Sequence[bool]] = None,
) -> List[Column]:
    present = [(title, values, spare) for title, values, spare in parts if any(v is not None for v in values)]
    unit, size = time_unit([value for _, values, _ in present for value in values if value is not None])
    over = f"{over}, {'µs' if unit == 'us' and not paper.ascii_only else unit}"
    columns = []
    for title, values, spare in present:
        texts = decimal_column([None if value is None else value / size for value in values])
        if shown is not None:
            texts = [text if show else "" for text, show in zip(texts, shown)]
        columns.append(Column(title, texts, over=over, spare=spare))
    return columns


def _changes(rows: Sequence[_Row]) -> List[Column]:
    changes, bounds = [], []
    for row in rows:
        answers = None if row.metric is None else row.metric.accuracy
        if row.metric is not None and answers is not None:
            moved, low_end, high_end = accuracy_text.change_cells(answers, row.metric.unit)
            changes.append(moved)
            bounds.append((low_end, high_end))
            continue
        ratio = None if row.metric is None else row.metric.ratio
        interval = None if row.metric is None or ratio is None else row.metric.interval
        changes.append("" if ratio is None else f"{percent(ratio - 1)} %")
        bounds.append(("", "") if interval is None else (percent(interval[0] - 1), percent(interval[1] - 1)))
    low = max(len(bound[0]) for bound in bounds)
    high = max(len(bound[1]) for bound in bounds)
    intervals = [f"[{pad(a, low, right=True)}, {pad(b, high, right=True)}]" if a else "" for a, b in bounds]
    words = _words(rows)
    return [
        Column("change", changes, words.styles),
        Column("[95 %]", intervals, words.styles, right=False, gap=1, spare=3),
        words,
    ]


def _detects(rows: Sequence[_Row]) -> Column:
    """The smallest change that would have been detected with 80 % power."""
    sizes = [None if row.metric is None else row.metric.detectable for row in rows]
    return Column("detects", ["" if size is None else f"{percent(size - 1)} %" for size in sizes], spare=1)


def _words(rows: Sequence[_Row]) -> Column:
    styles = ["bad" if row.word == _FAILED else VERDICT_STYLES.get(row.word.partition(" ")[0]) for row in rows]
    return Column("verdict", [row.word for row in rows], styles, right=False)


def _memory(benchmarks: Sequence[Benchmark]) -> Column:
    values = [figure(benchmark, MEMORY) for benchmark in benchmarks]
    units = [benchmark.metrics[MEMORY].unit for benchmark in benchmarks if MEMORY in benchmark.metrics]
    texts = decimal_column(values) if any(value is not None for value in values) else [""] * len(values)
    return Column(f"peak {units[0]}" if units else "peak", texts, over="memory", spare=1)


def _runs(benchmarks: Sequence[Benchmark]) -> Column:
    return Column("runs", [str(len(benchmark.runs)) for benchmark in benchmarks], spare=3)
