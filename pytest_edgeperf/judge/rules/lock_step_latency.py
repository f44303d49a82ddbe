"""The rule for latency in lock-step: pairs of fresh processes that took turns, and a one-sample t-test of their ratios.

It stands in the place of the rule for latency of stored runs, and has its share of the error level.
"""

from __future__ import annotations

import math
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from scipy.special import stdtr, stdtrit

from pytest_edgeperf.judge.rules.rule import LATENCY, Answer, Answers, Case, Question, Rule
from pytest_edgeperf.judge.statistics.block_pairs import Pair, mean_of_pairs
from pytest_edgeperf.judge.statistics.corrections import Level, holm
from pytest_edgeperf.judge.statistics.run_variance import Prior, fit_prior, moderated_variance
from pytest_edgeperf.judge.statistics.t_tests import BOUND_CONFIDENCE, INTERVAL_TAIL, LOG_RATIO_LIMIT, POWER
from pytest_edgeperf.judge.verdicts import IMPROVED, INCONCLUSIVE, REGRESSED, UNCHANGED, MetricVerdict
from pytest_edgeperf.results.types import Metric

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

#: A process's memory layout is not cancelled by taking turns, so one pair is one observation.
FEWEST_PAIRS = 4
#: Before the last look a benchmark is cleared when it is at most this much slower, with 95 % confidence.
CLEARED_BELOW = 0.02
#: What "unchanged" rules out by default: lock-step resolves smaller differences than separate sessions do.
MUST_DETECT = 0.05
#: Within a pair the memory layout is one, so pairs differ by more than their quads predict: by a factor of 2 to 210
#: in variance over ten workloads, 10 in the middle. So little is known beforehand that it counts as one pair.
PAIR_PRIOR = Prior(scale=10.0, freedom=1.0)
_NO_ERROR = 1e-6


@dataclass(frozen=True)
class Look:
    """The ``number``-th (from 1) of ``looks`` planned looks; the session's error level is shared by them equally.

    ``last_pairs`` is how many pairs a benchmark that stays unclear has at the last.
    """

    number: int
    looks: int
    last_pairs: int = FEWEST_PAIRS

    @property
    def final(self) -> bool:
        """Whether no further pairs are planned."""
        return self.number >= self.looks


@dataclass(frozen=True)
class Duet:
    """The pairs of one benchmark, and the runs of each side for what is compared beside latency."""

    pairs: Sequence[Pair]
    #: Taken alone one after the other, not in turns.
    alternating: bool = False
    #: The build of the engines that each pair was taken with; empty where there is one.
    builds: Sequence[int] = ()
    #: How many builds the pairs take turns among.
    build_count: int = 1

    def observations(self) -> List[Pair]:
        """What varies independently: the pairs, or where engines were built several times the mean of each build's."""
        if not self.builds:
            return list(self.pairs)
        by_build: Dict[int, List[Pair]] = {}
        for build, pair in zip(self.builds, self.pairs):
            by_build.setdefault(build, []).append(pair)
        return [mean_of_pairs(pairs) for pairs in by_build.values()]


class LockStepLatencyRule(Rule):
    """Judges the latencies of pairs at one of the planned looks.

    Per benchmark one moderated one-sample t-test of the pairs' log ratios, H0: slower by at most the tolerance,
    Holm's correction over the family, and the share of the session's error level that latency has divided equally over
    the looks (Bonferroni: whatever the looks have in common, their false alarms add up to no more). The pairs' variance
    is moderated towards what the blocks within the pairs predict (Smyth 2004). Where engines were built several times,
    the means of the builds stand for the pairs: those of one build share what it is.
    """

    def __init__(self, duets: Mapping[str, Duet], look: Look, must_detect: float) -> None:
        """Take the pairs of each benchmark of the case, and the slowdown that ``unchanged`` has to rule out."""
        self._duets = duets
        self._look = look
        self._must_detect = must_detect

    def gates(self, name: str, metric: Metric) -> bool:
        """Latency does."""
        return name == LATENCY

    def judges(self, question: Question) -> bool:
        """Latency alone."""
        return question.name == LATENCY

    def count(self, case: Case) -> int:
        """One a benchmark."""
        return len(case.family.benchmarks)

    def answer(self, questions: Sequence[Question], level: Level, case: Case) -> Answers:
        """Answer for all pairs, whatever the runs have of latency beside them."""
        benchmarks = list(self._duets)
        tolerances = [case.family.tolerance_of(benchmark, LATENCY) for benchmark in benchmarks]
        at_this_look = level.alpha * level.share / self._look.looks
        tests = _Tests(list(self._duets.values()), tolerances, at_this_look, level.family_size, self._look)
        answers = []
        for place, benchmark in enumerate(benchmarks):
            verdict = self._verdict(tests, place, benchmark, at_this_look, tolerances[place], case)
            cleared = tests.upper[place] < math.log1p(max(CLEARED_BELOW, tolerances[place]))
            decided = verdict.verdict in (REGRESSED, IMPROVED) or (verdict.verdict == UNCHANGED and cleared)
            answers.append(Answer(benchmark, LATENCY, verdict, suspicious=not decided))
        return Answers(answers)

    def _verdict(
        self, tests: _Tests, position: int, benchmark: str, level: float, tolerance: float, case: Case
    ) -> MetricVerdict:
        duet, evidence, family = self._duets[benchmark], case.evidence[benchmark], case.family
        unit = "builds" if duet.builds else "pairs"
        verdict, reason = _decided(tests, position, level, family.suspicion, max(self._must_detect, tolerance), unit)
        better = verdict == IMPROVED
        adjusted = float((tests.adjusted_better if better else tests.adjusted_worse)[position])
        before, now = (_median(values) for values in evidence.values(LATENCY))
        low, high = tests.interval[:, position].tolist()
        return MetricVerdict(
            verdict=verdict,
            summary="p50",
            unit=evidence.metrics.get(LATENCY, Metric("ms")).unit,
            ratio=math.exp(float(tests.mean[position])),
            interval=(low, high),
            # Held against the whole of alpha, as everywhere: divided by the share of this look.
            p_adjusted=min(1.0, adjusted * family.alpha / level),
            detectable=float(tests.detectable[position]),
            baseline=before,
            candidate=now,
            baseline_runs=len(duet.pairs),
            candidate_runs=len(duet.pairs),
            tolerance=tolerance,
            reason=reason,
            scatter=float(tests.scatter[position]),
            paired="alternating" if duet.alternating else "lock-step",
            builds=len(set(duet.builds)) or None,
            rules_out=math.expm1(max(0.0, float(tests.upper[position]))) if verdict == UNCHANGED else None,
        )


