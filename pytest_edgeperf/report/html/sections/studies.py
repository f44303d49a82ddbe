"""Studies: per metric its curve with the fit and what was published of it; labelled points; shares; Pareto fronts."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from pytest_edgeperf.judge.studies.study_results import StudyResult, read_studies
from pytest_edgeperf.report.html.sections import Section
from pytest_edgeperf.report.html.study_charts import Chart, curve_charts, dot_charts, pareto_chart, share_chart
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.study_parts import StudyPart, TextTable, study_parts
from pytest_edgeperf.report.study_remarks import why_not_shown
from pytest_edgeperf.results.types import Results


def data(subject: Subject) -> Optional[Dict[str, Any]]:
    """The studies of a session's own runs, or of several files; ``None`` where there is none and nothing to say."""
    if subject.across is not None:
        studies, remarks = subject.across.studies, list(subject.across.remarks)
    else:
        studies, remarks = _of_session(subject.measured)
    shown = [study for study in map(_study, studies) if study["parts"]]
    return {"studies": shown, "remarks": remarks} if shown or remarks else None


def _of_session(measured: Results) -> Tuple[Tuple[StudyResult, ...], List[str]]:
    try:
        studies = read_studies(measured)
    except ValueError as error:
        return (), [f"studies are not shown: {error}"]
    whys = [why_not_shown(result.study, measured) for result in studies if not result.series]
    return tuple(studies), [why for why in whys if why is not None]


def _study(result: StudyResult) -> Dict[str, Any]:
    labelled = bool(result.labels) and not result.study.lines
    return {
        "name": result.study.name,
        "charts": dot_charts(result) if labelled else [],
        "parts": [
            {"heading": part.heading, "charts": _charts(result, part), "tables": list(map(_table, part.tables))}
            for part in study_parts(result)
        ],
    }


def _charts(result: StudyResult, part: StudyPart) -> List[Chart]:
    if part.front is not None:
        return [pareto_chart(result, part.front)]
    if part.shares:
        return [share_chart(result)]
    return [] if part.metric is None else curve_charts(result, part.metric)


def _table(table: TextTable) -> Dict[str, Any]:
    return {"header": list(table.header), "rows": [list(row) for row in table.rows], "notes": list(table.notes)}


SECTION = Section("studies", "Studies", data, scripts=("plots.js", "studies.js"), styles=("pages.css",))
