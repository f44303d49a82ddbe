"""Verdicts in full sentences: what a failing test says, and why others were not judged."""

from __future__ import annotations

import math
import shlex
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import (
    BY_FLOOR,
    BY_SESSIONS,
    BY_SUITE,
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
    Rename,
    Side,
)
from pytest_edgeperf.report import accuracy_text
from pytest_edgeperf.report.difference_parts import difference_parts
from pytest_edgeperf.report.figures import (
    LATENCY,
    PHASES,
    deciding_metric,
    metric_label,
    metrics_with,
)
from pytest_edgeperf.report.loaded_text import environment_differences, loaded_text, names_sources
from pytest_edgeperf.report.numbers import (
    change,
    change_with_interval,
    count,
    duration,
    from_to,
    p_value,
    percent,
    share,
)
from pytest_edgeperf.report.placement_text import (
    placement_first,
    placement_text,
)
from pytest_edgeperf.report.text import enumerate_names, printable
from pytest_edgeperf.results.benchmark_matching import function_of
from pytest_edgeperf.settings import TOLERANCE

#: Less than half of the default tolerance is not worth a sentence.
_MUCH_APART = TOLERANCE / 2
#: The worst first, as in tables.
_COUNTED = (REGRESSED, INCONCLUSIVE, INCOMPARABLE, MISSING, NEW, IMPROVED, UNCHANGED)
_REBUILT = "each side built its own engine, which alone can change latency: --edgeperf-builds=4 builds several"
_PAIRED = {"lock-step": "in lock-step", "alternating": "of whole runs in alternation"}
_SUMMARIES = {"p50": "median", "min": "minimum", "max": "maximum"}


def regression_text(benchmark_id: str, verdict: BenchmarkVerdict) -> str:
    """The text of a failing test in four or five lines, and one more for each further metric that regressed.

    What got worse by how much; against how much noise and on what evidence; the smallest change that this
    measurement would have detected, and how the phases moved; what differs in the environment, and in what the
    benchmark loads. Where nodes moved to another provider, that comes before all of these.
    """
    placement = placement_text(verdict)
    first = [placement] if placement else []
    return "\n".join([*first, *measured_lines(benchmark_id, verdict), *difference_lines(verdict)])


def measured_lines(benchmark_id: str, verdict: BenchmarkVerdict) -> List[str]:
    """Of the text of a failing test, what was measured."""
    names = metrics_with(verdict, REGRESSED)
    if not names:
        lines = [f"{benchmark_id} regressed" + (f": {verdict.reason}" if verdict.reason else "")]
    else:
        name, metric = names[0], verdict.metrics[names[0]]
        lines = [_what(name, metric), _evidence(metric, verdict), _reach(name, verdict)]
        lines += [_what(other, verdict.metrics[other], with_reason=True) for other in names[1:]]
    return [printable(line) for line in lines]


def difference_lines(verdict: BenchmarkVerdict) -> List[str]:
    """Of the text of a failing test, what differs between the sides; the commits are said once."""
    commits = commits_text(verdict)
    with_sources = names_sources(verdict)
    environment = [environment_text(verdict), "" if with_sources else commits, rebuilt_text(verdict)]
    lines = ["; ".join(filter(None, environment)), loaded_text(verdict, commits)]
    return [printable(line) for line in lines if line]


def regression_headline(benchmark_id: str, verdict: BenchmarkVerdict) -> str:
    """One short line: ``latency 1.081x baseline [1.052, 1.111] (tolerance 2 %)``."""
    name = deciding_metric(verdict)
    if name is None:
        return printable(f"regressed: {verdict.reason or benchmark_id}")
    metric = verdict.metrics[name]
    text = metric_label(name, metric)
    if metric.accuracy is not None:
        text += (
            f" {accuracy_text.difference(metric.accuracy, metric.unit)}, {accuracy_text.examples_text(metric.accuracy)}"
        )
        text += f" (margin {accuracy_text.points(metric.accuracy.margin, metric.unit)})"
    if metric.ratio is not None:
        text += f" {metric.ratio:.3f}x {'the other side' if metric.paired else 'baseline'}"
    if metric.interval is not None:
        text += f" [{metric.interval[0]:.3f}, {metric.interval[1]:.3f}]"
    if metric.tolerance is not None:
        text += f" (tolerance {share(metric.tolerance)})"
    others = len(metrics_with(verdict, REGRESSED)) - 1
    if others > 0:
        text += f", and {count(others, 'other metric')}"
    return printable(text)


