"""From tests to the verdict on a metric: what it says, which summary said it, and what would say more."""

from __future__ import annotations

import math
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.judge.rules.questions import Group, Question
from pytest_edgeperf.judge.statistics.corrections import MIN_CANDIDATE_RUNS, summary_weights
from pytest_edgeperf.judge.statistics.t_tests import LOG_RATIO_LIMIT, GroupTests, Level, Tested
from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCONCLUSIVE,
    REGRESSED,
    UNCHANGED,
    Apart,
    Gain,
    MetricVerdict,
)
from pytest_edgeperf.settings import ROUNDS_IN_REFRESH

ASSUMED_DISPERSION_NOTE = "block dispersion assumed: no run has block_sd"


class Ruling(NamedTuple):
    """A verdict, the test that is shown with it, and the test that further runs would have to decide."""

    verdict: str
    shown: Tested
    p_adjusted: Optional[float]
    reason: Optional[str] = None
    undecided: Optional[Tested] = None
    #: Of an unchanged one, the logarithm of how much worse it may be.
    upper: Optional[float] = None


class Answers(NamedTuple):
    """The verdicts on a group's questions, the tests behind them, and how far sessions lie apart."""

    verdicts: List[Tuple[Question, MetricVerdict]]
    tests: List[Tested]
    apart: Optional[Apart]
    #: Metric -> the variance by which the suite's differences spread beyond their errors, where they do.
    excess: Dict[str, float]
    gain: Optional[Gain]


def answer(group: Group, level: Level, *, final: bool, must_detect: float) -> Answers:
    """Judge all questions of a group together."""
    if not group.contrasts:
        return Answers([], [], None, {}, None)
    signs: List[int] = []
    tolerances: List[float] = []
    weights: List[float] = []
    places: List[int] = []
    for question in group.questions:
        signs.extend([question.sign] * question.tests)
        tolerances.extend([question.tolerance] * question.tests)
        weights.extend(summary_weights(question.tests))
        places.extend(range(question.tests))
    tests = GroupTests(group.contrasts, signs, tolerances, level, weights=weights, places=places)
    outcomes = tests.outcomes()
    rulings = [
        rule(
            outcomes[question.first : question.first + question.tests],
            level,
            limit=_limit(question, must_detect),
            may_regress=question.may_regress,
            final=final,
        )
        for question in group.questions
    ]
    undecided = [
        (ruling.undecided.position, _limit(question, must_detect))
        for question, ruling in zip(group.questions, rulings)
        if ruling.undecided is not None
    ]
    needed: Dict[int, Tuple[Optional[int], Optional[int]]] = {}
    if undecided:
        positions = [position for position, _ in undecided]
        needed = dict(zip(positions, tests.runs_needed(positions, [limit for _, limit in undecided])))
    answers = [
        (question, _metric_verdict(question, ruling, needed)) for question, ruling in zip(group.questions, rulings)
    ]
    return Answers(answers, outcomes, tests.apart(), tests.excess, tests.gain(ROUNDS_IN_REFRESH))


def rule(tests: Sequence[Tested], level: Level, *, limit: float, may_regress: bool, final: bool) -> Ruling:
    """Decide one metric by the tests of its summaries, the primary one (the low quantile) first.

    ``regressed`` when a corrected test rejects at the final stage, else ``inconclusive`` while any raw
    p-value is suspicious; ``improved`` when a mirrored test rejects; ``unchanged`` when the primary's
    one-sided 95 % upper bound is below ``limit``.
    """
    worst = min(tests, key=lambda test: (test.adjusted_worse, test.p_worse))
    if worst.adjusted_worse <= level.alpha and may_regress:
        return Ruling(REGRESSED, worst, worst.adjusted_worse)
    primary = tests[0]
    if not primary.computable:
        reason = "one run on each side tells nothing about the variance"
        return Ruling(INCONCLUSIVE, primary, None, reason, primary)
    # Alike but for rounding, the first summary is shown.
    suspect = (
        worst if worst.adjusted_worse <= level.alpha else min(tests, key=lambda test: float(f"{test.p_worse:.6g}"))
    )
    if suspect.p_worse < level.suspicion or suspect.adjusted_worse <= level.alpha:
        reason = f"{suspect.contrast.summary} is suspected to be worse, p = {suspect.p_worse:.2g}"
        if final and not may_regress:
            reason += "; its measuring stopped at an earlier stage"
        elif suspect.contrast.candidate_runs < MIN_CANDIDATE_RUNS:
            reason += f"; that takes at least {MIN_CANDIDATE_RUNS} candidate runs"
        return Ruling(INCONCLUSIVE, suspect, suspect.adjusted_worse, reason, suspect)
    best = min(tests, key=lambda test: (test.adjusted_better, -test.p_worse))
    if best.adjusted_better <= level.alpha:
        return Ruling(IMPROVED, best, best.adjusted_better)
    shown = next((test for test in tests if test.contrast.summary == "p50"), primary)
    if primary.upper < limit:
        return Ruling(UNCHANGED, shown, shown.adjusted_worse, upper=primary.upper)
    worse = 100.0 * math.expm1(min(primary.upper, LOG_RATIO_LIMIT))
    reason = f"{primary.contrast.summary} may be up to {worse:.3g} % worse"
    return Ruling(INCONCLUSIVE, shown, shown.adjusted_worse, reason, primary)


def _limit(question: Question, must_detect: float) -> float:
    return math.log1p(max(must_detect, question.tolerance))


def _metric_verdict(
    question: Question, ruling: Ruling, needed: Dict[int, Tuple[Optional[int], Optional[int]]]
) -> MetricVerdict:
    test = ruling.shown
    contrast = test.contrast
    reasons = [] if ruling.reason is None else [ruling.reason]
    runs_needed = None
    if ruling.undecided is not None:
        runs_needed, baseline_needed = needed[ruling.undecided.position]
        if runs_needed is None and baseline_needed is not None:
            more = baseline_needed - contrast.baseline_runs
            reasons.append(f"{more} more baseline run{'' if more == 1 else 's'} should decide it")
        elif runs_needed is None:
            reasons.append("more runs alone are not expected to decide it")
    if contrast.assumed:
        reasons.append(ASSUMED_DISPERSION_NOTE)
    return MetricVerdict(
        verdict=ruling.verdict,
        summary=contrast.summary,
        unit=question.metric.unit,
        gates=question.gates,
        ratio=math.exp(max(-LOG_RATIO_LIMIT, min(contrast.difference, LOG_RATIO_LIMIT))),
        interval=test.interval,
        p_adjusted=ruling.p_adjusted,
        detectable=test.detectable,
        baseline=contrast.baseline,
        candidate=contrast.candidate,
        baseline_runs=contrast.baseline_runs,
        candidate_runs=contrast.candidate_runs,
        tolerance=question.tolerance,
        runs_needed=runs_needed,
        reason="; ".join(reasons) or None,
        scatter=math.sqrt(contrast.squares / contrast.freedom) if contrast.freedom > 0 else None,
        rules_out=None if ruling.upper is None else math.expm1(max(0.0, min(ruling.upper, LOG_RATIO_LIMIT))),
    )
