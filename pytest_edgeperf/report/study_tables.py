"""The tables of studies: each series' line and pieces beside published lines, ratios, ranks, shares, Pareto fronts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, Optional, Sequence, Tuple

from pytest_edgeperf.judge.studies.line_fits import Interval, LineFit
from pytest_edgeperf.judge.studies.study_results import SeriesResult, StudyResult, read_studies
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.labelled_tables import LABEL, first_ranking, labelled_blocks, labelled_tables
from pytest_edgeperf.report.numbers import NOTHING, percent, significant
from pytest_edgeperf.report.pareto_tables import pareto_table
from pytest_edgeperf.report.published_selection import ALL_PAPERS, PaperSelection
from pytest_edgeperf.report.single_points import has_single_point, single_point_tables
from pytest_edgeperf.report.study_remarks import (
    coordinate_title,
    marked_lines,
    not_shown,
    ranks_of,
    short_title,
    table_title,
    with_unit,
)
from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.report.text import Paper, enumerate_names, pad, wrap
from pytest_edgeperf.report.whole_names import whole_names, whole_names_in_parts
from pytest_edgeperf.results.study_definitions import ReferenceLine, Study
from pytest_edgeperf.results.types import Results

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.across_files import Across
    from pytest_edgeperf.judge.studies.line_pieces import Break
    from pytest_edgeperf.judge.studies.series_ratios import Ranking

#: Of a published number, and of a fitted one whose interval is next to nothing.
_PUBLISHED_DIGITS = 6
_FITTED_DIGITS = 4
_SERIES = "series"


@dataclass(frozen=True)
class _Row:
    """A series, measured or published; its numbers are texts already."""

    name: str
    slope: str = NOTHING
    slope_bounds: Tuple[str, str] = ("", "")
    intercept: str = NOTHING
    intercept_bounds: Tuple[str, str] = ("", "")
    points: str = NOTHING
    x: str = ""
    style: Optional[str] = None


def study_tables(measured: Results, paper: Paper, papers: PaperSelection = ALL_PAPERS) -> List[List[str]]:
    """The blocks of lines of all studies that the results hold: see :func:`tables_of`.

    Studies of a single point stand in one table at the end. ``papers``: whose published lines and ratios are shown.
    """
    if not measured.studies:
        return []
    try:
        studies = read_studies(measured)
    except ValueError as error:
        lines = wrap(paper.clean(f"studies are not shown: {error}"), paper.width, hanging="  ")
        return [[paper.paint(line, "warning") for line in lines]]
    return _blocks(studies, measured, paper, papers)


def _blocks(
    studies: Sequence[StudyResult], measured: Optional[Results], paper: Paper, papers: PaperSelection
) -> List[List[str]]:
    shown = [papers.of_study(study) for study in studies]
    single = [study for study in shown if has_single_point(study)]
    blocks = []
    for study in shown:
        tables = tables_of(study, paper) if study not in single else []
        blocks += tables
        if not tables and measured is not None:
            blocks += not_shown(study.study, measured, paper)
    return [
        *blocks,
        *single_point_tables(single, paper),
        *(front for study in single for front in fronts_of(study, paper)),
    ]


def across_text(across: Across, paper: Paper) -> str:
    """The studies of several files, and what of them could not be read together."""
    blocks = _blocks(across.studies, None, paper, ALL_PAPERS)
    if not blocks:
        blocks.append(wrap(_nothing_to_show(across), paper.width, hanging="  "))
    for remark in across.remarks:
        lines = wrap(paper.clean(f"note: {remark}"), paper.width, hanging="      ")
        blocks.append([paper.paint(line, "warning") for line in lines])
    return "\n\n".join("\n".join(block) for block in blocks)


def _nothing_to_show(across: Across) -> str:
    if across.wanted:
        what = "this study" if len(across.wanted) == 1 else "these studies"
        return f"nothing to show: there are no measurements of {what}"
    if across.studies:
        return "nothing to show: there are studies, but no measurements of them"
    return (
        "nothing to show: no benchmark belongs to a study. Call timed_inference.study(STUDY, series=..., x=...) in the "
        "benchmarks that shall be read together"
    )


def tables_of(study: StudyResult, paper: Paper) -> List[List[str]]:
    """A block of lines per metric of which at least one series has a line, ratios, ranks; shares; fronts.

    Published lines of a metric stand below the measured ones, with their digits and units as published. Points with
    labels have a row each.
    """
    if study.labels and not study.study.lines:
        return _labelled(study, paper)
    if not study.study.lines and len(study.series) > 1 and len({series.series for series in study.series}) == 1:
        return [
            _of_one_series(study, paper),
            *([_shares(study, paper)] if study.shares else []),
            *fronts_of(study, paper),
        ]
    blocks = []
    for metric in study.study.metrics:
        of_metric = [series for series in study.series if series.metric == metric]
        if of_metric and not study.study.lines:
            blocks.append(_values(study, metric, of_metric, paper))
        elif any(series.fit is not None for series in of_metric):
            blocks.append(_table(study, metric, of_metric, paper))
        if any(ratios.metric == metric for ratios in study.ratios):
            blocks.append(_ratios(study, metric, paper))
        ranked = [ranking for ranking in study.rankings if ranking.metric == metric]
        if ranked and len({series.series for series in of_metric}) > 1:
            blocks.append(_ranks(study.study, metric, ranked, paper))
    if study.shares:
        blocks.append(_shares(study, paper))
    return blocks + fronts_of(study, paper)


def fronts_of(study: StudyResult, paper: Paper) -> List[List[str]]:
    """A block of lines per Pareto front of several points: one point alone is no front."""
    return [pareto_table(study.study, front, paper) for front in study.pareto if len(front.points) > 1]


def _labelled(result: StudyResult, paper: Paper) -> List[List[str]]:
    blocks = labelled_blocks(
        labelled_tables(result, {ranking.x: ranks_of(ranking) for ranking in first_ranking(result)}), paper
    )
    if result.shares:
        blocks.append(_shares(result, paper))
    return blocks + fronts_of(result, paper)


def _ratios(result: StudyResult, metric: str, paper: Paper) -> List[str]:
    study = result.study
    names, coordinates, bounds, values, runs = [], [], [], [], []
    for ratios in result.ratios:
        for position, point in enumerate(ratios.points if ratios.metric == metric else ()):
            names.append("" if position else paper.clean(f"{ratios.series} / {ratios.over}"))
            coordinates.append(_number(point.x))
            value, ends = _estimate(point.times_better, point.interval)
            values.append(value)
            bounds.append(ends)
            runs.append("/".join(map(str, point.runs)))
    columns = [
        Column(coordinate_title(study, paper), coordinates),
        Column("times better", values),
        _bounds(bounds, [None] * len(bounds), spare=1),
        Column("runs", runs, spare=2),
    ]
    title = table_title(
        f"{study.name}: {metric_label(metric)}, how many times better one series is than another", paper
    )
    return title + whole_names(_SERIES, names, columns, paper)


def _ranks(study: Study, metric: str, ranked: Sequence[Ranking], paper: Paper) -> List[str]:
    names = list(dict.fromkeys(name for ranks in ranked for group in ranks.groups for name in group))
    columns = []
    for ranks in ranked:
        texts = dict.fromkeys(names, NOTHING)
        texts.update(ranks_of(ranks))
        columns.append(Column(_number(ranks.x), [texts[name] for name in names]))
    equal = any(len(group) > 1 for ranks in ranked for group in ranks.groups)
    says = " (=: these runs show no difference)" if equal else ""
    over = with_unit(study.x, study.x_unit)
    lines = table_title(f"{study.name}: ranks by {metric_label(metric)} over {over}{says}", paper)
    lines += whole_names_in_parts(_SERIES, [paper.clean(name) for name in names], columns, paper)
    if not all(ranking.separated for ranking in ranked):
        lines += wrap("single runs do not show ties: such ranks are by value", paper.width, indent="  ")
    return lines


def _shares(result: StudyResult, paper: Paper) -> List[str]:
    study = result.study
    rows = [
        (series.series, position, point) for series in result.shares for position, point in enumerate(series.points)
    ]
    if result.labels:
        labels = [pad(paper.clean(result.labels.get(row.x, NOTHING)), len(LABEL)) for _, _, row in rows]
        columns = [Column(LABEL, labels, right=False)]
    else:
        columns = [Column(coordinate_title(study, paper), [_number(row.x) for _, _, row in rows])]
    for part in study.shares:
        texts = [percent(row.parts[part], sign=False) if part in row.parts else NOTHING for _, _, row in rows]
        columns.append(Column(short_title(metric_label(part), paper), texts))
    columns.append(Column("rest", [percent(row.rest, sign=False) for _, _, row in rows]))
    names = ["" if position else paper.clean(name) for name, position, _ in rows]
    title = table_title(f"{study.name}: shares of {metric_label(study.whole)} (%)", paper)
    return title + whole_names_in_parts(_SERIES, names, columns, paper, repeated=1)


def _of_one_series(result: StudyResult, paper: Paper) -> List[str]:
    """A row per metric of the only series, and a column per coordinate."""
    study, metrics = result.study, result.series
    names = [paper.clean(with_unit(metric_label(metric.metric), metric.unit)) for metric in metrics]
    columns = []
    for x in sorted({point.x for metric in metrics for point in metric.points}):
        values = [next((point.value for point in metric.points if point.x == x), None) for metric in metrics]
        columns.append(Column(_number(x), [NOTHING if value is None else significant(value) for value in values]))
    columns += _pays_columns(metrics)
    title = f"{study.name}: {metrics[0].series} over {with_unit(study.x, study.x_unit)}"
    return table_title(title, paper) + whole_names_in_parts("metric", names, columns, paper)


def _pays_columns(several: Sequence[SeriesResult]) -> List[Column]:
    pays = [series.pays_up_to() for series in several]
    if all(pay is None for pay in pays):
        return []
    return [Column("pays up to", [NOTHING if pay is None else _number(pay) for pay in pays])]


def _number(value: float) -> str:
    return f"{value:.{_PUBLISHED_DIGITS}g}"


def _values(result: StudyResult, metric: str, of_metric: Sequence[SeriesResult], paper: Paper) -> List[str]:
    """A column per coordinate, and where a further step no longer pays."""
    study = result.study
    units = sorted({series.unit for series in of_metric})
    unit = units[0] if len(units) == 1 else ""
    over = f"{with_unit(metric_label(metric), unit)} over {with_unit(study.x, study.x_unit)}"
    lines = table_title(f"{study.name}: {over}", paper)
    names = [paper.clean(series.series if unit else with_unit(series.series, series.unit)) for series in of_metric]
    columns = []
    for x in sorted({point.x for series in of_metric for point in series.points}):
        values = [next((point.value for point in series.points if point.x == x), None) for series in of_metric]
        texts = [NOTHING if value is None else significant(value) for value in values]
        columns.append(Column(_number(x), texts))
    columns += _pays_columns(of_metric)
    return lines + whole_names_in_parts(_SERIES, names, columns, paper)


def _table(result: StudyResult, metric: str, of_metric: Sequence[SeriesResult], paper: Paper) -> List[str]:
    study = result.study
    units = sorted({series.unit for series in of_metric})
    unit = units[0] if len(units) == 1 else ""
    published = [line for line in study.references if line.metric == metric]
    rows = [row for series in of_metric for row in (_measured(series, unit, paper), *_pieces(series))]
    names, remarks = marked_lines(published)
    rows += [_published(line, name, unit, paper) for line, name in zip(published, names)]
    title = f"{study.name}: {with_unit(metric_label(metric), unit)} over {with_unit(study.x, study.x_unit)}"
    lines = table_title(title, paper)
    styles = [row.style for row in rows]
    columns = [
        Column("slope", [row.slope for row in rows], styles),
        _bounds([row.slope_bounds for row in rows], styles, spare=2),
        Column("intercept", [row.intercept for row in rows], styles, spare=1),
        _bounds([row.intercept_bounds for row in rows], styles, spare=3),
        Column("n", [row.points for row in rows], styles, spare=5),
        Column(paper.clean(study.x_unit or study.x), [row.x for row in rows], styles, spare=4),
    ]
    lines += whole_names(_SERIES, [row.name for row in rows], columns, paper)
    for series in of_metric:
        for text in pieces_text(series, study):
            lines += wrap(paper.clean(text), paper.width, indent="  ", hanging="    ")
    sources = [f"{', '.join(of_source)}: {source}" for source, of_source in _by_source(published).items()]
    for text in (*sources, *remarks):
        lines += wrap(paper.clean(text), paper.width, indent="  ", hanging="    ")
    return lines


def _measured(series: SeriesResult, unit: str, paper: Paper) -> _Row:
    name = paper.clean(series.series if unit else with_unit(series.series, series.unit))
    points, x = str(len(series.points)), _range(series.points[0].x, series.points[-1].x)
    if series.fit is None:
        return _Row(name, points=points, x=x)
    return _fitted(name, series.fit, x)


def _fitted(name: str, fit: LineFit, x: str) -> _Row:
    slope, slope_bounds = _estimate(fit.slope, fit.slope_interval)
    intercept, intercept_bounds = _estimate(fit.intercept, fit.intercept_interval)
    return _Row(name, slope, slope_bounds, intercept, intercept_bounds, str(fit.n), x)


def _pieces(series: SeriesResult) -> List[_Row]:
    pieces = series.pieces.pieces if series.pieces is not None else ()
    return [_fitted(f"  {_range(piece.x_from, piece.x_to)}", piece.fit, "") for piece in pieces]


def pieces_text(series: SeriesResult, study: Study) -> List[str]:
    """Where a series breaks, in a sentence, and what speaks for that; none where one line is enough."""
    pieces = series.pieces
    if pieces is None:
        return []
    unit = f" {study.x_unit}" if study.x_unit else ""
    text = f"{series.series} breaks within {enumerate_names(map(_where, pieces.breaks))}{unit}"
    if pieces.p_straight is not None:
        text += f"; a straight line would look like this in {_chance(pieces.p_straight)} of cases"
    if pieces.p_fewer is not None and len(pieces.pieces) > 2:
        text += f", one with one break fewer in {_chance(pieces.p_fewer)}"
    if pieces.agreeing is not None and pieces.p_straight is not None:
        text += f"; {_chance(pieces.agreeing)} of resampled series have {len(pieces.pieces)} pieces"
    return [text]


def _where(break_: Break) -> str:
    text = _range(break_.after, break_.before)
    return text if break_.interval is None else f"{text} [95 %: {_range(*break_.interval)}]"


def _chance(share: float) -> str:
    return "fewer than 0.1 %" if share < 0.001 else f"{percent(share, sign=False)} %"


def _published(line: ReferenceLine, name: str, unit: str, paper: Paper) -> _Row:
    return _Row(
        paper.clean(name if line.unit == unit else with_unit(name, line.unit)),
        slope=_number(line.slope),
        intercept=_number(line.intercept),
        x=_range(line.x_from, line.x_to),
        style="faint",
    )


def _estimate(value: float, interval: Optional[Interval]) -> Tuple[str, Tuple[str, str]]:
    """A value and its bounds to two digits of what is between the bounds, as more are noise."""
    if interval is None:
        return significant(value), ("", "")
    low, high = interval
    size, width = max(abs(low), abs(high)), high - low
    if not width > 0 or not 1e-6 <= size < 1e9:
        return significant(value), (significant(low), significant(high))
    decimals = min(1 - math.floor(math.log10(width)), _FITTED_DIGITS - 1 - math.floor(math.log10(size)))
    texts = [f"{number:.{max(0, decimals)}f}" for number in (value, low, high)]
    value_text, low_text, high_text = (text.lstrip("-") if float(text) == 0 else text for text in texts)
    return value_text, (low_text, high_text)


def _bounds(bounds: Sequence[Tuple[str, str]], styles: Sequence[Optional[str]], *, spare: int) -> Column:
    low = max(len(bound) for bound, _ in bounds)
    high = max(len(bound) for _, bound in bounds)
    texts = [f"[{pad(a, low, right=True)}, {pad(b, high, right=True)}]" if a else "" for a, b in bounds]
    return Column("[95 %]", texts, styles, right=False, gap=1, spare=spare)


def _range(start: Optional[float], end: Optional[float]) -> str:
    texts = ["" if bound is None else _number(bound) for bound in (start, end)]
    if start == end:
        return texts[0]
    if start is None or end is None:
        return f"from {texts[0]}" if end is None else f"to {texts[1]}"
    return "-".join(texts) if start >= 0 else " to ".join(texts)


def _by_source(published: Sequence[ReferenceLine]) -> Dict[str, List[str]]:
    sources: Dict[str, List[str]] = {}
    for line in published:
        names = sources.setdefault(line.source, [])
        if line.series not in names:
            names.append(line.series)
    return sources
