"""Metrics that t-tests of the logarithms of ratios decide: what a verdict says, which summary said it, what decides it.

No rule by itself: the rules for latency and for other metrics share it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping as MappingType
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.rules.rule import Answer, Case, Question
from pytest_edgeperf.judge.statistics.contrasts import (
    Contrast,
    NoLogarithmError,
    contrast_summaries,
    contrast_values,
)
from pytest_edgeperf.judge.statistics.corrections import MIN_CANDIDATE_RUNS, Level, summary_weights
from pytest_edgeperf.judge.statistics.t_tests import LOG_RATIO_LIMIT, GroupTests, Tested
from pytest_edgeperf.judge.verdicts import IMPROVED, INCONCLUSIVE, REGRESSED, UNCHANGED, MetricVerdict

ASSUMED_DISPERSION_NOTE = "the spread within a run is assumed, as no run states it (block_sd)"


class TestedQuestion(NamedTuple):
    """A question that t-tests decide: ``tests`` of its group's, from ``first`` on."""

    question: Question
    tolerance: float
    first: int
    tests: int


class Group:
    """Questions that share a part of the session's error level, and the contrasts that answer them, side by side."""

    def __init__(self) -> None:
        self.questions: List[TestedQuestion] = []
        self.contrasts: List[Contrast] = []

    def add(self, question: Question, tolerance: float, contrasts: Sequence[Contrast]) -> None:
        """Take in a question with a contrast for each summary that it is judged by, the low quantile first."""
        self.questions.append(TestedQuestion(question, tolerance, len(self.contrasts), len(contrasts)))
        self.contrasts.extend(contrasts)

    def signs(self) -> List[int]:
        """Of each contrast: 1 where larger is worse, -1 where smaller is."""
        return [sign for tested in self.questions for sign in [tested.question.sign] * tested.tests]

    def tolerances(self) -> List[float]:
        """Of each contrast, as a ratio - 1."""
        return [tolerance for tested in self.questions for tolerance in [tested.tolerance] * tested.tests]

    def weights(self) -> List[float]:
        """Of each contrast: what it has of its metric's part of the level."""
        return [weight for tested in self.questions for weight in summary_weights(tested.tests)]

    def places(self) -> List[int]:
        """Which of its metric's summaries each contrast is: 0 for the low quantile."""
        return [place for tested in self.questions for place in range(tested.tests)]


class Ratios(NamedTuple):
    """The answers to a group's questions, and the tests behind them."""

    answers: List[Answer]
    tests: GroupTests
    outcomes: List[Tested]


#: Answers a question whose values have no logarithm; ``None`` where it cannot.
Instead = Callable[[Question, Family], Optional[Answer]]


def take_contrasts(
    questions: Sequence[Question], case: Case, instead: Optional[Instead] = None
) -> Tuple[Group, List[Answer]]:
    """Return the contrasts that answer the questions, and the answers to those that have none."""
    group, answers = Group(), []
    for question in questions:
        benchmark, name, base, candidate = question.benchmark, question.name, question.base, question.candidate
        origins = question.evidence.origins(name)
        try:
            if isinstance(base[0], MappingType):
                contrasts = contrast_summaries(benchmark, name, base, candidate, origins=origins)
            else:
                contrasts = [contrast_values(benchmark, name, base, candidate, origins=origins)]
        except NoLogarithmError as error:
            answer = None if instead is None else instead(question, case.family)
            answers.append(answer or Answer(benchmark, name, question.unanswered(INCONCLUSIVE, str(error))))
            continue
        if question.evidence.builds is not None:
            contrasts = [contrast._replace(of_builds=True) for contrast in contrasts]
        if contrasts:
            group.add(question, case.family.tolerance_of(benchmark, name), contrasts)
        else:
            reason = "the runs have no median, low quantile or tail in common"
            answers.append(Answer(benchmark, name, question.unanswered(INCONCLUSIVE, reason)))
    return group, answers


class Ruling(NamedTuple):
    """A verdict, the test that is shown with it, and the test that further runs would have to decide."""

    verdict: str
    shown: Tested
    p_adjusted: Optional[float]
    reason: Optional[str] = None
    undecided: Optional[Tested] = None
    #: Of an unchanged one, the logarithm of how much worse it may be.
    upper: Optional[float] = None