class _Tests:
    """One moderated one-sample t-test per benchmark; arrays over benchmarks."""

    def __init__(
        self, duets: Sequence[Duet], tolerances: Sequence[float], level: float, family_size: int, look: Look
    ) -> None:
        observations = [duet.observations() for duet in duets]
        ratios = [np.array([pair.log_ratio for pair in pairs]) for pairs in observations]
        self.number = np.array([len(logs) for logs in ratios], dtype=float)
        self.mean = np.array([logs.mean() for logs in ratios])
        self.squares = np.array([((logs - logs.mean()) ** 2).sum() for logs in ratios])
        errors = [math.sqrt(np.mean([pair.error**2 for pair in pairs])) for pairs in observations]
        predicted = np.maximum(np.array(errors), _NO_ERROR)
        self.tolerance = np.log1p(np.array(tolerances, dtype=float))
        freedom = self.number - 1.0
        prior_freedom, self.variance = _moderated(
            self.squares, freedom, predicted, np.array([duet.alternating for duet in duets])
        )
        self.df = prior_freedom + freedom
        self.error = np.sqrt(self.variance / self.number)
        enough = self.number >= FEWEST_PAIRS
        self.p_worse = np.where(enough, stdtr(self.df, (self.tolerance - self.mean) / self.error), 1.0)
        self.p_better = np.where(enough, stdtr(self.df, (self.tolerance + self.mean) / self.error), 1.0)
        self.adjusted_worse = holm(self.p_worse, family_size)
        self.adjusted_better = holm(self.p_better, family_size)
        self.upper = self.mean + stdtrit(self.df, BOUND_CONFIDENCE) * self.error
        half = -stdtrit(self.df, INTERVAL_TAIL) * self.error
        self.interval = np.exp(np.clip([self.mean - half, self.mean + half], -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT))
        # A slowdown would not be clear at an early look, and be measured on until the last.
        last = [min(look.last_pairs, duet.build_count) if duet.builds else look.last_pairs for duet in duets]
        number = np.maximum(self.number, np.array(last, dtype=float))
        df = self.df + number - self.number
        critical = -stdtrit(df, level / family_size)
        detected = self.tolerance + (critical + stdtrit(df, POWER)) * np.sqrt(self.variance / number)
        self.detectable = np.exp(np.clip(detected, 0.0, LOG_RATIO_LIMIT))
        self.scatter = np.sqrt(self.squares / np.maximum(freedom, 1.0))


def _moderated(squares: Array, freedom: Array, predicted: Array, alternating: Array) -> Tuple[Array, Array]:
    """The prior's degrees of freedom and the variance of a pair; turns and whole runs have a prior each."""
    prior_freedom, variance = np.empty_like(squares), np.empty_like(squares)
    for kind in (False, True):
        where = np.flatnonzero(alternating == kind)
        if where.size == 0:
            continue
        prior = fit_prior(squares[where], freedom[where], predicted[where], PAIR_PRIOR)
        same = np.ones(where.size)
        prior_freedom[where] = prior.freedom
        variance[where] = moderated_variance(
            squares[where], freedom[where], predicted[where], prior.scale * same, prior.freedom * same
        )
    return prior_freedom, variance


def _decided(
    tests: _Tests, position: int, level: float, suspicion: float, limit: float, unit: str
) -> Tuple[str, Optional[str]]:
    if tests.adjusted_worse[position] <= level:
        return REGRESSED, None
    if tests.adjusted_better[position] <= level:
        return IMPROVED, None
    if tests.number[position] < FEWEST_PAIRS:
        return INCONCLUSIVE, f"at least {FEWEST_PAIRS} {unit} are needed"
    p_value = float(tests.p_worse[position])
    if p_value < suspicion:
        return INCONCLUSIVE, f"suspected to be slower, p = {p_value:.2g}"
    if tests.upper[position] < math.log1p(limit):
        return UNCHANGED, None
    worse = 100.0 * math.expm1(min(float(tests.upper[position]), LOG_RATIO_LIMIT))
    return INCONCLUSIVE, f"may be up to {worse:.3g} % slower; unchanged has to rule out {100 * limit:.3g} %"


def _median(values: List[Any]) -> Optional[float]:
    known = [float(value["p50"]) for value in values if isinstance(value, MappingType) and "p50" in value]
    return median(known) if known else None
