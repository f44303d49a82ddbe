"""What is gained for which cost: the benchmarks of a study that none dominates, and what dominates the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.judge.studies.members import Member, metric_of, numbers_of
from pytest_edgeperf.judge.units import factor
from pytest_edgeperf.results.study_definitions import Study
from pytest_edgeperf.results.types import HIGHER, Metric

#: Numbers that agree in so many significant digits are equal.
EQUAL_DIGITS = 3


class Step(NamedTuple):
    """What a point of the front has more than the one before it; 0 for 0 where the two are equal."""

    cost: float
    gain: float


@dataclass(frozen=True)
class ParetoPoint:
    """A benchmark: the medians over its undisturbed runs of what it costs and of what it gives."""

    series: str
    x: float
    benchmark: str
    cost: float
    gain: float
    #: The place among the points of one on the front that is at least as good in both; ``None`` on the front.
    dominated_by: Optional[int] = None
    #: Whether the runs of the two lie apart; ``None`` on the front, and where a single run cannot show that.
    separated: Optional[bool] = None
    #: On the front, from the one before it.
    step: Optional[Step] = None

    @property
    def on_front(self) -> bool:
        """Whether no other point is at least as good in both and better in one."""
        return self.dominated_by is None


@dataclass(frozen=True)
class ParetoFront:
    """The points of a pair of metrics, the best cost first, of equal costs the best gain."""

    cost: str
    gain: str
    cost_metric: Metric
    gain_metric: Metric
    points: Tuple[ParetoPoint, ...]

    @property
    def front(self) -> Tuple[ParetoPoint, ...]:
        """Those that none dominates: from one to the next, the cost gets worse and the gain better."""
        return tuple(point for point in self.points if point.on_front)


class _Runs(NamedTuple):
    """What the runs of a point gave, signed so that a lower cost and a higher gain are better."""

    cost: Tuple[float, ...]
    gain: Tuple[float, ...]


class _Scale:
    """The unit and direction that the first benchmark has a metric in, for all others."""

    def __init__(self, study: Study, name: str) -> None:
        self.study, self.name = study, name
        self.metric: Optional[Metric] = None

    def read(self, member: Member) -> List[float]:
        """The runs' numbers in the common unit.

        Raises:
            ValueError: the benchmark has the metric in a unit of another quantity, or in the other direction.
        """
        numbers = numbers_of(member.benchmark, self.name)
        if not numbers:
            return []
        own = metric_of(member.benchmark, self.name)
        metric = self.metric = self.metric or own
        scale = factor(own.unit, metric.unit)
        if scale is None:
            raise self._mixed(f"in {metric.unit or 'no unit'} and in {own.unit or 'no unit'}", member)
        if own.better != metric.better:
            raise self._mixed(f"better when {metric.better} and when {own.better}", member)
        return [scale * number for number in numbers]

    def _mixed(self, what: str, member: Member) -> ValueError:
        return ValueError(f"study {self.study.name!r}: {self.name} is {what} ({member.name})")


def pareto_fronts(study: Study, members: Sequence[Member]) -> Tuple[ParetoFront, ...]:
    """The front of each pair (cost, gain) of the study that at least one benchmark has both metrics of.

    A benchmark is dominated by another that is at least as good in cost and in gain, and better in one of them (V.
    Pareto, "Manuale di economia politica", 1906). Better and equal are meant to three significant digits: that is what
    is shown, sessions differ by more, and, unlike "closer than so much", it is transitive, so that what is not on the
    front is always dominated by something on it. Benchmarks that are equal in both dominate each other as little as
    they are dominated: all of them are on the front.

    Of several on the front that dominate a benchmark, the nearest in cost is named, one whose runs lie apart from its
    runs before one whose runs do not. They lie apart where in cost or in gain each run of the one is better than each
    run of the other. That asks how runs vary, not how an accuracy would vary over other examples.

    Raises:
        ValueError: a metric is in units of two quantities, or in two directions; the message names the benchmark.
    """
    fronts = []
    for cost, gain in study.pareto:
        costs, gains = _Scale(study, cost), _Scale(study, gain)
        read = [(member, costs.read(member), gains.read(member)) for member in members]
        known = [row for row in read if row[1] and row[2]]
        if known and costs.metric is not None and gains.metric is not None:
            fronts.append(_front(cost, gain, costs.metric, gains.metric, known))
    return tuple(fronts)


def _front(
    cost: str,
    gain: str,
    cost_metric: Metric,
    gain_metric: Metric,
    known: Sequence[Tuple[Member, List[float], List[float]]],
) -> ParetoFront:
    cost_sign = -1 if cost_metric.better == HIGHER else 1
    gain_sign = 1 if gain_metric.better == HIGHER else -1
    points = []
    for member, costs, gains in known:
        point = ParetoPoint(member.series, member.x, member.name, median(costs), median(gains))
        runs = _Runs(tuple(cost_sign * value for value in costs), tuple(gain_sign * value for value in gains))
        points.append((point, runs))

    def order(entry: Tuple[ParetoPoint, _Runs]) -> Tuple[float, float, str, float, str]:
        at, _ = entry
        worse, better = cost_sign * at.cost, gain_sign * at.gain
        return (_shown(worse), -_shown(better), at.series, at.x, at.benchmark)

    points.sort(key=order)
    return ParetoFront(
        cost, gain, cost_metric, gain_metric, _judged([point for point, _ in points], [r for _, r in points])
    )


def _judged(points: Sequence[ParetoPoint], runs: Sequence[_Runs]) -> Tuple[ParetoPoint, ...]:
    values = [(_shown(median(run.cost)), _shown(median(run.gain))) for run in runs]
    over = {
        at: [other for other in range(len(points)) if _dominates(values[other], values[at])]
        for at in range(len(points))
    }
    judged = list(points)
    previous: Optional[int] = None
    for at, point in enumerate(points):
        if over[at]:
            judged[at] = _dominated(at, [index for index in over[at] if not over[index]], points, runs)
            continue
        if previous is not None:
            before = points[previous]
            equal = values[at] == values[previous]
            step = Step(0.0, 0.0) if equal else Step(point.cost - before.cost, point.gain - before.gain)
            judged[at] = replace(point, step=step)
        previous = at
    return tuple(judged)


def _shown(value: float) -> float:
    return float(f"{value:.{EQUAL_DIGITS}g}")


def _dominates(first: Tuple[float, float], second: Tuple[float, float]) -> bool:
    return first[0] <= second[0] and first[1] >= second[1] and first != second


def _dominated(at: int, by: Sequence[int], points: Sequence[ParetoPoint], runs: Sequence[_Runs]) -> ParetoPoint:
    separated: Dict[int, Optional[bool]] = {other: _separated(runs[other], runs[at]) for other in by}
    nearest = min(by, key=lambda other: (not separated[other], abs(points[other].cost - points[at].cost), other))
    return replace(points[at], dominated_by=nearest, separated=separated[nearest])


def _separated(better: _Runs, worse: _Runs) -> Optional[bool]:
    sides = ((better.cost, worse.cost), (worse.gain, better.gain))
    if any(len(low) > 1 and len(high) > 1 and max(low) < min(high) for low, high in sides):
        return True
    return None if any(len(runs) == 1 for side in sides for runs in side) else False
