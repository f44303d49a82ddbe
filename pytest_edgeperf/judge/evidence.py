"""What there is to judge of one benchmark: comparable, undisturbed runs, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from pytest_edgeperf.judge.builds import Observation, count_builds, have_builds, observations
from pytest_edgeperf.judge.comparability import Differences, comparable_runs, recency
from pytest_edgeperf.judge.statistics.origins import BOOT_VARIANCE, REBUILD_VARIANCE, Origins
from pytest_edgeperf.judge.verdicts import INCOMPARABLE, INCONCLUSIVE, MISSING, NEW, BenchmarkVerdict, Side
from pytest_edgeperf.results.benchmark_matching import differing
from pytest_edgeperf.results.types import Benchmark, Metric, Run

#: With fewer good runs than this, a machine that disturbed the others leaves nothing to judge by.
MIN_GOOD_RUNS = 3

#: The quality figure of a run whose tail is excluded from the comparison, and the summaries that this excludes.
TAIL_DISTURBED = "tail_disturbed"
TAIL = ("p90", "p95", "p99")

NO_QUALITY = "no quality figures: all runs are treated as undisturbed"


@dataclass(frozen=True)
class Evidence:
    """The good runs of both sides of one benchmark."""

    baseline: Tuple[Run, ...]
    candidate: Tuple[Run, ...]
    metrics: Mapping[str, Metric]
    #: Candidate runs that were made, disturbed ones included.
    made: int
    #: Whether the sides were measured together: they share their sessions, and no build's shift is allowed for.
    paired: bool = False
    differences: Differences = field(default_factory=dict)
    #: Metrics whose unit or direction the two sides do not agree on, and how.
    changed_metrics: Mapping[str, str] = field(default_factory=dict)
    note: Optional[str] = None

    def values(self, metric: str) -> Tuple[List[Any], List[Any]]:
        """Return the metric's values in the runs of each side that have it; of several builds, their means."""
        base, candidate = (self._observations(side, metric) for side in (self.baseline, self.candidate))
        return [observed.value for observed in base], [observed.value for observed in candidate]

    @property
    def builds(self) -> Optional[Tuple[int, int]]:
        """How many builds of an engine each side's runs are of; ``None`` where neither side has several."""
        if self.paired or not have_builds(self.baseline, self.candidate):
            return None
        return count_builds(self.baseline), count_builds(self.candidate)

    def _observations(self, runs: Sequence[Run], metric: str) -> List[Observation]:
        if self.builds is not None:
            return observations(runs, metric)
        return [Observation(run.session, run.values[metric]) for run in runs if metric in run.values]

    def origins(self, metric: str, usable: Optional[Callable[[Any], bool]] = None) -> Origins:
        """Return the sessions of the runs that have a usable value of the metric, as ``values`` lists them."""
        base, candidate = (
            [
                observed.session
                for observed in self._observations(side, metric)
                if usable is None or usable(observed.value)
            ]
            for side in (self.baseline, self.candidate)
        )
        if self.paired:
            return Origins.of(len(base), len(candidate), apart=False)
        return Origins(base, candidate, _moved(self.baseline, self.candidate))

    def run_counts(self, metric: str) -> Tuple[int, int]:
        """Return how many runs of each side have the metric."""
        base, candidate = (sum(metric in run.values for run in side) for side in (self.baseline, self.candidate))
        return base, candidate

    def sides(self) -> Tuple[Side, Side]:
        """Return what the baseline and the candidate rest on."""
        return _side(self.baseline), _side(self.candidate)


class Unjudged(NamedTuple):
    """A verdict that no test was needed for, and whether further runs could lead to one."""

    verdict: BenchmarkVerdict
    measure_again: bool = False


