"""Why a study has no table."""

from __future__ import annotations

from typing import List, Optional

from pytest_edgeperf.report.text import Paper, wrap
from pytest_edgeperf.results.study_definitions import Study
from pytest_edgeperf.results.types import Results


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
    return f"{study.name} is not shown: the machine was disturbed in every run of its {len(of_study)} benchmarks"
