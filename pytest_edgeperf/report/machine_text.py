"""Whether a change may be the machine's and not the code's: what speaks for it, and what against."""

from __future__ import annotations

from typing import List, Optional

from pytest_edgeperf.judge.verdicts import UNCHANGED, Comparison
from pytest_edgeperf.report.machine_evidence import why_the_machine
from pytest_edgeperf.report.numbers import count
from pytest_edgeperf.report.sentences import apart_text
from pytest_edgeperf.results.types import Results

_SIDE_BY_SIDE = "pytest --against=REF measures both commits side by side."


def machine_remarks(comparison: Comparison, measured: Optional[Results] = None) -> List[str]:
    """Sentences that answer "is it the machine?" for what got worse.

    Args:
        comparison: the verdicts.
        measured: this side's runs, where they are at hand.
    """
    remarks = why_the_machine(comparison, measured) or [_without_signs(comparison)]
    apart = apart_text(comparison)
    return remarks if apart is None else [*remarks, apart]


def _without_signs(comparison: Comparison) -> str:
    metrics = [metric for verdict in comparison.benchmarks.values() for metric in verdict.metrics.values()]
    compared = [metric for metric in metrics if metric.ratio is not None]
    if compared and all(metric.paired for metric in compared):
        return "Unlikely: both sides were measured in turns on the same machine, so what it did affected both."
    unchanged = comparison.summary[UNCHANGED]
    if unchanged:
        return f"Nothing points to it: {count(unchanged, 'other benchmark')} of the same session did not change."
    return f"Not known: no other benchmark of the session is unchanged. {_SIDE_BY_SIDE}"
