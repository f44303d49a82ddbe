"""A session or a comparison as plain values for programs: the document that ``report_schema.json`` describes.

Within a version fields are only added. Whoever changes what a field means, or removes one, raises :data:`VERSION`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.verdicts import INCONCLUSIVE, REGRESSED, BenchmarkVerdict, Comparison
from pytest_edgeperf.report.explanation_text import with_explanation
from pytest_edgeperf.report.exporters.explanation_values import explanation_to_dict
from pytest_edgeperf.report.figures import deciding_metric, figure
from pytest_edgeperf.report.line_text import lines_count
from pytest_edgeperf.report.machine_evidence import runs_of, why_the_machine
from pytest_edgeperf.report.machine_text import machine_answer
from pytest_edgeperf.report.next_steps import NextStep, next_steps
from pytest_edgeperf.report.outcome import (
    EXIT_PASS,
    FAILED,
    NOTHING_COMPARED,
    Outcome,
    outcome_of_comparison,
    outcome_of_session,
)
from pytest_edgeperf.report.sentences import inconclusive_text, regression_text, verdict_counts
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import judged, summary_text
from pytest_edgeperf.results.example_answers import is_accuracy
from pytest_edgeperf.results.explanations import Explanation
from pytest_edgeperf.results.types import Benchmark, Results, Run

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.across_files import Across

FORMAT, VERSION = "edgeperf-report", 2
SESSION, COMPARISON, STUDIES = "session", "comparison", "studies"
_SUMMARIES = ("min", "p05", "p50", "p95", "p99", "mean")
#: What runs record where the doctor found nothing that lasts.
_NONE = "none"


def session_to_dict(report: SessionReport) -> Dict[str, Any]:
    """A session: ``pytest --edgeperf-report FILE.json``. Durations in seconds, figures in the unit of their metric."""
    comparison = judged(report)
    document = _head(SESSION, outcome_of_session(report), summary_text(report))
    document.update(
        device=report.device,
        machine=report.machine,
        mode=report.mode,
        against=report.against,
        rounds=report.rounds,
        seconds=report.seconds,
        is_it_the_machine=_machine(comparison, report.measured),
        studies=_studies(report.measured),
        faults=dict(report.faults),
        refreshed=dict(report.refreshed),
        refused=dict(report.refused),
        crept={
            name: {"ratio": creep.ratio, "tolerance": creep.tolerance, "since": creep.since}
            for name, creep in report.crept.items()
        },
        errors=list(report.errors),
        notes=list(report.notes),
        files=[{"kind": kind, "path": path} for kind, path in report.written],
        next_steps=_steps(next_steps(report)),
    )
    for name, moment in (("started", report.started), ("ended", report.ended)):
        if moment is not None:
            document[name] = moment.isoformat(timespec="seconds")
    _add_verdicts(document, comparison, report.measured, report.baseline)
    document["summary"].update(
        failed=len(report.faults), not_accepted=len(report.refused), measured=len(report.measured.benchmarks)
    )
    for name, (file, line) in report.locations.items():
        if name in document["benchmarks"]:
            document["benchmarks"][name]["location"] = {"file": file, "line": line}
    for name, reason in report.faults.items():
        entry = document["benchmarks"].setdefault(name, {"metrics": {}})
        entry.update(verdict=FAILED, reason=reason, sentences=[reason])
    return document


def comparison_to_dict(comparison: Comparison) -> Dict[str, Any]:
    """Two results files: ``edgeperf compare --format json``."""
    text = verdict_counts(comparison) + lines_count(comparison)
    document = _head(COMPARISON, outcome_of_comparison(comparison), text)
    files = comparison.files
    baseline, measured = (None, None) if files is None else (files.base_results, files.candidate_results)
    if files is not None:
        paths = (("base", files.base), ("candidate", files.candidate))
        document["files"] = [{"kind": kind, "path": path} for kind, path in paths]
        document["device"] = files.candidate_results.device
    document.update(is_it_the_machine=_machine(comparison, measured), next_steps=_steps(next_steps(comparison)))
    _add_verdicts(document, comparison, measured, baseline)
    return document


def studies_to_dict(across: Across) -> Dict[str, Any]:
    """The studies of results files, which nothing is compared of: ``edgeperf report --format json``."""
    from pytest_edgeperf.report.exporters.study_values import across_to_dict

    document = _head(STUDIES, Outcome(NOTHING_COMPARED, EXIT_PASS), "studies; nothing was compared")
    return {**document, **across_to_dict(across)}


def _head(kind: str, outcome: Outcome, text: str) -> Dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": kind,
        "verdict": outcome.verdict,
        "exit_code": outcome.exit_code,
        "sentence": text,
        "next_steps": [],
    }


def _add_verdicts(
    document: Dict[str, Any], comparison: Comparison, measured: Optional[Results], baseline: Optional[Results]
) -> None:
    """What the judge said, and beside it what was measured of each benchmark."""
    said = comparison.to_dict()
    benchmarks: Dict[str, Any] = said.pop("benchmarks")
    explanations = {} if measured is None else measured.explanations
    for name, entry in benchmarks.items():
        verdict = comparison.benchmarks[name]
        entry["decided_by"] = deciding_metric(verdict)
        entry["sentences"] = _sentences(name, verdict, explanations.get(name))
        if name in explanations:
            entry["explanation"] = explanation_to_dict(explanations[name])
        accepted = None if baseline is None else baseline.benchmarks.get(name)
        if accepted is not None and "baseline" not in entry:
            entry["baseline"] = {"commit": _newest_commit(accepted.runs)}
    for name, benchmark in () if measured is None else measured.benchmarks.items():
        entry = benchmarks.setdefault(name, {"verdict": None, "metrics": {}})
        _add_figures(entry, benchmark)
    document.update(said, benchmarks=benchmarks)
    document["summary"]["lines_regressed"] = len(comparison.regressed_lines)


def _add_figures(entry: Dict[str, Any], benchmark: Benchmark) -> None:
    entry.update(
        parameters=dict(benchmark.parameters),
        runs=len(benchmark.runs),
        disturbed_runs=sum(run.disturbed for run in benchmark.runs),
        commits=sorted({run.commit for run in benchmark.runs if run.commit is not None}),
    )
    for name, metric in benchmark.metrics.items():
        values = {summary: figure(benchmark, name, summary) for summary in _summaries_of(benchmark, name)}
        shown = {summary: value for summary, value in values.items() if value is not None}
        entry["metrics"].setdefault(name, {"verdict": None}).update(
            unit=metric.unit, better=metric.better, measured=shown
        )


def _summaries_of(benchmark: Benchmark, metric: str) -> Sequence[str]:
    """The summaries that a metric's runs have."""
    value = next((run.values[metric] for run in benchmark.runs if metric in run.values), None)
    if not isinstance(value, Mapping) or is_accuracy(value):
        return ("p50",)
    return [summary for summary in _SUMMARIES if summary in value]


