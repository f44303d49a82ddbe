"""What is said near the row of a benchmark that got worse: what moved, how sure that is, and what differs."""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import REGRESSED, BenchmarkVerdict, Comparison, MetricVerdict
from pytest_edgeperf.report import accuracy_text
from pytest_edgeperf.report.explanation_text import explanation_line, with_explanation
from pytest_edgeperf.report.figures import LATENCY, PHASES, deciding_metric, metric_label, metrics_with
from pytest_edgeperf.report.line_text import line_text
from pytest_edgeperf.report.loaded_text import loaded_text, without_record_text
from pytest_edgeperf.report.numbers import count, from_to, p_value, share
from pytest_edgeperf.report.placement_text import placement_text
from pytest_edgeperf.report.sentences import commits_text, environment_text, measured_lines, rebuilt_text
from pytest_edgeperf.results.explanations import Explanation

#: Regressions with sentences of their own in a report that is not asked for everything.
_EXPLAINED = 10
_SUMMARIES = {"p50": "median", "min": "fastest call", "max": "slowest call"}


class Remarks(NamedTuple):
    """What is said of regressions: of all of them, and by a benchmark's id of each; a moved placement first."""

    commits: str
    differences: str
    sentences: Mapping[str, Sequence[str]]


def explained(
    comparison: Comparison,
    explanations: Mapping[str, Explanation],
    *,
    everything: bool = False,
    in_full: bool = False,
) -> Remarks:
    """What all regressed benchmarks share of what differs between the sides, and the sentences of each.

    Args:
        explanations: what profiles say of them, where there are some.
        everything: sentences for each regression, not only for the first ones.
        in_full: those of the failing test, for a report beside which there is no failing test.
    """
    worse = {name: verdict for name, verdict in comparison.benchmarks.items() if verdict.verdict == REGRESSED}
    commits, shared_commits = _shared({name: commits_text(verdict) for name, verdict in worse.items()})
    differences, shared_differences = _shared({name: _differences(verdict) for name, verdict in worse.items()})
    placements, shared_placement = _shared({name: placement_text(verdict) for name, verdict in worse.items()})
    sentences: Dict[str, Sequence[str]] = {}
    for name, verdict in worse.items():
        if len(sentences) == _EXPLAINED and not everything:
            break
        why = explanations.get(name)
        if in_full:
            moved = with_explanation("\n".join(measured_lines(name, verdict)), why).splitlines()
        else:
            moved = [moved_text(verdict), explanation_line(why)]
        own = "; ".join(filter(None, [differences.get(name), commits.get(name)]))
        sentences[name] = [sentence for sentence in (placements.get(name), *moved, own) if sentence]
    unknown = without_record_text(list(worse.values()))
    shared = "; ".join(filter(None, [shared_differences, unknown]))
    return Remarks(shared_commits, ". ".join(filter(None, [shared_placement, shared])), sentences)


def worst_first(comparison: Comparison) -> List[str]:
    """The regressed benchmarks: those without a ratio (accuracies) first, then by the size of the change."""
    worse = {name: verdict for name, verdict in comparison.benchmarks.items() if verdict.verdict == REGRESSED}
    return sorted(worse, key=lambda name: -_size(worse[name]))


def _size(verdict: BenchmarkVerdict) -> float:
    name = deciding_metric(verdict)
    ratio = None if name is None else verdict.metrics[name].ratio
    return math.inf if ratio is None or not ratio > 0 else abs(math.log(ratio))


def moved_text(verdict: BenchmarkVerdict) -> str:
    """``median 11.3 -> 12.2 ms; tolerance 2 %; 9 vs 10 runs; adjusted p = 0.0004; infer +9 %``."""
    names = metrics_with(verdict, REGRESSED)
    if not names:
        return verdict.reason or ""
    deciding = verdict.metrics[names[0]]
    parts = [_moved(name, verdict.metrics[name]) for name in names]
    if deciding.accuracy is not None:
        parts.append(accuracy_text.examples_text(deciding.accuracy))
        parts.append(f"margin {accuracy_text.points(deciding.accuracy.margin, deciding.unit)}")
    elif deciding.tolerance is not None:
        parts.append(f"tolerance {share(deciding.tolerance)}")
    if deciding.paired:
        parts.append(count(deciding.candidate_runs, "pair"))
    elif deciding.candidate_runs:
        parts.append(f"{deciding.candidate_runs} vs {count(deciding.baseline_runs, 'run')}")
    if deciding.p_adjusted is not None:
        parts.append(f"adjusted {p_value(deciding.p_adjusted)}")
    parts += [reason for reason in (deciding.reason, verdict.reason) if reason]
    latency = verdict.metrics.get(LATENCY)
    if LATENCY in names:
        parts.append(_phases(verdict.metrics))
    elif latency is not None and latency.gates:
        parts.append(f"latency {latency.verdict}")
    return "; ".join(filter(None, parts))


def lines_explained(comparison: Comparison) -> List[Tuple[str, Sequence[str]]]:
    """The slopes and intercepts that got worse: the first sentence of each, and the others."""
    texts = [line_text(line).splitlines() for line in comparison.regressed_lines]
    return [(first, others) for first, *others in texts]


def _shared(texts: Mapping[str, str]) -> Tuple[Mapping[str, str], str]:
    """The texts of each where they differ, and that of all where they do not."""
    different = set(texts.values())
    return ({}, different.pop()) if len(different) == 1 else (texts, "")


def _differences(verdict: BenchmarkVerdict) -> str:
    recorded = "; ".join(filter(None, [environment_text(verdict), rebuilt_text(verdict)]))
    return ". ".join(filter(None, [recorded, loaded_text(verdict)]))


def _moved(name: str, metric: MetricVerdict) -> str:
    label = metric_label(name)
    if name == LATENCY:
        label = _SUMMARIES.get(metric.summary, metric.summary)
    if metric.baseline is None or metric.candidate is None:
        return f"{label} is worse"
    return f"{label} {from_to(metric.baseline, metric.candidate, metric.unit)}"


def _phases(metrics: Mapping[str, MetricVerdict]) -> str:
    ratios = {phase: metrics[phase].ratio for phase in PHASES if phase in metrics}
    return ", ".join(f"{phase} {round(100 * (ratio - 1)):+d} %" for phase, ratio in ratios.items() if ratio is not None)
