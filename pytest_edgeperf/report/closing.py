"""How a report ends: the outcome, whether it may be the machine, when it was measured, and what to type next."""

from __future__ import annotations

from datetime import datetime
from statistics import median
from typing import List, Optional, Sequence

from pytest_edgeperf.judge.verdicts import INCONCLUSIVE, REGRESSED, Comparison
from pytest_edgeperf.report.figures import LATENCY
from pytest_edgeperf.report.line_text import lines_count
from pytest_edgeperf.report.next_steps import NextStep, next_steps
from pytest_edgeperf.report.numbers import change, count, duration
from pytest_edgeperf.report.sentences import apart_text, other_machine_text, ruled_out_text, verdict_counts
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import common_shift_text, is_bad, judged, outcome_text
from pytest_edgeperf.report.text import Paper, wrap

#: A median of fewer benchmarks says nothing of the machine.
_LEAST_BENCHMARKS = 3


def closing(report: SessionReport, paper: Paper, left_out: Sequence[str] = ()) -> List[str]:
    """The last lines of a session's report; ``left_out`` are clauses on what the tables do not list."""
    comparison = judged(report)
    style = "bad" if is_bad(report) else "strong"
    outcome = paper.clean("; ".join([outcome_text(report), *left_out]))
    lines = [paper.paint(line, style) for line in wrap(outcome, paper.width)]
    lines += _sentences([ruled_out_text(comparison)], paper)
    lines += machine_lines(comparison, paper, report=report)
    lines += _labelled("measured", measured_text(report), paper)
    lines += [paper.clean(f"{what}: {path}") for what, path in report.written]
    return lines + next_lines(next_steps(report), paper)


def closing_of_files(comparison: Comparison, paper: Paper, left_out: Sequence[str] = ()) -> List[str]:
    """The last lines of a comparison of two files, in the same way."""
    lines = machine_lines(comparison, paper)
    style = "bad" if comparison.regressed_lines or comparison.summary[REGRESSED] else "strong"
    outcome = wrap("; ".join([verdict_counts(comparison) + lines_count(comparison), *left_out]), paper.width)
    lines += next_lines(next_steps(comparison), paper)
    return [*(paper.paint(line, style) for line in outcome), *_sentences([ruled_out_text(comparison)], paper), *lines]


def next_lines(steps: Sequence[NextStep], paper: Paper) -> List[str]:
    """What to type next: each command whole on its line, so that it can be pasted, however long it is."""
    labels = [paper.paint(paper.clean(f"next, {step.purpose}:"), "remark") for step in steps]
    return [f"{label} {paper.clean(step.command)}" for label, step in zip(labels, steps)]


def machine_lines(comparison: Comparison, paper: Paper, *, report: Optional[SessionReport] = None) -> List[str]:
    """What the machine has to do with the verdicts: a shift of all, disturbed runs, another machine, other sessions."""
    lines: List[str] = []
    if report is not None:
        what = f"{report.device} ({report.machine})" if report.machine else report.device
        lines += _labelled("machine", what, paper)
    signs = [_disturbed(report, comparison)]
    if _is_asked(comparison):
        signs = [_median_change(comparison), *signs, _same_machine(comparison)]
    known = list(filter(None, signs))
    lines += wrap(paper.clean(f"is it the machine? {'; '.join(known)}"), paper.width, hanging="  ") if known else []
    for text in filter(None, [common_shift_text(comparison), other_machine_text(comparison), apart_text(comparison)]):
        lines += [paper.paint(line, "warning") for line in wrap(paper.clean(text), paper.width, indent="  ")]
    return lines


def measured_text(report: SessionReport) -> str:
    """``14:02:10 to 14:14:15 (12 min 5 s), 9 rounds``."""
    rounds = f"{count(report.rounds, 'round')}" if report.rounds else ""
    if report.started is None or report.ended is None:
        return " in ".join(filter(None, [rounds, duration(report.seconds)]))
    times = f"{_time(report.started)} to {_time(report.ended, report.started)} ({duration(report.seconds)})"
    return ", ".join(filter(None, [times, rounds]))


def _time(moment: datetime, since: Optional[datetime] = None) -> str:
    """The time of day, with the date of the first and of another day."""
    if since is not None and moment.date() == since.date():
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _median_change(comparison: Comparison) -> Optional[str]:
    """How far the benchmarks moved together, where no sentence says it."""
    metrics = [verdict.metrics.get(LATENCY) for verdict in comparison.benchmarks.values()]
    ratios = [metric.ratio for metric in metrics if metric is not None and metric.ratio is not None]
    if comparison.common_shift is not None or len(ratios) < _LEAST_BENCHMARKS:
        return None
    return f"median change of all {len(ratios)} benchmarks {change(median(ratios))}"


def _disturbed(report: Optional[SessionReport], comparison: Comparison) -> Optional[str]:
    """How many runs were disturbed; nothing where none was and nobody asks."""
    runs = [run for one in report.measured.benchmarks.values() for run in one.runs] if report is not None else []
    disturbed = sum(run.disturbed for run in runs)
    if not disturbed and not (runs and _is_asked(comparison)):
        return None
    return f"{disturbed or 'none'} of {count(len(runs), 'run')} disturbed"


def _is_asked(comparison: Comparison) -> bool:
    """Whether there is something that the machine may explain."""
    undecided = comparison.summary[REGRESSED] + comparison.summary[INCONCLUSIVE]
    return bool(undecided or comparison.regressed_lines)


def _same_machine(comparison: Comparison) -> Optional[str]:
    if comparison.other_machine is not None or not any(one.metrics for one in comparison.benchmarks.values()):
        return None
    paired = any(metric.paired for one in comparison.benchmarks.values() for metric in one.metrics.values())
    return "both sides took turns on it" if paired else "no sign of another machine than the baseline's"


def _labelled(label: str, text: str, paper: Paper) -> List[str]:
    return wrap(paper.clean(f"{label}: {text}"), paper.width, hanging="  ")


def _sentences(texts: Sequence[Optional[str]], paper: Paper) -> List[str]:
    return [line for text in texts if text is not None for line in wrap(paper.clean(text), paper.width)]
