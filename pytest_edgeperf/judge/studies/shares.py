"""Parts of a whole, an inference's phases say, as shares that add up to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.studies.members import Member
from pytest_edgeperf.results.study_definitions import Study
from pytest_edgeperf.results.types import Run


@dataclass(frozen=True)
class Shares:
    """The parts at one coordinate: shares of the whole by metric, 0.96 is 96 %, of those that there are; the rest."""

    x: float
    parts: Mapping[str, float]
    #: Of how many runs.
    runs: int

    @property
    def rest(self) -> float:
        """1 less all parts: what is in none of them; below 0 where parts overlap."""
        return 1.0 - math.fsum(self.parts.values())


@dataclass(frozen=True)
class SeriesShares:
    """The shares of one series by coordinate."""

    series: str
    points: Tuple[Shares, ...]


def shares_of(study: Study, members: Sequence[Member]) -> Tuple[SeriesShares, ...]:
    """The shares of each series that has the whole and parts of it in a common unit.

    A part that none of a benchmark's runs has is no part of it there: a runtime may do two of them in one step.

    A share is the sum of the part's means over the undisturbed runs by that of the whole's: means of parts add up
    to the mean of the whole, and medians do not. A plain number stands for a mean.
    """
    if not study.shares:
        return ()
    points_of: Dict[str, List[Shares]] = {}
    for member in members:
        parts_here = [part for part in study.shares if any(part in run.values for run in member.benchmark.runs)]
        names = (study.whole, *parts_here)
        units = {member.benchmark.metrics[name].unit for name in names if name in member.benchmark.metrics}
        rows = [_row(run, names) for run in member.benchmark.runs if not run.disturbed]
        usable = [row for row in rows if row is not None]
        sums = [math.fsum(column) for column in zip(*usable)]
        if parts_here and len(units) == 1 and sums and sums[0] > 0:
            parts = {name: part / sums[0] for name, part in zip(parts_here, sums[1:])}
            points_of.setdefault(member.series, []).append(Shares(member.x, parts, len(usable)))
    return tuple(
        SeriesShares(series, tuple(sorted(points, key=lambda point: point.x))) for series, points in points_of.items()
    )


def _row(run: Run, names: Sequence[str]) -> Optional[List[float]]:
    row = [_mean(run.values.get(name)) for name in names]
    return None if None in row else [value for value in row if value is not None]


def _mean(value: Any) -> Optional[float]:
    if isinstance(value, Mapping):
        value = value.get("mean", value.get("p50"))
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
