"""Sessions of benchmarks resampled from recorded runs, judged as a session or `edgeperf compare` judges."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

import pytest_edgeperf
from pytest_edgeperf.judge import Family, Stage, step
from pytest_edgeperf.judge.verdicts import MORE, Comparison
from pytest_edgeperf.results.types import Run
from pytest_edgeperf.settings import ROUNDS_IN_REFRESH

from .recordings import Workload, as_results

BENCHMARKS = 50
#: As a refresh makes them.
BASELINE_RUNS = ROUNDS_IN_REFRESH
STAGES = (3, 6, 9)


@dataclass(frozen=True)
class Change:
    """What was done to a benchmark's candidate runs: a factor, a shape, or real extra work."""

    factor: float = 1.0
    shape: str = ""
    injected: float = 0.0


NO_CHANGE = Change()


@dataclass
class Draw:
    """One benchmark of a resampled session: recorded runs that no other side of it has."""

    workload: Workload
    base_rows: List[int]
    candidate_rows: List[int]
    change: Change = NO_CHANGE
    #: By what each baseline session, and at last the candidate's, was slower: factors on the latency.
    shifts: Tuple[float, ...] = (1.0, 1.0)

    def base(self, without: Tuple[str, ...] = ()) -> List[Run]:
        """The baseline runs, in sessions of the same number of runs."""
        sessions = len(self.shifts) - 1
        return [
            self.workload.run(
                row,
                f"baseline {at % sessions}" if sessions > 1 else "baseline",
                factor=self.shifts[at % sessions],
                without=without,
            )
            for at, row in enumerate(self.base_rows)
        ]

    def candidate(self, without: Tuple[str, ...] = ()) -> List[Run]:
        """All candidate runs that could be made."""
        factor, shape = self.change.factor * self.shifts[-1], self.change.shape
        return [
            self.workload.run(row, "candidate", factor=factor, shape=shape, without=without)
            for row in self.candidate_rows
        ]


def draw(workload: Workload, rng: random.Random, base: int, candidate: int, change: Change = NO_CHANGE) -> Draw:
    """Draw disjoint baseline and candidate runs; a real injection has candidate runs of its own."""
    rows = workload.rows()
    if change.injected:
        return Draw(
            workload, rng.sample(rows, base), rng.sample(workload.rows(injected=change.injected), candidate), change
        )
    chosen = rng.sample(rows, base + candidate)
    return Draw(workload, chosen[:base], chosen[base:], change)


def session(
    workloads: Sequence[Workload],
    seed: Any,
    *,
    benchmarks: int = BENCHMARKS,
    base: int = BASELINE_RUNS,
    candidate: int = STAGES[-1],
    target: Optional[Tuple[Workload, Change]] = None,
    base_sessions: int = 1,
    spread: float = 0.0,
) -> Dict[str, Draw]:
    """A session of benchmarks of random workloads; with a target, the first is that workload, changed.

    ``spread``: the standard deviation of the logarithm by which each session, independently, shifts each benchmark.
    """
    rng = random.Random(seed)
    draws = {f"b{index}": draw(rng.choice(workloads), rng, base, candidate) for index in range(benchmarks)}
    if target is not None:
        draws["b0"] = draw(target[0], rng, base, candidate, target[1])
    if base_sessions > 1 or spread:
        generator = np.random.default_rng(seed)
        for one in draws.values():
            one.shifts = tuple(np.exp(generator.normal(0.0, spread, base_sessions + 1)).tolist())
    return draws


def judge_in_stages(
    draws: Mapping[str, Draw],
    *,
    stages: Sequence[int] = STAGES,
    tolerance: float = 0.02,
    without: Tuple[str, ...] = (),
) -> Tuple[Comparison, Dict[str, int]]:
    """Judge as a session does; return the verdicts and how many candidate runs each benchmark took."""
    base = {name: one.base(without) for name, one in draws.items()}
    return runs_in_stages(base, {name: one.candidate(without) for name, one in draws.items()}, stages, tolerance)


def runs_in_stages(
    base: Mapping[str, Sequence[Run]],
    available: Mapping[str, Sequence[Run]],
    stages: Sequence[int],
    tolerance: float,
) -> Tuple[Comparison, Dict[str, int]]:
    """Judge runs by benchmark as a session does; return the verdicts and how many candidate runs each took."""
    family = Family(tuple(base), tolerance=tolerance)
    stored = as_results(base)
    taken = dict.fromkeys(base, 0)
    waiting = list(base)
    for runs in stages:
        taken.update(dict.fromkeys(waiting, runs))
        candidate = as_results({name: some[: taken[name]] for name, some in available.items()})
        answer = step(stored, candidate, family, Stage(runs=runs, final=runs == stages[-1]))
        waiting = [name for name in base if answer.decisions[name] == MORE]
        if not waiting:
            break
    return answer.comparison, taken


def judge_at_once(
    draws: Mapping[str, Draw], *, runs: int, tolerance: float = 0.02, without: Tuple[str, ...] = ()
) -> Tuple[Comparison, Dict[str, int]]:
    """Judge as `edgeperf compare` does, with a fixed number of candidate runs."""
    base = as_results({name: one.base(without) for name, one in draws.items()})
    candidate = as_results({name: one.candidate(without)[:runs] for name, one in draws.items()})
    return pytest_edgeperf.compare(base, candidate, tolerance=tolerance), dict.fromkeys(draws, runs)
