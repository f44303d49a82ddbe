"""Studies that were measured at a single coordinate: one table of all, a row per metric and a column per series."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

from pytest_edgeperf.judge.studies.study_results import StudyResult
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.numbers import NOTHING, percent, significant
from pytest_edgeperf.report.study_remarks import ranks_of, table_title, with_unit
from pytest_edgeperf.report.table_layout import Column, width_of
from pytest_edgeperf.report.text import Paper, cells, middle_ellipsis, wrap
from pytest_edgeperf.report.whole_names import NAME_WIDTH, whole_names, whole_names_in_parts

_DIGITS = 6
#: Cells beside a column that somebody named.
_LEAST_NAME = 22


@dataclass
class _Rows:
    """What a study shows: a heading, and for each row a name and the text of each series."""

    heading: str
    series: Sequence[str]
    names: List[str] = field(default_factory=list)
    texts: List[Dict[str, str]] = field(default_factory=list)

    def add(self, name: str, texts: Dict[str, str], paper: Paper, *, below: bool = False) -> None:
        """Add a row; ``below``: it says more of the one above."""
        self.names.append(("    " if below else "  ") + paper.clean(name))
        self.texts.append({series: paper.clean(texts.get(series, NOTHING)) for series in self.series})


def has_single_point(result: StudyResult) -> bool:
    """Whether every series of a study has one point, all at one coordinate, and no published ratio stands beside it."""
    points = [point for series in result.series for point in series.points]
    one_each = all(len(series.points) == 1 for series in result.series)
    published = {ratio.label for ratio in result.study.published_ratios}.intersection(result.labels.values())
    return one_each and len({point.x for point in points}) == 1 and not published


def single_point_tables(results: Sequence[StudyResult], paper: Paper) -> List[List[str]]:
    """One table of all studies that have a single point each; several where their series do not fit side by side."""
    groups: List[List[_Rows]] = []
    for result in results:
        rows = _rows_of(result, paper)
        if groups and _fit([*groups[-1], rows], paper):
            groups[-1].append(rows)
        else:
            groups.append([rows])
    blocks = [_table(group, paper) if _fit(group, paper) else _turned(group[0], paper) for group in groups]
    remarks = _remarks(results, paper)
    return [*blocks[:-1], [*blocks[-1], *remarks]] if blocks else []


def _rows_of(result: StudyResult, paper: Paper) -> _Rows:
    study = result.study
    x = result.series[0].points[0].x
    at = f"{x:.{_DIGITS}g} {study.x_unit}" if study.x_unit else f"{study.x}: {x:.{_DIGITS}g}"
    label = f": {result.labels[x]}" if result.labels.get(x) else ""
    names = list(dict.fromkeys(series.series for series in result.series))
    rows = _Rows(paper.clean(f"{study.name}{label} ({at})"), names)
    of_whole = f"% of {metric_label(study.whole)}"
    for metric in study.metrics:
        of_metric = [series for series in result.series if series.metric == metric]
        if not of_metric:
            continue
        units = {series.unit for series in of_metric}
        unit = units.pop() if len(units) == 1 else ""
        texts = {
            series.series: significant(series.points[0].value) + (f" {series.unit}" if not unit and series.unit else "")
            for series in of_metric
        }
        rows.add(with_unit(metric_label(metric), unit), texts, paper)
        for ranking in result.rankings:
            if ranking.metric == metric and len(names) > 1:
                rows.add("rank", ranks_of(ranking), paper, below=True)
        for over in dict.fromkeys(ratios.over for ratios in result.ratios if ratios.metric == metric):
            better = {
                ratios.series: _times(ratios.points[0].times_better, ratios.points[0].interval)
                for ratios in result.ratios
                if (ratios.metric, ratios.over) == (metric, over) and ratios.points
            }
            rows.add(f"times better than {over}", better, paper, below=True)
        shares = _shares(result, metric)
        if metric in study.shares and shares:
            rows.add(of_whole, shares, paper, below=True)
    for part in study.shares:
        shares = _shares(result, part)
        if part not in study.metrics and shares:
            rows.add(f"{metric_label(part)}, {of_whole}", shares, paper)
    rest = {share.series: percent(share.points[0].rest, sign=False) for share in result.shares if share.points}
    if rest:
        rows.add(f"rest, {of_whole}", rest, paper)
    return rows


def _shares(result: StudyResult, part: str) -> Dict[str, str]:
    return {
        share.series: percent(share.points[0].parts[part], sign=False)
        for share in result.shares
        if share.points and part in share.points[0].parts
    }


def _times(value: float, interval: Optional[Tuple[float, float]]) -> str:
    if interval is None:
        return significant(value)
    return f"{significant(value)} [{', '.join(map(significant, interval))}]"


def _columns(group: Sequence[_Rows], paper: Paper) -> List[Column]:
    columns = []
    for name in dict.fromkeys(name for rows in group for name in rows.series):
        title = middle_ellipsis(paper.clean(name), paper.width - _LEAST_NAME, paper.ellipsis)
        columns.append(Column(title, [texts.get(name, "") for rows in group for texts in rows.texts]))
    return columns


def _fit(group: Sequence[_Rows], paper: Paper) -> bool:
    """Whether the figures of all series fit beside the names, of which the longest may take lines."""
    names = max((cells(name) for rows in group for name in rows.names), default=0)
    return sum(map(width_of, _columns(group, paper))) <= paper.width - min(names, NAME_WIDTH)


def _table(group: Sequence[_Rows], paper: Paper) -> List[str]:
    headings: Dict[int, str] = {}
    names: List[str] = []
    for rows in group:
        headings[len(names)] = rows.heading
        names += rows.names
    title = "studies with a single point" if len(group) > 1 else "a study with a single point"
    return table_title(title, paper) + whole_names("", names, _columns(group, paper), paper, headings=headings)


def _turned(rows: _Rows, paper: Paper) -> List[str]:
    """A row per series and a column per metric, where the names of the series are too long for columns."""
    columns = []
    for name, texts in zip(rows.names, rows.texts):
        title = middle_ellipsis(name.strip(), paper.width - _LEAST_NAME, paper.ellipsis)
        columns.append(Column(title, [texts[series] for series in rows.series]))
    names = [paper.clean(series) for series in rows.series]
    return table_title(rows.heading, paper) + whole_names_in_parts("series", names, columns, paper)


def _remarks(results: Sequence[StudyResult], paper: Paper) -> List[str]:
    rankings = [ranking for result in results for ranking in result.rankings]
    texts = []
    if any(len(group) > 1 for ranking in rankings for group in ranking.groups):
        texts.append("rank 1= 1=: these runs show no difference")
    if not all(ranking.separated for ranking in rankings):
        texts.append("single runs do not show ties: such ranks are by value")
    return [line for text in texts for line in wrap(text, paper.width, indent="  ")]
