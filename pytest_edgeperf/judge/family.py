"""What is asked of the judge: the tests that a session decides together, and where the session stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Sequence, Tuple, Union

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
    tolerance: float = 0.02
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)
    gates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    alpha: float = 0.01
    must_detect: float = 0.10
    suspicion: float = 0.10
    allowed_differences: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """Where a session stands: ``runs`` candidate runs were planned so far; the ``final`` stage decides."""

    runs: int
    final: bool
