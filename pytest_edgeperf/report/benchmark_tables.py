"""Tables of what is measured beside latency: phases, starts and courses; power, energy and heat."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from pytest_edgeperf.report.figures import MEMORY, PHASES, course, figure, seconds
from pytest_edgeperf.report.numbers import decimal_column, time_unit
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.report.tree_layout import benchmark_table
from pytest_edgeperf.results.types import Benchmark

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


def phase_table(report: SessionReport, paper: Paper) -> List[str]:
    """Medians of the phases, the cold first inference, the warm-up, the process's memory, and courses not flat."""
    benchmarks = list(report.measured.benchmarks.values())
    phases = [(title, [seconds(benchmark, name) for benchmark in benchmarks], 2) for name, title in PHASES.items()]
    starts = [(title, [seconds(benchmark, name) for benchmark in benchmarks], 3) for name, title in _STARTS]
    courses = Column("course", [course(benchmark) for benchmark in benchmarks], right=False, spare=4)
    columns = [*_times(phases, "median"), *_times(starts, "start"), memory_column(benchmarks), courses]
    return _table(report, columns, paper)


def power_table(report: SessionReport, paper: Paper) -> List[str]:
    """Power, energy an inference, the hottest zone and the GPU, where a sensor measured them."""
    benchmarks = list(report.measured.benchmarks.values())
    columns = [
        figures_column(benchmarks, metric, title, over, spare) for metric, (title, over, spare) in _TELEMETRY.items()
    ]
    return _table(report, columns, paper)


def memory_column(benchmarks: Sequence[Optional[Benchmark]]) -> Column:
    """The peak of the process's memory."""
    units = [b.metrics[MEMORY].unit for b in benchmarks if b is not None and MEMORY in b.metrics]
    return figures_column(benchmarks, MEMORY, f"peak {units[0]}" if units else "peak", "memory", 1)


def figures_column(benchmarks: Sequence[Optional[Benchmark]], metric: str, title: str, over: str, spare: int) -> Column:
    """A metric of each benchmark; nothing in a row that is of none."""
    values = [None if benchmark is None else figure(benchmark, metric) for benchmark in benchmarks]
    texts = [""] * len(values)
    if any(value is not None for value in values):
        shown = zip(benchmarks, decimal_column(values))
        texts = ["" if benchmark is None else text for benchmark, text in shown]
    return Column(title, texts, over=over, spare=spare)


def _table(report: SessionReport, columns: Sequence[Column], paper: Paper) -> List[str]:
    if not any(text for column in columns for text in column.texts):
        return []
    benchmarks = report.measured.benchmarks
    return benchmark_table([(name, "") for name in benchmarks], columns, paper, benchmarks)


def _times(parts: Sequence[Tuple[str, Sequence[Optional[float]], int]], over: str) -> List[Column]:
    present = [(title, values, spare) for title, values, spare in parts if any(v is not None for v in values)]
    unit, size = time_unit([value for _, values, _ in present for value in values if value is not None])
    over = f"{over}, {unit}"
    return [
        Column(
            title,
            decimal_column([None if value is None else value / size for value in values]),
            over=over,
            spare=spare,
        )
        for title, values, spare in present
    ]
