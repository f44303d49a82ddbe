"""Passes what workers measured with pytest-benchmark's fixture to that plugin's reports."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any, Dict, Iterable, Mapping, Optional

import pytest

from pytest_edgeperf.measure.protocol import FixtureMeasured
from pytest_edgeperf.schedule.plan import Plan


@dataclass
class FixtureFigures:
    """The attributes that pytest-benchmark reads from a used ``benchmark`` fixture."""

    name: str
    fullname: str
    group: Optional[str]
    param: Optional[str]
    params: Optional[Mapping[str, Any]]
    extra_info: Dict[str, Any]
    cprofile_stats: None = None
    has_error: bool = False


def hand_over(config: pytest.Config, plans: Iterable[Plan]) -> None:
    """Give pytest-benchmark the figures of the adopted plans, so that its table, files and comparisons have them.

    Runs are not pooled: the run with the median of the runs' median times represents the benchmark.
    """
    session = getattr(config, "_benchmarksession", None)
    if session is None:
        return
    for plan in plans:
        if plan.adopted and not plan.broken and plan.benchmark_stats:
            session.benchmarks.append(_metadata(plan))


def _metadata(plan: Plan) -> Any:
    from pytest_benchmark.stats import Metadata

    measured = _representative(plan)
    figures = FixtureFigures(
        name=measured.name,
        fullname=measured.fullname,
        group=measured.group,
        param=measured.param,
        params=plan.parameters if measured.param is not None else None,
        extra_info=measured.extra_info,
    )
    metadata = Metadata(figures, iterations=measured.iterations, options=measured.options)
    for seconds in measured.data_s:
        metadata.stats.update(seconds)
    return metadata


def _representative(plan: Plan) -> FixtureMeasured:
    good = [measured for run, measured in zip(plan.runs, plan.benchmark_stats) if not run.disturbed]
    ordered = sorted(good or plan.benchmark_stats, key=lambda measured: median(measured.data_s))
    return ordered[(len(ordered) - 1) // 2]
