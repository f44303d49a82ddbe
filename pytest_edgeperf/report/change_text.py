"""What got worse in one sentence, and what differs between the sides: for places that show no more than that."""

from __future__ import annotations

from collections import Counter
from typing import List, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import REGRESSED, BenchmarkVerdict, MetricVerdict
from pytest_edgeperf.report import accuracy_text
from pytest_edgeperf.report.figures import deciding_metric, metric_label, metrics_with
from pytest_edgeperf.report.loaded_text import environment_differences, loads_text, without_record_text
from pytest_edgeperf.report.numbers import count, from_to, percent, share
from pytest_edgeperf.report.placement_text import counted_placements, placement_text
from pytest_edgeperf.report.sentences import differences_text
from pytest_edgeperf.report.text import enumerate_names, printable

#: Pairs of commits, and fields of the environment, that a sentence lists.
_LISTED = 5


def failure_message(benchmark_id: str, verdict: BenchmarkVerdict) -> str:
    """``latency rose by 8.1 % [95 %: +5.2, +11.1] against the baseline, 11.3 -> 12.2 ms (tolerance 2 %), …``.

    GitLab, Jenkins and Azure show of a failed test no more than this.
    """
    name = deciding_metric(verdict)
    if name is None:
        return printable(f"regressed: {verdict.reason or benchmark_id}")
    metric = verdict.metrics[name]
    parts = [f"{metric_label(name, metric)} {_moved(metric)}"]
    if metric.accuracy is not None:
        parts.append(accuracy_text.examples_text(metric.accuracy))
    elif metric.baseline is not None and metric.candidate is not None:
        parts.append(from_to(metric.baseline, metric.candidate, metric.unit))
    if metric.tolerance is not None:
        parts[-1] += f" (tolerance {share(metric.tolerance)})"
    elif metric.accuracy is not None:
        parts[-1] += f" (margin {accuracy_text.points(metric.accuracy.margin, metric.unit)})"
    others = len(metrics_with(verdict, REGRESSED)) - 1
    if others > 0:
        parts.append(f"and {count(others, 'other metric')} regressed")
    placement = placement_text(verdict)
    if placement:
        parts.append(f"{placement[:1].lower()}{placement[1:]}")
    commits = _commits(verdict)
    if all(commits):
        parts.append(f"commit {commits[0]} in both" if commits[0] == commits[1] else "commits " + "..".join(commits))
    return printable(", ".join(parts))


def difference_remarks(verdicts: Sequence[BenchmarkVerdict]) -> List[str]:
    """What differs between the sides of what got worse: moved placements, commits, the environment, what it loads."""
    remarks = [f"{text}{_of(number, verdicts)}" for text, number in counted_placements(verdicts).items()][:_LISTED]
    pairs = Counter(pair for pair in map(_commits, verdicts) if all(pair))
    changed = [f"{old}..{new}{_of(number, verdicts)}" for (old, new), number in pairs.most_common() if old != new]
    same = [f"{old}{_of(number, verdicts)}" for (old, new), number in pairs.most_common() if old == new]
    if changed:
        remarks.append(f"commits {_listed(changed)}")
    if same:
        remarks.append(f"both sides are of commit {_listed(same)}")
    fields = Counter(
        differences_text({field: pair})
        for verdict in verdicts
        for field, pair in environment_differences(verdict).items()
    )
    if fields:
        remarks.append(_listed([f"{text}{_of(number, verdicts)}" for text, number in fields.most_common()]))
    elif any(verdict.differences for verdict in verdicts):
        remarks.append("the rest of the recorded environment is the same")
    else:
        remarks.append("the recorded environment is the same")
    remarks += filter(None, [loads_text(verdicts), without_record_text(verdicts)])
    return [printable(remark) for remark in remarks]


def _moved(metric: MetricVerdict) -> str:
    whom = "the other side" if metric.paired else "the baseline"
    if metric.accuracy is not None:
        return f"moved by {accuracy_text.difference(metric.accuracy, metric.unit, '95 %: ')} against {whom}"
    if metric.ratio is None:
        return f"is worse than {whom}"
    text = f"{'rose' if metric.ratio >= 1 else 'fell'} by {percent(abs(metric.ratio - 1), sign=False)} %"
    if metric.interval is not None:
        text += f" [95 %: {', '.join(percent(end - 1) for end in metric.interval)}]"
    return f"{text} against {whom}"


def _commits(verdict: BenchmarkVerdict) -> Tuple[str, str]:
    base, candidate = verdict.sides or (None, None)
    return (base and base.commit) or "", (candidate and candidate.commit) or ""


def _of(number: int, verdicts: Sequence[BenchmarkVerdict]) -> str:
    return "" if number == len(verdicts) else f" (for {number} of {len(verdicts)})"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _LISTED
    return enumerate_names([*texts[:_LISTED], f"{more} more"] if more > 0 else texts)