def _newest_commit(runs: Sequence[Run]) -> Optional[str]:
    named = [(run.started, run.commit) for run in runs if run.commit is not None]
    return max(named)[1] if named else None


def _sentences(name: str, verdict: BenchmarkVerdict, explanation: Optional[Explanation]) -> List[str]:
    """What a person reads of a benchmark that is worse or undecided."""
    if verdict.verdict == REGRESSED:
        return with_explanation(regression_text(name, verdict), explanation).splitlines()
    text = inconclusive_text(verdict) if verdict.verdict == INCONCLUSIVE else verdict.reason
    return [text] if text else []


def _machine(comparison: Comparison, measured: Optional[Results]) -> Dict[str, Any]:
    """Whether the machine may be behind what is worse or undecided, and what speaks for it."""
    answer, runs = machine_answer(comparison, measured), runs_of(measured)
    environments = {} if measured is None else measured.environments
    findings = {str(sections.get("doctor", {}).get("findings", _NONE)) for sections in environments.values()}
    return {
        "suspected": answer.suspected,
        "answer": answer.sentence,
        "reasons": why_the_machine(comparison, measured),
        "runs": len(runs),
        "disturbed_runs": sum(run.disturbed for run in runs),
        "disturbed_by": dict(Counter(kind for run in runs for kind in _disturbed_by(run))),
        "doctor": sorted({finding for text in findings - {_NONE} for finding in text.split(", ")}),
    }


def _disturbed_by(run: Run) -> Iterable[str]:
    reasons = (run.quality or {}).get("disturbed_by") or ()
    return {str(reason).split(" ")[0] for reason in reasons} if run.disturbed else ()


def _studies(measured: Results) -> Mapping[str, Any]:
    if not measured.studies:
        return {}
    # Fits take numpy and scipy, which start slowly on a board.
    from pytest_edgeperf.judge.studies.study_results import read_studies
    from pytest_edgeperf.report.exporters.study_values import study_to_dict

    try:
        return {study.study.name: study_to_dict(study) for study in read_studies(measured)}
    except ValueError:
        # The terminal says why they cannot be read together.
        return {}


def _steps(steps: Sequence[NextStep]) -> List[Dict[str, str]]:
    return [{"purpose": step.purpose, "command": step.command} for step in steps]
