"""Results as flat records: one for each benchmark, run, metric and summary, with the same fields in each.

Names and texts stand in every record: long ones are cut and end in a digest, and few parameters have a field, so that
an export stays as large as the number of figures lets one expect.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, Callable, Iterator, List, Mapping, Sequence, Tuple, TypeVar

from pytest_edgeperf.report.exported import Exported, cut, json_value
from pytest_edgeperf.results.types import Benchmark, Value

#: What begins the field of a parameter.
PARAMETER = "parameter."
#: Bytes of UTF-8 in a parameter's name and in any text.
LONGEST_NAME, LONGEST_TEXT = 80, 200
#: Of all benchmarks together: those that most benchmarks have.
MOST_PARAMETERS = 50
_RUN_FIELDS = ("run", "session", "started", "commit", "environment", "disturbed")
_METRIC_FIELDS = ("metric", "unit", "better", "verdict", "ratio", "ratio_low", "ratio_high")
_VALUE_FIELDS = ("summary", "value")

Part = TypeVar("Part")
#: Fields and as many values -> a part of a record in some format.
Rendering = Callable[[Sequence[str], Sequence[Any]], Part]


def fields_of(measured: Sequence[Exported]) -> List[str]:
    """The fields of all records, in their order.

    ``run`` counts a benchmark's runs from 1 in the order of the file. ``verdict`` and ``ratio`` are those of the
    benchmark's metric, in each of its records.
    """
    return [*_benchmark_fields(_parameters(measured)), *_RUN_FIELDS, *_METRIC_FIELDS, *_VALUE_FIELDS]


def flat_records(measured: Sequence[Exported], rendering: Rendering[Part]) -> Iterator[Tuple[Part, Part, Part, Part]]:
    """The records in four parts: of the benchmark, of the run, of the metric, and of the value.

    A part is rendered once for all records that share it. A value that is not known is ``None``.
    """
    parameters = _parameters(measured)
    benchmark_fields = _benchmark_fields(parameters)
    for exported in measured:
        for benchmark_id, benchmark in exported.results.benchmarks.items():
            own = [exported.results.device, benchmark_id, *(benchmark.parameters.get(name) for name in parameters)]
            benchmark_part = rendering(benchmark_fields, _short(own))
            metric_parts = {
                name: rendering(_METRIC_FIELDS, _short(_metric_values(exported, benchmark_id, benchmark, name)))
                for name in exported.chosen(benchmark, headlines=False)
            }
            for number, run in enumerate(benchmark.runs, start=1):
                run_values = (number, run.session, run.started, run.commit, run.environment, run.disturbed)
                run_part = rendering(_RUN_FIELDS, _short(run_values))
                for name, metric_part in metric_parts.items():
                    for value in _summaries(run.values.get(name, {})):
                        yield benchmark_part, run_part, metric_part, rendering(_VALUE_FIELDS, _short(value))


def _parameters(measured: Sequence[Exported]) -> List[str]:
    counts = Counter(
        name for exported in measured for one in exported.results.benchmarks.values() for name in one.parameters
    )
    kept = {name for name, _ in counts.most_common(MOST_PARAMETERS)}
    return [name for name in counts if name in kept]


def _benchmark_fields(parameters: Sequence[str]) -> List[str]:
    return ["device", "benchmark", *(PARAMETER + cut(name, LONGEST_NAME) for name in parameters)]


def _metric_values(exported: Exported, benchmark_id: str, benchmark: Benchmark, name: str) -> Tuple[Any, ...]:
    metric = benchmark.metrics[name]
    verdict = exported.verdict(benchmark_id)
    judged = None if verdict is None else verdict.metrics.get(name)
    if judged is None:
        return (name, metric.unit, metric.better, None, None, None, None)
    return (name, metric.unit, metric.better, judged.verdict, judged.ratio, *(judged.interval or (None, None)))


def _short(values: Sequence[Any]) -> List[Any]:
    """Values of a record, none of which is long."""
    return [_short_value(value) for value in values]


def _short_value(value: Any) -> Any:
    if isinstance(value, (dict, list, tuple)):
        text = json.dumps(json_value(value), sort_keys=True)
        return value if len(text) <= LONGEST_TEXT else cut(text, LONGEST_TEXT)
    return cut(value, LONGEST_TEXT) if isinstance(value, str) else value


def _summaries(value: Value) -> Iterator[Tuple[str, float]]:
    if not isinstance(value, Mapping):
        value = {"value": value}
    for summary, number in value.items():
        if isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number):
            yield summary, number
