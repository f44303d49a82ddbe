"""Bencher Metric Format (BMF) v1: a benchmark has an entry for each set of its parameters.

Bencher refuses a file that mixes this with v0, in which benchmarks have no parameters. Limits as in its source
(bencherdev/bencher, ``lib/bencher_valid`` and ``services/console/public/v1/bmf.json``, August 2026).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.units import factor
from pytest_edgeperf.report.exported import (
    Exported,
    RunFigure,
    digest,
    dumped,
    function_and_label,
    json_lines,
    only_device,
    run_figure,
    safe_name,
    safe_names,
    scalar,
)
from pytest_edgeperf.report.exporters.interface import ResultsExporter
from pytest_edgeperf.report.figures import has_samples

if TYPE_CHECKING:
    from pytest_edgeperf.report.text import Paper
    from pytest_edgeperf.results.types import Benchmark

#: Of a set of parameters, and of a measure.
MOST_PARAMETERS, MOST_NAMES = 8, 8
#: Bytes of a parameter's name or text, and of a measure's name.
LONGEST_WORD = 64
#: Bytes in which Bencher names a benchmark; room for what tells two alike apart is left.
_LONGEST_NAME = 1000
_CONVENTIONAL = ("value", "lower_value", "upper_value")
_SUMMARIES = ("min", "p05", "p50", "p95", "p99")
#: Stands for parameters that Bencher cannot hold, or that do not distinguish two benchmarks.
_LABEL = "id"
_LONGEST_LABEL = 50

Parameters = Dict[str, Any]


class Bencher(ResultsExporter):
    """``bencher run --adapter json --file FILE``. Times are in nanoseconds, all else in the metric's unit."""

    name = "bencher"
    suffixes = (".bmf.json",)

    def results(self, measured: Sequence[Exported], paper: Paper) -> str:
        """Test functions, each with its parameters and what was measured under them."""
        exported = only_device(measured, "a report of Bencher")
        by_function: Dict[str, List[Tuple[str, Benchmark]]] = {}
        for benchmark_id, benchmark in exported.results.benchmarks.items():
            function, label = function_and_label(benchmark_id)
            by_function.setdefault(function, []).append((label, benchmark))
        names = safe_names(by_function, _LONGEST_NAME)
        items = []
        for function, benchmarks in by_function.items():
            entries = _entries(exported, benchmarks)
            if entries:
                items.append(f"{dumped(names[function])}: {dumped(entries)}")
        return json_lines("{", items, "}")


def _entries(exported: Exported, benchmarks: Sequence[Tuple[str, Benchmark]]) -> List[Dict[str, Any]]:
    every = [_parameters(benchmark.parameters) for _, benchmark in benchmarks]
    # Bencher would merge the figures of equal sets.
    counts: Dict[str, int] = {}
    for parameters in every:
        counts[_key(parameters)] = counts.get(_key(parameters), 0) + 1
    labels = safe_names((label for label, _ in benchmarks), _LONGEST_LABEL)
    entries = []
    for (label, benchmark), parameters in zip(benchmarks, every):
        if counts[_key(parameters)] > 1 or len(parameters) > MOST_PARAMETERS:
            parameters = {_LABEL: _word(labels[label])}
        measures = _measures(exported, benchmark)
        if measures:
            entries.append({"parameters": parameters, "measures": measures})
    return entries


def _key(parameters: Parameters) -> str:
    # As Bencher compares them: a number is a double, however it is written, and no boolean.
    numbers = {
        name: float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
        for name, value in parameters.items()
    }
    return json.dumps(numbers, sort_keys=True)


def _parameters(parameters: Mapping[str, Any]) -> Parameters:
    scalars = {_word(name): scalar(value) for name, value in parameters.items()}
    return {name: _word(value) if isinstance(value, str) else value for name, value in scalars.items()}


def _word(text: str) -> str:
    """``text`` as Bencher takes it: of at most 64 bytes, not empty, and without spaces around it."""
    name = safe_name(text, LONGEST_WORD) if text else ""
    if name and name == name.strip():
        return name
    quoted = json.dumps(name, ensure_ascii=False)
    return quoted if len(quoted.encode("utf-8")) <= LONGEST_WORD else f"({digest(text)})"


def _measures(exported: Exported, benchmark: Benchmark) -> Dict[str, Dict[str, float]]:
    measures = {}
    for name in exported.chosen(benchmark, headlines=True):
        unit = benchmark.metrics[name].unit
        scale = factor(unit, "ns") or 1.0
        whole = _scaled(run_figure(benchmark, name), scale)
        if whole is None:
            continue
        numbers = {"value": whole.value}
        if whole.lower is not None and whole.upper is not None:
            numbers.update(lower_value=whole.lower, upper_value=whole.upper)
        for summary in _SUMMARIES if has_samples(benchmark, name) else ():
            figure = _scaled(run_figure(benchmark, name, summary), scale)
            if figure is not None:
                numbers[summary] = figure.value
        measures[_word(name)] = _kept(numbers)
    return measures


def _scaled(figure: Optional[RunFigure], scale: float) -> Optional[RunFigure]:
    scaled = None if figure is None else figure.scaled(scale)
    return scaled if scaled is not None and scaled.is_finite else None


def _number(value: float) -> float:
    # Without the noise of the last bits, which multiplying brings.
    return float(f"{value:.12g}")


def _kept(numbers: Dict[str, float]) -> Dict[str, float]:
    """Those names that Bencher keeps: the conventional ones, then the others in their order."""
    others = sorted(name for name in numbers if name not in _CONVENTIONAL)
    names = [name for name in (*_CONVENTIONAL, *others) if name in numbers]
    return {name: _number(numbers[name]) for name in names[:MOST_NAMES]}
