"""Pareto fronts on a terminal: every point with its cost and gain, and what is said of it."""

from __future__ import annotations

from typing import Iterator, List, Sequence

from pytest_edgeperf.judge.studies.pareto_fronts import ParetoFront
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.numbers import decimal_column, significant
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
from pytest_edgeperf.report.study_remarks import coordinate_title, short_title, table_title
from pytest_edgeperf.report.table_layout import NAME_WIDTH, Column, width_of
from pytest_edgeperf.report.text import Paper, cells, middle_ellipsis, wrap
from pytest_edgeperf.report.whole_names import whole_names
from pytest_edgeperf.results.study_definitions import Study

#: Cells that make a column of units or coordinates worth them, if what is said of a point keeps as many.
_PLACE_WIDTH = 24
#: Cells that the name of another point needs.
_LEAST_PLACE_WIDTH = 14


def pareto_table(study: Study, front: ParetoFront, paper: Paper) -> List[str]:
    """The lines of one front."""
    rows = rows_of(front)
    names = [paper.clean(row.point.series) for row in rows]
    first = min(NAME_WIDTH, max(cells(text) for text in ("benchmark", *names)))
    for columns in _columns(study, front, rows, paper):
        room = paper.width - first - sum(map(width_of, columns)) - 2
        if room >= _PLACE_WIDTH:
            break
    says = _verdicts(rows, max(room, 1), paper)
    styles = ["good" if row.point.on_front else None for row in rows]
    title = "Pareto front" if room >= len("Pareto front") else "front"
    columns.append(Column(title, says, styles, right=False))
    lines = table_title(f"{study.name}: {title_of(front)}{' ' + LEGEND if has_equal(front) else ''}", paper)
    lines += whole_names("series", names, columns, paper)
    if has_single_runs(front):
        lines += wrap(SINGLE_RUNS, paper.width, indent="  ")
    return lines


def _columns(study: Study, front: ParetoFront, rows: Sequence[ParetoRow], paper: Paper) -> Iterator[List[Column]]:
    """With coordinates and units; without coordinates; without either."""
    sides = (
        (front.cost, front.cost_metric.unit, [row.point.cost for row in rows]),
        (front.gain, front.gain_metric.unit, [row.point.gain for row in rows]),
    )
    columns = []
    for name, unit, values in sides:
        texts = [f"{text} {paper.clean(unit)}".rstrip() for text in decimal_column(values)]
        columns.append(Column(short_title(metric_label(name), paper), texts, right=not unit))
    yield [Column(coordinate_title(study, paper), [row.x for row in rows]), *columns]
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
