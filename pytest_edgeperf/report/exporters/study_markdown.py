"""Studies as Markdown: a heading for each, and a table for each thing that it shows."""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.studies.across_files import Across
from pytest_edgeperf.judge.studies.line_fits import Interval, LineFit
from pytest_edgeperf.judge.studies.pareto_fronts import ParetoFront
from pytest_edgeperf.judge.studies.series_ratios import SeriesRatios
from pytest_edgeperf.judge.studies.study_results import SeriesResult, StudyResult
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.labelled_tables import first_ranking, labelled_tables
from pytest_edgeperf.report.markup import escape, item, table
from pytest_edgeperf.report.numbers import NOTHING, percent, significant
from pytest_edgeperf.report.pareto_text import (
    LEGEND,
    SINGLE_RUNS,
    axis_of,
    has_equal,
    has_single_runs,
    rows_of,
    title_of,
)
from pytest_edgeperf.report.study_tables import pieces_text, ranks_of
from pytest_edgeperf.results.study_definitions import ReferenceLine, Study

#: Coordinates, and published numbers.
_DIGITS = 6


def across_markdown(across: Across) -> str:
    """What ``edgeperf report --format markdown`` prints."""
    lines: List[str] = []
    for study in across.studies:
        lines += [*study_markdown(study), ""]
    lines += [item(remark) for remark in across.remarks]
    return "\n".join(lines).rstrip("\n") + "\n"


def study_markdown(result: StudyResult) -> List[str]:
    """The lines of one study: a heading, and a table for each thing that it shows."""
    study = result.study
    lines = [f"## {escape(study.name)}"]
    if result.labels and not study.lines:
        lines += _labelled_markdown(result)
    for metric in () if result.labels and not study.lines else study.metrics:
        of_metric = [series for series in result.series if series.metric == metric]
        if of_metric:
            lines += ["", f"### {escape(metric_label(metric))}", "", *_values_markdown(study, of_metric)]
        if study.lines and any(series.fit is not None for series in of_metric):
            published = [reference for reference in study.references if reference.metric == metric]
            lines += ["", *_lines_markdown(study, of_metric, published)]
        ratios = [ratio for ratio in result.ratios if ratio.metric == metric]
        if ratios:
            lines += ["", *_ratios_markdown(study, ratios)]
        lines += _ranks_markdown(result, metric)
    if any(share.points for share in result.shares):
        lines += ["", f"### shares of {escape(metric_label(study.whole))}", "", *_shares_markdown(result)]
    for front in result.pareto:
        lines += ["", f"### {escape(title_of(front))}", "", *_pareto_markdown(study, front)]
    return lines


def _labelled_markdown(result: StudyResult) -> List[str]:
    lines: List[str] = []
    for labelled in labelled_tables(result, {ranking.x: ranks_of(ranking) for ranking in first_ranking(result)}):
        rows = [
            list(row)
            for row in zip(labelled.labels, *[[text.strip() for text in column.texts] for column in labelled.columns])
        ]
        lines += [
            "",
            f"### {escape(labelled.title)}",
            "",
            *table(["", *[column.title for column in labelled.columns]], rows),
        ]
        lines += ["", *map(item, labelled.remarks)] if labelled.remarks else []
    return lines


def _values_markdown(study: Study, of_metric: Sequence[SeriesResult]) -> List[str]:
    coordinates = sorted({point.x for series in of_metric for point in series.points})
    rows = []
    for series in of_metric:
        values = {point.x: significant(point.value) for point in series.points}
        row = [f"{series.series} ({series.unit})" if series.unit else series.series]
        row += [values.get(x, NOTHING) for x in coordinates]
        pays = series.pays_up_to()
        rows.append(row if pays is None else [*row, _number(pays)])
    header = [f"series over {_axis(study)}", *map(_number, coordinates)]
    longest = max(map(len, rows))
    if longest > len(header):
        header.append("pays up to")
    return table(header, [[*row, *[NOTHING] * (longest - len(row))] for row in rows])


