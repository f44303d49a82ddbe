"""The table of rules: who judges what, at which part of the error level, and what a further rule takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_edgeperf.judge import Family, Stage, compare, step
from pytest_edgeperf.judge.lock_step import Duet, Look
from pytest_edgeperf.judge.lock_step import step as lock_step
from pytest_edgeperf.judge.rules import table
from pytest_edgeperf.judge.rules.accuracies import AccuracyRule
from pytest_edgeperf.judge.rules.latency import LatencyRule
from pytest_edgeperf.judge.rules.other_metrics import OtherMetricsRule
from pytest_edgeperf.judge.rules.rule import Answer, Answers, Case, Rule
from pytest_edgeperf.judge.rules.sizes import SizeRule
from pytest_edgeperf.judge.rules.study_lines import StudyLinesRule
from pytest_edgeperf.judge.rules.table import Entry
from pytest_edgeperf.judge.statistics.block_pairs import Pair
from pytest_edgeperf.results.types import Metric

from .builders import METRICS, results, run, summary
from .test_accuracy import RIGHT, side
from .test_lines import base as series

MISSES = "deadline_misses"
WITH_MISSES = {**METRICS, MISSES: Metric("", "lower")}


class DeadlineRule(Rule):
    """A further rule: no run may miss a deadline that every run of the baseline met."""

    def __init__(self):
        self.levels = []

    def gates(self, name, metric):
        return name == MISSES

    def judges(self, question):
        return question.name == MISSES

    def count(self, case):
        return sum(
            MISSES in case.candidate.benchmarks[name].metrics
            for name in case.family.benchmarks
            if name in case.candidate.benchmarks
        )

    def answer(self, questions, level, case):
        self.levels.append(level)
        return Answers([self.judged(question) for question in questions])

    def judged(self, question):
        worse = min(question.candidate) > max(question.base)
        word = "unchanged" if not worse else "regressed" if question.may_regress else "inconclusive"
        verdict = question.unanswered(word, "deadlines were missed" if worse else "")
        return Answer(question.benchmark, question.name, verdict, suspicious=word == "inconclusive")


def with_rule(monkeypatch, **share):
    """Add the rule by the one line that a developer adds."""
    rule = DeadlineRule()
    monkeypatch.setattr(table, "RULES", (Entry(rule, **share), *table.RULES))
    return rule


def runs(misses, session="one", count=5):
    values = [{"latency": summary(10.0), "memory_process_peak": 100.0, MISSES: misses} for _ in range(count)]
    return results({"a": [run(one, session) for one in values]}, WITH_MISSES)


def test_a_further_rule_decides_by_its_file_and_its_line_of_the_table(monkeypatch):
    assert compare(runs(0), runs(3, "two")).benchmarks["a"].verdict == "unchanged"
    rule = with_rule(monkeypatch)
    missed = compare(runs(0), runs(3, "two")).benchmarks["a"]
    assert (missed.verdict, missed.metrics[MISSES].reason) == ("regressed", "deadlines were missed")
    assert missed.metrics["latency"].verdict == missed.metrics["memory_process_peak"].verdict == "unchanged"
    assert compare(runs(0), runs(0, "two")).benchmarks["a"].verdict == "unchanged"
    assert [(level.family_size, level.share) for level in rule.levels] == [(1, 0.2)] * 2


def test_a_further_rule_has_a_benchmark_measured_on_and_decides_in_lock_step_too(monkeypatch):
    with_rule(monkeypatch)
    early = step(runs(0), runs(3, "two"), Family(("a",)), Stage(5, final=False))
    assert early.decisions == {"a": "more"}
    assert early.comparison.benchmarks["a"].verdict == "inconclusive"
    duets = {"a": Duet([Pair(0.0, 0.001, 24)] * 5)}
    pairs = lock_step(duets, runs(0), runs(3, "two"), Family(("a",)), Look(3, 3))
    assert pairs.comparison.benchmarks["a"].metrics[MISSES].verdict == "regressed"
    assert pairs.comparison.benchmarks["a"].metrics["latency"].paired == "lock-step"


@pytest.mark.parametrize("values", [(None, 0), (0, None)])
def test_a_rule_is_asked_for_nothing_that_one_side_has_not(monkeypatch, values):
    with_rule(monkeypatch)
    sides = [
        runs(value) if value is not None else results({"a": [run({"latency": summary(10.0)})] * 5}, METRICS)
        for value in values
    ]
    assert compare(*sides).benchmarks["a"].metrics[MISSES].verdict == ("new" if values[0] is None else "missing")


def test_shares_of_more_than_the_error_level_are_refused(monkeypatch):
    with_rule(monkeypatch, share_percent=25)
    with pytest.raises(ValueError, match="add up to 105 %"):
        compare(runs(0), runs(0, "two"))


def shares(candidate, **family):
    """Rule -> share of the error level and number of questions, in a session of these benchmarks."""
    case = Case(candidate, candidate, Family(tuple(candidate.benchmarks), **family), Stage(0, final=True), {})
    levels = table.levels(case, table.RULES)
    return {type(entry.rule): (level.share, level.family_size) for entry, level in zip(table.RULES, levels)}


def test_the_shares_are_all_of_the_error_level():
    fixed = {type(entry.rule): entry.share_percent for entry in table.RULES if entry.reserved}
    assert (fixed[LatencyRule], fixed[SizeRule]) == (70, 10)
    assert sum(entry.share_percent or 0 for entry in table.RULES) <= 100
    found = shares(side([RIGHT]), gates={"a": ("power_mean",)})
    assert sum(found[rule][0] for rule in (LatencyRule, SizeRule, AccuracyRule, OtherMetricsRule)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("candidate", "gates", "accuracies", "others", "lines"),
    [
        (side([RIGHT]), {}, (0.2, 1), (0.2, 0), (0.1, 0)),
        (side([RIGHT]), {"a": ("power_mean",)}, (0.1, 1), (0.1, 1), (0.1, 0)),
        (series(), {}, (0.1, 0), (0.1, 0), (0.1, 2)),
        (series(), {"torch[40]": ("power_mean", "p")}, (0.1, 0), (0.1, 2), (0.1, 2)),
    ],
)
def test_what_shares_a_level_takes_from_each_other_and_adds_nothing(candidate, gates, accuracies, others, lines):
    found = shares(candidate, gates=gates)
    assert found[LatencyRule] == (0.7, len(candidate.benchmarks))
    assert (found[AccuracyRule], found[OtherMetricsRule], found[StudyLinesRule]) == (accuracies, others, lines)


def test_accuracies_and_lines_together_leave_half_of_the_rest_to_each():
    both = replace(series(), benchmarks={**series().benchmarks, **side([RIGHT]).benchmarks})
    found = shares(both, gates={"a": ("power_mean",)})
    assert [found[rule][0] for rule in (AccuracyRule, OtherMetricsRule, StudyLinesRule)] == [0.05, 0.05, 0.1]


def test_the_family_of_accuracies_is_what_was_collected():
    candidate = side([RIGHT])
    informing = side([RIGHT], metric=Metric("%", "higher", margin=0.5, informs=True))
    for results_of, family, count in ((candidate, ("a",), 1), (candidate, ("b",), 0), (informing, ("a",), 0)):
        case = Case(candidate, results_of, Family(family), Stage(0, final=True), {})
        assert AccuracyRule().count(case) == count
