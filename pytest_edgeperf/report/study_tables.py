"""The tables of studies: each series' line and pieces beside published lines, ratios, ranks, shares, Pareto fronts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Sequence, Tuple

from pytest_edgeperf.judge.studies.line_fits import Interval, LineFit
from pytest_edgeperf.judge.studies.study_results import SeriesResult, StudyResult, read_studies
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.labelled_tables import LABEL, first_ranking, labelled_blocks, labelled_tables
from pytest_edgeperf.report.numbers import NOTHING, decimal_column, percent, significant
from pytest_edgeperf.report.pareto_text import (
    LEGEND,
    SINGLE_RUNS,
    ParetoRow,
    has_equal,
    has_single_runs,
    rows_of,
    title_of,
)
from pytest_edgeperf.report.shortening import shorten_names
from pytest_edgeperf.report.study_remarks import not_shown
from pytest_edgeperf.report.table_layout import NAME_WIDTH, Column, lay_out, lay_out_in_parts, width_of
from pytest_edgeperf.report.text import Paper, cells, enumerate_names, middle_ellipsis, pad, wrap
from pytest_edgeperf.results.study_definitions import ReferenceLine, Study
from pytest_edgeperf.results.types import Results

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.across_files import Across
    from pytest_edgeperf.judge.studies.line_pieces import Break
    from pytest_edgeperf.judge.studies.pareto_fronts import ParetoFront
    from pytest_edgeperf.judge.studies.series_ratios import Ranking

#: Of a published number, and of a fitted one whose interval is next to nothing.
_PUBLISHED_DIGITS = 6
_FITTED_DIGITS = 4
_SERIES = "series"
#: The most of a column's title that somebody chose.
_TITLE_WIDTH = 12
#: Cells that make a column of units or coordinates worth them, if what is said of a point keeps as many.
_PLACE_WIDTH = 24
#: Cells that the name of another point needs.
_LEAST_PLACE_WIDTH = 14


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


def study_tables(measured: Results, paper: Paper) -> List[List[str]]:
    """The blocks of lines of all studies that the results hold: see :func:`tables_of`."""
    if not measured.studies:
        return []
    try:
        studies = read_studies(measured)
    except ValueError as error:
        lines = wrap(paper.clean(f"studies are not shown: {error}"), paper.width, hanging="  ")
        return [[paper.paint(line, "warning") for line in lines]]
    return [block for study in studies for block in tables_of(study, paper) or not_shown(study.study, measured, paper)]


def across_text(across: Across, paper: Paper) -> str:
    """The studies of several files, and what of them could not be read together."""
    blocks = [block for study in across.studies for block in tables_of(study, paper)]
    if not blocks:
        blocks.append(["there are no measurements of any study that was asked for"])
    for remark in across.remarks:
        lines = wrap(paper.clean(f"note: {remark}"), paper.width, hanging="      ")
        blocks.append([paper.paint(line, "warning") for line in lines])
    return "\n\n".join("\n".join(block) for block in blocks)


def tables_of(study: StudyResult, paper: Paper) -> List[List[str]]:
    """A block of lines per metric of which at least one series has a line, ratios, ranks; shares; fronts.

    Published lines of a metric stand below the measured ones, with their digits and units as published. Points with
    labels have a row each.
    """
    if study.labels and not study.study.lines:
        return _labelled(study, paper)
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
        if ranked:
            blocks.append(_ranks(study.study, metric, ranked, paper))
    if study.shares:
        blocks.append(_shares(study, paper))
    return blocks + [_pareto(study.study, front, paper) for front in study.pareto]


def _title(text: str, paper: Paper) -> List[str]:
    return [paper.paint(line, "strong") for line in wrap(paper.clean(text), paper.width, hanging="  ")]


def _labelled(result: StudyResult, paper: Paper) -> List[List[str]]:
    blocks = labelled_blocks(
        labelled_tables(result, {ranking.x: ranks_of(ranking) for ranking in first_ranking(result)}), paper
    )
    if result.shares:
        blocks.append(_shares(result, paper))
    return blocks + [_pareto(result.study, front, paper) for front in result.pareto]


def _ratios(result: StudyResult, metric: str, paper: Paper) -> List[str]:
    study = result.study
    names, coordinates, bounds, values, runs = [], [], [], [], []
    for ratios in result.ratios:
        for position, point in enumerate(ratios.points if ratios.metric == metric else ()):
            names.append("" if position else paper.clean(f"{ratios.series} / {ratios.over}"))
            coordinates.append(f"{point.x:.{_PUBLISHED_DIGITS}g}")
            value, ends = _estimate(point.times_better, point.interval)
            values.append(value)
            bounds.append(ends)
            runs.append("/".join(map(str, point.runs)))
    columns = [
        Column(_coordinate(study, paper), coordinates),
        Column("times better", values),
        _bounds(bounds, [None] * len(bounds), spare=1),
        Column("runs", runs, spare=2),
    ]
    title = _title(f"{study.name}: {metric_label(metric)}, how many times better one series is than another", paper)
    return title + lay_out(_SERIES, [pad(name, len(_SERIES)) for name in names], columns, paper)


def _ranks(study: Study, metric: str, ranked: Sequence[Ranking], paper: Paper) -> List[str]:
    names = list(dict.fromkeys(name for ranks in ranked for group in ranks.groups for name in group))
    columns = []
    for ranks in ranked:
        texts = dict.fromkeys(names, NOTHING)
        texts.update(ranks_of(ranks))
        columns.append(Column(f"{ranks.x:.{_PUBLISHED_DIGITS}g}", [texts[name] for name in names]))
    equal = any(len(group) > 1 for ranks in ranked for group in ranks.groups)
    says = " (=: these runs show no difference)" if equal else ""
    over = _with_unit(study.x, study.x_unit)
    lines = _title(f"{study.name}: ranks by {metric_label(metric)} over {over}{says}", paper)
    lines += lay_out_in_parts(_SERIES, [pad(paper.clean(name), len(_SERIES)) for name in names], columns, paper)
    if not all(ranking.separated for ranking in ranked):
        lines += wrap("single runs do not show ties: such ranks are by value", paper.width, indent="  ")
    return lines


def ranks_of(ranking: Ranking) -> Dict[str, str]:
    """Each series' rank as a text, ``2=`` where it shares it: 1, 2=, 2=, 4."""
    texts = {}
    place = 1
    for group in ranking.groups:
        texts.update(dict.fromkeys(group, f"{place}{'=' if len(group) > 1 else ''}"))
        place += len(group)
    return texts