def _lines_markdown(study: Study, of_metric: Sequence[SeriesResult], published: Sequence[ReferenceLine]) -> List[str]:
    rows: List[List[str]] = []
    notes: List[str] = []
    for series in of_metric:
        if series.fit is not None:
            rows.append(_line_row(series.series, series.fit, series.points[0].x, series.points[-1].x))
        for piece in series.pieces.pieces if series.pieces is not None else ():
            rows.append(_line_row(f"{series.series}, a piece", piece.fit, piece.x_from, piece.x_to))
        notes += [item(text) for text in pieces_text(series, study)]
    for line in published:
        ends = [NOTHING if end is None else _number(end) for end in (line.x_from, line.x_to)]
        name = f"{line.series} ({line.source}, {line.unit})"
        rows.append([name, _number(line.slope), _number(line.intercept), NOTHING, *ends])
    notes += [item(f"{line.source}: {line.note}") for line in published if line.note]
    header = ["line", "slope [95 %]", "intercept [95 %]", "n", f"from {study.x_unit}", f"to {study.x_unit}"]
    return table([cell.rstrip() for cell in header], rows) + (["", *notes] if notes else [])


def _line_row(name: str, fit: LineFit, x_from: float, x_to: float) -> List[str]:
    slope = _with_interval(fit.slope, fit.slope_interval)
    intercept = _with_interval(fit.intercept, fit.intercept_interval)
    return [name, slope, intercept, str(fit.n), _number(x_from), _number(x_to)]


def _ratios_markdown(study: Study, ratios: Sequence[SeriesRatios]) -> List[str]:
    rows = [
        [
            f"{pair.series} / {pair.over}",
            _number(point.x),
            _with_interval(point.times_better, point.interval),
            "/".join(map(str, point.runs)),
        ]
        for pair in ratios
        for point in pair.points
    ]
    return table(["series", _axis(study), "times better [95 %]", "runs"], rows)


def _ranks_markdown(result: StudyResult, metric: str) -> List[str]:
    ranked = [ranking for ranking in result.rankings if ranking.metric == metric]
    if not ranked:
        return []
    ranks: List[Mapping[str, str]] = [ranks_of(ranking) for ranking in ranked]
    names = list(dict.fromkeys(name for ranks_at_x in ranks for name in ranks_at_x))
    rows = [[name, *[ranks_at_x.get(name, NOTHING) for ranks_at_x in ranks]] for name in names]
    return ["", *table([f"rank over {_axis(result.study)}", *[_number(ranking.x) for ranking in ranked]], rows)]


def _shares_markdown(result: StudyResult) -> List[str]:
    study = result.study
    rows = [
        [
            shares_of_series.series,
            result.labels.get(point.x, NOTHING) if result.labels else _number(point.x),
            *[
                f"{percent(point.parts[part], sign=False)} %" if part in point.parts else NOTHING
                for part in study.shares
            ],
            f"{percent(point.rest, sign=False)} %",
        ]
        for shares_of_series in result.shares
        for point in shares_of_series.points
    ]
    axis = "of" if result.labels else _axis(study)
    return table(["series", axis, *map(metric_label, study.shares), "rest"], rows)


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
    lines = table(["series", _axis(study), *axes, "Pareto front", "step on the front"], rows)
    if has_equal(front):
        lines += ["", LEGEND]
    return [*lines, "", SINGLE_RUNS] if has_single_runs(front) else lines


def _with_interval(value: float, interval: Optional[Interval]) -> str:
    if interval is None:
        return significant(value)
    return f"{significant(value)} [{significant(interval[0])}, {significant(interval[1])}]"


def _number(value: float) -> str:
    return f"{value:.{_DIGITS}g}"


def _axis(study: Study) -> str:
    return f"{study.x} ({study.x_unit})" if study.x_unit else study.x
