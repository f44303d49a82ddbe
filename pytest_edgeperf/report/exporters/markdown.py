"""Markdown, for a comment on a pull request or a CI step's summary: the verdict, what got worse, why, what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Iterable, List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    UNCHANGED,
    BenchmarkVerdict,
    Comparison,
)
from pytest_edgeperf.report.change_text import difference_remarks
from pytest_edgeperf.report.explanation_text import with_explanation
from pytest_edgeperf.report.exporters.explanation_markdown import explanation_blocks, explanation_markdown
from pytest_edgeperf.report.exporters.interface import Exporter
from pytest_edgeperf.report.exporters.markdown_blocks import Block, fitting, folded
from pytest_edgeperf.report.exporters.markdown_tables import figures_rows, refused_text, undecided_row, verdict_row
from pytest_edgeperf.report.headline import comparison_headline, session_headline
from pytest_edgeperf.report.line_text import line_name, line_text, lines_count
from pytest_edgeperf.report.machine_evidence import why_the_machine
from pytest_edgeperf.report.machine_text import as_sentence, machine_answer
from pytest_edgeperf.report.markup import code, codes, escape, fence, item
from pytest_edgeperf.report.next_steps import NextStep, next_steps
from pytest_edgeperf.report.numbers import change
from pytest_edgeperf.report.sentences import (
    apart_text,
    regression_text,
    rename_text,
    ruled_out_text,
    verdict_counts,
)
from pytest_edgeperf.report.summary_text import accepted, judged, summary_text
from pytest_edgeperf.report.text import common_path

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.across_files import Across
    from pytest_edgeperf.report.published_matching import Reference
    from pytest_edgeperf.report.session_report import SessionReport
    from pytest_edgeperf.report.text import Paper
    from pytest_edgeperf.results.explanations import Explanation
    from pytest_edgeperf.results.types import Benchmark, Results

_ORDER = (REGRESSED, INCONCLUSIVE, INCOMPARABLE, MISSING, NEW, IMPROVED, UNCHANGED)
_NOT_CLEAR = (INCONCLUSIVE, INCOMPARABLE, MISSING, NEW)

#: GitHub refuses a comment of more than 65,536 characters; no character has less than a byte.
COMMENT_BYTES = 65_000
#: Rows that a reader sees without opening anything; the rest is folded.
_OPEN_ROWS = 10
_ALL_BY_COMPARE = "`edgeperf compare --format json`"
_ALL_BY_SESSION = "`--edgeperf-report` with a `.json` file"
#: Of the device in the marker.
_MARKED_CHARACTERS = 100
_UNMARKED = re.compile(r"[^A-Za-z0-9_.]+")


class Markdown(Exporter):
    """Markdown for a comment on a pull request, a page, or a CI step's summary."""

    name = "markdown"
    suffixes = (".md", ".markdown")

    def session(self, report: SessionReport, paper: Paper) -> str:
        """A marker, the verdict, what failed or got worse and why, what to type next; all else folded below."""
        return session_markdown(report)

    def comparison(self, comparison: Comparison, paper: Paper) -> str:
        """The same of two results files."""
        return comparison_markdown(comparison)

    def explanation(self, benchmark_id: str, explanation: Explanation, paper: Paper) -> str:
        """A heading, what explains the loss, and a table of all rows."""
        return explanation_markdown(benchmark_id, explanation)

    def studies(self, across: Across, paper: Paper) -> str:
        """A heading for each study, and a table for each thing that it shows."""
        from pytest_edgeperf.report.exporters.study_markdown import across_markdown

        return across_markdown(across)

    def references(self, references: Sequence[Reference], measured: Results, paper: Paper) -> str:
        """A row per published figure."""
        from pytest_edgeperf.report.published_figures import references_markdown

        return references_markdown(references)


def marker(device: str) -> str:
    """What a comment begins with, so that the next session of the device replaces it; a reader does not see it."""
    return f"<!-- edgeperf:{_UNMARKED.sub('-', device)[:_MARKED_CHARACTERS].strip('-') or '-'} -->"


def comparison_markdown(comparison: Comparison, most_bytes: int = COMMENT_BYTES) -> str:
    """What ``edgeperf compare --format markdown`` prints: one file's runs judged against another's."""
    ordered = _ordered(comparison)
    measured = None if comparison.files is None else comparison.files.candidate_results
    prefix = common_path(list(comparison.benchmarks))
    head = [f"### edgeperf: {escape(comparison_headline(comparison))}"]
    if comparison.benchmarks:
        head += ["", escape(f"{verdict_counts(comparison)}{lines_count(comparison)}.")]
    blocks = [Block(head=head), *_worse(comparison, prefix, REGRESSED)]
    explanations = {} if measured is None else measured.explanations
    blocks += [*explanation_blocks(comparison, explanations, prefix), *_why(comparison, measured)]
    blocks += _next(next_steps(comparison))
    blocks += [
        *_evidence(comparison, explanations),
        *_not_clear(comparison, prefix),
        *_all_verdicts(ordered, prefix, measured.benchmarks if measured else {}),
    ]
    ruled_out = ruled_out_text(comparison)
    blocks += _list("Remarks", "remark", [item(ruled_out)] if ruled_out else [])
    return fitting(blocks, most_bytes, _ALL_BY_COMPARE)


