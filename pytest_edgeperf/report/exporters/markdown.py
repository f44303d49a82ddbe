"""Markdown, for a pull request or a CI step's summary: failures first."""

from __future__ import annotations

from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, List, Mapping, Optional, Sequence

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
from pytest_edgeperf.report.accuracy_text import difference
from pytest_edgeperf.report.exporters.interface import Exporter
from pytest_edgeperf.report.figures import LATENCY, MEMORY, deciding_metric, figure, metric_label
from pytest_edgeperf.report.line_text import line_name, line_text, lines_count
from pytest_edgeperf.report.markup import code, codes, escape, item
from pytest_edgeperf.report.numbers import NOTHING, change, change_with_interval, quantities
from pytest_edgeperf.report.sentences import (
    apart_text,
    differences_text,
    inconclusive_text,
    other_machine_text,
    regression_text,
    rename_text,
    ruled_out_text,
    verdict_counts,
)
from pytest_edgeperf.report.summary_text import accepted, common_shift_text, judged, summary_text

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.across_files import Across
    from pytest_edgeperf.report.published_matching import Reference
    from pytest_edgeperf.report.session_report import SessionReport
    from pytest_edgeperf.report.text import Paper
    from pytest_edgeperf.results.types import Results

_ORDER = (REGRESSED, INCONCLUSIVE, INCOMPARABLE, MISSING, NEW, IMPROVED, UNCHANGED)

#: Of the table, and of the sentences below it: together less than the 65,536 that a comment on GitHub may have.
_MOST_CHARACTERS = 30_000
_ALL_BY_COMPARE = "`edgeperf compare --format json`"
_ALL_BY_TERMINAL = "`--edgeperf-report` with a `.json` file"


class Markdown(Exporter):
    """Markdown for a pull request, a page, or a CI step's summary."""

    name = "markdown"
    suffixes = (".md", ".markdown")

    def session(self, report: SessionReport, paper: Paper) -> str:
        """The outcome in a line, all benchmarks in a table, then what failed or got worse; the studies last."""
        return session_markdown(report)

    def comparison(self, comparison: Comparison, paper: Paper) -> str:
        """The outcome in a line, all benchmarks in a table, then what got worse in sentences."""
        return comparison_markdown(comparison)

    def studies(self, across: Across, paper: Paper) -> str:
        """A heading for each study, and a table for each thing that it shows."""
        from pytest_edgeperf.report.exporters.study_markdown import across_markdown

        return across_markdown(across)

    def references(self, references: Sequence[Reference], measured: Results, paper: Paper) -> str:
        """A row per published figure."""
        from pytest_edgeperf.report.published_figures import references_markdown

        return references_markdown(references)


def comparison_markdown(comparison: Comparison) -> str:
    """A line of counts, a table of all benchmarks, then the regressed ones in sentences.

    A table that would be too long for a comment leaves out what is unchanged, and then more, and says so.
    """
    lines = [f"**{verdict_counts(comparison)}{lines_count(comparison)}**"]
    shift = common_shift_text(comparison)
    if shift is not None:
        lines += ["", escape(shift)]
    lines += [*_remarks(comparison), *_verdicts(comparison, _ALL_BY_COMPARE)]
    sections = [*_regressions(comparison, REGRESSED), *_renames(comparison)]
    return "\n".join([*lines, *_fitting(sections, _ALL_BY_COMPARE)]) + "\n"


def session_markdown(report: SessionReport) -> str:
    """The same of a session; where nothing was judged, the table has its figures."""
    comparison = judged(report)
    lines = [f"**{escape(summary_text(report))}**"]
    shift = common_shift_text(comparison)
    lines += ["", escape(shift)] if shift is not None else []
    lines += _remarks(comparison)
    if report.comparison is not None:
        lines += _verdicts(comparison, _ALL_BY_TERMINAL)
    else:
        lines += _figures(report)
    word = "accepted although worse" if report.mode == "refresh" else REGRESSED
    sections = [
        *_regressions(accepted(report), word),
        *_reasons("Not measured:", report.faults),
        *_reasons("Not accepted:", report.refused),
        *_reasons(
            "Slower than the anchor, in steps that were accepted:",
            {name: f"latency {change(creep.ratio)} since {creep.since}" for name, creep in report.crept.items()},
        ),
        *_renames(comparison),
    ]
    if report.notes:
        sections.append("\n".join(["", "Notes:", "", *map(item, report.notes)]))
    sections += _studies(report)
    return "\n".join([*lines, *_fitting(sections, _ALL_BY_TERMINAL)]) + "\n"


def _remarks(comparison: Comparison) -> List[str]:
    lines: List[str] = []
    for text in (other_machine_text(comparison), apart_text(comparison), ruled_out_text(comparison)):
        if text is not None:
            lines += ["", escape(text)]
    return lines


