"""A comparison as Markdown, for a pull request or a CI step's summary: failures first."""

from __future__ import annotations

from typing import List, Optional

from pytest_edgeperf.judge.types import (
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
from pytest_edgeperf.report.accuracy import difference
from pytest_edgeperf.report.figures import deciding_metric, metric_label
from pytest_edgeperf.report.lines import line_name, line_text, lines_count
from pytest_edgeperf.report.numbers import NOTHING, change, change_with_interval, quantity
from pytest_edgeperf.report.sentences import (
    differences_text,
    inconclusive_text,
    regression_text,
    rename_text,
    ruled_out_text,
    verdict_counts,
)
from pytest_edgeperf.report.text import printable

_ORDER = (REGRESSED, INCONCLUSIVE, INCOMPARABLE, MISSING, NEW, IMPROVED, UNCHANGED)


def comparison_markdown(comparison: Comparison) -> str:
    """A line of counts, a table of all benchmarks, then the regressed ones in sentences."""
    ordered = sorted(comparison.benchmarks.items(), key=lambda pair: _ORDER.index(pair[1].verdict))
    lines = [f"**{verdict_counts(comparison)}{lines_count(comparison)}**"]
    if comparison.common_shift is not None:
        lines += ["", f"All benchmarks moved together: latency {change(comparison.common_shift)}."]
    ruled_out = ruled_out_text(comparison)
    if ruled_out is not None:
        lines += ["", ruled_out]
    if ordered:
        lines += ["", "| benchmark | base | candidate | change [95 %] | verdict |", "|:--|--:|--:|--:|:--|"]
        lines += [_row(benchmark_id, verdict) for benchmark_id, verdict in ordered]
    for benchmark_id, verdict in ordered:
        if verdict.verdict == REGRESSED:
            sentences = regression_text(benchmark_id, verdict).splitlines()
            lines += [
                "",
                f"{code(benchmark_id)} regressed:",
                "",
                *[f"- {escape(line)}" for line in sentences],
            ]
    for line in comparison.regressed_lines:
        lines += ["", f"{escape(line_name(line))} regressed:", ""]
        lines += [f"- {escape(sentence)}" for sentence in line_text(line).splitlines()]
    if comparison.renames:
        lines += ["", "Probably renamed:", ""]
        for rename in comparison.renames:
            lines.append(f"- {code(rename.old)} → {code(rename.new)}: {escape(rename_text(rename))}")
    return "\n".join(lines) + "\n"


def _row(benchmark_id: str, verdict: BenchmarkVerdict) -> str:
    name = deciding_metric(verdict)
    metric = None if name is None else verdict.metrics[name]
    cells: List[str] = [code(benchmark_id), NOTHING, NOTHING, NOTHING]
    if metric is not None:
        for position, value in ((1, metric.baseline), (2, metric.candidate)):
            cells[position] = NOTHING if value is None else escape(quantity(value, metric.unit))
        if metric.ratio is not None and name is not None:
            moved = change_with_interval(metric.ratio, metric.interval)
            cells[3] = escape(f"{metric_label(name, metric)} {moved}")
        elif metric.accuracy is not None and name is not None:
            cells[3] = escape(f"{metric_label(name, metric)} {difference(metric.accuracy, metric.unit)}")
    word = f"**{verdict.verdict}**" if verdict.verdict == REGRESSED else verdict.verdict
    remark = _remark(verdict)
    cells.append(f"{word}: {escape(remark)}" if remark else word)
    return f"| {' | '.join(cells)} |"


def _remark(verdict: BenchmarkVerdict) -> Optional[str]:
    if verdict.verdict == INCONCLUSIVE:
        return inconclusive_text(verdict, with_change=False)
    if verdict.verdict == INCOMPARABLE:
        return differences_text(verdict.differences) or verdict.reason
    return None


def code(text: str) -> str:
    """A benchmark's id in a cell of a table."""
    text = printable(text).replace("|", "\\|")
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def escape(text: str) -> str:
    """``text`` as Markdown shows it letter by letter."""
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    return "".join("\\" + character if character in "\\`*_|~" else character for character in text)
