"""From runs to verdicts: pure functions; importing this package imports neither numpy nor scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_edgeperf.judge.family import Family, Stage
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, MetricVerdict, Side, Step

if TYPE_CHECKING:
    from pytest_edgeperf.judge.procedure import compare, step

__all__ = [
    "BenchmarkVerdict",
    "Comparison",
    "Family",
    "MetricVerdict",
    "Side",
    "Stage",
    "Step",
    "compare",
    "step",
]


def __getattr__(name: str) -> Any:
    if name in ("compare", "step"):
        from pytest_edgeperf.judge import procedure

        return getattr(procedure, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
