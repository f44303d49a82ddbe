"""The values that the runs of a benchmark in a study give for a metric, or for what is made from metrics.

Made are the quotient of two (``postprocess/infer``), the spread of a metric's samples within a run (``infer_sd``, the
standard deviation, and ``infer_cv``, the coefficient of variation in percent of the mean), the ``throughput`` of
inferences one after the other, 1 over the latency, where none was measured, and the ``flop_rate`` that an inference
reaches, its model's operations over the time of ``infer``, or of the latency where there are no phases.
"""

from __future__ import annotations

import math
from typing import Any, Callable, List, Mapping, NamedTuple, Optional, Tuple

from pytest_edgeperf.judge.units import factor
from pytest_edgeperf.results.example_answers import is_accuracy
from pytest_edgeperf.results.types import HIGHER, Benchmark, Metric, Run, Value

#: Between the two metrics of a quotient: ``postprocess/infer``.
OVER = "/"
#: After a metric: the standard deviation of its samples, and the coefficient of variation.
SD = "_sd"
CV = "_cv"
#: With fewer, a run tells nothing of their spread.
FEWEST_SAMPLES = 5
_LATENCY = "latency"
_INFER = "infer"
_THROUGHPUT = "throughput"
_FLOP_RATE = "flop_rate"
_FLOPS = "flops"
#: How many images one inference takes, where it is several.
_IMAGES = "images_per_inference"


class Member(NamedTuple):
    """A benchmark in a study: its series, its coordinate, its id and its runs."""

    series: str
    x: float
    name: str
    benchmark: Benchmark


def metric_of(benchmark: Benchmark, metric: str) -> Metric:
    """The unit and direction of a metric, or of what is made from others: of a quotient its numerator's direction.

    Raises:
        KeyError: the benchmark does not declare it, nor what it is made from.
    """
    if metric in benchmark.metrics:
        return benchmark.metrics[metric]
    made = _made(benchmark, metric)
    if made is None:
        raise KeyError(metric)
    return made.metric


def values_of(benchmark: Benchmark, metric: str) -> List[Value]:
    """The metric in each undisturbed run that has a finite number or a finite median of it; of accuracies the mean."""
    good = [run for run in benchmark.runs if not run.disturbed]
    if metric in benchmark.metrics:
        values: List[Any] = [run.values[metric] for run in good if _number(run, metric) is not None]
        return [float(value["mean"]) if is_accuracy(value) else value for value in values]
    made = _made(benchmark, metric)
    numbers = [made.of(run) for run in good] if made is not None else []
    return [number for number in numbers if number is not None and math.isfinite(number)]


def numbers_of(benchmark: Benchmark, metric: str) -> List[float]:
    """The same with each summary's median for it."""
    return [number_of(value) for value in values_of(benchmark, metric)]


def number_of(value: Value) -> float:
    """A value as one number: a summary's median."""
    return float(value["p50"] if isinstance(value, Mapping) else value)


class _Made(NamedTuple):
    """What is made from metrics of a run: what it is called in, and how."""

    metric: Metric
    of: Callable[[Run], Optional[float]]


def _made(benchmark: Benchmark, name: str) -> Optional[_Made]:
    """How a metric is made that the benchmark does not declare; ``None`` where it lacks what it is made from."""
    declared = benchmark.metrics
    if OVER in name:
        if not all(part in declared for part in _parts(name)):
            return None
        upper, lower = (declared[part] for part in _parts(name))
        unit = "" if upper.unit == lower.unit else f"{upper.unit}{OVER}{lower.unit}"
        return _Made(Metric(unit, upper.better), lambda run: _quotient(run, name))
    base, suffix = name[: -len(SD)], name[-len(SD) :]
    if suffix in (SD, CV) and base in declared and not declared[base].is_accuracy:
        of_mean = suffix == CV
        unit = "%" if of_mean else declared[base].unit
        return _Made(Metric(unit), lambda run: _spread(run, base, of_mean=of_mean))
    second = factor("s", declared[_LATENCY].unit) if _LATENCY in declared else None
    if name == _THROUGHPUT and second is not None:
        return _Made(Metric("1/s", HIGHER), lambda run: _inverse(run, _LATENCY, second))
    if name == _FLOP_RATE and second is not None and _FLOPS in declared:
        timed = _INFER if _INFER in declared else _LATENCY
        return _Made(Metric("GFLOP/s", HIGHER), lambda run: _flop_rate(run, timed, second))
    return None


def _flop_rate(run: Run, timed: str, second: float) -> Optional[float]:
    """In GFLOP/s; ``second`` is one in the unit of the timed metric."""
    flops = _number(run, _FLOPS)
    images = _number(run, _IMAGES) or 1.0
    return None if flops is None else _inverse(run, timed, flops * images * second / 1e9)


def _spread(run: Run, metric: str, *, of_mean: bool) -> Optional[float]:
    """The standard deviation of a run's samples, or its percentage of their mean."""
    value: Any = run.values.get(metric)
    if not isinstance(value, Mapping) or value.get("n", FEWEST_SAMPLES) < FEWEST_SAMPLES:
        return None
    sd = value.get("sd")
    if sd is None or not of_mean:
        return sd
    mean = value.get("mean")
    return 100 * float(sd) / float(mean) if mean else None


def _inverse(run: Run, metric: str, numerator: float) -> Optional[float]:
    number = _number(run, metric)
    return numerator / number if number else None


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
    return upper / lower
