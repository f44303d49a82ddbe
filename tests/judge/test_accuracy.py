"""The rule for accuracies: what regresses, what is the same, what cannot be compared, and at which level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_edgeperf import compare
from pytest_edgeperf.judge.family import Family, Stage
from pytest_edgeperf.judge.lock_step import Duet, Look
from pytest_edgeperf.judge.lock_step import step as duet_step
from pytest_edgeperf.judge.procedure import step
from pytest_edgeperf.judge.statistics.block_pairs import Pair
from pytest_edgeperf.judge.verdicts import MORE, STOP
from pytest_edgeperf.results.errors import ResultsError
from pytest_edgeperf.results.example_answers import ANSWERS, of_detections, of_examples
from pytest_edgeperf.results.types import Metric
from tests.judge.builders import METRICS, results, run, summary
from tests.judge.test_paired_answers import detections, worse

TOP1 = Metric("%", "higher", margin=0.5)
RIGHT = np.arange(450) >= 20


def wrong_too(count, right=RIGHT, won=0):
    """The answers with ``count`` more wrong, and ``won`` that were wrong right."""
    changed = right.copy()
    changed[np.flatnonzero(right)[:count]] = False
    changed[np.flatnonzero(~right)[:won]] = True
    return changed


def side(answers, session="one", metric=TOP1, **values):
    """One run per entry of ``answers``: arrays of one value per example, or values as they are stored."""
    stored = [one if isinstance(one, dict) else of_examples(one, scale=100.0) for one in answers]
    runs = [run({"latency": summary(10.0), "top1": one, **values}, session) for one in stored]
    return results({"a": runs}, {**METRICS, "top1": metric})


def verdict(base, candidate):
    return compare(base, candidate).benchmarks["a"].metrics["top1"]


def test_fewer_right_answers_regress_with_the_count_of_those_lost_and_won():
    found = verdict(side([RIGHT] * 5), side([wrong_too(30, won=2)] * 3, "two"))
    assert found.verdict == "regressed"
    assert (found.accuracy.lost, found.accuracy.won, found.accuracy.examples) == (30, 2, 450)
    assert found.accuracy.difference == pytest.approx(-100 * 28 / 450)
    assert found.accuracy.interval[0] < found.accuracy.difference < found.accuracy.interval[1] < 0
    assert (found.baseline, found.candidate) == pytest.approx((100 * 430 / 450, 100 * 402 / 450))
    assert found.p_adjusted <= 0.01
    assert found.ratio is None


def test_one_run_is_enough():
    assert verdict(side([RIGHT]), side([wrong_too(30)], "two")).verdict == "regressed"


def test_the_benchmark_regresses_though_it_is_faster():
    base = side([RIGHT] * 5)
    candidate = side([wrong_too(30)] * 3, "two", latency=summary(5.0))
    told = compare(base, candidate).benchmarks["a"]
    assert told.verdict == "regressed"
    assert {name: one.verdict for name, one in told.metrics.items()} == {"latency": "improved", "top1": "regressed"}


def test_the_same_answers_are_unchanged_without_statistics():
    found = verdict(side([RIGHT] * 5), side([RIGHT] * 3, "two"))
    assert found.verdict == "unchanged"
    assert found.p_adjusted is None
    assert found.accuracy.same


def test_more_right_answers_improve():
    found = verdict(side([wrong_too(40)] * 5), side([RIGHT] * 3, "two"))
    assert (found.verdict, found.accuracy.lost, found.accuracy.won) == ("improved", 0, 40)


def test_a_loss_within_the_margin_is_unchanged():
    assert verdict(side([RIGHT]), side([wrong_too(2, won=1)], "two")).verdict == "unchanged"


def test_the_margin_is_the_metrics():
    wide = replace(TOP1, margin=10.0)
    assert verdict(side([RIGHT]), side([wrong_too(30)], "two", metric=wide)).verdict == "unchanged"


def test_the_marker_may_set_the_margin_and_its_one_number_for_all_is_none():
    base, candidate = side([RIGHT]), side([wrong_too(30)], "two")

    def judged(tolerance):
        family = Family(("a",), tolerances={"a": tolerance})
        return step(base, candidate, family, Stage(1, final=True)).comparison.benchmarks["a"].metrics["top1"]

    assert judged({"top1": 0.1}).verdict == "unchanged"
    assert judged({"top1": 0.1}).accuracy.margin == pytest.approx(10.0)
    assert judged(0.1).verdict == "regressed"
    assert judged({"latency": 0.1}).accuracy.margin == 0.5


def test_a_suspicion_is_inconclusive_and_asks_for_examples_and_no_runs():
    found = verdict(side([RIGHT]), side([wrong_too(8)], "two"))
    assert found.verdict == "inconclusive"
    assert "suspected to be worse" in found.reason
    assert "more examples are needed to decide" in found.reason
    assert found.runs_needed is None


def test_few_examples_do_not_show_that_nothing_was_lost():
    few = np.arange(30) >= 2
    found = verdict(side([few]), side([wrong_too(1, few)], "two"))
    assert found.verdict == "inconclusive"
    assert "may be up to" in found.reason


def test_an_accuracy_is_no_suspect():
    family = Family(("a",))
    answer = step(side([RIGHT] * 5), side([wrong_too(8)] * 3, "two"), family, Stage(runs=3, final=False))
    assert answer.decisions["a"] == STOP


def test_what_informs_fails_nothing():
    informing = replace(TOP1, informs=True)
    told = compare(side([RIGHT], metric=informing), side([wrong_too(30)], "two", metric=informing)).benchmarks["a"]
    assert told.metrics["top1"].verdict == "regressed"
    assert not told.metrics["top1"].gates
    assert told.verdict != "regressed"


def test_the_marker_may_make_it_gate():
    informing = replace(TOP1, informs=True)
    family = Family(("a",), gates={"a": ("top1",)})
    base, candidate = side([RIGHT], metric=informing), side([wrong_too(30)], "two", metric=informing)
    assert step(base, candidate, family, Stage(1, final=True)).comparison.benchmarks["a"].verdict == "regressed"


def test_other_examples_are_incomparable():
    base = side([of_examples(RIGHT, range(450))])
    found = verdict(base, side([of_examples(RIGHT, range(1, 451))], "two"))
    assert (found.verdict, found.reason) == ("incomparable", "the runs were given different examples")
    assert verdict(base, side([RIGHT[:400]], "two")).verdict == "incomparable"


def test_a_number_without_answers_is_incomparable():
    found = verdict(side([RIGHT]), side([{"n": 450, "mean": 90.0}], "two"))
    assert found.verdict == "incomparable"
    assert "only a number" in found.reason


def test_new_and_missing_ones_are_told():
    with_it, without = side([RIGHT]), results({"a": [run({"latency": summary(10.0)})]})
    assert verdict(without, with_it).verdict == "new"
    assert verdict(with_it, without).verdict == "missing"


def test_runs_that_answer_differently_are_compared_by_their_means():
    generator = np.random.default_rng(4)

    def shaken(right):
        return right ^ (generator.random(len(right)) < 0.002)

    base, same = side([shaken(RIGHT) for _ in range(5)]), side([shaken(RIGHT) for _ in range(3)], "two")
    assert verdict(base, same).verdict == "unchanged"
    bad = side([shaken(wrong_too(30)) for _ in range(3)], "two")
    found = verdict(base, bad)
    assert (found.verdict, found.accuracy.examples) == ("regressed", 450)


def test_scores_of_which_less_is_better():
    error = Metric("mm", "lower", margin=0.05)
    before = np.random.default_rng(1).exponential(1.0, 300)
    base = side([of_examples(before)], metric=error)
    found = verdict(base, side([of_examples(before * 1.3)], "two", metric=error))
    assert found.verdict == "regressed"
    assert found.accuracy.difference > 0
    assert verdict(base, side([of_examples(before * 0.7)], "two", metric=error)).verdict == "improved"


def test_mistakes_of_which_less_is_better():
    mistakes = Metric("%", "lower", margin=0.5)
    base, more = side([~RIGHT], metric=mistakes), side([~wrong_too(30)], "two", metric=mistakes)
    found = verdict(base, more)
    assert (found.verdict, found.accuracy.lost, found.accuracy.won) == ("regressed", 30, 0)
    assert found.accuracy.difference == pytest.approx(100 * 30 / 450)
    assert verdict(more, base).verdict == "improved"


def test_right_or_wrong_against_scores_is_incomparable():
    found = verdict(side([RIGHT]), side([of_examples(RIGHT.astype(float))], "two"))
    assert (found.verdict, found.reason) == (
        "incomparable",
        "one side has right and wrong answers, the other has scores",
    )


def test_detections_by_their_average_precision():
    found, bad = detections(150, seed=2), worse(detections(150, seed=2), 0.2, seed=3)
    stored = [{**of_detections(one), "mean": 50.0} for one in (found, bad)]
    metric = replace(TOP1, threshold="all")
    told = verdict(side([stored[0]], metric=metric), side([stored[1]], "two", metric=metric))
    assert told.verdict == "regressed"
    assert (told.accuracy.lost, told.accuracy.examples) == (None, 150)
    assert told.accuracy.difference < -0.5
    assert verdict(side([stored[0]]), side([RIGHT[:150]], "two")).verdict == "incomparable"
    unmatched = replace(TOP1, threshold=0.3)
    told = verdict(side([stored[0]], metric=unmatched), side([stored[1]], "two", metric=unmatched))
    assert "not 0.3" in told.reason


def test_damaged_answers_name_where_they_are():
    value = of_examples(RIGHT, scale=100.0)
    bad = {**value, ANSWERS: {**value[ANSWERS], "data": "AA", "digest": "x"}}
    with pytest.raises(ResultsError, match=r"a: top1: its answers are damaged"):
        verdict(side([value]), side([bad], "two"))


def test_a_duet_judges_them_too_and_measures_no_pair_more_for_them():
    duets = {"a": Duet([Pair(0.0, 0.001, 20)] * 4)}
    suspicious = duet_step(duets, side([RIGHT] * 4), side([wrong_too(8)] * 4, "two"), Family(("a",)), Look(1, 3))
    assert suspicious.comparison.benchmarks["a"].metrics["top1"].verdict == "inconclusive"
    assert suspicious.decisions["a"] != MORE
    bad = duet_step(duets, side([RIGHT] * 4), side([wrong_too(30)] * 4, "two"), Family(("a",)), Look(1, 3))
    assert bad.comparison.benchmarks["a"].verdict == "regressed"


def test_to_dict_tells_the_difference_and_the_counts():
    told = verdict(side([RIGHT]), side([wrong_too(30, won=2)], "two")).to_dict()["accuracy"]
    assert (told["lost"], told["won"], told["margin"], told["examples"]) == (30, 2, 0.5, 450)
    assert told["difference"] == pytest.approx(-6.22222)
    assert 0.5 < told["detectable_loss"] < 6