def _verdicts(comparison: Comparison, all_by: str) -> List[str]:
    ordered = sorted(comparison.benchmarks.items(), key=lambda pair: _ORDER.index(pair[1].verdict))
    if not ordered:
        return []
    names = codes(benchmark_id for benchmark_id, _ in ordered)
    lines = ["", "| benchmark | base | candidate | change [95 %] | verdict |", "|:--|--:|--:|--:|:--|"]
    return lines + _fitting([_row(name, verdict) for name, (_, verdict) in zip(names, ordered)], all_by)


def _figures(report: SessionReport) -> List[str]:
    benchmarks = {
        name: benchmark for name, benchmark in report.measured.benchmarks.items() if name not in report.faults
    }
    if not benchmarks:
        return []
    rows = []
    for name, benchmark in zip(codes(benchmarks), benchmarks.values()):
        texts = []
        for metric, summaries in ((LATENCY, ("p50", "p95")), (MEMORY, ("p50",))):
            unit = benchmark.metrics[metric].unit if metric in benchmark.metrics else ""
            texts += _in_one_unit([figure(benchmark, metric, summary) for summary in summaries], unit)
        rows.append(f"| {' | '.join([name, *texts, str(len(benchmark.runs))])} |")
    lines = ["", "| benchmark | median latency | p95 | peak memory | runs |", "|:--|--:|--:|--:|--:|"]
    return lines + _fitting(rows, _ALL_BY_TERMINAL)


def _regressions(comparison: Comparison, word: str) -> List[str]:
    """What got worse, each with its sentences."""
    worse = {name: verdict for name, verdict in comparison.benchmarks.items() if verdict.verdict == REGRESSED}
    sections = [
        "\n".join(["", f"{name} {word}:", "", *map(item, regression_text(benchmark_id, verdict).splitlines())])
        for name, (benchmark_id, verdict) in zip(codes(worse), worse.items())
    ]
    for line in comparison.regressed_lines:
        sentences = map(item, line_text(line).splitlines())
        sections.append("\n".join(["", f"{escape(line_name(line))} {word}:", "", *sentences]))
    return sections


def _renames(comparison: Comparison) -> List[str]:
    items = [
        f"- {code(rename.old)} → {code(rename.new)}: {escape(rename_text(rename))}" for rename in comparison.renames
    ]
    return ["\n".join(["", "Probably renamed:", "", items[0]]), *items[1:]] if items else []


def _reasons(heading: str, reasons: Mapping[str, str]) -> List[str]:
    items = [f"- {name}: {escape(reason)}" for name, reason in zip(codes(reasons), reasons.values())]
    return ["\n".join(["", heading, "", items[0]]), *items[1:]] if items else []


def _studies(report: SessionReport) -> List[str]:
    if not report.measured.studies:
        return []
    from pytest_edgeperf.judge.studies.study_results import read_studies
    from pytest_edgeperf.report.exporters.study_markdown import study_markdown

    return ["\n".join(["", *study_markdown(study)]) for study in read_studies(report.measured)]


def _fitting(parts: Sequence[str], all_by: str) -> List[str]:
    """The first parts, as far as they fit, and how many do not."""
    lengths = accumulate(len(part) + 1 for part in parts)
    fit = sum(1 for _ in takewhile(lambda length: length <= _MOST_CHARACTERS, lengths))
    left_out = len(parts) - fit
    if not left_out:
        return list(parts)
    what = ("further row", "further rows") if parts[0].startswith("|") else ("further entry", "further entries")
    return [
        *parts[:fit],
        "",
        f"{left_out} {what[left_out > 1]} would make this too long for a comment on GitHub; {all_by} lists all.",
    ]


def _row(name_as_code: str, verdict: BenchmarkVerdict) -> str:
    name = deciding_metric(verdict)
    metric = None if name is None else verdict.metrics[name]
    cells: List[str] = [name_as_code, NOTHING, NOTHING, NOTHING]
    if metric is not None:
        cells[1:3] = _in_one_unit([metric.baseline, metric.candidate], metric.unit)
        if metric.ratio is not None and name is not None:
            moved = change_with_interval(metric.ratio, metric.interval)
            cells[3] = escape(f"{metric_label(name, metric)} {moved}")
        elif metric.accuracy is not None and name is not None:
            cells[3] = escape(f"{metric_label(name, metric)} {difference(metric.accuracy, metric.unit)}")
    word = f"**{verdict.verdict}**" if verdict.verdict == REGRESSED else verdict.verdict
    remark = _remark(verdict)
    cells.append(f"{word}: {escape(remark)}" if remark else word)
    return f"| {' | '.join(cells)} |"


def _in_one_unit(values: Sequence[Optional[float]], unit: str) -> List[str]:
    """Cells of one row that a reader compares."""
    texts, one_unit = quantities([value for value in values if value is not None], unit)
    shown = iter(texts)
    return [NOTHING if value is None else escape(f"{next(shown)} {one_unit}".rstrip()) for value in values]


def _remark(verdict: BenchmarkVerdict) -> Optional[str]:
    if verdict.verdict == INCONCLUSIVE:
        return inconclusive_text(verdict, with_change=False)
    if verdict.verdict == INCOMPARABLE:
        return differences_text(verdict.differences) or verdict.reason
    return None
