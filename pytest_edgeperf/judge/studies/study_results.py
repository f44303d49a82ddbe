"""Read the studies of results files: the points of each series, the lines through them, and how series compare."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.studies.line_fits import LineFit, fit_line
from pytest_edgeperf.judge.studies.members import Member, metric_of, numbers_of
from pytest_edgeperf.judge.studies.pareto_fronts import ParetoFront, pareto_fronts
from pytest_edgeperf.judge.studies.shares import SeriesShares, shares_of
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.results.types import HIGHER, Results

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.line_pieces import Pieces
    from pytest_edgeperf.judge.studies.series_ratios import Ranking, SeriesRatios

#: A further step pays when it adds this much: less is within what sessions differ by.
LEAST_GAIN = 0.05


@dataclass(frozen=True)
class Point:
    """A benchmark in a study: its coordinate, the median over its undisturbed runs, and what each of them gave."""

    x: float
    value: float
    benchmark: str
    runs: Tuple[float, ...] = ()


@dataclass(frozen=True)
class SeriesResult:
    """One metric of one series: its points by x, their line where there are two different x, and its pieces."""

    series: str
    metric: str
    unit: str
    points: Tuple[Point, ...]
    fit: Optional[LineFit]
    #: Whether more is better.
    higher: bool = False
    #: Where one line does not explain the points, or where the study says how many there are.
    pieces: Optional[Pieces] = None

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
    ratios: Tuple[SeriesRatios, ...] = ()
    rankings: Tuple[Ranking, ...] = ()
    shares: Tuple[SeriesShares, ...] = ()
    pareto: Tuple[ParetoFront, ...] = ()
    #: Coordinate -> what is called so there; empty unless all points have a label.
    labels: Mapping[float, str] = field(default_factory=dict)
    #: Benchmark -> its point's label.
    label_of: Mapping[str, str] = field(default_factory=dict)


def read_studies(results: Results) -> List[StudyResult]:
    """The studies that the results describe, each with its series.

    A point is the median over the undisturbed runs of a summary's ``p50``, or of a number. Benchmarks
    whose study is not described, and metrics that no undisturbed run has, are left out.

    Raises:
        ValueError: as :func:`read_study`.
    """
    placed = places(results)
    return [read_study(study, members(study, placed, results)) for study in results.studies.values()]


def places(results: Results) -> Dict[str, Place]:
    """Where the benchmarks stand that belong to a study, by id."""
    return {name: benchmark.place for name, benchmark in results.benchmarks.items() if benchmark.place is not None}


def members(study: Study, placed: Mapping[str, Place], results: Results) -> List[Member]:
    """The benchmarks that belong to a study."""
    return [
        Member(place.series, place.x, name, results.benchmarks[name])
        for name, place in placed.items()
        if place.study == study.name
    ]


def read_study(
    study: Study,
    placed_members: Sequence[Member],
    between: Sequence[Tuple[str, str]] = (),
    *,
    other_session: bool = False,
) -> StudyResult:
    """A study with the series of its members.

    Args:
        study: what to read.
        placed_members: the benchmarks that belong to it.
        between: pairs of series whose ratios are asked for beside the study's own.
        other_session: whether the series of ``between``, and those that are ranked, are of different sessions.

    Raises:
        ValueError: a series has a metric in two units, or a pair of ``pareto`` has one in units of two quantities.
    """
    series = _series(study, placed_members)
    ratios: Tuple[SeriesRatios, ...] = ()
    rankings: Tuple[Ranking, ...] = ()
    if study.ratios or study.ranking or between:
        from pytest_edgeperf.judge.studies.series_ratios import matching_pairs, rank, ratios_of

        names = list(dict.fromkeys(member.series for member in placed_members))
        own = [pair for pair in matching_pairs(names, study.ratios) if pair not in between]
        ratios = ratios_of(study, placed_members, own) + ratios_of(
            study, placed_members, between, new_session=other_session
        )
        rankings = rank(study, placed_members, names, new_session=other_session) if study.ranking else ()
    shares, fronts = shares_of(study, placed_members), pareto_fronts(study, placed_members)
    label_of = {
        member.name: member.benchmark.place.label if member.benchmark.place is not None else ""
        for member in placed_members
    }
    return StudyResult(study, series, ratios, rankings, shares, fronts, _labels(placed_members, label_of), label_of)


def _labels(placed_members: Sequence[Member], label_of: Mapping[str, str]) -> Dict[float, str]:
    """What each coordinate is called; nothing where a point has no label."""
    if not all(label_of.values()):
        return {}
    called: Dict[float, Dict[str, None]] = {}
    for member in placed_members:
        called.setdefault(member.x, {})[label_of[member.name]] = None
    return {x: ", ".join(names) for x, names in called.items()}


def _series(study: Study, placed_members: Sequence[Member]) -> Tuple[SeriesResult, ...]:
    read: List[SeriesResult] = []
    for metric in study.metrics:
        points: Dict[str, List[Point]] = {}
        units: Dict[str, str] = {}
        directions: Dict[str, str] = {}
        for member in placed_members:
            runs = numbers_of(member.benchmark, metric)
            if not runs:
                continue
            declared = metric_of(member.benchmark, metric)
            if units.setdefault(member.series, declared.unit) != declared.unit:
                both = f"{units[member.series]} and in {declared.unit} ({member.name})"
                raise ValueError(f"study {study.name!r}: {metric} of {member.series} is in {both}")
            directions[member.series] = declared.better
            points.setdefault(member.series, []).append(Point(member.x, median(runs), member.name, tuple(runs)))
        read += [
            _fitted(study, series, metric, units[series], points[series], higher=directions[series] == HIGHER)
            for series in points
        ]
    return tuple(read)


def _fitted(study: Study, series: str, metric: str, unit: str, points: List[Point], *, higher: bool) -> SeriesResult:
    ordered = tuple(sorted(points, key=lambda point: (point.x, point.benchmark)))
    x, y = [point.x for point in ordered], [point.value for point in ordered]
    fit = fit_line(x, y) if x[0] != x[-1] else None
    return SeriesResult(series, metric, unit, ordered, fit, higher, _in_pieces(study, x, y, ordered))


def _in_pieces(study: Study, x: List[float], y: List[float], points: Sequence[Point]) -> Optional[Pieces]:
    wanted = study.pieces or 2
    if not study.lines or wanted == 1 or len(set(x)) < 3 * wanted:
        return None
    from pytest_edgeperf.judge.studies.line_pieces import find_pieces

    return find_pieces(x, y, study.pieces, [point.runs for point in points])
