"""What reports show of a benchmark's runs: one figure from several runs."""

from __future__ import annotations

import math
from statistics import median
from typing import Any, List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, MetricVerdict
from pytest_edgeperf.report.numbers import in_seconds
from pytest_edgeperf.results.example_answers import is_accuracy
from pytest_edgeperf.results.types import Benchmark, Run

LATENCY = "latency"
MEMORY = "memory_process_peak"
#: The parts of an inference in their order -> what a narrow column calls them.
PHASES = {"preprocess": "pre", "copy_in": "in", "infer": "infer", "copy_out": "out", "postprocess": "post"}

#: A run's course in its quality figures -> the word for it.
_COURSES = {"slowdown": "slower", "warm_up": "faster", "cyclic": "cyclic"}
_LEAST_SAMPLES = {"p95": 20, "p99": 100, "p05": 20}


def usable_runs(benchmark: Benchmark) -> Sequence[Run]:
    """The undisturbed runs, or all of them where none is undisturbed."""
    return [run for run in benchmark.runs if not run.disturbed] or benchmark.runs


def run_values(benchmark: Benchmark, metric: str, summary: str = "p50") -> List[float]:
    """The summary in all usable runs that have the metric; none where some of them cannot have it.

    A p95 of the slow runs alone, beside the median of all runs, may be the smaller of the two.
    """
    numbers = []
    for run in usable_runs(benchmark):
        value: Any = run.values.get(metric)
        if value is None:
            continue
        if is_accuracy(value):
            value = value["mean"] if summary == "p50" else None
        elif isinstance(value, Mapping):
            enough = value.get("n", math.inf) >= _LEAST_SAMPLES.get(summary, 1)
            value = value.get(summary) if enough else None
        elif summary != "p50":
            value = None
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            return []
        numbers.append(float(value))
    return numbers


def figure(benchmark: Benchmark, metric: str, summary: str = "p50") -> Optional[float]:
    """The median over the runs of a metric's summary, in the metric's unit; a plain number is its own median.

    An accuracy's is the median of the runs' means.

    ``None`` where no run has the metric, or one that has it has too few samples for the summary: all summaries of a
    metric are of the same runs.
    """
    values = run_values(benchmark, metric, summary)
    return median(values) if values else None


def compared_figure(benchmark: Benchmark, name: str, metric: Optional[MetricVerdict]) -> Optional[float]:
    """A metric's median as its comparison states it, else :func:`figure`.

    A comparison takes the mean of the logarithms over runs: beside its change, another figure would contradict it.
    """
    if metric is not None and metric.summary == "p50" and metric.candidate is not None:
        return metric.candidate
    return figure(benchmark, name)


def has_samples(benchmark: Benchmark, metric: str) -> bool:
    """Whether a run has a summary of samples under the metric, and not only a number or an accuracy."""
    values = [run.values.get(metric, 0.0) for run in benchmark.runs]
    return any(not isinstance(value, (int, float)) and not is_accuracy(value) for value in values)


def seconds(benchmark: Benchmark, metric: str, summary: str = "p50") -> Optional[float]:
    """The same in seconds, for a metric of time."""
    value = figure(benchmark, metric, summary)
    if value is None or metric not in benchmark.metrics:
        return None
    return in_seconds(value, benchmark.metrics[metric].unit)


def course(benchmark: Benchmark) -> str:
    """How its runs went where they were not flat: ``slower 2/3``, ``unsteady 1/3``; else nothing."""
    figures = [run.quality or {} for run in benchmark.runs]
    counts = {word: sum(figure.get("course") == kind for figure in figures) for kind, word in _COURSES.items()}
    counts["unsteady"] = sum(figure.get("steady") is False for figure in figures)
    return ", ".join(f"{word} {number}/{len(figures)}" for word, number in counts.items() if number)


def reasons_of(run: Run) -> List[str]:
    """What disturbed a run, as its quality figures have it."""
    reasons = (run.quality or {}).get("disturbed_by", ())
    return [str(reason) for reason in reasons] if isinstance(reasons, (list, tuple)) else []


def deciding_metric(verdict: BenchmarkVerdict) -> Optional[str]:
    """The metric that a benchmark's verdict is read from: one that gates and says the same, latency first."""
    names = sorted(verdict.metrics, key=lambda name: (name != LATENCY, not verdict.metrics[name].gates))
    same = [name for name in names if verdict.metrics[name].gates and verdict.metrics[name].verdict == verdict.verdict]
    return next(iter(same or names), None)


def metrics_with(verdict: BenchmarkVerdict, word: str) -> List[str]:
    """The gating metrics that have this verdict, latency first; the deciding one where none has."""
    names = [name for name, metric in verdict.metrics.items() if metric.gates and metric.verdict == word]
    if not names:
        deciding = deciding_metric(verdict)
        names = [] if deciding is None else [deciding]
    return sorted(names, key=lambda name: name != LATENCY)


def metric_label(name: str, metric: Optional[MetricVerdict] = None) -> str:
    """A metric's name for a person: ``latency``, ``p95 latency``, ``peak memory``."""
    label = "peak memory" if name == MEMORY else name.replace("_", " ")
    if metric is None or metric.summary in ("p50", "value", "mean"):
        return label
    return f"{metric.summary} {label}"