def verdict_counts(comparison: Comparison) -> str:
    """``1 regressed, 48 unchanged``; says so when there was nothing to compare."""
    counts = comparison.summary
    return ", ".join(f"{counts[word]} {word}" for word in _COUNTED if counts[word]) or "nothing to compare"


def ruled_out_text(comparison: Comparison) -> Optional[str]:
    """Which slowdown ``unchanged`` rules out for every benchmark that is; ``None`` where one does not say."""
    unchanged = [verdict for verdict in comparison.benchmarks.values() if verdict.verdict == UNCHANGED]
    judged = [verdict.metrics[LATENCY] for verdict in unchanged if LATENCY in verdict.metrics]
    known = [metric.rules_out for metric in judged if metric.rules_out is not None]
    if not known or len(known) < len(unchanged):
        return None
    if max(known) <= 0:
        return "unchanged means: not slower (95 % confidence)"
    most = f"{percent(max(known), sign=False)} %"
    if all(metric.paired for metric in judged):
        return f"unchanged means: no slowdown of {most} or more (95 % confidence)"
    # Stored runs are cleared by the low quantile, while the change that is shown is the median's.
    return f"unchanged means: the fastest calls are less than {most} slower (95 % confidence)"


def baseline_runs_text(comparison: Comparison) -> Optional[str]:
    """What a baseline of as many runs as a refresh records would detect, where it has fewer."""
    gain = comparison.gain
    if gain is None:
        return None
    now = "no slowdown" if math.isinf(gain.found) else f"slowdowns of {percent(gain.found, sign=False)} % or more"
    return (
        f"With the baseline's {count(gain.runs, 'run')} per benchmark, this check detects {now}; with "
        f"{gain.more_runs}, as a refresh records, it would detect {percent(gain.then_found, sign=False)} %."
    )


def apart_text(comparison: Comparison) -> Optional[str]:
    """What is allowed for the distance of two sessions, where that may be too much or too little for the reader."""
    apart = comparison.apart
    if apart is None:
        return None
    allowed = f"{100 * math.expm1(apart.allowed):.2g} %"
    if apart.known_by == BY_SUITE:
        return (
            f"The {apart.benchmarks} benchmarks moved apart by more than their noise: {allowed} each (standard "
            "deviation), as after a rebuild or on another day. The comparison allows for that, so it detects only "
            "larger slowdowns."
        )
    if apart.known_by == BY_SESSIONS and apart.allowed >= _MUCH_APART:
        return (
            f"The baseline's {count(apart.sessions, 'session')} differ a lot: the comparison allows for {allowed} per "
            "benchmark (standard deviation), so it detects only larger slowdowns."
        )
    latencies = [
        benchmark.metrics[LATENCY].verdict
        for benchmark in comparison.benchmarks.values()
        if LATENCY in benchmark.metrics
    ]
    if apart.known_by == BY_FLOOR and apart.sessions == 1 and REGRESSED in latencies:
        return (
            f"One baseline session with {count(apart.benchmarks, 'benchmark')} does not show how much sessions on this "
            f"machine differ; the comparison allows for {allowed}. If another day or a rebuild can change more, accept "
            "sessions from other days too: edgeperf baseline accept --add."
        )
    return None


def other_machine_text(comparison: Comparison) -> Optional[str]:
    """That the baseline is of another machine, how that is known, and what measures both commits on one."""
    other = comparison.other_machine
    if other is None:
        return None
    of_some = f" (for {other.benchmarks} of {other.judged} benchmarks)" if other.benchmarks < other.judged else ""
    why = printable(f"{other.why[:1].upper()}{other.why[1:]}{of_some}")
    return f"{why}, and that alone can change latency: pytest --against=REF measures both commits on the same machine."


def differences_text(differences: Mapping[str, Tuple[Any, Any]]) -> str:
    """``power_mode MAXN -> 5W, onnxruntime 1.11.0 -> 1.12.1``, behind a placement that moved."""
    return ", ".join(part for name, pair in placement_first(differences) for part in difference_parts(name, pair))