def gather(
    base: Optional[Benchmark],
    candidate: Optional[Benchmark],
    differences: Callable[[str, str], Tuple[Differences, Differences]],
) -> Union[Evidence, Unjudged, None]:
    """Return the evidence, or the verdict that stands without any; None for what no side has run.

    A figure that others published is no run, whichever side has it.
    """
    base, candidate = _measured(base), _measured(candidate)
    if candidate is None or not candidate.runs:
        if base is None or not base.runs:
            return None
        return Unjudged(BenchmarkVerdict(MISSING, reason="in the baseline, not measured"))
    if base is None or not base.runs:
        return Unjudged(BenchmarkVerdict(NEW, reason="no baseline runs"))
    changed = differing(base.parameters, candidate.parameters)
    if changed:
        return Unjudged(other_parameters(changed))
    runs = comparable_runs(base.runs, candidate.runs, differences)
    if runs.reason is not None:
        return Unjudged(BenchmarkVerdict(INCOMPARABLE, reason=runs.reason, differences=runs.differences))
    baseline = tuple(run for run in runs.baseline if not run.disturbed)
    measured = tuple(without_disturbed_tail(run) for run in runs.candidate if not run.disturbed)
    if not baseline:
        reason = f"machine disturbed: none of {len(runs.baseline)} baseline runs is undisturbed"
        return Unjudged(BenchmarkVerdict(INCONCLUSIVE, reason=reason, differences=runs.differences))
    if len(measured) < min(MIN_GOOD_RUNS, len(runs.candidate)):
        reason = f"machine disturbed: {len(measured)} of {len(runs.candidate)} candidate runs are undisturbed"
        verdict = BenchmarkVerdict(INCONCLUSIVE, reason=reason, differences=runs.differences)
        return Unjudged(verdict, measure_again=True)
    return Evidence(
        baseline,
        measured,
        {**base.metrics, **candidate.metrics},
        made=len(runs.candidate),
        differences=runs.differences,
        changed_metrics=_changed(base.metrics, candidate.metrics),
        note=None if all(run.quality is not None for run in baseline + measured) else NO_QUALITY,
    )


def other_parameters(changed: Mapping[str, Tuple[Any, Any]]) -> BenchmarkVerdict:
    """Return the verdict on a benchmark whose parameters have other values on the two sides, under the same id."""
    named = ", ".join(f"{name} was {old!r} and is {new!r}" for name, (old, new) in changed.items())
    fields = {f"parameters.{name}": pair for name, pair in changed.items()}
    return BenchmarkVerdict(INCOMPARABLE, reason=f"other parameters: {named}", differences=fields)


def without_disturbed_tail(run: Run) -> Run:
    """Return the run without the summaries that its neighbours may have moved, where its figures say so.

    Only of the candidate: slower tails of the baseline raise no alarm, and without one of its runs none were judged.
    """
    if not (run.quality or {}).get(TAIL_DISTURBED):
        return run
    values = {name: _without_tail(value) if isinstance(value, Mapping) else value for name, value in run.values.items()}
    return replace(run, values=values)


def _without_tail(summary: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in summary.items() if name not in TAIL}


def evidence_of_pairs(
    base: Benchmark, candidate: Benchmark, differences: Callable[[str, str], Tuple[Differences, Differences]]
) -> Evidence:
    """Return the evidence of two sides that were measured together: good runs, whatever differs in their software."""
    base_runs, runs = (tuple(run for run in side.runs if not run.disturbed) for side in (base, candidate))
    hard, soft = differences(base_runs[-1].environment, runs[-1].environment)
    return Evidence(
        base_runs,
        runs,
        {**base.metrics, **candidate.metrics},
        made=len(candidate.runs),
        paired=True,
        differences={**hard, **soft},
        changed_metrics=_changed(base.metrics, candidate.metrics),
    )


def _moved(base: Sequence[Run], candidate: Sequence[Run]) -> float:
    """Return the variance that another build or another boot adds, where every run of both sides says which it had.

    A baseline of several builds or boots shows by its own sessions how far they are apart.
    """
    variance = 0.0
    for attribute, part in (("commit", REBUILD_VARIANCE), ("boot", BOOT_VARIANCE)):
        before, after = ({getattr(run, attribute) for run in side} for side in (base, candidate))
        if None not in before | after and len(before) == 1 and after - before:
            variance += part
    return variance


def _measured(benchmark: Optional[Benchmark]) -> Optional[Benchmark]:
    if benchmark is None or all(run.source is None for run in benchmark.runs):
        return benchmark
    return replace(benchmark, runs=tuple(run for run in benchmark.runs if run.source is None))


def _side(runs: Sequence[Run]) -> Side:
    timed = [(run.quality or {}).get("timed_s") for run in runs]
    seconds = [float(value) for value in timed if isinstance(value, (int, float))]
    named = [run for run in runs if run.commit]
    return Side(
        timed_s=sum(seconds) if len(seconds) == len(runs) else None,
        commit=max(named, key=recency).commit if named else None,
    )


def _changed(base: Mapping[str, Metric], candidate: Mapping[str, Metric]) -> Dict[str, str]:
    changed = {}
    for name, new in candidate.items():
        old = base.get(name, new)
        if (old.unit, old.better) != (new.unit, new.better):
            changed[name] = (
                f"in {old.unit} with {old.better} better in the baseline, in {new.unit} with {new.better} better now"
            )
    return changed
