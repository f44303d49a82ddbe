"""The charts of a study as plain values: what is drawn where, in which look, and a sentence for who cannot see it."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from pytest_edgeperf.judge.studies.line_fits import LineFit
from pytest_edgeperf.judge.studies.pareto_fronts import ParetoFront
from pytest_edgeperf.judge.studies.study_results import Point, SeriesResult, StudyResult
from pytest_edgeperf.judge.units import factor
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.html.benchmark_data import anchor
from pytest_edgeperf.report.numbers import count, percent, significant
from pytest_edgeperf.report.pareto_text import axis_of, coordinate, rows_of
from pytest_edgeperf.report.series_looks import is_logarithmic, looks_of
from pytest_edgeperf.report.shortening import shorten_names
from pytest_edgeperf.report.study_parts import axis_text
from pytest_edgeperf.report.text import printable
from pytest_edgeperf.results.study_definitions import ReferenceLine
from pytest_edgeperf.results.types import HIGHER

Chart = Dict[str, Any]
#: A line on a logarithmic axis is drawn through so many points.
_SAMPLES = 24
#: What a legend and the names of rows have room for.
_NAME_CELLS, LABEL_CELLS = 120, 40
#: Series and points that are read out for who cannot see the chart; the tables below have all.
_READ_OUT = 10
_XY = Tuple[float, float]


def curve_charts(result: StudyResult, metric: str) -> List[Chart]:
    """A metric over the coordinate: medians with their runs' range, the fitted lines, the published ones.

    A chart for each quantity that the series are in: one, unless a series has a unit that fits no other's.
    """
    charts = []
    for unit, several in _by_unit([series for series in result.series if series.metric == metric]).items():
        places = {point.x for series in several for point in series.points}
        shown = _curve if len(places) > 1 or _published_of(result, metric, unit) else _column
        charts.append(shown(result, metric, unit, several))
    return charts


def dot_charts(result: StudyResult) -> List[Chart]:
    """Studies whose points have labels: a row per label, a dot per series, a chart per metric."""
    charts = []
    for metric in result.study.metrics:
        for unit, several in _by_unit([series for series in result.series if series.metric == metric]).items():
            charts.append(_dots(result, metric, unit, several))
    return charts


def share_chart(result: StudyResult) -> Chart:
    """The shares of the whole as stacked bars, one per series and coordinate."""
    study = result.study
    parts = [part for part in study.shares if any(part in point.parts for one in result.shares for point in one.points)]
    bars: List[Dict[str, Any]] = []
    several = len(result.shares) > 1
    for series in result.shares:
        for point in series.points:
            place = result.labels.get(point.x) or f"{coordinate(point.x)} {study.x_unit}".rstrip()
            values = [100 * point.parts.get(part, 0.0) for part in parts]
            bars.append({"name": f"{series.series}, {place}" if several else place, "values": values})
            bars[-1]["values"].append(max(0.0, 100 * point.rest))
    names = [*map(metric_label, parts), "rest"]
    largest = max(bars, key=lambda bar: max(bar["values"][:-1], default=0.0))
    at = max(range(len(parts)), key=lambda position: largest["values"][position]) if parts else 0
    return {
        "kind": "bars",
        "x": {"label": f"share of {metric_label(study.whole)} (%)", "log": False},
        "parts": names,
        "bars": bars,
        "alt": (
            f"{count(len(bars), 'bar')} of shares of {metric_label(study.whole)}; the largest is {names[at]} of "
            f"{largest['name']}, {percent(largest['values'][at] / 100, sign=False)} %."
        ),
    }


def pareto_chart(result: StudyResult, front: ParetoFront) -> Chart:
    """What is gained for which cost: the front as steps, points on it filled."""
    looks = _looks(dict.fromkeys(point.series for point in front.points))
    short = _short(looks)
    rows = rows_of(front)
    unit = f" {result.study.x_unit}" if result.study.x_unit else ""
    groups: Dict[str, List[Dict[str, Any]]] = {}
    for row in rows:
        point = row.point
        place = result.label_of.get(point.benchmark) or f"{result.study.x} {row.x}{unit}"
        says = f"dominated by {row.by}" if row.by else f"on the front{', ' + row.step if row.step else ''}"
        groups.setdefault(point.series, []).append(
            {
                "x": point.cost,
                "y": point.gain,
                "hollow": not point.on_front,
                "label": place,
                "text": f"{point.series}, {place}: {_value(point.cost, front.cost_metric.unit)}, "
                f"{_value(point.gain, front.gain_metric.unit)}; {says}",
                "anchor": anchor(point.benchmark),
            }
        )
    costs, gains = [point.cost for point in front.points], [point.gain for point in front.points]
    less = [axis_of(front.cost, front.cost_metric), "more" if front.cost_metric.better == HIGHER else "less"]
    more = [axis_of(front.gain, front.gain_metric), "more" if front.gain_metric.better == HIGHER else "less"]
    return {
        "kind": "xy",
        "x": {"label": f"{less[0]}, {less[1]} is better", "log": is_logarithmic(costs)},
        "y": {"label": f"{more[0]}, {more[1]} is better", "log": False},
        "series": [
            {"name": short[name], **looks[name], "points": points, "lines": []} for name, points in groups.items()
        ],
        "reference": [],
        "steps": _steps(front, costs, gains),
        "alt": (
            f"{count(len(front.points), 'point')} of {axis_of(front.gain, front.gain_metric)} for "
            f"{axis_of(front.cost, front.cost_metric)}, {len(front.front)} on the Pareto front: "
            + "; ".join(
                f"{point.series} ({_value(point.cost, front.cost_metric.unit)}, "
                f"{_value(point.gain, front.gain_metric.unit)})"
                for point in front.front[:_READ_OUT]
            )
            + "."
        ),
        "note": "Filled: on the Pareto front.",
    }


def _curve(result: StudyResult, metric: str, unit: str, several: Sequence[SeriesResult]) -> Chart:
    study = result.study
    points = {series.series: _points(series, unit) for series in several}
    xs = [x for of_series in points.values() for x, *_ in of_series]
    published = _published_of(result, metric, unit)
    ends = (min(xs), max(xs))
    heights = [value for of_series in points.values() for _, *values in of_series for value in values[:3]]
    heights += [y for line in published for _, y in _published_ends(line, unit, ends)]
    published_ends = [x for line in published for x, _ in _published_ends(line, unit, ends)]
    log_x, log_y = is_logarithmic([*xs, *published_ends]), is_logarithmic(heights)
    looks = _looks(points)
    short = _short(looks)
    series = [
        {
            "name": short[one.series],
            **looks[one.series],
            "points": [
                {
                    "x": x,
                    "y": y,
                    "low": low,
                    "high": high,
                    "text": _point_text(result, one, point, (y, low, high), unit),
                    "anchor": anchor(point.benchmark),
                }
                for (x, y, low, high), point in zip(points[one.series], one.points)
            ],
            "lines": [_sampled(*line, log_x, log_y) for line in _fitted(one, unit)] if study.lines else [],
            "joined": not study.lines,
        }
        for one in several
    ]
    names = _short(f"{line.series} ({line.source})" for line in published)
    reference = [
        {
            "name": names[f"{line.series} ({line.source})"],
            "note": line.note,
            "lines": [_sampled(*_published_ends(line, unit, ends), log_x, log_y)],
        }
        for line in published
    ]
    return {
        "kind": "xy",
        "x": {"label": axis_text(study), "log": log_x},
        "y": {"label": _with_unit(metric_label(metric), unit), "log": log_y},
        "series": series,
        "reference": [one for one in reference if one["lines"][0]],
        "alt": _curve_alt(result, metric, unit, several),
        "note": _curve_note(series, bool(reference)),
    }


def _column(result: StudyResult, metric: str, unit: str, several: Sequence[SeriesResult]) -> Chart:
    """All series at their one coordinate: a row for each."""
    points: List[Dict[str, Any]] = [
        {
            "row": row,
            "x": x,
            "low": low,
            "high": high,
            "text": _point_text(result, one, point, (x, low, high), unit),
            "anchor": anchor(point.benchmark),
        }
        for row, one in enumerate(several)
        for (_, x, low, high), point in zip(_points(one, unit), one.points)
    ]
    values = [point["x"] for point in points]
    place = coordinate(several[0].points[0].x)
    series = [{"name": metric_label(metric), "colour": 0, "marker": 0, "points": points}]
    return {
        "kind": "dots",
        "x": {"label": _with_unit(metric_label(metric), unit), "log": is_logarithmic(values)},
        "rows": shorten_names([printable(one.series) for one in several], LABEL_CELLS, "…"),
        "series": series,
        "alt": _curve_alt(result, metric, unit, several),
        "note": f"{axis_text(result.study)}: {place}. {_curve_note(series, published=False)}",
    }


def _dots(result: StudyResult, metric: str, unit: str, several: Sequence[SeriesResult]) -> Chart:
    looks = _looks(dict.fromkeys(series.series for series in several))
    rows = sorted({(point.x, result.label_of[point.benchmark]) for series in several for point in series.points})
    place = {row: position for position, row in enumerate(rows)}
    short = _short(looks)
    series: List[Dict[str, Any]] = []
    values: List[float] = []
    for one in several:
        points: List[Dict[str, Any]] = [
            {
                "row": place[point.x, result.label_of[point.benchmark]],
                "x": x,
                "low": low,
                "high": high,
                "text": _point_text(result, one, point, (x, low, high), unit),
                "anchor": anchor(point.benchmark),
            }
            for (_, x, low, high), point in zip(_points(one, unit), one.points)
        ]
        values += [point["x"] for point in points]
        series.append({"name": short[one.series], **looks[one.series], "points": points})
    return {
        "kind": "dots",
        "x": {"label": _with_unit(metric_label(metric), unit), "log": is_logarithmic(values)},
        "rows": shorten_names([printable(label) for _, label in rows], LABEL_CELLS, "…"),
        "series": series,
        "alt": (
            f"{_with_unit(metric_label(metric), unit)} of {count(len(rows), 'point')} and "
            f"{len(series)} series, from {significant(min(values))} to {significant(max(values))}."
        ),
        "note": _curve_note(series, published=False),
    }


def _published_of(result: StudyResult, metric: str, unit: str) -> List[ReferenceLine]:
    """The published lines that can be drawn in a unit."""
    lines = result.study.references
    return [line for line in lines if line.metric == metric and factor(line.unit, unit) is not None]


def _by_unit(several: Sequence[SeriesResult]) -> Dict[str, List[SeriesResult]]:
    groups: Dict[str, List[SeriesResult]] = {}
    for series in several:
        unit = next((unit for unit in groups if factor(series.unit, unit) is not None), series.unit)
        groups.setdefault(unit, []).append(series)
    return groups


def _points(series: SeriesResult, unit: str) -> List[Tuple[float, float, float, float]]:
    """Coordinate, median, and the lowest and the highest run of each point, in the unit."""
    scale = factor(series.unit, unit) or 1.0
    found = []
    for point in series.points:
        runs = point.runs or (point.value,)
        found.append((point.x, scale * point.value, scale * min(runs), scale * max(runs)))
    return found


def _fitted(series: SeriesResult, unit: str) -> Iterable[Tuple[_XY, _XY]]:
    scale = factor(series.unit, unit) or 1.0
    if series.pieces is not None:
        return [_ends(piece.fit, piece.x_from, piece.x_to, scale) for piece in series.pieces.pieces]
    return [] if series.fit is None else [_ends(series.fit, series.points[0].x, series.points[-1].x, scale)]


def _ends(fit: LineFit, x_from: float, x_to: float, scale: float) -> Tuple[_XY, _XY]:
    first, last = (scale * (fit.slope * x + fit.intercept) for x in (x_from, x_to))
    return (x_from, first), (x_to, last)


def _published_ends(line: ReferenceLine, unit: str, measured: _XY) -> Tuple[_XY, _XY]:
    """Over the published coordinates; where an end is open, up to the measured ones."""
    scale = factor(line.unit, unit) or 1.0
    x_from = measured[0] if line.x_from is None else line.x_from
    x_to = measured[1] if line.x_to is None else line.x_to
    first, last = (scale * (line.slope * x + line.intercept) for x in (x_from, x_to))
    return (x_from, first), (x_to, last)


def _sampled(start: _XY, end: _XY, log_x: bool, log_y: bool) -> List[List[float]]:
    """The line between two points as it runs on these axes; nothing of what a logarithmic one cannot show."""
    if not (log_x or log_y):
        return [list(start), list(end)]
    samples = []
    for position in range(_SAMPLES + 1):
        share = position / _SAMPLES
        x = start[0] * (end[0] / start[0]) ** share if log_x else start[0] + share * (end[0] - start[0])
        width = end[0] - start[0]
        y = start[1] if width == 0 else start[1] + (end[1] - start[1]) * (x - start[0]) / width
        if y > 0 or not log_y:
            samples.append([x, y])
    return samples


def _looks(names: Iterable[str]) -> Dict[str, Mapping[str, int]]:
    return {name: look._asdict() for name, look in looks_of(sorted(names)).items()}


def _short(names: Iterable[str]) -> Dict[str, str]:
    """What a legend has room for; different names stay different."""
    known = list(dict.fromkeys(names))
    return dict(zip(known, shorten_names([printable(name) for name in known], _NAME_CELLS, "…")))


def _steps(front: ParetoFront, costs: Sequence[float], gains: Sequence[float]) -> List[List[float]]:
    """The corners of the front, from the worst gain to the worst cost that a point has."""
    worst_cost = (min if front.cost_metric.better == HIGHER else max)(costs)
    worst_gain = (min if front.gain_metric.better == HIGHER else max)(gains)
    path = [[front.front[0].cost, worst_gain]]
    for point in front.front:
        path += [[point.cost, path[-1][1]], [point.cost, point.gain]]
    return [*path, [worst_cost, path[-1][1]]]


def _point_text(
    result: StudyResult, series: SeriesResult, point: Point, values: Tuple[float, float, float], unit: str
) -> str:
    study = result.study
    place = result.label_of.get(point.benchmark) or f"{study.x} {coordinate(point.x)} {study.x_unit}".rstrip()
    value, low, high = values
    text = f"{series.series}, {place}: {_value(value, unit)}"
    if len(point.runs) > 1:
        text += f", {len(point.runs)} runs from {significant(low)} to {significant(high)}"
    return text


def _curve_alt(result: StudyResult, metric: str, unit: str, several: Sequence[SeriesResult]) -> str:
    over = axis_text(result.study)
    texts = []
    for series in several[:_READ_OUT]:
        scale = factor(series.unit, unit) or 1.0
        first, last = series.points[0], series.points[-1]
        texts.append(
            f"{series.series} {significant(scale * first.value)} at {coordinate(first.x)}"
            + (f", {significant(scale * last.value)} at {coordinate(last.x)}" if last.x != first.x else "")
        )
    more = f"; and {len(several) - _READ_OUT} more" if len(several) > _READ_OUT else ""
    return f"{_with_unit(metric_label(metric), unit)} over {over}: {'; '.join(texts)}{more}."


def _curve_note(series: Sequence[Mapping[str, Any]], published: bool) -> str:
    several = any(point["low"] != point["high"] for one in series for point in one["points"])
    parts = ["Points: medians over runs" + (", with the range of the runs" if several else "")]
    if any(one.get("lines") for one in series):
        parts.append("lines: least squares")
    if published:
        parts.append("dashed: published")
    return "; ".join(parts) + "."


def _value(value: float, unit: str) -> str:
    return f"{significant(value)} {unit}".rstrip()


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name
