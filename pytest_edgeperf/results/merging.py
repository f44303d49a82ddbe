"""Join the runs of two results of one device."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Dict, Iterable, List, Mapping, Set

from .benchmark_matching import align
from .duplicates import distinct
from .errors import InvalidError, ResultsError, phrase
from .loaded import join_loaded, with_used_records
from .reading import construct_runs
from .types import Benchmark, Metric, Results, Run
from .writing import run_to_object

Environments = Mapping[str, Mapping[str, Mapping[str, Any]]]


def environment_key(environment: Mapping[str, Any]) -> str:
    """The key of an environment: the first 8 hex digits of the SHA-256 of its canonical JSON.

    Raises:
        ValueError: the environment is not plain JSON.
    """
    try:
        text = json.dumps(environment, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except TypeError as error:
        raise ValueError(f"an environment must be plain JSON: {error}") from None
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]


def merge(first: Results, second: Results) -> Results:
    """The union of the runs of two results, those of ``first`` in front; a run that both hold is kept once.

    Where they differ in parameters or unknown fields, ``second`` is believed; an anchor of ``first`` stays.

    Raises:
        ResultsError: they are of two devices, or they contradict each other in a metric or an environment.
    """
    if first.device != second.device:
        raise ResultsError(
            f"results of {first.device} and of {second.device} cannot be merged; merge results of one device"
        )
    first = align(first, {name: benchmark.parameters for name, benchmark in second.benchmarks.items()})
    environments = join_environments(first.environments, second.environments)
    benchmarks = dict(first.benchmarks)
    for name, benchmark in second.benchmarks.items():
        if name in benchmarks:
            try:
                benchmark = _merge_benchmark(benchmarks[name], benchmark, environments)
            except InvalidError as error:
                raise ResultsError(f"{phrase(error.under('benchmarks', name))}; measure the benchmark again") from None
        benchmarks[name] = benchmark
    return Results(
        first.device,
        environments,
        benchmarks,
        {**first.extra, **second.extra},
        {**first.studies, **second.studies},
        second.gate or first.gate,
        second.allowed_differences or first.allowed_differences,
        second.against or first.against,
        explanations={**first.explanations, **second.explanations},
        loaded=join_loaded(first.loaded, second.loaded),
    )


def join_environments(first: Environments, second: Environments) -> Dict[str, Mapping[str, Mapping[str, Any]]]:
    """The environments of both; fields that only one of them knows are kept.

    Raises:
        ResultsError: the same key stands for two different environments.
    """
    joined: Dict[str, Mapping[str, Mapping[str, Any]]] = dict(first)
    for key, environment in second.items():
        known = joined.get(key, {})
        sections: Dict[str, Mapping[str, Any]] = dict(known)
        for section, fields in environment.items():
            before = sections.get(section, {})
            for name, value in fields.items():
                if name in before and before[name] != value:
                    raise ResultsError(
                        f"environment {key} has {section}.{name} {before[name]!r} in one file and {value!r} "
                        "in the other; restore the edited one from version control"
                    )
            sections[section] = {**before, **fields}
        joined[key] = sections
    return joined


def join_metrics(first: Mapping[str, Metric], second: Mapping[str, Metric]) -> Dict[str, Metric]:
    """The metrics of both.

    Raises:
        InvalidError: a metric differs in its unit or in its better direction.
    """
    joined = dict(first)
    for name, metric in second.items():
        known = joined.get(name)
        if known is not None:
            if (known.unit, known.better) != (metric.unit, metric.better):
                raise InvalidError(
                    f"{known.unit!r} where {known.better} is better in one file, "
                    f"{metric.unit!r} where {metric.better} is better in the other",
                    ["metrics", name],
                )
            metric = known.renewed_by(metric)
        joined[name] = metric
    return joined


def adopt(runs: Iterable[Run], metrics: Mapping[str, Metric], environments: Environments) -> List[Run]:
    """The runs under more metrics than they were read with: what was an unknown field may be a value now.

    Raises:
        InvalidError: what a run holds under a metric's name is not a value.
    """
    return [
        construct_runs([run_to_object(run)], metrics, environments)[0]
        if any(name in metrics for name in run.extra)
        else run
        for run in runs
    ]


def _merge_benchmark(first: Benchmark, second: Benchmark, environments: Environments) -> Benchmark:
    metrics = join_metrics(first.metrics, second.metrics)
    runs = distinct(adopt([*first.runs, *second.runs], metrics, environments))
    anchor = adopt(first.anchor or second.anchor, metrics, environments)
    return Benchmark(
        {**first.parameters, **second.parameters},
        metrics,
        tuple(runs),
        {**first.extra, **second.extra},
        second.place or first.place,
        tuple(anchor),
    )


def used_environments(benchmarks: Iterable[Benchmark]) -> Set[str]:
    """The keys of the environments that a run or an anchor run depends on."""
    used: Set[str] = set()
    for benchmark in benchmarks:
        used.update(run.environment for run in benchmark.runs)
        used.update(run.environment for run in benchmark.anchor)
    return used


def with_benchmarks(results: Results, benchmarks: Mapping[str, Benchmark]) -> Results:
    """The results with these benchmarks in place of their own, and the environments and records that those need."""
    used = used_environments(benchmarks.values())
    environments = {key: environment for key, environment in results.environments.items() if key in used}
    kept = replace(results, environments=environments, benchmarks=benchmarks)
    return replace(kept, loaded=with_used_records(kept))
