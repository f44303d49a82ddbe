"""Runs of the same code, pooled: the variance of each summary that decides in a check, as the gate sees it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pytest_edgeperf.judge.comparability import comparable_runs, environment_matcher
from pytest_edgeperf.judge.evidence import Evidence, gather
from pytest_edgeperf.judge.family import Family, Stage
from pytest_edgeperf.judge.noise.statistical_power import Design, GateTests, detectable
from pytest_edgeperf.judge.rules import table
from pytest_edgeperf.judge.rules.judging import Asked, ask
from pytest_edgeperf.judge.rules.latency import LatencyRule
from pytest_edgeperf.judge.rules.other_metrics import OtherMetricsRule
from pytest_edgeperf.judge.rules.ratios import take_contrasts
from pytest_edgeperf.judge.rules.rule import Case
from pytest_edgeperf.judge.statistics.contrasts import Contrast
from pytest_edgeperf.judge.statistics.corrections import Level
from pytest_edgeperf.judge.statistics.run_variance import RUN_VARIANCE_FLOOR
from pytest_edgeperf.judge.statistics.t_tests import LOG_RATIO_LIMIT, moderate
from pytest_edgeperf.results.types import Benchmark, Results

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

#: How often a change is found that is called detectable.
POWERS = (0.80, 0.95)

#: With fewer good runs a spread is not worth a figure.
FEWEST_RUNS = 3

#: A change as a ratio - 1 towards worse for each of ``POWERS``; ``None`` where none is found so often.
Detectable = Tuple[Optional[float], ...]


class GroupNoise(NamedTuple):
    """The tests of one part of the error level: what they test, and the arrays that their power depends on."""

    contrasts: Sequence[Contrast]
    signs: Sequence[int]
    tests: GateTests
    level: Level
    #: Standard deviation of the log summary between runs, plain.
    spread: Array

    @property
    def moderated_spread(self) -> Array:
        """The same as the gate takes it."""
        return np.asarray(np.sqrt(self.tests.run_variance + RUN_VARIANCE_FLOOR), dtype=np.float64)

    def of(self, benchmarks: Sequence[str]) -> GroupNoise:
        """Return the tests of these benchmarks only; the level stays that of the whole session."""
        kept = [at for at, contrast in enumerate(self.contrasts) if contrast.benchmark in benchmarks]
        return GroupNoise(
            [self.contrasts[at] for at in kept],
            [self.signs[at] for at in kept],
            self.tests.at(kept),
            self.level,
            self.spread[kept],
        )

    def detectable(self, design: Design) -> List[Detectable]:
        """Return for each test the changes that a check of this design finds."""
        columns = detectable(self.tests, self.level, design, POWERS).T.tolist()
        return [
            tuple(None if log_ratio > LOG_RATIO_LIMIT else abs(math.expm1(sign * log_ratio)) for log_ratio in column)
            for sign, column in zip(self.signs, columns)
        ]


def smallest(changes: Sequence[Detectable]) -> int:
    """Return the position of the smallest detectable change."""
    return min(range(len(changes)), key=lambda at: [math.inf if change is None else change for change in changes[at]])


def good_runs(results: Results) -> Tuple[Results, Dict[str, str]]:
    """Keep the undisturbed runs that may be compared with the latest; say which benchmarks have too few."""
    differences = environment_matcher(results, results)
    benchmarks: Dict[str, Benchmark] = {}
    reasons: Dict[str, str] = {}
    for name, benchmark in results.benchmarks.items():
        alike = comparable_runs(benchmark.runs, benchmark.runs, differences).baseline if benchmark.runs else ()
        good = tuple(run for run in alike if not run.disturbed)
        if len(good) < FEWEST_RUNS:
            reasons[name] = (
                f"{len(good)} of {len(benchmark.runs)} runs are undisturbed; at least {FEWEST_RUNS} are needed"
            )
            continue
        benchmarks[name] = replace(benchmark, runs=good)
    return replace(results, benchmarks=benchmarks), reasons


def groups(good: Results, family: Family) -> Tuple[GroupNoise, GroupNoise]:
    """Return the tests of latency and of the other metrics that decide, from all runs of each benchmark.

    The questions of a check are asked about one half of the runs against the other; then the halves are pooled:
    the squares around one mean are those around two and K k / (K + k) times the squared difference.
    """
    differences = environment_matcher(good, good)
    evidence: Dict[str, Evidence] = {}
    for name, benchmark in good.benchmarks.items():
        half = len(benchmark.runs) // 2
        first, second = (replace(benchmark, runs=runs) for runs in (benchmark.runs[:half], benchmark.runs[half:]))
        gathered = gather(first, second, differences)
        if isinstance(gathered, Evidence):
            evidence[name] = gathered
    case = Case(good, good, family, Stage(runs=0, final=True), evidence)
    asked, _ = ask(case, table.RULES)
    latency, others = (
        _pooled(next(questions for questions in asked if isinstance(questions.rule, kind)), case)
        for kind in (LatencyRule, OtherMetricsRule)
    )
    return latency, others


def _pooled(asked: Asked, case: Case) -> GroupNoise:
    group, _ = take_contrasts(asked.gating, case)
    contrasts = group.contrasts
    base = np.array([float(c.baseline_runs) for c in contrasts])
    new = np.array([float(c.candidate_runs) for c in contrasts])
    between = np.array([c.difference for c in contrasts]) ** 2 * base * new / (base + new)
    squares = np.array([c.squares for c in contrasts]) + between
    freedom = np.array([c.freedom + 1.0 for c in contrasts])
    moderation = moderate(contrasts, squares, freedom)
    tolerances = group.tolerances()
    tests = GateTests(
        run_variance=moderation.variance - RUN_VARIANCE_FLOOR,
        dispersion=moderation.dispersion,
        scale=moderation.scale,
        prior_freedom=moderation.prior_freedom,
        log_tolerance=np.log1p(tolerances),
        log_limit=np.log1p(np.maximum(tolerances, case.family.must_detect)),
        weights=np.array(group.weights(), dtype=np.float64),
    )
    return GroupNoise(contrasts, group.signs(), tests, asked.level, np.sqrt(squares / freedom))
