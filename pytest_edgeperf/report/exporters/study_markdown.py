"""Studies as Markdown: a heading for each, and a table for each thing that it shows."""

from __future__ import annotations

from typing import List

from pytest_edgeperf.judge.studies.across_files import Across
from pytest_edgeperf.judge.studies.study_results import StudyResult
from pytest_edgeperf.report.markup import escape, item, table
from pytest_edgeperf.report.study_parts import study_parts


def across_markdown(across: Across) -> str:
    """What ``edgeperf report --format markdown`` prints."""
    lines: List[str] = []
    for study in across.studies:
        lines += [*study_markdown(study), ""]
    lines += [item(remark) for remark in across.remarks]
    return "\n".join(lines).rstrip("\n") + "\n"


def study_markdown(result: StudyResult) -> List[str]:
    """The lines of one study: a heading, and a table for each thing that it shows."""
    lines = [f"## {escape(result.study.name)}"]
    for part in study_parts(result):
        lines += ["", f"### {escape(part.heading)}"]
        for shown in part.tables:
            lines += ["", *table(shown.header, shown.rows)]
            lines += ["", *map(item, shown.notes)] if shown.notes else []
    return lines
