"""Results as the tests want them: a few numbers in, runs out."""

from __future__ import annotations

import math
import random
from typing import Any, Dict, List, Mapping, Optional, Sequence

from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

ENVIRONMENT = {"fingerprint": {"device": "board"}, "software": {}, "settings": {}}
METRICS = {"latency": Metric("ms"), "memory_process_peak": Metric("MiB")}
GOOD = {"disturbed": False}


def summary(center: float, n: int = 500, block_sd: Optional[float] = 0.01, **changes: Any) -> Dict[str, Any]:
    """A summary of samples whose quantiles keep their proportions to ``center``."""
    shape = {"min": 0.9, "p05": 0.95, "p25": 0.98, "p50": 1.0, "p75": 1.03, "p95": 1.1, "max": 2.0}
    if n >= 1000:
        shape["p99"] = 1.2
    values: Dict[str, Any] = {"n": n, "mean": center * 1.01, "sd": center * 0.02}
    values.update({name: factor * center for name, factor in shape.items()})
    if block_sd is not None:
        values["block_sd"] = {"min": block_sd, "p05": block_sd, "p50": block_sd, "p95": block_sd}
    values.update(changes)
    return values


def run(values: Mapping[str, Any], session: str = "one", **changes: Any) -> Run:
    fields: Dict[str, Any] = {"environment": "env", "started": "2026-01-01T00:00:00Z", "quality": GOOD}
    fields.update(changes)
    return Run(session=session, values=values, **fields)


def latency_runs(centers: Sequence[float], session: str = "one", **changes: Any) -> List[Run]:
    return [run({"latency": summary(center, **changes)}, session) for center in centers]


def results(
    benchmarks: Mapping[str, Sequence[Run]],
    metrics: Optional[Mapping[str, Metric]] = None,
    environments: Optional[Mapping[str, Any]] = None,
    device: str = "board",
) -> Results:
    return Results(
        device=device,
        environments={"env": ENVIRONMENT} if environments is None else environments,
        benchmarks={
            name: Benchmark({}, METRICS if metrics is None else metrics, tuple(runs))
            for name, runs in benchmarks.items()
        },
    )


def noisy(rng: random.Random, count: int, center: float = 10.0, sd: float = 0.01) -> List[float]:
    return [center * math.exp(rng.gauss(0.0, sd)) for _ in range(count)]


def quiet_session(
    seed: int,
    *,
    benchmarks: int = 10,
    base_runs: int = 10,
    runs: int = 9,
    factors: Optional[Mapping[int, float]] = None,
) -> Any:
    """Baseline and candidate results of benchmarks with 1 % between runs; some are slower by a factor."""
    rng = random.Random(seed)
    base, candidate = {}, {}
    for number in range(benchmarks):
        factor = (factors or {}).get(number, 1.0)
        base[f"b{number}"] = latency_runs(noisy(rng, base_runs))
        candidate[f"b{number}"] = latency_runs(noisy(rng, runs, 10.0 * factor), "two")
    return results(base), results(candidate)
