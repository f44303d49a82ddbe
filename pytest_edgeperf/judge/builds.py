"""Runs of several builds of an engine: those of one build share what it is, so builds are what varies independently."""

from __future__ import annotations

import math
from collections.abc import Mapping as MappingType
from typing import Any, Dict, Hashable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.results.types import Run

#: The quality figure of a run that says which of several builds of its engine it used, from 0.
BUILD = "build"


class Observation(NamedTuple):
    """A value of a metric that varies independently of the others: of a run, or the mean of a build's runs."""

    session: str
    value: Any


def build_of(run: Run) -> Optional[int]:
    """The number of a run's build; ``None`` where its engine was not built several times."""
    number = (run.quality or {}).get(BUILD)
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None


def have_builds(*sides: Sequence[Run]) -> bool:
    """Whether the runs of any side are of several builds."""
    return any(len({build_of(run) for run in side}) > 1 for side in sides)


def count_builds(runs: Sequence[Run]) -> int:
    """How many builds the runs are of; a session that built once counts as one."""
    return len({(run.session, build_of(run)) for run in runs})


def observations(runs: Sequence[Run], metric: str) -> List[Observation]:
    """The means of each build's runs that have the metric, in the order of their first runs.

    A metric that has no mean, such as the answers to examples, keeps each run's value.
    """
    having = [run for run in runs if metric in run.values]
    if not all(_has_mean(run.values[metric]) for run in having):
        return [Observation(run.session, run.values[metric]) for run in having]
    by_build: Dict[Tuple[str, Hashable], List[Any]] = {}
    for run in having:
        by_build.setdefault((run.session, build_of(run)), []).append(run.values[metric])
    return [Observation(session, _mean(values)) for (session, _), values in by_build.items()]


def _has_mean(value: Any) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, MappingType) and "p50" in value)


def _mean(values: Sequence[Any]) -> Any:
    """Of numbers the mean; of summaries the mean of each figure that all of them have."""
    if len(values) == 1:
        return values[0]
    if not isinstance(values[0], MappingType):
        return math.fsum(values) / len(values)
    return _mean_summary(values)


def _mean_summary(summaries: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    common = [name for name in summaries[0] if all(name in summary for summary in summaries)]
    mean: Dict[str, Any] = {}
    for name in common:
        values = [summary[name] for summary in summaries]
        if all(isinstance(value, MappingType) for value in values):
            mean[name] = _mean_summary(values)
        elif all(isinstance(value, (int, float)) for value in values):
            # Of positive figures the geometric mean: ratios are judged by logarithms.
            positive = all(0 < value < math.inf for value in values)
            logs = math.fsum(math.log(value) for value in values) if positive else 0.0
            mean[name] = math.exp(logs / len(values)) if positive else math.fsum(values) / len(values)
    return mean
