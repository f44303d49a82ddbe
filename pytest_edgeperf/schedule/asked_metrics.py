"""Checks the metrics that markers name in ``gate`` and ``tolerance``: that they exist, and that they were measured."""

from __future__ import annotations

import difflib
import re
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set

from pytest_edgeperf.measure.measurement import METRICS
from pytest_edgeperf.results import Results
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.settings import BenchmarkOptions, SettingsError

#: So much alike is a typing error: users name accuracies themselves, and top1 is no error beside top5.
ALIKE = 0.8
#: Of a comparison within one process there is a latency of each target, by the name that the user gave it.
_LATENCY_OF_TARGET = "latency_"
_SUMMARY = re.compile(r"(.+)_(p[0-9]+|min|max|mean|sd)\Z")
#: Of a metric with summaries.
_TESTED = "its low quantile, median and tail are tested"
_ALONE = re.compile(r"(p[0-9]+|min|max|mean|median|sd)\Z")
#: Of several engines at once it is measured without sensors too.
THROUGHPUT = "throughput"
_BY_SENSORS = frozenset(
    name
    for name in METRICS
    if name.startswith(("power_", "energy_", "temperature_", "utilisation_", "clock_")) or name == THROUGHPUT
)
#: Measured where the marker asks for the software stack.
_OF_STACK = frozenset(("import_time", "load_time", "build_time", "cold_start"))
_NAMED = 3


class Asked(NamedTuple):
    """A metric that a marker names, with the keyword."""

    keyword: str
    metric: str


class Unmeasured(NamedTuple):
    """Requests for metrics that no run has: sentences, and whether a gate is among them."""

    sentences: Sequence[str]
    gates: bool


def asked(options: BenchmarkOptions) -> List[Asked]:
    """The metrics that a marker names."""
    named = [Asked("gate", name) for name in options.gate]
    if isinstance(options.tolerance, Mapping):
        named += [Asked("tolerance", name) for name in options.tolerance]
    return named


def needs_sensors(metric: str) -> bool:
    """Whether the metric comes from the pass in which sensors are read."""
    return metric in _BY_SENSORS


def check(
    options: Mapping[str, BenchmarkOptions], baseline: Optional[Results], why_absent: Callable[[str], Optional[str]]
) -> None:
    """Reject a name that is similar to a known metric: such a typing error would silently gate nothing.

    Names in the baseline are accepted, and so are names that resemble no known metric: an accuracy's name is known
    only once it was recorded. An error also names the metrics that this session will not measure.

    Args:
        options: what each benchmark's marker asks for, by id.
        baseline: the stored runs, where there are any.
        why_absent: says of a metric why this session does not measure it; ``None``: it may.

    Raises:
        SettingsError: a name is wrong, or of a metric that the marker does not ask for; the message has all that are,
            with what was probably meant.
    """
    stored = (
        {name for benchmark in baseline.benchmarks.values() for name in benchmark.metrics}
        if baseline is not None
        else set()
    )
    wrong, absent = [], []
    for id, marker in options.items():
        for keyword, metric in asked(marker):
            meant = _meant(metric, stored)
            why = why_absent(metric)
            if metric in _OF_STACK and not marker.stack:
                wrong.append(
                    f"{id}: timed_inference({keyword}=…) names {metric!r}, which is measured only with stack=True"
                )
            elif meant is not None:
                wrong.append(f"{id}: timed_inference({keyword}=…) names {metric!r}, which is not a metric; {meant}")
            elif why is not None and metric != THROUGHPUT:
                absent.append(f"{id}: {keyword}={metric!r} will have no effect: {why}")
    if wrong:
        raise SettingsError("\n".join([*wrong, *absent]))


def _meant(metric: str, stored: Set[str]) -> Optional[str]:
    if metric in METRICS or metric in stored:
        return None
    if _ALONE.match(metric):
        return f"{metric} is a summary: name the metric instead, such as latency; {_TESTED}"
    summary = _SUMMARY.match(metric)
    if summary is not None and summary.group(1) in METRICS:
        whole = summary.group(1)
        return f"{summary.group(2)} is a summary of {whole}: name {whole} instead; {_TESTED}"
    if metric.startswith(_LATENCY_OF_TARGET):
        return None
    close = difflib.get_close_matches(metric, METRICS, n=1, cutoff=ALIKE)
    return f"did you mean {close[0]}?" if close else None


def unmeasured(plans: Iterable[Plan], why_absent: Callable[[str], Optional[str]]) -> Unmeasured:
    """The metrics that markers name and that no run of their benchmark delivered."""
    missing: Dict[Asked, List[str]] = {}
    delivered: Set[str] = set()
    for plan in plans:
        if plan.broken or not plan.runs:
            continue
        measured = {name for run in plan.runs for name in run.values}
        delivered |= measured
        for request in asked(plan.options):
            if request.metric not in measured:
                missing.setdefault(request, []).append(plan.id)
    sentences = [_sentence(request, ids, delivered, why_absent(request.metric)) for request, ids in missing.items()]
    return Unmeasured(sentences, any(request.keyword == "gate" for request in missing))


def _sentence(request: Asked, ids: Sequence[str], delivered: Set[str], why: Optional[str]) -> str:
    rest = len(ids) - _NAMED
    names = ", ".join(ids[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
    close = difflib.get_close_matches(request.metric, sorted(delivered), n=1)
    if why is None:
        why = f"did you mean {close[0]}?" if close else "its runs do not have it"
    return f"{request.keyword}={request.metric!r} of {names} had no effect, because it was not measured: {why}"
