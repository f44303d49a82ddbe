"""Read the studies of a results file: the points of each series, and the line through them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import Any, Dict, List, Mapping, Optional, Tuple

from pytest_edgeperf.judge.fits import LineFit, fit_line
from pytest_edgeperf.results.studies import STUDIES, STUDY, Place, ReferenceLine, Study
from pytest_edgeperf.results.types import HIGHER, Benchmark, Results

#: A further step pays when it adds this much: less is within what sessions differ by.
LEAST_GAIN = 0.05


@dataclass(frozen=True)
class Point:
    """A benchmark in a study: its coordinate, and the median over its undisturbed runs."""

    x: float
    value: float
    benchmark: str


@dataclass(frozen=True)
class SeriesResult:
    """One metric of one series: its points by x, and their line where there are two different x."""

    series: str
    metric: str
    unit: str
    points: Tuple[Point, ...]
    fit: Optional[LineFit]
    #: Whether more is better.
    higher: bool = False

    def pays_up_to(self, least_gain: float = LEAST_GAIN) -> Optional[float]:
        """The largest coordinate up to which each step makes a metric of which more is better grow by so much.

        ``None`` for another metric, or with fewer than two coordinates.
        """
        if not self.higher or self.points[0].x == self.points[-1].x:
            return None
        reached = self.points[0]
        for point in self.points[1:]:
            if point.value < (1 + least_gain) * reached.value:
                break
            reached = point
        return reached.x


@dataclass(frozen=True)
class StudyResult:
    """A study with what was measured of it: the metrics in the study's order, then the series as they come."""

    study: Study
    series: Tuple[SeriesResult, ...]


def read_studies(results: Results) -> List[StudyResult]:
    """The studies that the results describe, each with its series.

    A point is the median over the undisturbed runs of a summary's ``p50``, or of a number. Benchmarks
    whose study is not described, and metrics that no undisturbed run has, are left out.

    Raises:
        ValueError: a stored study, or a benchmark's place in one, is malformed; the message names it.
    """
    stored = results.extra.get(STUDIES, {})
    if not isinstance(stored, Mapping):
        raise ValueError(f"{STUDIES}: {stored!r} instead of studies by name")
    studies = [_study(name, one) for name, one in stored.items()]
    if not studies:
        return []
    places = {name: _place(name, one) for name, one in results.benchmarks.items() if STUDY in one.extra}
    return [StudyResult(study, _series(study, places, results.benchmarks)) for study in studies]


def _study(name: str, stored: Any) -> Study:
    try:
        study = Study.from_dict(name, stored)
        if isinstance(stored["metrics"], str) or not all(isinstance(metric, str) for metric in study.metrics):
            raise TypeError("metrics is not a list of names")
        for line in study.references:
            _check_reference(line)
    except KeyError as error:
        raise ValueError(f"study {name!r} is malformed: {error} is missing") from None
    except (TypeError, AttributeError) as error:
        raise ValueError(f"study {name!r} is malformed: {error}") from None
    return study


def _check_reference(line: ReferenceLine) -> None:
    for field in ("slope", "intercept", "x_from", "x_to"):
        value = getattr(line, field)
        open_end = value is None and field.startswith("x_")
        if not open_end and not _is_finite(value):
            raise TypeError(f"a reference's {field} is {value!r} instead of a finite number")
    for field in ("series", "metric", "unit", "source"):
        if not isinstance(getattr(line, field), str):
            raise TypeError(f"a reference's {field} is {getattr(line, field)!r} instead of a text")


def _place(name: str, benchmark: Benchmark) -> Place:
    try:
        place = Place.from_dict(benchmark.extra[STUDY])
    except KeyError as error:
        raise ValueError(f"{name}: its place in a study is malformed: {error} is missing") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: its place in a study is malformed: {error}") from None
    if not math.isfinite(place.x):
        raise ValueError(f"{name}: its place in study {place.study!r} has x {place.x!r} instead of a finite number")
    return place


def _series(study: Study, places: Mapping[str, Place], benchmarks: Mapping[str, Benchmark]) -> Tuple[SeriesResult, ...]:
    found: List[SeriesResult] = []
    for metric in study.metrics:
        points: Dict[str, List[Point]] = {}
        units: Dict[str, str] = {}
        directions: Dict[str, str] = {}
        for name, place in places.items():
            value = _median(benchmarks[name], metric) if place.study == study.name else None
            if value is None:
                continue
            unit = benchmarks[name].metrics[metric].unit
            if units.setdefault(place.series, unit) != unit:
                both = f"{units[place.series]} and in {unit} ({name})"
                raise ValueError(f"study {study.name!r}: {metric} of {place.series} is in {both}")
            directions[place.series] = benchmarks[name].metrics[metric].better
            points.setdefault(place.series, []).append(Point(place.x, value, name))
        found += [
            _fitted(series, metric, units[series], points[series], higher=directions[series] == HIGHER)
            for series in points
        ]
    return tuple(found)


def _fitted(series: str, metric: str, unit: str, points: List[Point], *, higher: bool) -> SeriesResult:
    ordered = tuple(sorted(points, key=lambda point: (point.x, point.benchmark)))
    x = [point.x for point in ordered]
    fit = fit_line(x, [point.value for point in ordered]) if x[0] != x[-1] else None
    return SeriesResult(series, metric, unit, ordered, fit, higher)


def _median(benchmark: Benchmark, metric: str) -> Optional[float]:
    if metric not in benchmark.metrics:
        return None
    values = [run.values.get(metric) for run in benchmark.runs if not run.disturbed]
    numbers = [value.get("p50") if isinstance(value, Mapping) else value for value in values]
    usable = [float(number) for number in numbers if number is not None and _is_finite(number)]
    return median(usable) if usable else None


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
