"""What runs of the same code say about a machine: their spread, what the gate finds in it, and its false alarms."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.noise.builds import BuildNoise, build_noise
from pytest_edgeperf.judge.noise.false_alarms import FalseAlarms, TooFewRunsError, false_alarms, sessions_for
from pytest_edgeperf.judge.noise.remedies import Remedy, explained_spread, remedies
from pytest_edgeperf.judge.noise.spread import POWERS, Detectable, GroupNoise, good_runs, groups, smallest
from pytest_edgeperf.judge.noise.statistical_power import Design
from pytest_edgeperf.judge.rules.rule import LATENCY
from pytest_edgeperf.results.gate import Gate
from pytest_edgeperf.results.types import Results

#: So many benchmarks, those with the greatest detectable slowdown, are looked at for remedies.
WORST = 3


@dataclass(frozen=True)
class SummaryNoise:
    """One summary of one metric: spreads are standard deviations between runs of its logarithm.

    ``moderated_spread`` is what the gate takes it for, ``explained_spread`` what the scatter of a run's blocks
    accounts for (``None`` where it is not known). ``detectable`` holds the smallest change that is found, a
    ratio - 1 towards worse, for each of ``POWERS``; ``None`` where none is.
    """

    summary: str
    spread: float
    moderated_spread: float
    explained_spread: Optional[float]
    detectable: Detectable

    def to_dict(self) -> Dict[str, Any]:
        """Return it for JSON, in per cent."""
        changes = {f"detectable_{100 * power:.0f}_power": change for power, change in zip(POWERS, self.detectable)}
        values = {
            "spread": self.spread,
            "moderated_spread": self.moderated_spread,
            "spread_explained_by_blocks": self.explained_spread,
            **changes,
        }
        return {f"{name}_percent": _in_percent(value) for name, value in values.items()}


@dataclass(frozen=True)
class BenchmarkNoise:
    """The good runs of a benchmark, and the summaries of its metrics that decide in a check."""

    runs: int
    disturbed_runs: int
    metrics: Mapping[str, Tuple[SummaryNoise, ...]]

    def best(self, metric: str) -> SummaryNoise:
        """The summary that shows the smallest change: a check finds at least what the best one finds."""
        summaries = self.metrics[metric]
        return summaries[smallest([summary.detectable for summary in summaries])]

    def to_dict(self) -> Dict[str, Any]:
        """Return what ``--format json`` prints of it."""
        metrics = {}
        for name, summaries in self.metrics.items():
            best = self.best(name)
            by_summary = {summary.summary: summary.to_dict() for summary in summaries}
            metrics[name] = {"best_summary": best.summary, **best.to_dict(), "summaries": by_summary}
        return {"runs": self.runs, "disturbed_runs": self.disturbed_runs, "metrics": metrics}


@dataclass(frozen=True)
class Noise:
    """The noise of all benchmarks of a file, seen by a gate whose baseline has so many runs."""

    device: str
    gate: Gate
    baseline_runs: int
    alpha: float
    benchmarks: Mapping[str, BenchmarkNoise]
    #: Those whose engines were built several times: a check compares the means of their builds.
    builds: Mapping[str, BuildNoise] = field(default_factory=dict)
    #: Benchmark id -> why it has no figures.
    not_analysed: Mapping[str, str] = field(default_factory=dict)
    #: The rate, or why there is none.
    false_alarms: Optional[FalseAlarms] = None
    no_false_alarms: Optional[str] = None
    remedies: Sequence[Remedy] = ()

    def to_dict(self) -> Dict[str, Any]:
        """Return what ``edgeperf noise --format json`` prints."""
        return {
            "device": self.device,
            "gate": {
                "baseline_runs": self.baseline_runs,
                "stages_runs": list(self.gate.stages),
                "tolerance_percent": _in_percent(self.gate.tolerance),
                "alpha_percent": _in_percent(self.alpha),
                "benchmarks": len(self.benchmarks) + len(self.builds) + len(self.not_analysed),
            },
            "benchmarks": {name: benchmark.to_dict() for name, benchmark in self.benchmarks.items()},
            "builds": {name: builds.to_dict() for name, builds in self.builds.items()},
            "not_analysed": dict(self.not_analysed),
            "false_alarms": self._false_alarms(),
            "remedies": [_remedy_to_dict(remedy) for remedy in self.remedies],
        }

    def _false_alarms(self) -> Dict[str, Any]:
        alarms = self.false_alarms
        if alarms is None:
            return {"sessions": 0, "reason": self.no_false_alarms}
        return {
            "sessions": alarms.sessions,
            "sessions_with_alarm": alarms.sessions_with_alarm,
            "rate_percent": _in_percent(alarms.rate),
            "rate_upper_bound_95_confidence_percent": _in_percent(alarms.upper_bound),
            "baseline_runs": alarms.baseline_runs,
            "candidate_runs": alarms.candidate_runs,
        }


def noise(
    results: Results, gate: Gate, *, baseline_runs: int, judged: Optional[Callable[[int, int], None]] = None
) -> Noise:
    """Analyse runs of the same code for a check against a baseline of so many runs.

    ``judged`` is called with how many resampled sessions have been judged, and how many there are: it takes a while.

    Raises:
        ValueError: a value that decides has no logarithm; the message names it.
    """
    good, not_analysed = good_runs(results)
    of_builds = {name: build_noise(name, benchmark) for name, benchmark in good.benchmarks.items()}
    builds = {name: noise for name, noise in of_builds.items() if noise is not None}
    # Runs of one build are not drawn anew as if they were runs of any.
    single = {name: benchmark for name, benchmark in good.benchmarks.items() if name not in builds}
    good = replace(good, benchmarks=single)
    family = Family(
        tuple(results.benchmarks),
        tolerance=gate.tolerance,
        tolerances=gate.tolerances,
        gates=gate.metrics,
        must_detect=gate.must_detect,
    )
    design = Design(baseline_runs, gate.stages)
    latency, others = groups(good, family)
    summaries: Dict[str, Dict[str, List[SummaryNoise]]] = {name: {} for name in good.benchmarks}
    for group in (latency, others):
        for contrast, summary in zip(group.contrasts, _summaries(group, design)):
            summaries[contrast.benchmark].setdefault(contrast.metric, []).append(summary)
    benchmarks: Dict[str, BenchmarkNoise] = {}
    for name, metrics in summaries.items():
        if not metrics:
            not_analysed[name] = "none of its gating metrics is judged by its spread"
            continue
        disturbed = sum(run.disturbed for run in results.benchmarks[name].runs)
        by_metric = {metric: tuple(several) for metric, several in metrics.items()}
        benchmarks[name] = BenchmarkNoise(len(good.benchmarks[name].runs), disturbed, by_metric)
    alarms, reason = None, None
    try:
        alarms = false_alarms(
            good,
            family,
            baseline_runs=baseline_runs,
            stages=gate.stages,
            sessions=sessions_for(len(good.benchmarks)),
            judged=judged,
        )
    except TooFewRunsError as error:
        reason = str(error)
    return Noise(
        device=results.device,
        gate=gate,
        baseline_runs=baseline_runs,
        alpha=family.alpha,
        benchmarks=benchmarks,
        builds=builds,
        not_analysed=not_analysed,
        false_alarms=alarms,
        no_false_alarms=reason,
        remedies=remedies(latency, worst(benchmarks), design, gate, good),
    )


def worst(benchmarks: Mapping[str, BenchmarkNoise]) -> List[str]:
    """Return the benchmarks whose latency must change most to be found, the worst first."""
    smallest_changes: Dict[str, float] = {}
    for name, noise in benchmarks.items():
        if LATENCY in noise.metrics:
            smallest_change = noise.best(LATENCY).detectable[0]
            smallest_changes[name] = math.inf if smallest_change is None else smallest_change
    return sorted(smallest_changes, key=lambda name: -smallest_changes[name])[:WORST]


def _summaries(group: GroupNoise, design: Design) -> List[SummaryNoise]:
    columns = zip(
        group.contrasts,
        group.spread.tolist(),
        group.moderated_spread.tolist(),
        explained_spread(group).tolist(),
        group.detectable(design),
    )
    return [
        SummaryNoise(contrast.summary, spread, moderated, None if math.isnan(explained) else explained, detectable)
        for contrast, spread, moderated, explained, detectable in columns
    ]


def _remedy_to_dict(remedy: Remedy) -> Dict[str, Any]:
    return {
        "kind": remedy.kind,
        "helps": remedy.helps,
        "value": remedy.value,
        "found": remedy.found,
        "benchmarks": {
            name: {
                "detectable_80_power_percent": _in_percent(now),
                "predicted_detectable_80_power_percent": _in_percent(then),
            }
            for name, (now, then) in remedy.effects.items()
        },
    }


def _in_percent(fraction: Optional[float]) -> Optional[float]:
    return None if fraction is None else float(f"{100.0 * fraction:.4g}")
