"""What is gained for which cost, in words: the rows that the terminal, Markdown and the plot share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List

from pytest_edgeperf.judge.studies.pareto_fronts import ParetoFront, ParetoPoint, Step
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.numbers import significant
from pytest_edgeperf.results.example_answers import PERCENT
from pytest_edgeperf.results.types import Metric

_DIGITS = 6
TIED = "="
LEGEND = f"({TIED}: these runs show no difference)"
SINGLE_RUNS = "single runs do not show ties: such points are placed by value"


@dataclass(frozen=True)
class ParetoRow:
    """A point, and what is said of it: ``by`` names what dominates it, ``step`` is from the one before on the front."""

    point: ParetoPoint
    x: str
    by: str = ""
    step: str = ""


def rows_of(front: ParetoFront) -> List[ParetoRow]:
    """A row per point, in the front's order; what dominates is named with its coordinate where there are several."""
    one_place = len({point.x for point in front.points}) == 1
    rows = []
    for point in front.points:
        by = step = ""
        if point.dominated_by is not None:
            other = front.points[point.dominated_by]
            by = other.series if one_place else f"{other.series} at {coordinate(other.x)}"
            by += f" {TIED}" if point.separated is False else ""
        elif point.step is not None:
            step = step_text(point.step, front)
        rows.append(ParetoRow(point, coordinate(point.x), by, step))
    return rows


def coordinate(x: float) -> str:
    """A coordinate as a text."""
    return f"{x:.{_DIGITS}g}"


def title_of(front: ParetoFront) -> str:
    """What the pair is about: ``AP (%) for latency (ms)``."""
    return f"{axis_of(front.gain, front.gain_metric)} for {axis_of(front.cost, front.cost_metric)}"


def axis_of(name: str, metric: Metric) -> str:
    """A metric with its unit: ``latency (ms)``."""
    return f"{metric_label(name)} ({metric.unit})" if metric.unit else metric_label(name)


def step_text(step: Step, front: ParetoFront) -> str:
    """What a step on the front gives for what: ``+3.1 points for +12 ms``."""
    if not any(step):
        return "as the one before"
    gain = _difference(step.gain, front.gain, front.gain_metric)
    return f"{gain} for {_difference(step.cost, front.cost, front.cost_metric)}"


def has_equal(front: ParetoFront) -> bool:
    """Whether a row is marked with :data:`TIED`."""
    return any(point.separated is False for point in front.points)


def has_single_runs(front: ParetoFront) -> bool:
    """Whether a point is dominated by value alone."""
    return any(not point.on_front and point.separated is None for point in front.points)


def _difference(value: float, name: str, metric: Metric) -> str:
    unit = "points" if metric.unit == PERCENT else metric.unit or metric_label(name)
    return f"{'-' if value < 0 else '+'}{_two_digits(abs(value))} {unit}"


def _two_digits(value: float) -> str:
    """A difference of two numbers that are shown with three digits has no more of its own."""
    if not 1e-6 <= value < 1e9:
        return significant(value)
    _, _, exponent = f"{value:.1e}".partition("e")
    return f"{value:.{max(0, 1 - int(exponent))}f}"
