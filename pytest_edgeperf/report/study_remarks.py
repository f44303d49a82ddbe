"""What tables of studies have in common: titles, ranks, marks of published figures with a remark, why one lacks."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, Dict, Iterable, List, Optional, Sequence, Tuple

from pytest_edgeperf.report.numbers import count
from pytest_edgeperf.report.text import Paper, middle_ellipsis, wrap
from pytest_edgeperf.results.study_definitions import ReferenceLine, Study
from pytest_edgeperf.results.types import Results

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.series_ratios import Ranking

#: Lines of the title of a table.
_TITLE_LINES = 6
#: The most of a column's title that somebody chose.
_TITLE_WIDTH = 12


def not_shown(study: Study, measured: Results, paper: Paper) -> List[List[str]]:
    """Why a study with measurements has no table, as lines."""
    text = why_not_shown(study, measured)
    if text is None:
        return []
    return [[paper.paint(line, "warning") for line in wrap(paper.clean(text), paper.width, hanging="  ")]]


def why_not_shown(study: Study, measured: Results) -> Optional[str]:
    """The same in a sentence: what disturbed runs gave is no evidence."""
    of_study = [one for one in measured.benchmarks.values() if one.place is not None and one.place.study == study.name]
    if not any(one.runs for one in of_study) or any(not run.disturbed for one in of_study for run in one.runs):
        return None
    number = count(len(of_study), "benchmark")
    return f"{study.name} is not shown: the machine was disturbed in every run of its {number}"


def marks(notes: Iterable[str]) -> List[str]:
    """A mark for each note, ``(a)``, ``(b)``, …, and none for an empty one; the same note has the same mark."""
    known = {"": ""}
    shown = []
    for note in notes:
        number = len(known) - 1
        letters = ascii_lowercase[number % 26] * (1 + number // 26)
        shown.append(known.setdefault(note, f"({letters})"))
    return shown


def marked_lines(published: Sequence[ReferenceLine]) -> Tuple[List[str], List[str]]:
    """The names of published lines, marked where a remark belongs to them, and the remarks with their marks."""
    of_line = marks(line.note for line in published)
    names = [f"{line.series} {mark}".rstrip() for line, mark in zip(published, of_line)]
    remarks = [f"{mark} {line.source}: {line.note}" for line, mark in zip(published, of_line) if mark]
    return names, list(dict.fromkeys(remarks))


def table_title(text: str, paper: Paper) -> List[str]:
    """The lines above a table; of a name without end, so many that it can be told from others."""
    shown = middle_ellipsis(paper.clean(text), _TITLE_LINES * paper.width, paper.ellipsis)
    return [paper.paint(line, "strong") for line in wrap(shown, paper.width, hanging="  ")]


def short_title(title: str, paper: Paper) -> str:
    """A column's title that somebody chose."""
    return middle_ellipsis(paper.clean(title), _TITLE_WIDTH, paper.ellipsis)


def coordinate_title(study: Study, paper: Paper) -> str:
    """The title of a study's coordinates: their unit, or what they are."""
    return short_title(study.x_unit or study.x, paper)


def with_unit(name: str, unit: str) -> str:
    """``latency (ms)``."""
    return f"{name} ({unit})" if unit else name


def ranks_of(ranking: Ranking) -> Dict[str, str]:
    """Each series' rank as a text, ``2=`` where it shares it: 1, 2=, 2=, 4."""
    texts = {}
    place = 1
    for group in ranking.groups:
        texts.update(dict.fromkeys(group, f"{place}{'=' if len(group) > 1 else ''}"))
        place += len(group)
    return texts