def _shares(result: StudyResult, paper: Paper) -> List[str]:
    study = result.study
    rows = [
        (series.series, position, point) for series in result.shares for position, point in enumerate(series.points)
    ]
    if result.labels:
        labels = [pad(paper.clean(result.labels.get(row.x, NOTHING)), len(LABEL)) for _, _, row in rows]
        columns = [Column(LABEL, labels, right=False)]
    else:
        columns = [Column(_coordinate(study, paper), [f"{row.x:.{_PUBLISHED_DIGITS}g}" for _, _, row in rows])]
    for part in study.shares:
        texts = [percent(row.parts[part], sign=False) if part in row.parts else NOTHING for _, _, row in rows]
        columns.append(Column(_short(metric_label(part), paper), texts))
    columns.append(Column("rest", [percent(row.rest, sign=False) for _, _, row in rows]))
    names = [pad("" if position else paper.clean(name), len(_SERIES)) for name, position, _ in rows]
    title = _title(f"{study.name}: shares of {metric_label(study.whole)} (%)", paper)
    return title + lay_out_in_parts(_SERIES, names, columns, paper, repeated=1)


def _pareto(study: Study, front: ParetoFront, paper: Paper) -> List[str]:
    rows = rows_of(front)
    names = [paper.clean(row.point.series) for row in rows]
    first = min(NAME_WIDTH, max(cells(text) for text in ("benchmark", *names)))
    for columns in _pareto_columns(study, front, rows, paper):
        room = paper.width - first - sum(map(width_of, columns)) - 2
        if room >= _PLACE_WIDTH:
            break
    says = _verdicts(rows, max(room, 1), paper)
    styles = ["good" if row.point.on_front else None for row in rows]
    columns.append(Column("Pareto front", says, styles, right=False))
    lines = _title(f"{study.name}: {title_of(front)}{' ' + LEGEND if has_equal(front) else ''}", paper)
    lines += lay_out(_SERIES, [pad(name, len(_SERIES)) for name in names], columns, paper)
    if has_single_runs(front):
        lines += wrap(SINGLE_RUNS, paper.width, indent="  ")
    return lines


def _pareto_columns(
    study: Study, front: ParetoFront, rows: Sequence[ParetoRow], paper: Paper
) -> Iterator[List[Column]]:
    """With coordinates and units; without coordinates; without either."""
    sides = (
        (front.cost, front.cost_metric.unit, [row.point.cost for row in rows]),
        (front.gain, front.gain_metric.unit, [row.point.gain for row in rows]),
    )
    columns = []
    for name, unit, values in sides:
        texts = [f"{text} {paper.clean(unit)}".rstrip() for text in decimal_column(values)]
        columns.append(Column(_short(metric_label(name), paper), texts, right=not unit))
    yield [Column(_coordinate(study, paper), [row.x for row in rows]), *columns]
    yield columns
    bare = [(metric_label(name), [significant(value) for value in values]) for name, _, values in sides]
    yield [
        Column(middle_ellipsis(paper.clean(label), max(map(len, texts)), paper.ellipsis), texts)
        for label, texts in bare
    ]


