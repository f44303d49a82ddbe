"""Slopes and intercepts that gate, in sentences."""

from __future__ import annotations

from typing import Dict, Iterable, List, Optional

from pytest_edgeperf.judge.verdicts import INCONCLUSIVE, NEW, REGRESSED, Comparison, LineVerdict
from pytest_edgeperf.report.figures import metric_label
from pytest_edgeperf.report.numbers import change, count, p_value, percent, share, significant
from pytest_edgeperf.report.text import Paper, printable, wrap
from pytest_edgeperf.results.study_definitions import SLOPE


def line_name(line: LineVerdict) -> str:
    """``slope of torch in suo-2021 experiment 1 (latency)``."""
    return f"{line.part} of {line.series} in {line.study} ({metric_label(line.metric)})"


def line_headline(line: LineVerdict) -> str:
    """What moved, from where to where."""
    return printable(f"{line_name(line)}: {_moved(line)}")


def line_text(line: LineVerdict) -> str:
    """What moved, how sure that is, and of what it is read, in two lines."""
    name = line_name(line)
    first = f"{name[:1].upper()}{name[1:]}: {_moved(line)}{_interval(line)}"
    if line.tolerance is not None:
        of_what = "" if line.part == SLOPE else " of the smallest coordinate's"
        first += f"; tolerance {share(line.tolerance)}{of_what}"
    second = f"The line through {count(len(line.benchmarks), 'benchmark')}, by the medians of their runs"
    if line.p_adjusted is not None:
        second += f"; adjusted {p_value(line.p_adjusted)}"
    return f"{printable(first)}\n{second}"


def failing_lines(comparison: Optional[Comparison], measured: Iterable[str]) -> Dict[str, List[LineVerdict]]:
    """The regressed lines that each benchmark fails for: it is the last measured of those that a line goes through."""
    place = {benchmark: position for position, benchmark in enumerate(measured)}
    failing: Dict[str, List[LineVerdict]] = {}
    for line in comparison.regressed_lines if comparison is not None else ():
        members = [benchmark for benchmark in line.benchmarks if benchmark in place]
        if members:
            failing.setdefault(max(members, key=place.__getitem__), []).append(line)
    return failing


def lines_not_judged(comparison: Comparison, paper: Paper) -> List[str]:
    """The lines that gate and have no clear verdict, and why; those of a new series are listed with its benchmarks."""
    lines: List[str] = []
    for verdict in comparison.lines:
        if verdict.verdict in (INCONCLUSIVE, NEW) and verdict.reason is not None:
            lines += _wrapped(f"{verdict.verdict}: {line_name(verdict)}: {verdict.reason}", paper)
    return [paper.paint(line, "warning") for line in lines]


def lines_count(comparison: Comparison) -> str:
    """``, 1 line regressed``, or nothing."""
    number = len(comparison.regressed_lines)
    return f", {count(number, 'line')} {REGRESSED}" if number else ""


def _moved(line: LineVerdict) -> str:
    if line.baseline is None or line.candidate is None:
        return line.verdict
    text = f"{significant(line.baseline)} -> {significant(line.candidate)} {line.unit}"
    return f"{text}, {change(line.candidate / line.baseline)}" if line.part == SLOPE and line.baseline > 0 else text


def _interval(line: LineVerdict) -> str:
    if line.interval is None or line.baseline is None:
        return ""
    if line.part == SLOPE and line.baseline > 0:
        low, high = (percent(end / line.baseline) for end in line.interval)
        return f" [95 %: {low}, {high}]"
    low, high = (f"{'+' if end > 0 else ''}{significant(end)}" for end in line.interval)
    return f" [difference, 95 %: {low}, {high}]"


def _wrapped(text: str, paper: Paper) -> List[str]:
    return wrap(paper.clean(text), paper.width, hanging="  ")
