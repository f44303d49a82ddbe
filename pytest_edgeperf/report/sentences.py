"""Verdicts in full sentences: what a failing test says, and why others were not judged."""

from __future__ import annotations

import math
import re
from typing import Any, List, Mapping, Optional, Tuple

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
    MetricVerdict,
)
from pytest_edgeperf.report.figures import (
    LATENCY,
    deciding_metric,
    metric_label,
    metrics_with,
    scatter,
)
from pytest_edgeperf.report.numbers import change_with_interval, count, p_value, percent, quantity, share
from pytest_edgeperf.report.text import enumerate_names, printable
from pytest_edgeperf.results.types import Benchmark

_COUNTED = (UNCHANGED, IMPROVED, REGRESSED, INCONCLUSIVE, NEW, MISSING, INCOMPARABLE)
_PERCENTILE = re.compile(r"p0?(\d+)$")
_SUMMARIES = {"p50": "median", "mean": "mean", "min": "minimum", "max": "maximum"}


def regression_text(benchmark_id: str, verdict: BenchmarkVerdict, benchmark: Optional[Benchmark] = None) -> str:
    """The text of a failing test: what got worse, how sure that is, what could be found.

    ``benchmark`` holds this session's runs, where they are at hand: the text then tells how much they scatter.
    """
    names = metrics_with(verdict, REGRESSED)
    lines = []
    for name in names:
        metric = verdict.metrics[name]
        lines.append(_what(name, metric))
        lines.append(_evidence(metric, None if benchmark is None else scatter(benchmark, name, metric.summary)))
        found = _detectable(name, metric)
        if found:
            lines.append(f"The smallest {found} that this measurement would have found is {_size(metric)}.")
        if metric.reason:
            lines.append(_sentence(metric.reason))
    if not names:
        lines.append(f"{benchmark_id} regressed.")
    if verdict.reason:
        lines.append(_sentence(verdict.reason))
    lines.append(_environment(verdict.differences))
    return "\n".join(printable(line) for line in lines)


def regression_headline(benchmark_id: str, verdict: BenchmarkVerdict) -> str:
    """One short line: ``latency 1.081x baseline [1.052, 1.111] (tolerance 2 %)``."""
    name = deciding_metric(verdict)
    if name is None:
        return printable(f"regressed: {verdict.reason or benchmark_id}")
    metric = verdict.metrics[name]
    text = metric_label(name, metric)
    if metric.ratio is not None:
        text += f" {metric.ratio:.3f}x baseline"
    if metric.interval is not None:
        text += f" [{metric.interval[0]:.3f}, {metric.interval[1]:.3f}]"
    if metric.tolerance is not None:
        text += f" (tolerance {share(metric.tolerance)})"
    others = len(metrics_with(verdict, REGRESSED)) - 1
    if others > 0:
        text += f", and {count(others, 'other metric')}"
    return printable(text)


def verdict_counts(comparison: Comparison) -> str:
    """``48 unchanged, 1 regressed``; says so when there was nothing to compare."""
    counts = comparison.summary
    return ", ".join(f"{counts[word]} {word}" for word in _COUNTED if counts[word]) or "nothing to compare"


def differences_text(differences: Mapping[str, Tuple[Any, Any]]) -> str:
    """``power_mode MAXN -> 5W, onnxruntime 1.11.0 -> 1.12.1``."""
    return ", ".join(f"{name} {_field(old)} -> {_field(new)}" for name, (old, new) in sorted(differences.items()))


def inconclusive_text(verdict: BenchmarkVerdict, *, with_change: bool = True) -> str:
    """What an undecided benchmark showed, how many runs would decide, and what it could have found."""
    parts: List[str] = []
    name = deciding_metric(verdict)
    if name is not None:
        metric = verdict.metrics[name]
        if metric.ratio is not None and with_change:
            parts.append(f"{metric_label(name, metric)} {change_with_interval(metric.ratio, metric.interval)}")
        if metric.reason:
            parts.append(metric.reason.rstrip("."))
        if metric.runs_needed is not None:
            parts.append(f"about {count(metric.runs_needed, 'run')} would decide")
        found = _detectable(name, metric)
        if found:
            parts.append(f"could have found a {found} of {_size(metric)}")
    if verdict.reason:
        parts.append(verdict.reason.rstrip("."))
    return "; ".join(dict.fromkeys(parts))


def worse_text(verdict: BenchmarkVerdict) -> str:
    """What got worse, short: ``latency +8.1 % [+5.2, +11.1], peak memory +3.0 %``."""
    parts = []
    for name in metrics_with(verdict, REGRESSED):
        metric = verdict.metrics[name]
        moved = "" if metric.ratio is None else f" {change_with_interval(metric.ratio, metric.interval)}"
        parts.append(metric_label(name, metric) + moved)
    return enumerate_names(parts)


def _what(name: str, metric: MetricVerdict) -> str:
    label = metric_label(name)
    summary = _SUMMARIES.get(metric.summary) or _PERCENTILE.sub(r"\1th percentile", metric.summary)
    subject = label[0].upper() + label[1:]
    if metric.summary != "value":
        subject += f" ({summary})"
    if metric.ratio is None:
        return f"{subject} got worse than the baseline."
    moved = "rose" if metric.ratio >= 1 else "fell"
    text = f"{subject} {moved} by {percent(abs(metric.ratio - 1), sign=False)} %"
    if metric.baseline is not None and metric.candidate is not None:
        before, now = (quantity(value, metric.unit) for value in (metric.baseline, metric.candidate))
        text += f", from {before} to {now}"
    if metric.tolerance is not None:
        text += f"; the tolerance is {share(metric.tolerance)}"
    return text + "."


def _evidence(metric: MetricVerdict, noise: Optional[float]) -> str:
    parts = []
    if metric.interval is not None:
        low, high = (percent(bound - 1) for bound in metric.interval)
        parts.append(f"the 95 % interval of the change is {low} to {high} %")
    runs = f"{count(metric.candidate_runs, 'run')} against {metric.baseline_runs} of the baseline"
    if metric.p_adjusted is not None:
        runs += f" (adjusted {p_value(metric.p_adjusted)})"
    text = f"{'; '.join(parts)}, from {runs}" if parts else f"the evidence is {runs}"
    if noise is not None:
        text += f"; runs scatter by {'less than 0.1' if noise < 0.001 else percent(noise, sign=False)} %"
    return _sentence(text)


def _detectable(name: str, metric: MetricVerdict) -> Optional[str]:
    if metric.detectable is None or not math.isfinite(metric.detectable):
        return None
    if name.startswith(LATENCY):
        return "slowdown"
    return "increase" if metric.detectable >= 1 else "decrease"


def _size(metric: MetricVerdict) -> str:
    return f"{percent(abs((metric.detectable or 1) - 1), sign=False)} %"


def _environment(differences: Mapping[str, Tuple[Any, Any]]) -> str:
    if not differences:
        return "The recorded environment is the same as the baseline's."
    return f"The environment differs from the baseline's: {differences_text(differences)}."


def _field(value: Any) -> str:
    return "(none)" if value is None else str(value)


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
