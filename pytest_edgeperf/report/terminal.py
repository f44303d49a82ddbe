"""The terminal report of a session."""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.verdicts import REGRESSED, Comparison
from pytest_edgeperf.report.benchmark_tables import comparison_table, latency_table, phase_table, power_table
from pytest_edgeperf.report.creep import creep_lines, creep_summary
from pytest_edgeperf.report.curve_tables import curve_tables
from pytest_edgeperf.report.first_inferences import first_inferences_table
from pytest_edgeperf.report.line_text import line_failures, line_headline, lines_count, lines_not_judged
from pytest_edgeperf.report.published_figures import references_table
from pytest_edgeperf.report.published_matching import references
from pytest_edgeperf.report.sections import (
    WHY_IN_CHECK,
    WHY_IN_FILES,
    Names,
    accepted_worse,
    failures,
    faults,
    not_accepted,
    not_accepted_in_short,
    not_judged,
    refreshed,
    renames,
    why_against,
    why_in_refresh,
)
from pytest_edgeperf.report.sentences import (
    apart_text,
    baseline_runs_text,
    other_machine_text,
    regression_headline,
    ruled_out_text,
    verdict_counts,
)
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.study_tables import study_tables
from pytest_edgeperf.report.summary_text import accepted, common_shift_text, is_bad, judged, summary_text
from pytest_edgeperf.report.text import LEAST_WIDTH, Paper, wrap


def render(report: SessionReport, *, width: int, colour: bool, verbosity: int = 0, ascii_only: bool = False) -> str:
    """The whole report; no line is wider than ``width`` (40 at least) but those that end in a path.

    ``verbosity`` below 0 gives a line per failure and the summary, above 0 the phases and all names.
    """
    paper = Paper(max(width, LEAST_WIDTH), colour, ascii_only)
    names = Names([*report.measured.benchmarks, *report.faults, *report.refused], paper)
    if verbosity < 0:
        return "\n".join([*_quiet(report, names, paper), *_summary(report, paper)])
    blocks = [latency_table(report, names, paper)]
    if verbosity > 0:
        blocks.append(phase_table(report, names, paper))
    if verbosity > 0 or any("power_mean" in benchmark.metrics for benchmark in report.measured.benchmarks.values()):
        blocks.append(power_table(report, names, paper))
    blocks += curve_tables(report.measured, names, paper)
    blocks.append(first_inferences_table(report.measured, names, paper))
    blocks += study_tables(report.measured, paper)
    blocks.append(references_table(references(report.measured, report.published), names, paper))
    comparison = judged(report)
    if report.mode == "refresh":
        blocks.append(accepted_worse(accepted(report), names, paper))
        blocks.append(line_failures(comparison, paper, heading="accepted although worse", style="warning"))
    else:
        blocks.append(failures(comparison, names, paper))
        blocks.append(line_failures(comparison, paper))
    blocks.append(faults(report.faults, names, paper))
    blocks.append(not_judged(comparison, _whys(report), names, paper, everything=verbosity > 0))
    blocks.append(renames(comparison, names, paper, accepted=report.mode == "refresh"))
    blocks.append(lines_not_judged(comparison, paper))
    blocks.append(creep_lines(report.crept, names, paper, everything=verbosity > 0))
    blocks.append(refreshed(report.refreshed, names, paper, everything=verbosity > 0))
    blocks.append(not_accepted(report.refused, names, paper, everything=verbosity > 0))
    shared = _common_shift(comparison, paper) + _other_machine(comparison, paper)
    more = [baseline_runs_text(comparison)] if verbosity > 0 and report.mode == "check" else []
    blocks.append(shared + _notes(report, paper) + _ruled_out(comparison, paper) + _sentences(more, paper))
    blocks.append(_summary(report, paper) + _written(report, paper))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def render_comparison(comparison: Comparison, *, width: int, colour: bool, ascii_only: bool = False) -> str:
    """The report on two results files, in the manner of :func:`render`."""
    paper = Paper(max(width, LEAST_WIDTH), colour, ascii_only)
    names = Names(list(comparison.benchmarks), paper)
    blocks = [
        comparison_table(comparison, names, paper),
        failures(comparison, names, paper),
        line_failures(comparison, paper),
        not_judged(comparison, WHY_IN_FILES, names, paper, everything=True),
        renames(comparison, names, paper),
        lines_not_judged(comparison, paper),
        _common_shift(comparison, paper) + _other_machine(comparison, paper) + _ruled_out(comparison, paper),
        wrap(verdict_counts(comparison) + lines_count(comparison), paper.width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _whys(report: SessionReport) -> Mapping[str, str]:
    if report.against is not None:
        return why_against(report.against)
    return why_in_refresh(judged(report)) if report.mode == "refresh" else WHY_IN_CHECK


def _summary(report: SessionReport, paper: Paper) -> List[str]:
    style = "bad" if is_bad(report) else "strong"
    return [paper.paint(line, style) for line in wrap(paper.clean(summary_text(report)), paper.width)]


def _quiet(report: SessionReport, names: Names, paper: Paper) -> List[str]:
    lines = []
    word = "accepted although worse" if report.mode == "refresh" else REGRESSED
    for benchmark_id, verdict in accepted(report).benchmarks.items():
        if verdict.verdict == REGRESSED:
            text = f"{word}: {names[benchmark_id]}: {regression_headline(benchmark_id, verdict)}"
            lines += wrap(paper.clean(text), paper.width, hanging="  ")
    for line in judged(report).regressed_lines:
        lines += wrap(paper.clean(f"{word}: {line_headline(line)}"), paper.width, hanging="  ")
    for benchmark_id, reason in report.faults.items():
        lines += wrap(paper.clean(f"failed: {names[benchmark_id]}: {reason}"), paper.width, hanging="  ")
    lines += not_accepted_in_short(report.refused, names, paper)
    painted = [paper.paint(line, "bad") for line in lines]
    if lines:
        painted += _other_machine(judged(report), paper)
    if report.crept:
        text = paper.clean(creep_summary(report.crept, names))
        painted += [paper.paint(line, "warning") for line in wrap(text, paper.width, hanging="  ")]
    return painted


def _common_shift(comparison: Comparison, paper: Paper) -> List[str]:
    text = common_shift_text(comparison)
    return [] if text is None else [paper.paint(line, "warning") for line in wrap(text, paper.width)]


def _other_machine(comparison: Comparison, paper: Paper) -> List[str]:
    text = other_machine_text(comparison)
    return [] if text is None else [paper.paint(line, "warning") for line in wrap(paper.clean(text), paper.width)]


def _ruled_out(comparison: Comparison, paper: Paper) -> List[str]:
    return _sentences([apart_text(comparison), ruled_out_text(comparison)], paper)


def _sentences(texts: Sequence[Optional[str]], paper: Paper) -> List[str]:
    return [line for text in texts if text is not None for line in wrap(text, paper.width)]


def _notes(report: SessionReport, paper: Paper) -> List[str]:
    lines: List[str] = []
    for note in report.notes:
        lines += wrap(paper.clean(f"note: {note}"), paper.width, hanging="      ")
    return lines


def _written(report: SessionReport, paper: Paper) -> List[str]:
    return [paper.clean(f"{what}: {path}") for what, path in report.written]
