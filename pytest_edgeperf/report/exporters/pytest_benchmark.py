"""pytest-benchmark's JSON: for its ``compare``, and for the many tools that read what it writes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Dict, Iterator, Optional, Sequence

from pytest_edgeperf.report.exported import (
    Exported,
    dumped,
    function_and_label,
    json_lines,
    latest_run,
    only_device,
    safe_name,
    safe_names,
)
from pytest_edgeperf.report.exporters.interface import ResultsExporter
from pytest_edgeperf.report.figures import LATENCY, figure, has_samples, run_values, usable_runs
from pytest_edgeperf.report.numbers import in_seconds

if TYPE_CHECKING:
    from pytest_edgeperf.judge.verdicts import BenchmarkVerdict
    from pytest_edgeperf.report.text import Paper
    from pytest_edgeperf.results.types import Benchmark, Results

_SUMMARIES = ("p50", "p95", "p99")
_DIRTY = "-dirty"


class PytestBenchmark(ResultsExporter):
    """What ``pytest --benchmark-json`` writes: a round is the median latency of a run, in seconds."""

    name = "pytest-benchmark"
    suffixes = (".pytest-benchmark.json",)

    def results(self, measured: Sequence[Exported], paper: Paper) -> str:
        """All benchmarks that have a latency; verdict and further metrics are their ``extra_info``."""
        exported = only_device(measured, "pytest-benchmark's JSON")
        head = dumped(_head(exported.results))
        benchmarks = (dumped(benchmark) for benchmark in _benchmarks(exported))
        return json_lines(f'{head[:-1]}, "benchmarks": [', benchmarks, "]}")


def _head(results: Results) -> Dict[str, Any]:
    from pytest_benchmark import __version__

    latest = latest_run(results)
    environment = {} if latest is None else results.environments.get(latest.environment, {})
    commit = "" if latest is None else latest.commit or ""
    return {
        "machine_info": {"node": safe_name(results.device), **{key: dict(part) for key, part in environment.items()}},
        "commit_info": {
            "id": commit[: -len(_DIRTY)] if commit.endswith(_DIRTY) else commit or "unversioned",
            "dirty": commit.endswith(_DIRTY),
            "project": "",
            "branch": "(unknown)",
        },
        "datetime": "" if latest is None else latest.started.replace("Z", "+00:00"),
        "version": __version__,
    }


def _benchmarks(exported: Exported) -> Iterator[Dict[str, Any]]:
    names = safe_names(exported.results.benchmarks)
    for benchmark_id, benchmark in exported.results.benchmarks.items():
        stats = _stats(benchmark)
        if stats is not None:
            function, label = function_and_label(benchmark_id)
            yield {
                "group": None,
                "name": safe_name((function.rpartition("::")[2] or function) + label),
                "fullname": names[benchmark_id],
                "params": dict(benchmark.parameters) or None,
                "param": safe_name(label[1:-1]) if label else None,
                "extra_info": _extra_info(exported, benchmark, exported.verdict(benchmark_id)),
                "options": {},
                "stats": stats,
            }


def _stats(benchmark: Benchmark) -> Optional[Dict[str, Any]]:
    """pytest-benchmark's own statistics of the runs' medians; ``None`` without a latency that it can calculate with."""
    from pytest_benchmark.stats import Stats

    if LATENCY not in benchmark.metrics:
        return None
    unit = benchmark.metrics[LATENCY].unit
    medians = [in_seconds(value, unit) for value in run_values(benchmark, LATENCY)]
    seconds = [median for median in medians if median is not None and median > 0]
    if not seconds or len(seconds) < len(medians):
        return None
    stats = Stats()
    for duration in seconds:
        stats.update(duration)
    calculated: Dict[str, Any] = {**stats.as_dict(), "data": seconds, "iterations": 1}
    numbers = (value for value in calculated.values() if isinstance(value, float))
    return calculated if all(map(math.isfinite, numbers)) else None


def _extra_info(exported: Exported, benchmark: Benchmark, verdict: Optional[BenchmarkVerdict]) -> Dict[str, Any]:
    metrics: Dict[str, Any] = {}
    for name in exported.chosen(benchmark, headlines=True):
        summaries = _SUMMARIES if has_samples(benchmark, name) else _SUMMARIES[:1]
        values = {summary: figure(benchmark, name, summary) for summary in summaries}
        shown = {summary: value for summary, value in values.items() if value is not None}
        if shown:
            metrics[name] = {"unit": benchmark.metrics[name].unit, "better": benchmark.metrics[name].better, **shown}
    info: Dict[str, Any] = {
        "device": safe_name(exported.results.device),
        "disturbed_runs": len(benchmark.runs) - len(usable_runs(benchmark)),
        "metrics": metrics,
    }
    if verdict is not None:
        info["verdict"] = verdict.verdict
        info["judged"] = {name: metric.to_dict() for name, metric in verdict.metrics.items() if metric.gates}
    return info
