"""How far benchmarks have moved from their anchor: small steps, each within the tolerance, that add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.comparability import comparable_runs, environment_matcher
from pytest_edgeperf.judge.family import Tolerance
from pytest_edgeperf.report.figures import LATENCY, figure
from pytest_edgeperf.report.numbers import change, count, share
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.text import Paper, wrap
from pytest_edgeperf.results.types import Benchmark, Results

#: Benchmarks that a session without ``-v`` lists.
_SHOWN = 10

_Environments = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Creep:
    """A benchmark's latency against its anchor: beyond what a single step may be."""

    ratio: float
    tolerance: float
    #: When the newest of the anchored runs was measured.
    since: str


def creep(benchmark: Benchmark, environments: _Environments) -> Optional[float]:
    """The ratio of the present runs' median latency to the anchor's; ``None`` where one is lacking.

    Raises:
        ResultsError: the anchor is not a list of runs.
    """
    return _ratio(benchmark, replace(benchmark, runs=benchmark.anchor))


def crept(
    measured: Results,
    baseline: Optional[Results],
    tolerance: float,
    tolerances: Mapping[str, Tolerance],
    *,
    accepting: bool = False,
    allowed_differences: Sequence[str] = (),
) -> Dict[str, Creep]:
    """The measured benchmarks whose latency is above their anchor's by more than their tolerance, in accepted steps.

    Left out are those whose anchor was measured in another environment, those of which every run is disturbed, and
    those that a single step, from the accepted runs to these, takes beyond: that one the comparison shows, unless these
    runs are accepted (``accepting``).

    Raises:
        ResultsError: an anchor is not a list of runs.
    """
    if baseline is None:
        return {}
    creeps: Dict[str, Creep] = {}
    differences = environment_matcher(baseline, measured, allowed_differences)
    for name, benchmark in measured.benchmarks.items():
        stored = baseline.benchmarks.get(name)
        anchor = stored.anchor if stored is not None else ()
        if stored is None or not anchor:
            continue
        good = tuple(run for run in benchmark.runs if not run.disturbed)
        if not good:
            continue
        runs = comparable_runs(anchor, good, differences)
        ratio = _ratio(replace(benchmark, runs=runs.candidate), replace(stored, runs=runs.baseline))
        accepted = creep(stored, baseline.environments)
        own = tolerances.get(name)
        own = own.get(LATENCY) if isinstance(own, Mapping) else own
        limit = tolerance if own is None else float(own)
        if ratio is None or accepted is None:
            continue
        in_steps = accepting or accepted > 1 + limit or ratio <= accepted * (1 + limit)
        if ratio > 1 + limit and in_steps:
            creeps[name] = Creep(ratio, limit, max(run.started for run in runs.baseline)[:10])
    return creeps


def creep_lines(creeps: Mapping[str, Creep], names: Names, paper: Paper, *, everything: bool) -> List[str]:
    """A heading, and the worst benchmarks first."""
    if not creeps:
        return []
    limits = {share(creep.tolerance) for creep in creeps.values()}
    limit = limits.pop() if len(limits) == 1 else "the tolerance"
    heading = (
        f"crept ({len(creeps)}): slower than the anchor by more than {limit}, in steps that were accepted; "
        "edgeperf baseline anchor makes the accepted runs the new anchor"
    )
    lines = [paper.paint(line, "warning") for line in wrap(paper.clean(heading), paper.width, hanging="  ")]
    worst = sorted(creeps.items(), key=lambda pair: -pair[1].ratio)
    shown = worst if everything else worst[:_SHOWN]
    for name, creep in shown:
        text = f"{names[name]}: latency {change(creep.ratio)} since {creep.since}"
        lines += wrap(paper.clean(text), paper.width, indent="  ", hanging="    ")
    rest = len(worst) - len(shown)
    return [*lines, f"  and {rest} more, listed with -v"] if rest else lines


def creep_summary(creeps: Mapping[str, Creep], names: Names) -> str:
    """One sentence for a quiet session."""
    name, worst = max(creeps.items(), key=lambda pair: pair[1].ratio)
    return f"crept since the anchor: {names[name]} {change(worst.ratio)}" + (
        f", and {count(len(creeps) - 1, 'other benchmark')}" if len(creeps) > 1 else ""
    )


def _ratio(benchmark: Benchmark, anchor: Benchmark) -> Optional[float]:
    now, then = figure(benchmark, LATENCY), figure(anchor, LATENCY)
    return now / then if now and then else None
