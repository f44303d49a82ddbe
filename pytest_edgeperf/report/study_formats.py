"""Studies as Markdown, for a page, and as plain values, for programs."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.studies.across_files import Across
from pytest_edgeperf.judge.studies.line_fits import Interval, LineFit
from pytest_edgeperf.judge.studies.line_pieces import Pieces
from pytest_edgeperf.judge.studies.pareto_fronts import ParetoFront, ParetoPoint
from pytest_edgeperf.judge.studies.series_ratios import SeriesRatios
from pytest_edgeperf.judge.studies.shares import SeriesShares
from pytest_edgeperf.judge.studies.study_results import SeriesResult, StudyResult
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.markup import escape, item
from pytest_edgeperf.report.numbers import NOTHING, percent, significant
from pytest_edgeperf.report.pareto import LEGEND, SINGLE_RUNS, axis_of, has_equal, has_single_runs, rows_of, title_of
from pytest_edgeperf.report.studies import pieces_text, ranks_of
from pytest_edgeperf.results.study_definitions import ReferenceLine, Study

#: Coordinates, and published numbers.
_DIGITS = 6


def across_to_dict(across: Across) -> Dict[str, Any]:
    """What ``edgeperf report --format json`` prints: studies by name, and the remarks."""
    return {
        "studies": {one.study.name: study_to_dict(one) for one in across.studies},
        "remarks": list(across.remarks),
    }


def study_to_dict(result: StudyResult) -> Dict[str, Any]:
    """One study: its description as stored, and what was measured of it."""
    return {
        "study": result.study.to_dict(),
        "series": [_series_to_dict(one) for one in result.series],
        "ratios": [_ratios_to_dict(one) for one in result.ratios],
        "rankings": [
            {"metric": one.metric, "x": one.x, "groups": [list(group) for group in one.groups], "told": one.told}
            for one in result.rankings
        ],
        "shares": [_shares_to_dict(one) for one in result.shares],
        "pareto": [_pareto_to_dict(one) for one in result.pareto],
    }


def _series_to_dict(series: SeriesResult) -> Dict[str, Any]:
    told: Dict[str, Any] = {
        "series": series.series,
        "metric": series.metric,
        "unit": series.unit,
        "points": [
            {"x": one.x, "value": one.value, "runs": len(one.runs), "benchmark": one.benchmark} for one in series.points
        ],
        "line": _fit_to_dict(series.fit),
        "pieces": _pieces_to_dict(series.pieces),
    }
    pays = series.pays_up_to()
    return told if pays is None else {**told, "pays_up_to": pays}


def _fit_to_dict(fit: Optional[LineFit]) -> Optional[Dict[str, Any]]:
    if fit is None:
        return None
    return {
        "slope": fit.slope,
        "slope_interval": _ends(fit.slope_interval),
        "intercept": fit.intercept,
        "intercept_interval": _ends(fit.intercept_interval),
        "residual_sd": fit.residual_sd,
        "r_squared": fit.r_squared,
        "n": fit.n,
    }


def _pieces_to_dict(found: Optional[Pieces]) -> Optional[Dict[str, Any]]:
    if found is None:
        return None
    return {
        "lines": [{"x_from": one.x_from, "x_to": one.x_to, "line": _fit_to_dict(one.fit)} for one in found.pieces],
        "breaks": [{"after": one.after, "before": one.before, "interval": _ends(one.interval)} for one in found.breaks],
        "p_straight": found.p_straight,
        "p_fewer": found.p_fewer,
        "agreeing": found.agreeing,
    }


def _ratios_to_dict(ratios: SeriesRatios) -> Dict[str, Any]:
    return {
        "metric": ratios.metric,
        "series": ratios.series,
        "over": ratios.over,
        "points": [
            {"x": one.x, "times_better": one.times_better, "interval": _ends(one.interval), "runs": list(one.runs)}
            for one in ratios.points
        ],
    }


def _shares_to_dict(shares: SeriesShares) -> Dict[str, Any]:
    return {
        "series": shares.series,
        "points": [{"x": one.x, "parts": dict(one.parts), "rest": one.rest, "runs": one.runs} for one in shares.points],
    }


def _pareto_to_dict(front: ParetoFront) -> Dict[str, Any]:
    return {
        "cost": {"metric": front.cost, "unit": front.cost_metric.unit, "better": front.cost_metric.better},
        "gain": {"metric": front.gain, "unit": front.gain_metric.unit, "better": front.gain_metric.better},
        "points": [_pareto_point_to_dict(one, front.points) for one in front.points],
    }


def _pareto_point_to_dict(point: ParetoPoint, points: Sequence[ParetoPoint]) -> Dict[str, Any]:
    told = {**_identity(point), "cost": point.cost, "gain": point.gain, "front": point.on_front}
    if point.dominated_by is not None:
        told.update(dominated_by=_identity(points[point.dominated_by]), told=point.told)
    elif point.step is not None:
        told.update(step={"cost": point.step.cost, "gain": point.step.gain})
    return told


def _identity(point: ParetoPoint) -> Dict[str, Any]:
    return {"series": point.series, "x": point.x, "benchmark": point.benchmark}


def _ends(interval: Optional[Interval]) -> Optional[List[float]]:
    return None if interval is None else list(interval)


def across_markdown(across: Across) -> str:
    """What ``edgeperf report --format markdown`` prints."""
    lines: List[str] = []
    for one in across.studies:
        lines += [*study_markdown(one), ""]
    lines += [item(remark) for remark in across.remarks]
    return "\n".join(lines).rstrip("\n") + "\n"


def study_markdown(result: StudyResult) -> List[str]:
    """The lines of one study: a heading, and a table for each thing that it tells."""
    study = result.study
    lines = [f"## {escape(study.name)}"]
    for metric in study.metrics:
        found = [one for one in result.series if one.metric == metric]
        if found:
            lines += ["", f"### {escape(metric_label(metric))}", "", *_values_markdown(study, found)]
        if study.lines and any(one.fit is not None for one in found):
            published = [one for one in study.references if one.metric == metric]
            lines += ["", *_lines_markdown(study, found, published)]
        ratios = [one for one in result.ratios if one.metric == metric]
        if ratios:
            lines += ["", *_ratios_markdown(study, ratios)]
        lines += _ranks_markdown(result, metric)
    if any(one.points for one in result.shares):
        lines += ["", f"### shares of {escape(metric_label(study.whole))}", "", *_shares_markdown(study, result.shares)]
    for front in result.pareto:
        lines += ["", f"### {escape(title_of(front))}", "", *_pareto_markdown(study, front)]
    return lines


def _values_markdown(study: Study, found: Sequence[SeriesResult]) -> List[str]:
    coordinates = sorted({point.x for series in found for point in series.points})
    rows = []
    for series in found:
        values = {point.x: significant(point.value) for point in series.points}
        row = [f"{series.series} ({series.unit})" if series.unit else series.series]
        row += [values.get(x, NOTHING) for x in coordinates]
        pays = series.pays_up_to()
        rows.append(row if pays is None else [*row, _number(pays)])
    header = [f"series over {_axis(study)}", *map(_number, coordinates)]
    longest = max(map(len, rows))
    if longest > len(header):
        header.append("pays up to")
    return _table(header, [[*row, *[NOTHING] * (longest - len(row))] for row in rows])


def _lines_markdown(study: Study, found: Sequence[SeriesResult], published: Sequence[ReferenceLine]) -> List[str]:
    rows: List[List[str]] = []
    notes: List[str] = []
    for series in found:
        if series.fit is not None:
            rows.append(_line_row(series.series, series.fit, series.points[0].x, series.points[-1].x))
        for piece in series.pieces.pieces if series.pieces is not None else ():
            rows.append(_line_row(f"{series.series}, a piece", piece.fit, piece.x_from, piece.x_to))
        notes += [item(text) for text in pieces_text(series, study)]
    for line in published:
        ends = [NOTHING if end is None else _number(end) for end in (line.x_from, line.x_to)]
        name = f"{line.series} ({line.source}, {line.unit})"
        rows.append([name, _number(line.slope), _number(line.intercept), NOTHING, *ends])
    header = ["line", "slope [95 %]", "intercept [95 %]", "n", f"from {study.x_unit}", f"to {study.x_unit}"]
    return _table([one.rstrip() for one in header], rows) + (["", *notes] if notes else [])


def _line_row(name: str, fit: LineFit, x_from: float, x_to: float) -> List[str]:
    slope = _with_interval(fit.slope, fit.slope_interval)
    intercept = _with_interval(fit.intercept, fit.intercept_interval)
    return [name, slope, intercept, str(fit.n), _number(x_from), _number(x_to)]


def _ratios_markdown(study: Study, ratios: Sequence[SeriesRatios]) -> List[str]:
    rows = [
        [
            f"{one.series} / {one.over}",
            _number(point.x),
            _with_interval(point.times_better, point.interval),
            "/".join(map(str, point.runs)),
        ]
        for one in ratios
        for point in one.points
    ]
    return _table(["series", _axis(study), "times better [95 %]", "runs"], rows)


def _ranks_markdown(result: StudyResult, metric: str) -> List[str]:
    ranked = [one for one in result.rankings if one.metric == metric]
    if not ranked:
        return []
    ranks: List[Mapping[str, str]] = [ranks_of(one) for one in ranked]
    names = list(dict.fromkeys(name for one in ranks for name in one))
    rows = [[name, *[one.get(name, NOTHING) for one in ranks]] for name in names]
    return ["", *_table([f"rank over {_axis(result.study)}", *[_number(one.x) for one in ranked]], rows)]


def _shares_markdown(study: Study, shares: Sequence[SeriesShares]) -> List[str]:
    rows = [
        [
            one.series,
            _number(point.x),
            *[f"{percent(point.parts[part], sign=False)} %" for part in study.shares],
            f"{percent(point.rest, sign=False)} %",
        ]
        for one in shares
        for point in one.points
    ]
    return _table(["series", _axis(study), *map(metric_label, study.shares), "rest"], rows)


def _pareto_markdown(study: Study, front: ParetoFront) -> List[str]:
    rows = [
        [
            row.point.series,
            row.x,
            significant(row.point.cost),
            significant(row.point.gain),
            f"dominated by {row.by}" if row.by else "front",
            row.step or NOTHING,
        ]
        for row in rows_of(front)
    ]
    axes = [axis_of(front.cost, front.cost_metric), axis_of(front.gain, front.gain_metric)]
    lines = _table(["series", _axis(study), *axes, "Pareto front", "step on the front"], rows)
    if has_equal(front):
        lines += ["", LEGEND]
    return [*lines, "", SINGLE_RUNS] if has_single_runs(front) else lines


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    lines = ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in (header, *rows)]
    return [lines[0], "|:--|" + "--:|" * (len(header) - 1), *lines[1:]]


def _with_interval(value: float, interval: Optional[Interval]) -> str:
    if interval is None:
        return significant(value)
    return f"{significant(value)} [{significant(interval[0])}, {significant(interval[1])}]"


def _number(value: float) -> str:
    return f"{value:.{_DIGITS}g}"


def _axis(study: Study) -> str:
    return f"{study.x} ({study.x_unit})" if study.x_unit else study.x
