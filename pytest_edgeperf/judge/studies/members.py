"""The values that the runs of a benchmark in a study give for a metric, or for the quotient of two."""

from __future__ import annotations

import math
from typing import Any, List, Mapping, NamedTuple, Optional, Tuple

from pytest_edgeperf.results.example_answers import is_accuracy
from pytest_edgeperf.results.types import Benchmark, Metric, Run, Value

#: Between the two metrics of a quotient: ``postprocess/infer``.
OVER = "/"


class Member(NamedTuple):
    """A benchmark in a study: its series, its coordinate, its id and its runs."""

    series: str
    x: float
    name: str
    benchmark: Benchmark


def metric_of(benchmark: Benchmark, metric: str) -> Metric:
    """The unit and direction of a metric, or of a quotient, whose direction is its numerator's.

    Raises:
        KeyError: the benchmark does not declare it.
    """
    if metric in benchmark.metrics:
        return benchmark.metrics[metric]
    upper, lower = (benchmark.metrics[name] for name in _parts(metric))
    return Metric("" if upper.unit == lower.unit else f"{upper.unit}{OVER}{lower.unit}", upper.better)


def values_of(benchmark: Benchmark, metric: str) -> List[Value]:
    """The metric in each undisturbed run that has a finite number or a finite median of it; of accuracies the mean."""
    good = [run for run in benchmark.runs if not run.disturbed]
    if metric in benchmark.metrics:
        values: List[Any] = [run.values[metric] for run in good if _number(run, metric) is not None]
        return [float(value["mean"]) if is_accuracy(value) else value for value in values]
    if OVER not in metric or not all(name in benchmark.metrics for name in _parts(metric)):
        return []
    quotients = [_quotient(run, metric) for run in good]
    return [one for one in quotients if one is not None]


def numbers_of(benchmark: Benchmark, metric: str) -> List[float]:
    """The same with each summary's median for it."""
    return [number_of(value) for value in values_of(benchmark, metric)]


def number_of(value: Value) -> float:
    """A value as one number: a summary's median."""
    return float(value["p50"] if isinstance(value, Mapping) else value)


def _parts(metric: str) -> Tuple[str, str]:
    upper, _, lower = metric.partition(OVER)
    return upper, lower


def _number(run: Run, metric: str) -> Optional[float]:
    value: Any = run.values.get(metric)
    if isinstance(value, Mapping):
        value = value.get("mean" if is_accuracy(value) else "p50")
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _quotient(run: Run, metric: str) -> Optional[float]:
    upper, lower = (_number(run, name) for name in _parts(metric))
    if upper is None or not lower:
        return None
    quotient = upper / lower
    return quotient if math.isfinite(quotient) else None