def session_markdown(report: SessionReport, most_bytes: int = COMMENT_BYTES, *, all_by: str = _ALL_BY_SESSION) -> str:
    """The same of a session, with what could not be measured or accepted, and its studies.

    Args:
        report: the session.
        most_bytes: of the document in UTF-8; what is left out to stay below it is counted.
        all_by: where all of it is, as Markdown.
    """
    comparison = judged(report)
    names = [*report.measured.benchmarks, *comparison.benchmarks, *report.faults, *report.refused]
    prefix = common_path(names)
    where = f"on {code(report.device)}"
    head = [marker(report.device), f"### edgeperf {where}: {escape(session_headline(report))}"]
    head += ["", escape(f"{summary_text(report)}.")]
    blocks = [Block(head=head)]
    word = REGRESSED if report.mode != "refresh" else "accepted although worse"
    blocks += _worse(accepted(report), prefix, word)
    blocks += _reasons("Not measured", "benchmark that was not measured", report.faults, prefix)
    blocks += _reasons("Not accepted", "benchmark that was not accepted", _refused(report), prefix)
    crept = {name: f"latency {change(creep.ratio)} since {creep.since}" for name, creep in report.crept.items()}
    blocks += _reasons("Slower than the anchor, in steps that were accepted", "benchmark that crept", crept, prefix)
    explanations = report.measured.explanations
    blocks += [*explanation_blocks(accepted(report), explanations, prefix), *_why(accepted(report), report.measured)]
    blocks += _next(next_steps(report))
    blocks += [*_evidence(accepted(report), explanations), *_not_clear(accepted(report), prefix)]
    if report.comparison is not None:
        title = "All other benchmarks" if report.refused else "All benchmarks"
        blocks += _all_verdicts(_ordered(accepted(report)), prefix, report.measured.benchmarks, title)
    else:
        blocks += _figures(report, prefix)
    blocks += _studies(report)
    ruled_out = ruled_out_text(comparison)
    notes = [item(note) for note in [*report.notes, *([ruled_out] if ruled_out else [])]]
    return fitting([*blocks, *_list("Notes", "note", notes)], most_bytes, all_by)


def _ordered(comparison: Comparison) -> Mapping[str, BenchmarkVerdict]:
    return dict(sorted(comparison.benchmarks.items(), key=lambda pair: _ORDER.index(pair[1].verdict)))


def _short(names: Iterable[str], prefix: str) -> List[str]:
    """Names as code, without the path that all share."""
    return codes([name[len(prefix) :] if name.startswith(prefix) else name for name in names])


def _title(words: str, prefix: str) -> str:
    """The first cell of a table's head, with the path that the names below it lack."""
    return f"{words} in {code(prefix)}" if prefix else words


def _worse(comparison: Comparison, prefix: str, word: str) -> List[Block]:
    """What got worse: a table of the first benchmarks, and slopes and intercepts in sentences."""
    worse = {name: verdict for name, verdict in comparison.benchmarks.items() if verdict.verdict == REGRESSED}
    blocks = []
    if worse:
        first = dict(list(worse.items())[:_OPEN_ROWS])
        rows = [
            verdict_row(name, verdict, with_word=False) for name, verdict in zip(_short(first, prefix), first.values())
        ]
        head = ["", f"| {_title(word, prefix)} | change [95 %] | baseline | now |", "|:--|--:|--:|--:|"]
        more = len(worse) - len(rows)
        tail = ["", f"and {more} more in the table of all benchmarks below."] if more > 0 else []
        blocks.append(Block(f"benchmark that {word}", head, rows, tail))
    for line in comparison.regressed_lines:
        blocks.append(Block(head=["", item(f"{word}: {line_name(line)}")[2:]]))
    return blocks


def _why(comparison: Comparison, measured: Optional[Results]) -> List[Block]:
    """What differs between the sides of what got worse, and whether the machine explains it."""
    worse = [verdict for verdict in comparison.benchmarks.values() if verdict.verdict == REGRESSED]
    if not worse and not comparison.regressed_lines:
        # Without a loss to explain, only what keeps small ones from being seen is worth a line.
        remarks = [*why_the_machine(comparison, measured), apart_text(comparison)]
        return [Block(head=["", escape(remark)]) for remark in remarks if remark is not None]
    machine = machine_answer(comparison, measured)
    said = [*map(as_sentence, machine.clauses), *machine.signs, *machine.cautions]
    lines = ["", f"**What differs:** {escape('; '.join(difference_remarks(worse)))}."] if worse else []
    return [Block(head=[*lines, "", f"**Is it the machine?** {escape(' '.join(said))}"])]