def environment_text(verdict: BenchmarkVerdict) -> str:
    """What differs between the environments of the two sides beside a moved placement, or that nothing does."""
    whose = "the other side's" if any(metric.paired for metric in verdict.metrics.values()) else "the baseline's"
    others = environment_differences(verdict)
    if others:
        return f"Environment differs from {whose}: {differences_text(others)}"
    rest = "rest of the recorded environment" if verdict.differences else "recorded environment"
    return f"The {rest} is the same as {whose}"


def commits_text(verdict: BenchmarkVerdict) -> str:
    """``commits 1a2b3c4..5d6e7f8``, ``commit 1a2b3c4 in both``, or nothing where one is not known."""
    base, candidate = (side.commit for side in verdict.sides or (Side(), Side()))
    if base is None or candidate is None:
        return ""
    return f"commit {base} in both" if base == candidate else f"commits {base}..{candidate}"


def rebuilt_text(verdict: BenchmarkVerdict) -> str:
    """That each side built its own engine, and what helps; or nothing."""
    return _REBUILT if _was_rebuilt(verdict) else ""


def inconclusive_text(verdict: BenchmarkVerdict, *, with_change: bool = True) -> str:
    """What an undecided benchmark showed, how many more rounds would decide, and what it would have detected."""
    parts: List[str] = []
    name = deciding_metric(verdict)
    if name is not None:
        metric = verdict.metrics[name]
        if metric.ratio is not None and with_change:
            parts.append(f"{metric_label(name, metric)} {change_with_interval(metric.ratio, metric.interval)}")
        if metric.accuracy is not None:
            if with_change:
                parts.append(f"{metric_label(name, metric)} {accuracy_text.difference(metric.accuracy, metric.unit)}")
            parts.append(accuracy_text.examples_text(metric.accuracy))
        if metric.reason:
            parts.append(metric.reason.rstrip("."))
        if metric.runs_needed is not None:
            more = max(1, metric.runs_needed - metric.candidate_runs)
            parts.append(f"about {count(more, 'more round')} would decide")
        kind = _detectable(name, metric)
        loss = accuracy_text.detectable_text(metric)
        if kind or loss:
            detectable = f"{kind}s of {_size(metric)}" if kind else loss
            parts.append(f"would have detected {detectable} or more")
    parts += [
        f"{metric_label(other)} is {metric.verdict}: {metric.reason}"
        for other, metric in verdict.metrics.items()
        if other != name and metric.gates and metric.verdict in (INCOMPARABLE, MISSING)
    ]
    if verdict.reason:
        parts.append(verdict.reason.rstrip("."))
    return "; ".join(dict.fromkeys(parts))


def rename_text(rename: Rename) -> str:
    """How the latency changed with the name, or why that is not known."""
    if rename.ratio is not None:
        return f"latency {change_with_interval(rename.ratio, rename.interval)}"
    return f"change unknown ({rename.reason})" if rename.reason else "change unknown"


def rename_commands(renames: Sequence[Rename]) -> List[str]:
    """The commands that carry the old runs over: one for all parametrisations of a function."""
    pairs = dict.fromkeys((function_of(rename.old), function_of(rename.new)) for rename in renames)
    return [f"edgeperf baseline rename {shlex.quote(old)} {shlex.quote(new)}" for old, new in pairs]


def worse_text(verdict: BenchmarkVerdict) -> str:
    """What got worse, short: ``latency +8.1 % [+5.2, +11.1], peak memory +3.0 %``."""
    parts = []
    for name in metrics_with(verdict, REGRESSED):
        metric = verdict.metrics[name]
        moved = "" if metric.ratio is None else f" {change_with_interval(metric.ratio, metric.interval)}"
        if metric.accuracy is not None:
            moved = f" {accuracy_text.difference(metric.accuracy, metric.unit)}"
        parts.append(metric_label(name, metric) + moved)
    return enumerate_names(parts)


