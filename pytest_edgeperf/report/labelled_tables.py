"""Studies whose points have labels (networks, say): a row for each point instead of a column for each coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, Iterable, List, Optional, Sequence, Tuple

from pytest_edgeperf.judge.studies.study_results import SeriesResult, StudyResult
from pytest_edgeperf.report.figures import PHASES, metric_label
from pytest_edgeperf.report.numbers import NOTHING, decimal_column, significant
from pytest_edgeperf.report.study_remarks import marks
from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.report.text import Paper, wrap
from pytest_edgeperf.report.whole_names import whole_names_in_parts

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.series_ratios import Ranking

#: Title of the points' names.
LABEL = "point"


@dataclass(frozen=True)
class LabelledColumn:
    """A title and a text for each row."""

    title: str
    texts: Sequence[str]


@dataclass(frozen=True)
class LabelledTable:
    """A title, the labels of the rows, their columns, and remarks below."""

    title: str
    labels: Sequence[str]
    columns: Sequence[LabelledColumn]
    remarks: Sequence[str] = ()


def labelled_tables(result: StudyResult, ranks: Dict[float, Dict[str, str]]) -> List[LabelledTable]:
    """The metrics of each series; the first metric of all series and their ranks; how many times better one is.

    Args:
        result: a study whose points have labels.
        ranks: of the series by the first metric, as texts, by coordinate.
    """
    names = list(dict.fromkeys(series.series for series in result.series))
    tables = [_of_series(result, name) for name in names]
    first = [series for series in result.series if series.metric == result.study.metrics[0]]
    if len(first) > 1:
        tables.append(_of_metric(result, first, ranks))
    pairs = dict.fromkeys((ratios.series, ratios.over) for ratios in result.ratios)
    return tables + [_of_pair(result, series, over) for series, over in pairs]


def first_ranking(result: StudyResult) -> List[Ranking]:
    """The ranks by the first metric."""
    return [ranking for ranking in result.rankings if ranking.metric == result.study.metrics[0]]


def labelled_blocks(tables: Iterable[LabelledTable], paper: Paper) -> List[List[str]]:
    """The lines of each table; names keep up to half of the width, and what is too wide goes on below."""
    blocks = []
    for table in tables:
        names = [paper.clean(label) for label in table.labels]
        columns = [
            Column(paper.clean(column.title), [paper.clean(text) for text in column.texts]) for column in table.columns
        ]
        lines = [paper.paint(line, "strong") for line in wrap(paper.clean(table.title), paper.width, hanging="  ")]
        lines += whole_names_in_parts(LABEL, names, columns, paper, name_width=paper.width // 2)
        for remark in table.remarks:
            lines += wrap(paper.clean(remark), paper.width, indent="  ", hanging="    ")
        blocks.append(lines)
    return blocks


def _of_series(result: StudyResult, name: str) -> LabelledTable:
    by_metric = {series.metric: series for series in result.series if series.series == name}
    # several may have one coordinate, and one label: a row each
    rows = sorted(
        {
            (point.x, result.label_of[point.benchmark], point.benchmark)
            for series in by_metric.values()
            for point in series.points
        }
    )
    columns = [_coordinates(result, [x for x, _, _ in rows])]
    for metric in (metric for metric in result.study.metrics if metric in by_metric):
        values = {point.benchmark: point.value for point in by_metric[metric].points}
        texts = decimal_column([values.get(benchmark) for _, _, benchmark in rows])
        columns.append(LabelledColumn(_with_unit(_short(metric), by_metric[metric].unit), texts))
    return LabelledTable(f"{result.study.name}: {name}", [label for _, label, _ in rows], columns)


def _of_metric(
    result: StudyResult, several: Sequence[SeriesResult], ranks: Dict[float, Dict[str, str]]
) -> LabelledTable:
    rows = sorted({(point.x, result.label_of[point.benchmark]) for series in several for point in series.points})
    columns = [_coordinates(result, [x for x, _ in rows])]
    for series in several:
        values = {(point.x, result.label_of[point.benchmark]): point.value for point in series.points}
        columns.append(LabelledColumn(series.series, decimal_column([values.get(row) for row in rows])))
        if ranks:
            ranked = [ranks.get(row[0], {}) if row in values else {} for row in rows]
            texts = [ranks_there.get(series.series, NOTHING) for ranks_there in ranked]
            columns.append(LabelledColumn("rank", texts))
    title = _with_unit(metric_label(result.study.metrics[0]), several[0].unit)
    remarks = []
    if any(text.endswith("=") for texts in ranks.values() for text in texts.values()):
        remarks.append("rank 1= 1=: these runs show no difference")
    if not all(ranking.separated for ranking in first_ranking(result)):
        remarks.append("single runs do not show ties: such ranks are by value")
    return LabelledTable(f"{result.study.name}: {title} of all series", [label for _, label in rows], columns, remarks)


def _of_pair(result: StudyResult, series: str, over: str) -> LabelledTable:
    study = result.study
    by_metric = {ratios.metric: ratios for ratios in result.ratios if (ratios.series, ratios.over) == (series, over)}
    coordinates = sorted({point.x for ratios in by_metric.values() for point in ratios.points})
    columns: List[LabelledColumn] = []
    remarks: Dict[str, None] = {}
    for metric in (metric for metric in study.metrics if metric in by_metric):
        points = {point.x: point for point in by_metric[metric].points}
        values = [points[x].times_better if x in points else None for x in coordinates]
        bounds = [_bounds(points[x].interval) if x in points else "" for x in coordinates]
        longest = max(map(len, bounds))
        texts = [f"{value} {ends:>{longest}}".rstrip() for value, ends in zip(decimal_column(values), bounds)]
        columns.append(LabelledColumn(_short(metric) + (" [95 %]" if longest else ""), texts))
        for title, texts, sources in _published(result, metric, series, over, coordinates):
            columns.append(LabelledColumn(title, texts))
            remarks.update(dict.fromkeys(sources))
    return LabelledTable(
        f"{study.name}: how many times better {series} is than {over}",
        [result.labels[x] for x in coordinates],
        columns,
        tuple(remarks),
    )


def _published(
    result: StudyResult, metric: str, series: str, over: str, coordinates: Sequence[float]
) -> List[Tuple[str, List[str], List[str]]]:
    """Of each published pair, this one or, where none was measured, others: title, texts, and source with remarks."""
    known = [ratio for ratio in result.study.published_ratios if ratio.metric == metric]
    same = [ratio for ratio in known if (ratio.series, ratio.over) == (series, over)]
    if not same and {(ratio.series, ratio.over) for ratio in known} & {
        (ratio.series, ratio.over) for ratio in result.ratios
    }:
        return []
    columns = []
    for pair in dict.fromkeys((ratio.series, ratio.over, ratio.source) for ratio in same or known):
        values = {ratio.label: ratio for ratio in known if (ratio.series, ratio.over, ratio.source) == pair}
        shown = [values.get(label) if label is not None else None for label in map(result.labels.get, coordinates)]
        of_row = marks("" if ratio is None else ratio.note for ratio in shown)
        texts = ["" if ratio is None else f"{ratio.value:g} {mark}".rstrip() for ratio, mark in zip(shown, of_row)]
        if any(texts):
            title = "published" if same else f"{pair[0]}/{pair[1]}"
            notes = [f"{mark} {ratio.note}" for ratio, mark in zip(shown, of_row) if ratio is not None and mark]
            columns.append((title, texts, [f"{title}: {pair[2]}", *dict.fromkeys(notes)]))
    return columns


def _coordinates(result: StudyResult, coordinates: Sequence[float]) -> LabelledColumn:
    study = result.study
    return LabelledColumn(study.x_unit or study.x, decimal_column(list(coordinates)))


def _bounds(interval: Optional[Tuple[float, float]]) -> str:
    return "" if interval is None else f"[{significant(interval[0])}, {significant(interval[1])}]"


def _short(metric: str) -> str:
    return metric_label(PHASES.get(metric, metric))


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name
