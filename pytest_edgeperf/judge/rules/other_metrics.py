"""The rule for every metric that has no rule of its own: t-tests of ratios, or amounts where there is no ratio to 0."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from pytest_edgeperf.judge.rules.amounts import judge_amounts
from pytest_edgeperf.judge.rules.ratios import answer_ratios, take_contrasts
from pytest_edgeperf.judge.rules.rule import Answers, Case, Question, Rule
from pytest_edgeperf.judge.statistics.corrections import Level


class OtherMetricsRule(Rule):
    """Judges what a marker makes gate, and what informs."""

    def judges(self, question: Question) -> bool:
        """Whatever no other rule has taken."""
        return True

    def count(self, case: Case) -> int:
        """Every metric that a marker names, measured or not."""
        return sum(len(case.family.gates.get(benchmark, ())) for benchmark in case.family.benchmarks)

    def answer(self, questions: Sequence[Question], level: Level, case: Case) -> Answers:
        """Test the logarithms together, and compare by amounts what has none."""
        group, answers = take_contrasts(questions, case, instead=judge_amounts)
        if questions and not questions[0].gates:
            # What informs is not fixed beforehand: only what has a test is corrected for.
            level = replace(level, family_size=len(group.questions))
        return Answers([*answers, *answer_ratios(group, level, case).answers] if group.contrasts else answers)
