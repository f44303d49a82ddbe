"""A comparison as Markdown, for a pull request or a CI step's summary: failures first."""

from __future__ import annotations

from itertools import accumulate, takewhile
from typing import List, Optional, Sequence

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
from pytest_edgeperf.report.accuracy import difference
from pytest_edgeperf.report.figures import deciding_metric, metric_label
from pytest_edgeperf.report.lines import line_name, line_text, lines_count
from pytest_edgeperf.report.markup import code, codes, escape, item
from pytest_edgeperf.report.numbers import NOTHING, change, change_with_interval, quantity
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

_ORDER = (REGRESSED, INCONCLUSIVE, INCOMPARABLE, MISSING, NEW, IMPROVED, UNCHANGED)

#: Of the table, and of the sentences below it: together less than the 65,536 that a comment on GitHub may have.
_MOST_CHARACTERS = 30_000


def comparison_markdown(comparison: Comparison) -> str:
    """A line of counts, a table of all benchmarks, then the regressed ones in sentences.

    A table that would be too long for a comment leaves out what is unchanged, and then more, and says so.
    """
    ordered = sorted(comparison.benchmarks.items(), key=lambda pair: _ORDER.index(pair[1].verdict))
    names = codes(benchmark_id for benchmark_id, _ in ordered)
    lines = [f"**{verdict_counts(comparison)}{lines_count(comparison)}**"]
    if comparison.common_shift is not None:
        lines += ["", f"All benchmarks moved together: latency {change(comparison.common_shift)}."]
    for text in (other_machine_text(comparison), apart_text(comparison), ruled_out_text(comparison)):
        if text is not None:
            lines += ["", escape(text)]
    if ordered:
        lines += ["", "| benchmark | base | candidate | change [95 %] | verdict |", "|:--|--:|--:|--:|:--|"]
        lines += _fitting([_row(name, verdict) for name, (_, verdict) in zip(names, ordered)])
    sections: List[str] = []
    for name, (benchmark_id, verdict) in zip(names, ordered):
        if verdict.verdict == REGRESSED:
            sentences = regression_text(benchmark_id, verdict).splitlines()
            sections.append("\n".join(["", f"{name} regressed:", "", *map(item, sentences)]))
    for line in comparison.regressed_lines:
        sections.append(
            "\n".join(["", f"{escape(line_name(line))} regressed:", "", *map(item, line_text(line).splitlines())])
        )
    if comparison.renames:
        renames = [f"- {code(one.old)} → {code(one.new)}: {escape(rename_text(one))}" for one in comparison.renames]
        sections += ["\n".join(["", "Probably renamed:", "", renames[0]]), *renames[1:]]
    return "\n".join([*lines, *_fitting(sections)]) + "\n"


def _fitting(parts: Sequence[str]) -> List[str]:
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
        f"{left_out} {what[left_out > 1]} would make this too long for a comment on GitHub; "
        "`edgeperf compare --format json` lists all.",
    ]


def _row(name_as_code: str, verdict: BenchmarkVerdict) -> str:
    name = deciding_metric(verdict)
    metric = None if name is None else verdict.metrics[name]
    cells: List[str] = [name_as_code, NOTHING, NOTHING, NOTHING]
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
