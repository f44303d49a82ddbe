"""What a study shows, as parts with tables of texts: what Markdown and HTML have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.studies.line_fits import Interval, LineFit
from pytest_edgeperf.judge.studies.pareto_fronts import ParetoFront
from pytest_edgeperf.judge.studies.series_ratios import SeriesRatios
from pytest_edgeperf.judge.studies.study_results import SeriesResult, StudyResult
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.labelled_tables import first_ranking, labelled_tables
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
from pytest_edgeperf.report.study_remarks import marked_lines, ranks_of
from pytest_edgeperf.report.study_tables import pieces_text
from pytest_edgeperf.results.study_definitions import ReferenceLine, Study

#: Coordinates, and published numbers.
_DIGITS = 6


@dataclass(frozen=True)
class TextTable:
    """A header, rows of as many texts, and sentences below; all but the first column are numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class StudyPart:
    """A heading and tables, and what they are of: a ``metric``, a ``front``, ``shares``, or labelled points."""

    heading: str
    tables: Tuple[TextTable, ...]
    metric: Optional[str] = None
    front: Optional[ParetoFront] = None
    shares: bool = False


def study_parts(result: StudyResult) -> List[StudyPart]:
    """All that a study shows, in its order: metrics or labelled points, shares, Pareto fronts."""
    study = result.study
    parts = _labelled(result) if result.labels and not study.lines else list(_metrics(result))
    if any(share.points for share in result.shares):
        parts.append(StudyPart(f"shares of {metric_label(study.whole)}", (_shares(result),), shares=True))
    for front in result.pareto:
        parts.append(StudyPart(title_of(front), (_pareto(study, front),), front=front))
    return parts


def with_interval(value: float, interval: Optional[Interval]) -> str:
    """A value with its interval: ``8.89 [8.66, 9.12]``."""
    if interval is None:
        return significant(value)
    return f"{significant(value)} [{significant(interval[0])}, {significant(interval[1])}]"


def axis_text(study: Study) -> str:
    """The coordinate with its unit: ``complexity (GFLOPs)``."""
    return f"{study.x} ({study.x_unit})" if study.x_unit else study.x


def _labelled(result: StudyResult) -> List[StudyPart]:
    parts = []
    for labelled in labelled_tables(result, {ranking.x: ranks_of(ranking) for ranking in first_ranking(result)}):
        columns = [[text.strip() for text in column.texts] for column in labelled.columns]
        rows = [list(row) for row in zip(labelled.labels, *columns)]
        header = ["", *[column.title for column in labelled.columns]]
        parts.append(StudyPart(labelled.title, (TextTable(header, rows, labelled.remarks),)))
    return parts


def _metrics(result: StudyResult) -> Iterator[StudyPart]:
    study = result.study
    for metric in study.metrics:
        of_metric = [series for series in result.series if series.metric == metric]
        tables = [_values(study, of_metric)] if of_metric else []
        if study.lines and any(series.fit is not None for series in of_metric):
            published = [reference for reference in study.references if reference.metric == metric]
            tables.append(_lines(study, of_metric, published))
        ratios = [ratio for ratio in result.ratios if ratio.metric == metric]
        if ratios:
            tables.append(_ratios(study, ratios))
        tables += _ranks(result, metric)
        if tables:
            yield StudyPart(metric_label(metric), tuple(tables), metric=metric)


def _values(study: Study, of_metric: Sequence[SeriesResult]) -> TextTable:
    coordinates = sorted({point.x for series in of_metric for point in series.points})
    rows = []
    for series in of_metric:
        values = {point.x: significant(point.value) for point in series.points}
        row = [f"{series.series} ({series.unit})" if series.unit else series.series]
        row += [values.get(x, NOTHING) for x in coordinates]
        pays = series.pays_up_to()
        rows.append(row if pays is None else [*row, _number(pays)])
    header = [f"series over {axis_text(study)}", *map(_number, coordinates)]
    longest = max(map(len, rows))
    if longest > len(header):
        header.append("pays up to")
    return TextTable(header, [[*row, *[NOTHING] * (longest - len(row))] for row in rows])


def _lines(study: Study, of_metric: Sequence[SeriesResult], published: Sequence[ReferenceLine]) -> TextTable:
    rows: List[List[str]] = []
    notes: List[str] = []
    for series in of_metric:
        if series.fit is not None:
            rows.append(_line_row(series.series, series.fit, series.points[0].x, series.points[-1].x))
        for piece in series.pieces.pieces if series.pieces is not None else ():
            rows.append(_line_row(f"{series.series}, a piece", piece.fit, piece.x_from, piece.x_to))
        notes += pieces_text(series, study)
    names, remarks = marked_lines(published)
    for line, name in zip(published, names):
        ends = [NOTHING if end is None else _number(end) for end in (line.x_from, line.x_to)]
        row = [f"{name} ({line.source}, {line.unit})", _number(line.slope), _number(line.intercept), NOTHING, *ends]
        rows.append(row)
    notes += remarks
    header = ["line", "slope [95 %]", "intercept [95 %]", "n", f"from {study.x_unit}", f"to {study.x_unit}"]
    return TextTable([cell.rstrip() for cell in header], rows, notes)


def _line_row(name: str, fit: LineFit, x_from: float, x_to: float) -> List[str]:
    slope = with_interval(fit.slope, fit.slope_interval)
    intercept = with_interval(fit.intercept, fit.intercept_interval)
    return [name, slope, intercept, str(fit.n), _number(x_from), _number(x_to)]


def _ratios(study: Study, ratios: Sequence[SeriesRatios]) -> TextTable:
    rows = [
        [
            f"{pair.series} / {pair.over}",
            _number(point.x),
            with_interval(point.times_better, point.interval),
            "/".join(map(str, point.runs)),
        ]
        for pair in ratios
        for point in pair.points
    ]
    return TextTable(["series", axis_text(study), "times better [95 %]", "runs"], rows)


def _ranks(result: StudyResult, metric: str) -> List[TextTable]:
    ranked = [ranking for ranking in result.rankings if ranking.metric == metric]
    if not ranked:
        return []
    ranks: List[Mapping[str, str]] = [ranks_of(ranking) for ranking in ranked]
    names = list(dict.fromkeys(name for ranks_at_x in ranks for name in ranks_at_x))
    rows = [[name, *[ranks_at_x.get(name, NOTHING) for ranks_at_x in ranks]] for name in names]
    return [TextTable([f"rank over {axis_text(result.study)}", *[_number(ranking.x) for ranking in ranked]], rows)]


def _shares(result: StudyResult) -> TextTable:
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
    axis = "of" if result.labels else axis_text(study)
    return TextTable(["series", axis, *map(metric_label, study.shares), "rest"], rows)


def _pareto(study: Study, front: ParetoFront) -> TextTable:
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
    notes = [*([LEGEND] if has_equal(front) else []), *([SINGLE_RUNS] if has_single_runs(front) else [])]
    return TextTable(["series", axis_text(study), *axes, "Pareto front", "step on the front"], rows, notes)


def _number(value: float) -> str:
    return f"{value:.{_DIGITS}g}"
