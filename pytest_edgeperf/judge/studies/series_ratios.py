"""How many times better one series of a study is than another, and which is the best, by runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.judge.statistics.contrasts import Contrast, NoLogarithmError, contrast_medians
from pytest_edgeperf.judge.statistics.corrections import Level
from pytest_edgeperf.judge.statistics.origins import Origins
from pytest_edgeperf.judge.statistics.t_tests import GroupTests
from pytest_edgeperf.judge.studies.line_fits import Interval
from pytest_edgeperf.judge.studies.members import CV, OVER, SD, Member, metric_of, number_of, values_of
from pytest_edgeperf.judge.units import factor
from pytest_edgeperf.results.study_definitions import ANY, Study
from pytest_edgeperf.results.types import HIGHER, Metric, Value

#: What an interval is asked for alone does not need.
_NO_TEST = Level(alpha=0.01, family_size=1, share=1.0, suspicion=0.1)


@dataclass(frozen=True)
class RatioPoint:
    """At one coordinate: how many times better, with its 95 % interval, and the runs of both series."""

    x: float
    times_better: float
    #: ``None`` where a series has one run that shows nothing of its scatter.
    interval: Optional[Interval]
    runs: Tuple[int, int]


@dataclass(frozen=True)
class SeriesRatios:
    """One metric of a series against that of another, by coordinates that both have."""

    metric: str
    series: str
    over: str
    points: Tuple[RatioPoint, ...]


@dataclass(frozen=True)
class Ranking:
    """The series at one coordinate, the best first; those within a group do not differ by what their runs show."""

    metric: str
    x: float
    groups: Tuple[Tuple[str, ...], ...]
    #: Whether the runs show which neighbours differ; else the order is that of the values.
    separated: bool


class _Asked(NamedTuple):
    """One ratio that is asked for, and the contrast that answers it."""

    metric: str
    series: str
    over: str
    x: float
    contrast: Contrast
    scatter_known: bool


def matching_pairs(names: Sequence[str], patterns: Iterable[Sequence[str]]) -> List[Tuple[str, str]]:
    """The pairs of different series that the patterns of a study name, in their order, each once."""
    pairs: Dict[Tuple[str, str], None] = {}
    for first, second in patterns:
        before, star, after = first.partition(ANY)
        for name in names:
            if not star:
                matches = name == first
            else:
                matches = len(name) >= len(before + after) and name.startswith(before) and name.endswith(after)
            other = second.replace(ANY, name[len(before) : len(name) - len(after)]) if star else second
            if matches and other in names and other != name:
                pairs[name, other] = None
    return list(pairs)


def ratios_of(
    study: Study, members: Sequence[Member], pairs: Sequence[Tuple[str, str]], *, new_session: bool = False
) -> Tuple[SeriesRatios, ...]:
    """The ratios of each pair (series, over) in each metric, where both have a coordinate.

    An accuracy has none, as its differences are given in points, nor has a spread, nor a number without a unit, such as
    an error as a share of the largest output; a quotient of two metrics has.

    The runs are what varies: the interval is that of the difference of the mean logarithms of the runs' medians,
    by a moderated t with the judge's variance. ``new_session`` adds what sessions differ by.
    """
    asked = _asked(study, members, pairs, new_session=new_session)
    points_of: Dict[Tuple[str, str, str], List[RatioPoint]] = {}
    for question, interval in zip(asked, _intervals(asked)):
        runs = (question.contrast.candidate_runs, question.contrast.baseline_runs)
        point = RatioPoint(question.x, math.exp(question.contrast.difference), interval, runs)
        points_of.setdefault((question.metric, question.series, question.over), []).append(point)
    return tuple(SeriesRatios(*key, points=tuple(points)) for key, points in points_of.items())


def rank(
    study: Study, members: Sequence[Member], names: Sequence[str], *, new_session: bool = False
) -> Tuple[Ranking, ...]:
    """Order the series at each coordinate that at least two of them have, for each metric that has ratios.

    A series is in the group of the best before it unless the 95 % interval of their ratio leaves out 1. Each
    interval holds alone: one in twenty pairs of equal series appears to differ.
    """
    asked = _asked(study, members, list(combinations(names, 2)), new_session=new_session)
    ratios: Dict[Tuple[str, float], Dict[Tuple[str, str], Tuple[float, Optional[Interval]]]] = {}
    for question, interval in zip(asked, _intervals(asked)):
        both = ratios.setdefault((question.metric, question.x), {})
        both[question.series, question.over] = (question.contrast.difference, interval)
        both[question.over, question.series] = (-question.contrast.difference, interval)
    return tuple(_ranked(metric, x, both) for (metric, x), both in sorted(ratios.items(), key=_metric_order(study)))


def _metric_order(study: Study) -> Any:
    return lambda pair: (study.metrics.index(pair[0][0]), pair[0][1])


def _ranked(metric: str, x: float, ratios: Mapping[Tuple[str, str], Tuple[float, Optional[Interval]]]) -> Ranking:
    first = next(name for name, _ in ratios)
    names = [first, *(other for name, other in ratios if name == first)]
    # A mean over all others orders them as their own values do.
    ordered = sorted(names, key=lambda name: -math.fsum(ratios[name, other][0] for other in names if other != name))
    groups: List[List[str]] = [[ordered[0]]]
    separated = True
    for name in ordered[1:]:
        interval = ratios[groups[-1][0], name][1]
        separated = separated and interval is not None
        if interval is not None and interval[0] <= 1 <= interval[1]:
            groups[-1].append(name)
        else:
            groups.append([name])
    return Ranking(metric, x, tuple(tuple(group) for group in groups), separated)


def _asked(
    study: Study, members: Sequence[Member], pairs: Sequence[Tuple[str, str]], *, new_session: bool
) -> List[_Asked]:
    by_place: Dict[Tuple[str, float], List[Member]] = {}
    for member in members:
        by_place.setdefault((member.series, member.x), []).append(member)
    coordinates = sorted({member.x for member in members})
    asked = []
    for metric in study.metrics:
        for series, over in pairs:
            for x in coordinates:
                sides = [by_place.get((name, x), []) for name in (series, over)]
                contrast = _contrast(metric, *sides, new_session=new_session) if all(sides) else None
                if contrast is not None:
                    asked.append(_Asked(metric, series, over, x, *contrast))
    return asked


def _contrast(
    metric: str, first: Sequence[Member], second: Sequence[Member], *, new_session: bool
) -> Optional[Tuple[Contrast, bool]]:
    """How much better the first are than the second, where both have the metric, above 0 and in a common unit."""
    values = [[(member, values_of(member.benchmark, metric)) for member in side] for side in (first, second)]
    known = [[(member, some) for member, some in side if some] for side in values]
    if not all(known):
        return None
    declared = metric_of(known[0][0][0].benchmark, metric)
    if not _has_ratios(metric, declared):
        return None
    sides: List[List[Value]] = []
    for side in known:
        converted: List[Value] = []
        for member, some in side:
            scale = factor(metric_of(member.benchmark, metric).unit, declared.unit)
            if scale is None:
                return None
            converted += some if scale == 1.0 else [_scaled(value, scale) for value in some]
        sides.append(converted)
    better, other = sides
    name = f"{known[0][0][0].name} and {known[1][0][0].name}"
    base, candidate = (other, better) if declared.better == HIGHER else (better, other)
    origins = Origins.of(len(base), len(candidate), apart=new_session)
    try:
        contrast = contrast_medians(name, metric, base, candidate, origins=origins)
    except NoLogarithmError:
        return None
    if declared.better != HIGHER:
        # Runs are counted as (series, over) whichever of them is in the numerator.
        contrast = contrast._replace(baseline_runs=len(other), candidate_runs=len(better))
    return contrast, all(len(side) > 1 or _shows_scatter(side[0]) for side in sides)


def _has_ratios(name: str, metric: Metric) -> bool:
    """Whether so many times as much of it is so many times better."""
    return not metric.is_accuracy and not name.endswith((SD, CV)) and bool(metric.unit or OVER in name)


def _scaled(value: Value, scale: float) -> Value:
    if isinstance(value, Mapping):
        return {**value, "p50": number_of(value) * scale}
    return value * scale


def _shows_scatter(value: Value) -> bool:
    return isinstance(value, Mapping) and bool(value.get("block_sd"))


def _intervals(asked: Sequence[_Asked]) -> List[Optional[Interval]]:
    if not asked:
        return []
    contrasts = [question.contrast for question in asked]
    tests = GroupTests(contrasts, [1] * len(asked), [0.0] * len(asked), _NO_TEST)
    return [test.interval if question.scatter_known else None for question, test in zip(asked, tests.outcomes())]
