"""The report of ``-q``: a line for each thing that failed or was left out, and one for all."""

from __future__ import annotations

from typing import Dict, List, Mapping, Sequence

from pytest_edgeperf.judge.verdicts import INCOMPARABLE, MISSING, NEW, REGRESSED, Comparison
from pytest_edgeperf.report.creep import creep_summary
from pytest_edgeperf.report.line_text import line_headline
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.sentences import differences_text, other_machine_text, regression_headline
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import accepted, common_shift_text, is_bad, judged, summary_text
from pytest_edgeperf.report.text import Paper, enumerate_names, wrap
from pytest_edgeperf.report.verdict_sections import whys

_NAMES = 3


def quiet_lines(report: SessionReport, names: Names, paper: Paper) -> List[str]:
    """What failed, what was not accepted or not compared and why, and the summary."""
    comparison = judged(report)
    refreshing = report.mode == "refresh"
    word = "accepted although worse" if refreshing else REGRESSED
    texts = [
        f"{word}: {names[name]}: {regression_headline(name, verdict)}"
        for name, verdict in accepted(report).benchmarks.items()
        if verdict.verdict == REGRESSED
    ]
    texts += [f"{word}: {line_headline(line)}" for line in comparison.regressed_lines]
    texts += [f"failed: {names[name]}: {reason}" for name, reason in report.faults.items()]
    texts += _by_reason("not accepted", report.refused, names)
    lines = [paper.paint(line, "bad") for text in texts for line in _wrapped(text, paper)]
    warnings = _by_reason("not compared", _not_compared(report, comparison), names)
    if texts:
        warnings += filter(None, [common_shift_text(comparison), other_machine_text(comparison)])
    if report.crept:
        warnings.append(creep_summary(report.crept, names))
    lines += [paper.paint(line, "warning") for text in warnings for line in _wrapped(text, paper)]
    style = "bad" if is_bad(report) else "strong"
    return lines + [paper.paint(line, style) for line in _wrapped(summary_text(report), paper)]


def _not_compared(report: SessionReport, comparison: Comparison) -> Mapping[str, str]:
    """Why benchmarks were not compared; a refresh compares only to say what it makes worse."""
    if report.mode == "refresh":
        return {}
    why = whys(report)
    reasons = {}
    for name, verdict in comparison.benchmarks.items():
        if verdict.verdict == INCOMPARABLE:
            reasons[name] = differences_text(verdict.differences) or verdict.reason or why[INCOMPARABLE]
        elif verdict.verdict in (NEW, MISSING):
            reasons[name] = why[verdict.verdict]
    return reasons


def _by_reason(word: str, reasons: Mapping[str, str], names: Names) -> List[str]:
    """A sentence per reason, with the first names."""
    members: Dict[str, List[str]] = {}
    for benchmark_id, reason in reasons.items():
        members.setdefault(reason, []).append(names[benchmark_id])
    return [f"{word}: {_shown(listed)}: {reason}" for reason, listed in members.items()]


def _shown(names: Sequence[str]) -> str:
    more = len(names) - _NAMES
    return enumerate_names([*names[:_NAMES], *([f"{more} more"] if more > 0 else [])])


def _wrapped(text: str, paper: Paper) -> List[str]:
    return wrap(paper.clean(text), paper.width, hanging="  ")