def _verdicts(rows: Sequence[ParetoRow], room: int, paper: Paper) -> List[str]:
    """What is said of each point, in so many cells."""
    longest = max((cells(paper.clean(row.by)) for row in rows), default=0)
    prefix = "dominated by " if len("dominated by ") + longest <= room else "by "
    others = shorten_names([paper.clean(row.by) for row in rows], max(room - len(prefix), 1), paper.ellipsis)
    texts = []
    for row, other in zip(rows, others):
        if row.point.on_front:
            step = paper.clean(f"front, {row.step}") if row.step else "front"
            text = step if cells(step) <= room else "front"
        else:
            text = prefix + other if room >= _LEAST_PLACE_WIDTH else "dominated"
        texts.append(middle_ellipsis(text, room, paper.ellipsis))
    return texts


def _coordinate(study: Study, paper: Paper) -> str:
    return _short(study.x_unit or study.x, paper)


def _short(title: str, paper: Paper) -> str:
    return middle_ellipsis(paper.clean(title), _TITLE_WIDTH, paper.ellipsis)


def _values(result: StudyResult, metric: str, of_metric: Sequence[SeriesResult], paper: Paper) -> List[str]:
    """A column per coordinate, and where a further step no longer pays."""
    study = result.study
    units = sorted({series.unit for series in of_metric})
    unit = units[0] if len(units) == 1 else ""
    over = f"{_with_unit(metric_label(metric), unit)} over {_with_unit(study.x, study.x_unit)}"
    lines = [paper.paint(line, "strong") for line in wrap(paper.clean(f"{study.name}: {over}"), paper.width)]
    names = [paper.clean(series.series if unit else _with_unit(series.series, series.unit)) for series in of_metric]
    columns = []
    for x in sorted({point.x for series in of_metric for point in series.points}):
        values = [next((point.value for point in series.points if point.x == x), None) for series in of_metric]
        texts = [NOTHING if value is None else significant(value) for value in values]
        columns.append(Column(f"{x:.{_PUBLISHED_DIGITS}g}", texts))
    pays = [series.pays_up_to() for series in of_metric]
    if any(pay is not None for pay in pays):
        texts = [NOTHING if pay is None else f"{pay:.{_PUBLISHED_DIGITS}g}" for pay in pays]
        columns.append(Column("pays up to", texts))
    return lines + lay_out_in_parts(_SERIES, [pad(name, len(_SERIES)) for name in names], columns, paper)


def _table(result: StudyResult, metric: str, of_metric: Sequence[SeriesResult], paper: Paper) -> List[str]:
    study = result.study
    units = sorted({series.unit for series in of_metric})
    unit = units[0] if len(units) == 1 else ""
    published = [line for line in study.references if line.metric == metric]
    rows = [row for series in of_metric for row in (_measured(series, unit, paper), *_pieces(series))]
    rows += [_published(line, unit, paper) for line in published]
    title = f"{study.name}: {_with_unit(metric_label(metric), unit)} over {_with_unit(study.x, study.x_unit)}"
    lines = [paper.paint(line, "strong") for line in wrap(paper.clean(title), paper.width, hanging="  ")]
    styles = [row.style for row in rows]
    columns = [
        Column("slope", [row.slope for row in rows], styles),
        _bounds([row.slope_bounds for row in rows], styles, spare=2),
        Column("intercept", [row.intercept for row in rows], styles, spare=1),
        _bounds([row.intercept_bounds for row in rows], styles, spare=3),
        Column("n", [row.points for row in rows], styles, spare=5),
        Column(paper.clean(study.x_unit or study.x), [row.x for row in rows], styles, spare=4),
    ]
    lines += lay_out(_SERIES, [pad(row.name, len(_SERIES)) for row in rows], columns, paper)
    for series in of_metric:
        for text in pieces_text(series, study):
            lines += wrap(paper.clean(text), paper.width, indent="  ", hanging="    ")
    for source, names in _by_source(published).items():
        remarks = "; ".join(
            [source, *dict.fromkeys(line.note for line in published if line.source == source and line.note)]
        )
        lines += wrap(paper.clean(f"{', '.join(names)}: {remarks}"), paper.width, indent="  ", hanging="    ")
    return lines


def _measured(series: SeriesResult, unit: str, paper: Paper) -> _Row:
    name = paper.clean(series.series if unit else _with_unit(series.series, series.unit))
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


def _published(line: ReferenceLine, unit: str, paper: Paper) -> _Row:
    return _Row(
        paper.clean(line.series if line.unit == unit else _with_unit(line.series, line.unit)),
        slope=f"{line.slope:.{_PUBLISHED_DIGITS}g}",
        intercept=f"{line.intercept:.{_PUBLISHED_DIGITS}g}",
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
    texts = ["" if bound is None else f"{bound:.{_PUBLISHED_DIGITS}g}" for bound in (start, end)]
    if start == end:
        return texts[0]
    if start is None or end is None:
        return f"from {texts[0]}" if end is None else f"to {texts[1]}"
    return "-".join(texts) if start >= 0 else " to ".join(texts)


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def _by_source(published: Sequence[ReferenceLine]) -> Dict[str, List[str]]:
    sources: Dict[str, List[str]] = {}
    for line in published:
        names = sources.setdefault(line.source, [])
        if line.series not in names:
            names.append(line.series)
    return sources
