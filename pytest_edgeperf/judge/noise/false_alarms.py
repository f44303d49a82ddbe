"""False alarms of the gate, by judging runs of the same code against each other."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from scipy.special import betaincinv

from pytest_edgeperf.judge.family import Family, Stage
from pytest_edgeperf.judge.procedure import step
from pytest_edgeperf.judge.verdicts import MORE, REGRESSED, Comparison
from pytest_edgeperf.results.types import Benchmark, Results, Run

CONFIDENCE = 0.95
#: A smaller baseline than this says nothing of the gate that was asked about.
FEWEST_BASELINE_RUNS = 3

#: Enough to show 1 % a session if there is no alarm; more where sessions are cheap, fewer where they take minutes.
FEWEST_SESSIONS, MOST_SESSIONS = 100, 1000
_JUDGED_BENCHMARKS = 15_000
_SEED = "edgeperf noise"


@dataclass(frozen=True)
class FalseAlarms:
    """Resampled sessions of unchanged code, and in how many of them something was called regressed."""

    sessions: int
    sessions_with_alarm: int
    #: Of the benchmark with the fewest.
    baseline_runs: int
    candidate_runs: int

    @property
    def rate(self) -> float:
        """The share of sessions with a false alarm."""
        return self.sessions_with_alarm / self.sessions

    @property
    def upper_bound(self) -> float:
        """What the rate is at most, with 95 % confidence in the resampling (Clopper & Pearson 1934, Biometrika 26)."""
        if self.sessions_with_alarm >= self.sessions:
            return 1.0
        missed = self.sessions - self.sessions_with_alarm
        return float(betaincinv(self.sessions_with_alarm + 1, missed, CONFIDENCE))


class TooFewRunsError(ValueError):
    """No benchmark has enough runs to be split; the message says how many that would be."""


class _Sides:
    """The runs of one benchmark, each ready to be on either side."""

    def __init__(self, benchmark: Benchmark, baseline_runs: int) -> None:
        benchmark = _without_accuracies(benchmark)
        self.benchmark = benchmark
        self.baseline_runs = baseline_runs
        self.as_baseline = [replace(run, session="baseline") for run in benchmark.runs]
        self.as_candidate = [replace(run, session="candidate") for run in benchmark.runs]

    def draw(self, rng: random.Random, candidate_runs: int) -> Tuple[List[Run], List[Run]]:
        """Draw runs for both sides, none for both."""
        rows = rng.sample(range(len(self.as_baseline)), self.baseline_runs + candidate_runs)
        first, second = rows[: self.baseline_runs], rows[self.baseline_runs :]
        return [self.as_baseline[row] for row in first], [self.as_candidate[row] for row in second]


def _without_accuracies(benchmark: Benchmark) -> Benchmark:
    """What varies in an accuracy are the examples: drawing runs anew says nothing of its false alarms."""
    names = {name for name, metric in benchmark.metrics.items() if metric.is_accuracy}
    if not names:
        return benchmark
    runs = tuple(
        replace(run, values={name: value for name, value in run.values.items() if name not in names})
        for run in benchmark.runs
    )
    metrics = {name: metric for name, metric in benchmark.metrics.items() if name not in names}
    return replace(benchmark, metrics=metrics, runs=runs)


def sessions_for(benchmarks: int) -> int:
    """Return how many sessions of so many benchmarks are resampled."""
    return max(FEWEST_SESSIONS, min(MOST_SESSIONS, _JUDGED_BENCHMARKS // max(benchmarks, 1)))


def false_alarms(
    results: Results,
    family: Family,
    *,
    baseline_runs: int,
    stages: Sequence[int],
    sessions: int,
    judged: Optional[Callable[[int, int], None]] = None,
) -> FalseAlarms:
    """Judge ``sessions`` random splits of the benchmarks' runs as a check would, stage by stage.

    ``results`` holds good runs only. Each benchmark gives up to ``baseline_runs`` of them to the baseline and as
    many as the last stage asks for to the candidate, as if these were of another session; those with too few
    runs for that are left out. ``judged`` is called after each session with its number and that of all.

    Raises:
        TooFewRunsError: no benchmark has enough runs.
    """
    candidate_runs = stages[-1]
    sides: Dict[str, _Sides] = {}
    for name, benchmark in results.benchmarks.items():
        left = len(benchmark.runs) - candidate_runs
        if left >= FEWEST_BASELINE_RUNS:
            sides[name] = _Sides(benchmark, min(baseline_runs, left))
    if not sides:
        raise TooFewRunsError(
            f"a benchmark with at least {candidate_runs + FEWEST_BASELINE_RUNS} undisturbed runs is needed"
        )
    alarms = 0
    for number in range(sessions):
        rng = random.Random(f"{_SEED}/{number}")  # noqa: S311 (a sample, not a secret)
        draws = {name: side.draw(rng, candidate_runs) for name, side in sides.items()}
        base = _side(results, sides, {name: drawn for name, (drawn, _) in draws.items()})
        available = {name: drawn for name, (_, drawn) in draws.items()}
        comparison = _check(results, sides, base, available, family, stages)
        alarms += comparison.summary[REGRESSED] > 0
        if judged is not None:
            judged(number + 1, sessions)
    return FalseAlarms(sessions, alarms, min(side.baseline_runs for side in sides.values()), candidate_runs)


def _check(
    results: Results,
    sides: Mapping[str, _Sides],
    base: Results,
    available: Mapping[str, List[Run]],
    family: Family,
    stages: Sequence[int],
) -> Comparison:
    taken = dict.fromkeys(sides, 0)
    waiting = list(sides)
    for runs in stages:
        taken.update(dict.fromkeys(waiting, runs))
        candidate = _side(results, sides, {name: available[name][:count] for name, count in taken.items()})
        answer = step(base, candidate, family, Stage(runs=runs, final=runs == stages[-1]))
        waiting = [name for name in waiting if answer.decisions.get(name) == MORE]
        if not waiting:
            break
    return answer.comparison


def _side(results: Results, sides: Mapping[str, _Sides], runs: Mapping[str, Sequence[Any]]) -> Results:
    chosen = {name: replace(sides[name].benchmark, runs=tuple(drawn)) for name, drawn in runs.items()}
    return Results(results.device, results.environments, chosen)
