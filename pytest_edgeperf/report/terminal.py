"""The terminal report of a session."""

from __future__ import annotations

import re
from typing import Iterable, List

from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.report.benchmark_tables import phase_table, power_table
from pytest_edgeperf.report.closing import closing, closing_of_files
from pytest_edgeperf.report.creep import creep_lines
from pytest_edgeperf.report.curve_tables import curve_tables
from pytest_edgeperf.report.explanation_tables import explanation_blocks
from pytest_edgeperf.report.first_inferences import first_inferences_table
from pytest_edgeperf.report.grouping import only_file
from pytest_edgeperf.report.line_text import lines_not_judged
from pytest_edgeperf.report.published_figures import references_table
from pytest_edgeperf.report.published_matching import references
from pytest_edgeperf.report.published_selection import not_shown_lines, selection
from pytest_edgeperf.report.quiet import quiet_lines
from pytest_edgeperf.report.sections import Names, refreshed, renames
from pytest_edgeperf.report.sentences import baseline_runs_text
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.study_tables import study_tables
from pytest_edgeperf.report.summary_text import judged
from pytest_edgeperf.report.text import LEAST_WIDTH, Paper, wrap
from pytest_edgeperf.report.verdict_sections import sections_between, sections_of
from pytest_edgeperf.report.verdict_table import VerdictTable

#: GitHub Actions runs a printed line as a command where ``::`` follows its indentation, as do parameters in a row, or
#: where it holds ``##[`` (actions/runner, ActionCommand.cs).
_COMMANDS = re.compile(r"^[^\S\n]*:(?=:)|##(?=\[)", re.MULTILINE)


def render(report: SessionReport, *, width: int, colour: bool, verbosity: int = 0, ascii_only: bool = False) -> str:
    """The whole report; no line is wider than ``width`` (40 at least) but those that end in a path or a command.

    What informs stands first, then the verdicts, so that the last screen shows what got worse, whether it may be the
    machine, and what to type next. ``verbosity`` below 0 gives a line per failure and the summary, above 0 the phases
    and all names.
    """
    paper = Paper(max(width, LEAST_WIDTH), colour, ascii_only)
    ids = [*report.measured.benchmarks, *report.faults, *report.refused]
    names = Names(ids, paper)
    if verbosity < 0:
        return _joined([quiet_lines(report, names, paper)])
    everything = verbosity > 0
    comparison = judged(report)
    blocks: List[List[str]] = []
    if everything:
        blocks.append(phase_table(report, paper))
    if everything or any("power_mean" in benchmark.metrics for benchmark in report.measured.benchmarks.values()):
        blocks.append(power_table(report, paper))
    blocks += curve_tables(report.measured, names, paper)
    blocks.append(first_inferences_table(report.measured, paper))
    papers = selection(report.papers, verbose=everything)
    published = references(report.measured, report.published)
    blocks += study_tables(report.measured, paper, papers)
    blocks.append(references_table([figure for figure in published if papers.shows(figure.paper)], names, paper))
    blocks.append(not_shown_lines(report.papers, published, report.measured, papers, paper))
    blocks += explanation_blocks(comparison, report.measured.explanations, names, paper, everything=everything)
    table = VerdictTable(
        comparison.benchmarks,
        report.measured.benchmarks,
        paper,
        said=only_file([*ids, *comparison.benchmarks]),
        described=(report.baseline, report.measured),
    )
    for section in sections_of(report, everything=everything):
        table.add(section)
    verdicts = [
        table.lines(against=report.against is not None, measured=True),
        renames(comparison, names, paper, accepted=report.mode == "refresh"),
        lines_not_judged(comparison, paper),
        creep_lines(report.crept, names, paper, everything=everything),
    ]
    kept = {name: word for name, word in report.refreshed.items() if word == "kept"}
    verdicts.append(refreshed(kept, names, paper, everything=everything))
    more = baseline_runs_text(comparison) if everything and report.mode == "check" else None
    verdicts.append(_notes(report, paper) + (wrap(more, paper.width) if more is not None else []))
    end = closing(report, paper, table.left_out, above=_parted(verdicts))
    return _joined([*blocks, *verdicts, end])


def render_comparison(comparison: Comparison, *, width: int, colour: bool, ascii_only: bool = False) -> str:
    """The report on two results files, in the manner of :func:`render`."""
    paper = Paper(max(width, LEAST_WIDTH), colour, ascii_only)
    names = Names(list(comparison.benchmarks), paper)
    files = comparison.files
    explanations = {} if files is None else files.candidate_results.explanations
    described = () if files is None else (files.base_results, files.candidate_results)
    table = VerdictTable(comparison.benchmarks, {}, paper, said=only_file(comparison.benchmarks), described=described)
    for section in sections_between(comparison):
        table.add(section)
    verdicts = [
        table.lines(against=False, measured=False),
        renames(comparison, names, paper),
        lines_not_judged(comparison, paper),
    ]
    why = explanation_blocks(comparison, explanations, names, paper, everything=False)
    return _joined([*why, *verdicts, closing_of_files(comparison, paper, table.left_out, above=_parted(verdicts))])


def _parted(blocks: Iterable[List[str]]) -> List[str]:
    """The lines of blocks, an empty one between them."""
    lines: List[str] = []
    for block in filter(None, blocks):
        lines += ["", *block] if lines else block
    return lines


def _joined(blocks: Iterable[List[str]]) -> str:
    text = "\n".join(_parted(blocks))
    return _COMMANDS.sub(lambda start: start[0][:-1] + f"\\x{ord(start[0][-1]):02x}", text)


def _notes(report: SessionReport, paper: Paper) -> List[str]:
    lines: List[str] = []
    for note in report.notes:
        lines += wrap(paper.clean(f"note: {note}"), paper.width, hanging="      ")
    return lines
