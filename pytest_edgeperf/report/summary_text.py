"""What a session comes to in one line, and the verdicts that a report may show."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from pytest_edgeperf.judge.verdicts import REGRESSED, Comparison
from pytest_edgeperf.report.line_text import lines_count
from pytest_edgeperf.report.numbers import change, count, duration
from pytest_edgeperf.report.sentences import verdict_counts
from pytest_edgeperf.report.session_report import SessionReport


def judged(report: SessionReport) -> Comparison:
    """The verdicts without those on benchmarks that then failed: a fault is reported once, as a fault."""
    if report.comparison is None:
        return Comparison({})
    kept = {name: verdict for name, verdict in report.comparison.benchmarks.items() if name not in report.faults}
    return replace(report.comparison, benchmarks=kept)


def accepted(report: SessionReport) -> Comparison:
    """The verdicts without those on what a refresh did not accept."""
    comparison = judged(report)
    kept = {name: verdict for name, verdict in comparison.benchmarks.items() if name not in report.refused}
    return replace(comparison, benchmarks=kept)


def is_bad(report: SessionReport) -> bool:
    """Whether something could not be measured, or got worse and was not accepted as such."""
    comparison = judged(report)
    worse = bool(comparison.summary[REGRESSED] or comparison.regressed_lines)
    return bool(report.faults) or (worse and report.mode != "refresh")


def outcome_text(report: SessionReport) -> str:
    """``48 unchanged, 1 regressed``."""
    comparison = judged(report)
    parts = [verdict_counts(comparison) + lines_count(comparison)] if comparison.benchmarks else []
    measured = sum(name not in report.faults for name in report.measured.benchmarks)
    if report.comparison is None and measured:
        parts.append(f"{measured} measured")
    if report.faults:
        parts.append(f"{len(report.faults)} failed")
    text = ", ".join(parts) or "nothing measured"
    return text if report.against is None else f"against {report.against}: {text}"


def summary_text(report: SessionReport) -> str:
    """``48 unchanged, 1 regressed in 6 rounds, 12 min 5 s on nano (…)``."""
    text = outcome_text(report)
    if report.rounds:
        text += f" in {count(report.rounds, 'round')}"
    text += f"{',' if report.rounds else ' in'} {duration(report.seconds)} on {report.device}"
    return f"{text} ({report.machine})" if report.machine else text


def common_shift_text(comparison: Comparison) -> Optional[str]:
    """That all benchmarks moved together, and what to make of it."""
    if comparison.common_shift is None:
        return None
    return (
        f"All benchmarks moved together: latency {change(comparison.common_shift)}. Look for what they share "
        "(machine, clocks, library) first; the verdicts contain this shift."
    )
