"""The tables of studies: the line of each series, and the published lines beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from pytest_edgeperf.judge.fits import Interval
from pytest_edgeperf.judge.studies import SeriesResult, StudyResult, read_studies
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.numbers import NOTHING, significant
from pytest_edgeperf.report.table import Column, lay_out
from pytest_edgeperf.report.text import Paper, pad, wrap
from pytest_edgeperf.results.studies import STUDIES, ReferenceLine
from pytest_edgeperf.results.types import Results

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


def study_tables(measured: Results, paper: Paper) -> List[List[str]]:
    """A block of lines per study and metric of which at least one series has a line.

    Published lines of a metric stand below the measured ones, with their digits and units as published.
    """
    if STUDIES not in measured.extra:
        return []
    try:
        studies = read_studies(measured)
    except ValueError as error:
        lines = wrap(paper.clean(f"studies are not shown: {error}"), paper.width, hanging="  ")
        return [[paper.paint(line, "warning") for line in lines]]
    blocks = []
    for study in studies:
        for metric in study.study.metrics:
            found = [series for series in study.series if series.metric == metric]
            if found and not study.study.lines:
                blocks.append(_values(study, metric, found, paper))
            elif any(series.fit is not None for series in found):
                blocks.append(_table(study, metric, found, paper))
    return blocks


def _values(result: StudyResult, metric: str, found: Sequence[SeriesResult], paper: Paper) -> List[str]:
    """A column per coordinate, and where a further step no longer pays."""
    study = result.study
    units = sorted({series.unit for series in found})
    unit = units[0] if len(units) == 1 else ""
    over = f"{_with_unit(metric_label(metric), unit)} over {_with_unit(study.x, study.x_unit)}"
    lines = [paper.paint(line, "strong") for line in wrap(paper.clean(f"{study.name}: {over}"), paper.width)]
    names = [paper.clean(one.series if unit else _with_unit(one.series, one.unit)) for one in found]
    columns = []
    for x in sorted({point.x for series in found for point in series.points}):
        values = [next((point.value for point in series.points if point.x == x), None) for series in found]
        texts = [NOTHING if value is None else significant(value) for value in values]
        columns.append(Column(f"{x:.{_PUBLISHED_DIGITS}g}", texts))
    pays = [series.pays_up_to() for series in found]
    if any(one is not None for one in pays):
        texts = [NOTHING if one is None else f"{one:.{_PUBLISHED_DIGITS}g}" for one in pays]
        columns.append(Column("pays up to", texts, spare=1))
    return lines + lay_out(_SERIES, [pad(name, len(_SERIES)) for name in names], columns, paper)


def _table(result: StudyResult, metric: str, found: Sequence[SeriesResult], paper: Paper) -> List[str]:
    study = result.study
    units = sorted({series.unit for series in found})
    unit = units[0] if len(units) == 1 else ""
    published = [line for line in study.references if line.metric == metric]
    rows = [_measured(series, unit, paper) for series in found]
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
    for source, names in _by_source(published).items():
        lines += wrap(paper.clean(f"{', '.join(names)}: {source}"), paper.width, indent="  ", hanging="    ")
    return lines


def _measured(series: SeriesResult, unit: str, paper: Paper) -> _Row:
    name = paper.clean(series.series if unit else _with_unit(series.series, series.unit))
    points, x = str(len(series.points)), _range(series.points[0].x, series.points[-1].x)
    if series.fit is None:
        return _Row(name, points=points, x=x)
    slope, slope_bounds = _estimate(series.fit.slope, series.fit.slope_interval)
    intercept, intercept_bounds = _estimate(series.fit.intercept, series.fit.intercept_interval)
    return _Row(name, slope, slope_bounds, intercept, intercept_bounds, points, x)


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
    texts = [f"{one:.{max(0, decimals)}f}" for one in (value, low, high)]
    value_text, low_text, high_text = (text.lstrip("-") if float(text) == 0 else text for text in texts)
    return value_text, (low_text, high_text)


def _bounds(bounds: Sequence[Tuple[str, str]], styles: Sequence[Optional[str]], *, spare: int) -> Column:
    low = max(len(one) for one, _ in bounds)
    high = max(len(one) for _, one in bounds)
    texts = [f"[{pad(a, low, right=True)}, {pad(b, high, right=True)}]" if a else "" for a, b in bounds]
    return Column("[95 %]", texts, styles, right=False, gap=1, spare=spare)


def _range(start: Optional[float], end: Optional[float]) -> str:
    texts = ["" if one is None else f"{one:.{_PUBLISHED_DIGITS}g}" for one in (start, end)]
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