def answer_ratios(group: Group, level: Level, case: Case) -> Ratios:
    """Judge all questions of a group together; it holds at least one."""
    tests = GroupTests(
        group.contrasts, group.signs(), group.tolerances(), level, weights=group.weights(), places=group.places()
    )
    outcomes = tests.outcomes()
    must_detect = case.family.must_detect
    rulings = [
        rule(
            outcomes[tested.first : tested.first + tested.tests],
            level,
            limit=_limit(tested, must_detect),
            may_regress=tested.question.may_regress,
            final=case.stage.final,
        )
        for tested in group.questions
    ]
    undecided = [
        (ruling.undecided.position, _limit(tested, must_detect))
        for tested, ruling in zip(group.questions, rulings)
        if ruling.undecided is not None
    ]
    needed: Dict[int, Tuple[Optional[int], Optional[int]]] = {}
    if undecided:
        positions = [position for position, _ in undecided]
        needed = dict(zip(positions, tests.runs_needed(positions, [limit for _, limit in undecided])))
    answers = [_answer(tested, ruling, needed) for tested, ruling in zip(group.questions, rulings)]
    return Ratios(answers, tests, outcomes)


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
        reason = "one run on each side says nothing about the variance"
        return Ruling(INCONCLUSIVE, primary, None, reason, primary)
    # Alike but for rounding, the first summary is shown.
    suspect = (
        worst if worst.adjusted_worse <= level.alpha else min(tests, key=lambda test: float(f"{test.p_worse:.6g}"))
    )
    if suspect.p_worse < level.suspicion or suspect.adjusted_worse <= level.alpha:
        reason = f"{_named(suspect)} is suspected to be worse, p = {suspect.p_worse:.2g}"
        if final and not may_regress:
            reason += "; measuring stopped at an earlier stage"
        elif suspect.contrast.candidate_runs < MIN_CANDIDATE_RUNS:
            what = "builds" if suspect.contrast.of_builds else "runs"
            reason += f"; at least {MIN_CANDIDATE_RUNS} candidate {what} are needed to confirm it"
        return Ruling(INCONCLUSIVE, suspect, suspect.adjusted_worse, reason, suspect)
    best = min(tests, key=lambda test: (test.adjusted_better, -test.p_worse))
    if best.adjusted_better <= level.alpha:
        return Ruling(IMPROVED, best, best.adjusted_better)
    shown = next((test for test in tests if test.contrast.summary == "p50"), primary)
    if primary.upper < limit:
        return Ruling(UNCHANGED, shown, shown.adjusted_worse, upper=primary.upper)
    worse = 100.0 * math.expm1(min(primary.upper, LOG_RATIO_LIMIT))
    reason = f"{_named(primary)} may be up to {worse:.3g} % worse"
    return Ruling(INCONCLUSIVE, shown, shown.adjusted_worse, reason, primary)


def _named(test: Tested) -> str:
    """The summary as a reader knows it: ``the median``, ``p95``."""
    return {"p50": "the median", "min": "the minimum"}.get(test.contrast.summary, test.contrast.summary)


def _limit(tested: TestedQuestion, must_detect: float) -> float:
    return math.log1p(max(must_detect, tested.tolerance))


def _answer(tested: TestedQuestion, ruling: Ruling, needed: Dict[int, Tuple[Optional[int], Optional[int]]]) -> Answer:
    question, test = tested.question, ruling.shown
    contrast = test.contrast
    reasons = [] if ruling.reason is None else [ruling.reason]
    runs_needed = None
    builds = question.evidence.builds if contrast.of_builds else None
    if builds is not None:
        reasons += _of_builds(builds, undecided=ruling.undecided is not None)
    elif ruling.undecided is not None:
        runs_needed, baseline_needed = needed[ruling.undecided.position]
        if runs_needed is None and baseline_needed is not None:
            more = baseline_needed - contrast.baseline_runs
            reasons.append(f"{more} more baseline run{'' if more == 1 else 's'} should decide it")
        elif runs_needed is None:
            reasons.append("more runs alone are not expected to decide it")
    if contrast.assumed:
        reasons.append(ASSUMED_DISPERSION_NOTE)
    base_runs, runs = question.evidence.run_counts(question.name)
    verdict = MetricVerdict(
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
        baseline_runs=base_runs,
        candidate_runs=runs,
        baseline_builds=None if builds is None else builds[0],
        builds=None if builds is None else builds[1],
        tolerance=tested.tolerance,
        runs_needed=runs_needed,
        reason="; ".join(reasons) or None,
        scatter=math.sqrt(contrast.squares / contrast.freedom) if contrast.freedom > 0 else None,
        rules_out=None if ruling.upper is None else math.expm1(max(0.0, min(ruling.upper, LOG_RATIO_LIMIT))),
    )
    return Answer(question.benchmark, question.name, verdict, suspicious=ruling.verdict == INCONCLUSIVE)


def _of_builds(builds: Tuple[int, int], *, undecided: bool) -> List[str]:
    """What a reader has to know of a comparison of builds: of a side with a single one, and what would decide it."""
    if builds[0] == 1:
        return ["the baseline's runs are of one build of the engine: refresh it with --edgeperf-builds"]
    if builds[1] == 1:
        return ["these runs are of one build of the engine: measure with --edgeperf-builds"]
    return ["more runs of the same builds are not expected to decide it, more builds may"] if undecided else []
