"""Recorded runs of nine workloads on a noisy machine, as the runs of results files."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

from .compact import BLOCK_SUMMARIES, SUMMARIES

RECORDINGS = Path(__file__).parents[1] / "data" / "noise.npz"

ENVIRONMENT = "recorded"
METRICS = {"latency": Metric("ms"), "memory_process_peak": Metric("MiB")}
#: The session in which the machine was as it usually is; B is 22 minutes later, in C a stressor ran beside
#: the workloads, and in E the machine was slow though no counter of the operating system tells.
USUAL = "A"


class Workload:
    """The recorded runs of one workload."""

    def __init__(self, name: str, arrays: Mapping[str, Any]) -> None:
        self.name = name
        self.arrays = arrays
        self._made: Dict[Tuple[Any, ...], Run] = {}

    def rows(self, session: str = USUAL, injected: float = 0.0) -> List[int]:
        """The rows of the runs of a session with so much real extra work, in time order."""
        chosen = (self.arrays["session"] == session) & np.isclose(self.arrays["injected"], injected)
        return np.flatnonzero(chosen).tolist()

    @property
    def seconds(self) -> float:
        """Seconds that a run took, its set-up included."""
        return float(np.median(self.arrays["seconds"]))

    def run(
        self,
        row: int,
        session: str,
        *,
        factor: float = 1.0,
        shape: str = "",
        without: Tuple[str, ...] = (),
        disturbed: bool = False,
    ) -> Run:
        """One recorded run as of ``session``, its latency times ``factor`` or changed in ``shape``."""
        key = (row, session, factor, shape, without, disturbed)
        if key not in self._made:
            latency = self._latency(row, factor, f"{shape}/" if shape else "")
            values = {
                "latency": {name: value for name, value in latency.items() if name not in without},
                "memory_process_peak": float(self.arrays["memory_mib"][row]),
            }
            quality = {**self.quality(row), "disturbed": disturbed}
            self._made[key] = Run(ENVIRONMENT, "2026-11-20T12:00:00Z", session, values, quality=quality)
        return self._made[key]

    def quality(self, row: int) -> Dict[str, Any]:
        """The signs of a disturbed machine that were recorded with the run."""
        figures: Dict[str, Any] = {
            name: float(self.arrays[name][row]) for name in ("cpu_share", "involuntary_switches_per_s")
        }
        figures["canary_ms"] = self.arrays["canary_ms"][row].tolist()
        return figures

    def _latency(self, row: int, factor: float, prefix: str) -> Dict[str, Any]:
        stored = zip(SUMMARIES, self.arrays[f"{prefix}summary"][row].tolist())
        summary: Dict[str, Any] = {name: value * factor for name, value in stored if value == value}
        blocks = zip(BLOCK_SUMMARIES, self.arrays[f"{prefix}block_sd"][row].tolist())
        summary["block_sd"] = {name: value for name, value in blocks if value == value}
        summary["n"] = int(self.arrays["n"][row])
        return summary


@lru_cache(maxsize=None)
def workloads(source: Path = RECORDINGS) -> Tuple[Workload, ...]:
    """All recorded workloads, by name."""
    arrays: Dict[str, Dict[str, Any]] = {}
    with np.load(source) as stored:
        for key in stored.files:
            workload, _, name = key.partition("/")
            arrays.setdefault(workload, {})[name] = stored[key]
    return tuple(Workload(name, arrays[name]) for name in sorted(arrays))


def as_results(runs: Mapping[str, Sequence[Run]]) -> Results:
    """Runs by benchmark as a results file."""
    environment = {"fingerprint": {"device": "recorded"}, "software": {}, "settings": {}}
    return Results(
        "recorded",
        {ENVIRONMENT: environment},
        {name: Benchmark({}, METRICS, tuple(some)) for name, some in runs.items()},
    )
