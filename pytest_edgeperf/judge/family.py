"""What is asked of the judge: the tests that a session decides together, and where the session stands."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Mapping, Optional, Sequence, Tuple, Union

from pytest_edgeperf.settings import MUST_DETECT, TOLERANCE

Tolerance = Union[float, Mapping[str, float]]


@dataclass(frozen=True)
class Family:
    """The tests that one session decides together, fixed before anything is measured.

    ``benchmarks`` are the ids that were collected (what the error level is divided over);
    ``tolerances`` and ``gates`` hold what single benchmarks asked for in their marker, by id:
    a tolerance is one ratio - 1 for all metrics or one per metric, a gate is a tuple of metric names
    that decide in addition to ``latency``, ``memory_process_peak`` and accuracies. ``allowed_differences`` are
    fields of the environment that may differ between runs that are compared.
    """

    benchmarks: Tuple[str, ...]
    tolerance: float = TOLERANCE
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)
    gates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    alpha: float = 0.01
    must_detect: float = MUST_DETECT
    suspicion: float = 0.10
    allowed_differences: Tuple[str, ...] = ()

    def asked_for(self, benchmark: str, metric: str) -> Optional[float]:
        """The tolerance that the benchmark's marker has for the metric, or for all of its metrics."""
        own = self.tolerances.get(benchmark)
        value = own.get(metric) if isinstance(own, MappingType) else own
        return None if value is None else float(value)

    def tolerance_of(self, benchmark: str, metric: str) -> float:
        """The tolerance of the marker, or else of the session."""
        own = self.asked_for(benchmark, metric)
        return self.tolerance if own is None else own

    def margin(self, benchmark: str, metric: str) -> Optional[float]:
        """What the marker allows for this metric by name: one number for all metrics is a ratio, and no amount."""
        own = self.tolerances.get(benchmark)
        return float(own[metric]) if isinstance(own, MappingType) and metric in own else None


@dataclass(frozen=True)
class Stage:
    """Where a session stands: ``runs`` candidate runs were planned so far; the ``final`` stage decides."""

    runs: int
    final: bool
