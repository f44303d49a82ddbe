"""What of the measured benchmarks stands beside a published figure: a metric, a formula of metrics, or a ratio."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Optional, Tuple

from pytest_edgeperf.report.figures import LATENCY, figure
from pytest_edgeperf.results.derived_figures import formula, other
from pytest_edgeperf.results.published_vocabulary import UNITS, convert
from pytest_edgeperf.results.types import HIGHER, Benchmark, Results

THROUGHPUT = "throughput"
IMAGES = "images_per_inference"
_FRAMEWORK = "framework"

#: Published ratio -> from what was measured here and there, and how many times better it is here.
_RATIOS: Mapping[str, Callable[[float, float, float], float]] = {
    "improvement": lambda here, there, better: 100 * (better - 1),
    "reduction": lambda here, there, better: 100 * (1 - here / there),
    "saving": lambda here, there, better: better,
    "share": lambda here, there, better: 100 * here / there,
    "speedup": lambda here, there, better: better,
    "time_ratio": lambda here, there, better: better,
}

_Function = Tuple[str, FrozenSet[Tuple[str, str]]]


@dataclass(frozen=True)
class Value:
    """A measured number in a published unit, and what to say of where it comes from."""

    number: float
    remarks: Tuple[str, ...] = ()


class Measured:
    """The measured benchmarks of a results file."""

    def __init__(self, results: Results) -> None:
        self._benchmarks = results.benchmarks
        #: Parameter -> test function and its other parameters -> value -> benchmark.
        self._mates: Dict[str, Dict[_Function, Dict[str, str]]] = {}

    def beside(self, name: str, metric: str, unit: str, source: Mapping[str, Any]) -> Optional[Value]:
        """What stands beside a figure of a benchmark; ``None`` where it was not measured."""
        if "over" in source:
            return self._ratio(name, metric, source)
        benchmark = self._benchmarks[name]
        of = source.get("of")
        if of is None:
            number, remark = _plain(benchmark, metric, unit)
            return None if number is None else Value(number, (remark,) if remark else ())
        parsed = formula(of)
        number = parsed.value(partial(_in_base_unit, benchmark))
        if number is None:
            return None
        if parsed.denominator:
            return Value(100 * number if unit == "%" else number, (f"here: {of}",))
        base = _base_unit(benchmark, parsed.metrics[0])
        converted = None if base is None else convert(number, base, unit)
        return None if converted is None else Value(converted, (f"here: {of}",))

    def _ratio(self, name: str, metric: str, source: Mapping[str, Any]) -> Optional[Value]:
        mate = self._mate(name, *other(source["over"]))
        if mate is None or metric not in _RATIOS:
            return None
        over, there = mate
        of = source.get("of", LATENCY)
        parsed, here = formula(of), self._benchmarks[name]
        numbers = [parsed.value(partial(_in_base_unit, benchmark)) for benchmark in (here, there)]
        if not numbers[0] or not numbers[1]:
            return None
        more_is_better = _better(here, parsed.metrics[0]) == HIGHER
        better = numbers[0] / numbers[1] if more_is_better else numbers[1] / numbers[0]
        return Value(_RATIOS[metric](numbers[0], numbers[1], better), (f"here: {of} over that of {over}",))

    def _mate(self, name: str, parameter: str, value: str) -> Optional[Tuple[str, Benchmark]]:
        """The benchmark that differs by that parameter only; of a framework, any variant of it if need be."""
        if parameter not in self._mates:
            self._mates[parameter] = self._indexed(parameter)
        known = self._mates[parameter].get(self._function(name, parameter), {})
        runtime = value.partition(":")[0]
        variants = [name for name in sorted(known) if parameter == _FRAMEWORK and name.partition(":")[0] == runtime]
        chosen = value if value in known else next(iter(variants), None)
        if chosen is None or known[chosen] == name:
            return None
        return chosen, self._benchmarks[known[chosen]]

    def _indexed(self, parameter: str) -> Dict[_Function, Dict[str, str]]:
        indexed: Dict[_Function, Dict[str, str]] = {}
        for name, benchmark in self._benchmarks.items():
            if parameter in benchmark.parameters:
                values = indexed.setdefault(self._function(name, parameter), {})
                values.setdefault(str(benchmark.parameters[parameter]), name)
        return indexed

    def _function(self, name: str, parameter: str) -> _Function:
        parameters = self._benchmarks[name].parameters.items()
        return name.partition("[")[0], frozenset(
            (other, str(value)) for other, value in parameters if other != parameter
        )


def _plain(benchmark: Benchmark, metric: str, unit: str) -> Tuple[Optional[float], str]:
    """A metric in a unit, and what to say of where it comes from."""
    if metric == THROUGHPUT:
        per_second, remark = _throughput(benchmark)
        return None if per_second is None else convert(per_second, "1/s", unit), remark
    value = _mean(benchmark, metric)
    return (None, "") if value is None else (convert(value, benchmark.metrics[metric].unit, unit), "")


def _throughput(benchmark: Benchmark) -> Tuple[Optional[float], str]:
    """Images per second, as measured or from the latency."""
    images = _mean(benchmark, IMAGES) or 1.0
    each = f"{images:g} images an inference" if images != 1 else ""
    value = _mean(benchmark, THROUGHPUT)
    if value is not None:
        per_second = convert(value, benchmark.metrics[THROUGHPUT].unit, "1/s")
        return None if per_second is None else images * per_second, each
    latency = _mean(benchmark, LATENCY)
    seconds = None if latency is None else convert(latency, benchmark.metrics[LATENCY].unit, "s")
    if not seconds:
        return None, ""
    return images / seconds, "throughput here is 1 / latency" + (f", {each}" if each else "")


def _in_base_unit(benchmark: Benchmark, metric: str) -> Optional[float]:
    """A metric in the first unit of its kind: s, B, W, …"""
    if metric == THROUGHPUT:
        return _throughput(benchmark)[0]
    value, base = _mean(benchmark, metric), _base_unit(benchmark, metric)
    return None if value is None or base is None else convert(value, benchmark.metrics[metric].unit, base)


def _base_unit(benchmark: Benchmark, metric: str) -> Optional[str]:
    unit = "1/s" if metric == THROUGHPUT else benchmark.metrics[metric].unit if metric in benchmark.metrics else None
    if unit is None or unit not in UNITS:
        return unit
    kind = UNITS[unit][0]
    same: List[str] = [name for name, (other_kind, size) in UNITS.items() if other_kind == kind and size == 1.0]
    return same[0]


def _better(benchmark: Benchmark, metric: str) -> str:
    return HIGHER if metric == THROUGHPUT or metric not in benchmark.metrics else benchmark.metrics[metric].better


def _mean(benchmark: Benchmark, metric: str) -> Optional[float]:
    if metric not in benchmark.metrics:
        return None
    mean = figure(benchmark, metric, "mean")
    return figure(benchmark, metric) if mean is None else mean