def _next(steps: Sequence[NextStep]) -> List[Block]:
    if not steps:
        return []
    lines = [line for step in steps for line in (f"# {step.purpose}", step.command)]
    return [Block(head=["", "**Next:**", "", *fence(lines, "sh")])]


def _evidence(comparison: Comparison, explanations: Mapping[str, Explanation]) -> List[Block]:
    """What is known of each regression, folded."""
    worse = {name: verdict for name, verdict in comparison.benchmarks.items() if verdict.verdict == REGRESSED}
    rows = []
    for name, (benchmark_id, verdict) in zip(codes(worse), worse.items()):
        text = with_explanation(regression_text(benchmark_id, verdict), explanations.get(benchmark_id))
        rows.append("\n".join(["", f"{name}:", "", *map(item, text.splitlines())]))
    for line in comparison.regressed_lines:
        rows.append("\n".join(["", f"{escape(line_name(line))}:", "", *map(item, line_text(line).splitlines())]))
    return [folded(f"Evidence ({len(rows)})", Block("regression", rows=rows))] if rows else []


def _not_clear(comparison: Comparison, prefix: str) -> List[Block]:
    """What has no clear verdict and why, and what was probably renamed, folded."""
    unclear = {name: verdict for name, verdict in _ordered(comparison).items() if verdict.verdict in _NOT_CLEAR}
    blocks = []
    if unclear:
        names = _short(unclear, prefix)
        rows = [undecided_row(name, verdict) for name, verdict in zip(names, unclear.values())]
        head = ["", f"| {_title('benchmark', prefix)} | verdict | why |", "|:--|:--|:--|"]
        title = f"Not clear or not compared ({len(rows)})"
        blocks.append(folded(title, Block("benchmark without a clear verdict", head, rows)))
    renames = [
        f"- {code(rename.old)} → {code(rename.new)}: {escape(rename_text(rename))}" for rename in comparison.renames
    ]
    return [*blocks, *_list("Probably renamed", "rename", renames)]


def _all_verdicts(
    ordered: Mapping[str, BenchmarkVerdict],
    prefix: str,
    measured: Mapping[str, Benchmark],
    title: str = "All benchmarks",
) -> List[Block]:
    if not ordered:
        return []
    rows = [
        verdict_row(shown, verdict, measured.get(name))
        for shown, (name, verdict) in zip(_short(ordered, prefix), ordered.items())
    ]
    head = [
        "",
        f"| {_title('benchmark', prefix)} | change [95 %] | baseline | now | verdict |",
        "|:--|--:|--:|--:|:--|",
    ]
    return [folded(f"{title} ({len(rows)})", Block("row", head, rows))]


def _refused(report: SessionReport) -> Mapping[str, str]:
    """Why benchmarks were not accepted, with what they measured: no table below lists them again."""
    measured, verdicts = report.measured.benchmarks, judged(report).benchmarks
    reasons = {}
    for name, reason in report.refused.items():
        text = refused_text(measured.get(name), verdicts.get(name))
        reasons[name] = f"{reason}; {text}" if text else reason
    return reasons


def _figures(report: SessionReport, prefix: str) -> List[Block]:
    """What was measured where nothing was compared; not folded, as there is nothing else."""
    benchmarks = {
        name: benchmark
        for name, benchmark in report.measured.benchmarks.items()
        if name not in report.faults and name not in report.refused
    }
    if not benchmarks:
        return []
    rows = figures_rows(_short(benchmarks, prefix), list(benchmarks.values()))
    head = ["", f"| {_title('benchmark', prefix)} | median latency | p95 | peak memory | runs |"]
    return [Block("row", [*head, "|:--|--:|--:|--:|--:|"], rows)]


def _reasons(title: str, name: str, reasons: Mapping[str, str], prefix: str) -> List[Block]:
    """The first benchmarks with their reasons, and the others folded."""
    rows = [
        f"- {shown}: {escape(' '.join(reason.split()))}"
        for shown, reason in zip(_short(reasons, prefix), reasons.values())
    ]
    if not rows:
        return []
    first = Block(name, ["", f"**{title} ({len(rows)}):**", ""], rows[:_OPEN_ROWS])
    return [first, *_list(f"{title}: {len(rows) - _OPEN_ROWS} more", name, rows[_OPEN_ROWS:])]


def _list(title: str, name: str, items: Sequence[str]) -> List[Block]:
    """Items of a list, folded."""
    return [folded(f"{title} ({len(items)})", Block(name, [""], items))] if items else []


def _studies(report: SessionReport) -> List[Block]:
    if not report.measured.studies:
        return []
    from pytest_edgeperf.judge.studies.study_results import read_studies
    from pytest_edgeperf.report.exporters.study_markdown import study_markdown

    rows = ["\n".join(["", *study_markdown(study)]) for study in read_studies(report.measured)]
    return [folded(f"Studies ({len(rows)})", Block("study", rows=rows))]
