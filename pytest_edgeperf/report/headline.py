"""What a session or a comparison comes to in a few words, the worst first: for headings and titles."""

from __future__ import annotations

from typing import List

from pytest_edgeperf.judge.verdicts import IMPROVED, INCONCLUSIVE, REGRESSED, UNCHANGED, Comparison
from pytest_edgeperf.report.numbers import count
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import judged


def comparison_headline(comparison: Comparison, faults: int = 0) -> str:
    """``2 of 8 benchmarks regressed, 1 could not be measured``."""
    counts = comparison.summary
    total = len(comparison.benchmarks) + faults
    parts: List[str] = []
    if counts[REGRESSED]:
        parts.append(f"{counts[REGRESSED]} of {count(total, 'benchmark')} regressed")
    lines = len(comparison.regressed_lines)
    if lines:
        parts.append(f"{count(lines, 'line')} regressed")
    if faults:
        of_all = "" if parts else f" of {count(total, 'benchmark')}"
        parts.append(f"{faults}{of_all} could not be measured")
    if parts:
        return ", ".join(parts)
    clear, inconclusive = counts[UNCHANGED] + counts[IMPROVED], counts[INCONCLUSIVE]
    others = total - clear - inconclusive
    if not (clear or inconclusive):
        return f"none of {count(total, 'benchmark')} could be compared" if total else "nothing to compare"
    parts += [f"no regression in {count(clear, 'benchmark')}"] if clear else []
    if inconclusive:
        parts.append(f"{inconclusive if clear else count(inconclusive, 'benchmark')} inconclusive")
    parts += [f"{others} not compared"] if others else []
    return ", ".join(parts)


def session_headline(report: SessionReport) -> str:
    """The same of a session: also what a refresh accepted, or that nothing was compared."""
    if report.mode == "refresh":
        accepted = sum(word in ("created", "updated") for word in report.refreshed.values())
        parts = [f"{count(accepted, 'benchmark')} accepted as baseline" if accepted else "no benchmark was accepted"]
        parts += [f"{len(report.refused)} not accepted"] if report.refused else []
        parts += [f"{len(report.faults)} could not be measured"] if report.faults else []
        return ", ".join(parts)
    if report.comparison is None:
        measured = sum(name not in report.faults for name in report.measured.benchmarks)
        parts = [f"{count(measured, 'benchmark')} measured, none compared" if measured else "nothing measured"]
        parts += [f"{len(report.faults)} could not be measured"] if report.faults else []
        return ", ".join(parts)
    return comparison_headline(judged(report), len(report.faults))
