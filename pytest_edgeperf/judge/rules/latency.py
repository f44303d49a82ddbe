"""The rule for latency: t-tests of its summaries, and what the suite's latencies show together."""

from __future__ import annotations

import math
from statistics import median
from typing import List, NamedTuple, Optional, Sequence

from pytest_edgeperf.judge.rules.ratios import answer_ratios, take_contrasts
from pytest_edgeperf.judge.rules.rule import LATENCY, Answers, Case, Question, Rule, Suite
from pytest_edgeperf.judge.statistics.corrections import Level
from pytest_edgeperf.judge.statistics.t_tests import Tested
from pytest_edgeperf.results.types import Metric
from pytest_edgeperf.settings import ROUNDS_IN_REFRESH

#: A shift is called common when at least this many benchmarks are judged.
SHIFT_BENCHMARKS = 3
#: A shift is common when this share of them moved the same way: two of four that regressed are not "all".
SHIFT_SHARE = 0.75


class LatencyRule(Rule):
    """Judges latency, of which every benchmark that was collected has one."""

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
        """Test the low quantiles, medians and tails of all benchmarks together."""
        group, answers = take_contrasts(questions, case)
        if not group.contrasts:
            return Answers(answers)
        ratios = answer_ratios(group, level, case)
        shift = common_shift(ratios.outcomes, case.family.tolerance)
        suite = Suite(
            excess=ratios.tests.excess,
            apart=ratios.tests.apart(),
            gain=ratios.tests.gain(ROUNDS_IN_REFRESH),
            common_shift=None if shift is None else shift.ratio,
            common_shift_of=None if shift is None else (shift.moved, shift.judged),
        )
        return Answers([*answers, *ratios.answers], suite=suite)


class CommonShift(NamedTuple):
    """The median ratio of the benchmarks' medians, and how many of how many moved its way beyond the tolerance."""

    ratio: float
    moved: int
    judged: int


def common_shift(tests: Sequence[Tested], tolerance: float) -> Optional[CommonShift]:
    """Return the shift when most benchmarks moved the same way beyond the tolerance.

    It is shown and never subtracted: a framework that became slower moves all benchmarks too.
    """
    shifts: List[float] = [test.contrast.difference for test in tests if test.contrast.summary == "p50"]
    if len(shifts) < SHIFT_BENCHMARKS:
        return None
    shift = median(shifts)
    moved = [each for each in shifts if each * shift > 0 and abs(each) > math.log1p(tolerance)]
    if len(moved) < SHIFT_SHARE * len(shifts):
        return None
    return CommonShift(math.exp(shift), len(moved), len(shifts))