def _what(name: str, metric: MetricVerdict, *, with_reason: bool = False) -> str:
    label = metric_label(name)
    if metric.summary not in ("", "value", "mean"):
        label = f"{_SUMMARIES.get(metric.summary, metric.summary)} {label}"
    # whoever named an accuracy wrote it so
    text = label if metric.accuracy is not None else label[0].upper() + label[1:]
    moved = []
    if metric.baseline is not None and metric.candidate is not None:
        moved.append(from_to(metric.baseline, metric.candidate, metric.unit))
    if metric.ratio is not None:
        interval = ""
        if metric.interval is not None:
            interval = f" [95 %: {', '.join(percent(end - 1) for end in metric.interval)}]"
        moved.append(change(metric.ratio) + (" pair by pair" if metric.paired else "") + interval)
    if metric.accuracy is not None:
        moved.append(accuracy_text.difference(metric.accuracy, metric.unit, "95 %: "))
    parts = [f"{text} {', '.join(moved) or 'is worse'}"]
    if metric.tolerance is not None:
        parts.append(f"tolerance {share(metric.tolerance)}")
    if metric.accuracy is not None:
        parts.insert(1, accuracy_text.examples_text(metric.accuracy))
        parts.append(f"margin {accuracy_text.points(metric.accuracy.margin, metric.unit)}")
    if with_reason and metric.reason:
        parts.append(metric.reason)
    return "; ".join(parts)


def _evidence(metric: MetricVerdict, verdict: BenchmarkVerdict) -> str:
    base, candidate = verdict.sides or (Side(), Side())
    runs = f"{metric.candidate_runs}{_timed(candidate, ' timed')} against {metric.baseline_runs}{_timed(base)}"
    if metric.paired:
        pairs = count(metric.candidate_runs, "pair")
        if metric.builds is not None:
            pairs += f" of {count(metric.builds, 'build')} on each side"
        runs = f"{pairs} {_PAIRED[metric.paired]}{_timed(candidate, ' timed on each side')}"
    elif metric.builds is not None and metric.baseline_builds is not None:
        runs = (
            f"{metric.builds} in {count(metric.candidate_runs, 'run')}{_timed(candidate, ' timed')} "
            f"against {metric.baseline_builds} in {metric.baseline_runs}{_timed(base)}"
        )
    if metric.accuracy is not None:
        parts = ["Answers to the same examples, compared in pairs"]
    elif metric.scatter is None:
        parts = [f"{_observed(metric)}: {runs}"]
    else:
        noise = "less than 0.1" if metric.scatter < 0.001 else percent(metric.scatter, sign=False)
        parts = [f"{_observed(metric)} scatter by {noise} %", runs]
    if metric.p_adjusted is not None:
        parts.append(f"adjusted {p_value(metric.p_adjusted)}")
    parts += [reason for reason in (metric.reason, verdict.reason) if reason]
    return "; ".join(parts)


def _observed(metric: MetricVerdict) -> str:
    """What varies independently."""
    if metric.paired:
        return "Pairs"
    return "Runs" if metric.builds is None else "Builds of the engine"


def _timed(side: Side, word: str = "") -> str:
    return "" if side.timed_s is None else f" ({duration(side.timed_s)}{word})"


def _reach(name: str, verdict: BenchmarkVerdict) -> str:
    metric = verdict.metrics[name]
    kind, loss = _detectable(name, metric), accuracy_text.detectable_text(metric)
    detectable = f"{kind}s of {_size(metric)}" if kind else loss
    parts = [f"Would detect {detectable} or more" if detectable else "Detectable change unknown"]
    latency = verdict.metrics.get(LATENCY)
    if metric.accuracy is not None and latency is not None and latency.ratio is not None:
        parts.append(f"latency {change_with_interval(latency.ratio, latency.interval)}, {latency.verdict}")
    ratios = {phase: verdict.metrics[phase].ratio for phase in PHASES if phase in verdict.metrics}
    moved = [f"{phase} {round(100 * (ratio - 1)):+d} %" for phase, ratio in ratios.items() if ratio is not None]
    if moved and name.startswith(LATENCY):
        parts.append(", ".join(moved))
    return "; ".join(parts)


def _detectable(name: str, metric: MetricVerdict) -> Optional[str]:
    if metric.detectable is None or not math.isfinite(metric.detectable):
        return None
    if name.startswith(LATENCY):
        return "slowdown"
    return "increase" if metric.detectable >= 1 else "decrease"


def _size(metric: MetricVerdict) -> str:
    return f"{percent(abs((metric.detectable or 1) - 1), sign=False)} %"


def _was_rebuilt(verdict: BenchmarkVerdict) -> bool:
    """Whether each side of a lock-step comparison had one engine, which it built for itself."""
    latency = verdict.metrics.get(LATENCY)
    engines = verdict.differences.get("settings.engine", (None, None))
    if latency is None or not latency.paired or latency.builds is not None:
        return False
    old, new = (engine.get("engine_sha256") if isinstance(engine, Mapping) else None for engine in engines)
    return old is not None and new is not None and old != new
