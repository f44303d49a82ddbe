"""Whose published figures a report shows: everybody's with ``-v``, or those of the papers that were asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, FrozenSet, Iterable, List, Sequence

from pytest_edgeperf.report.text import Paper, enumerate_names, wrap

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.study_results import StudyResult
    from pytest_edgeperf.report.published_matching import Reference
    from pytest_edgeperf.results.types import Results

ALL, NONE = "all", "none"
OPTION = "--edgeperf-published"


@dataclass(frozen=True)
class PaperSelection:
    """The papers whose figures are shown: those of ``names``, or ``everything``."""

    names: FrozenSet[str] = frozenset()
    everything: bool = False

    def shows(self, paper: str) -> bool:
        """Whether figures of this paper are shown."""
        return self.everything or paper in self.names

    def of_study(self, result: StudyResult) -> StudyResult:
        """A study without the published lines and ratios of papers that are not shown."""
        study = result.study
        lines = tuple(line for line in study.references if self.shows(paper_of(line.source)))
        ratios = tuple(ratio for ratio in study.published_ratios if self.shows(paper_of(ratio.source)))
        if (lines, ratios) == (study.references, study.published_ratios):
            return result
        return replace(result, study=replace(study, references=lines, published_ratios=ratios))


ALL_PAPERS = PaperSelection(everything=True)


def selection(asked: Sequence[str], *, verbose: bool) -> PaperSelection:
    """What was asked for: names of papers, ``all`` or ``none``; where nothing was, ``verbose`` shows everybody's."""
    if not asked:
        return PaperSelection(everything=verbose)
    return PaperSelection(frozenset(asked) - {ALL, NONE}, everything=ALL in asked)


def paper_of(source: str) -> str:
    """The paper that a source begins with: ``suo-2021`` of ``suo-2021 formula (2)``."""
    words = source.split(maxsplit=1)
    return words[0].rstrip(",:;") if words else ""


def not_shown_lines(
    asked: Sequence[str], found: Sequence[Reference], measured: Results, shown: PaperSelection, paper: Paper
) -> List[str]:
    """That there are published figures, and how to see them; or that there are none of a paper that was asked for."""
    known = sorted({*(figure.paper for figure in found), *_papers_of_studies(measured)} - {""})
    if not asked:
        hidden = [name for name in known if not shown.shows(name)]
        if not hidden:
            return []
        text = (
            f"Published figures of {enumerate_names(hidden)} belong to these benchmarks: -v shows them, "
            f"{OPTION}={hidden[0]} those of one paper."
        )
    else:
        absent = [name for name in dict.fromkeys(asked) if name not in (ALL, NONE, *known)]
        if not absent:
            return []
        text = (
            f"No published figures of {enumerate_names(absent)} belong to these benchmarks on {measured.device}: "
            "edgeperf baseline references RESULTS --device NAME shows those of another device."
        )
    return [paper.paint(line, "remark") for line in wrap(paper.clean(text), paper.width, hanging="  ")]


def _papers_of_studies(measured: Results) -> Iterable[str]:
    placed = {benchmark.place.study for benchmark in measured.benchmarks.values() if benchmark.place is not None}
    for name, study in measured.studies.items():
        if name in placed:
            sources = [line.source for line in study.references] + [ratio.source for ratio in study.published_ratios]
            yield from map(paper_of, sources)
