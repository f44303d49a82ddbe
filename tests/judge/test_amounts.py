"""A gated metric that is 0 has no ratio: it is compared by amounts."""

from __future__ import annotations

import math

import pytest

from pytest_edgeperf.judge import Family, Stage, step
from pytest_edgeperf.report.exporters.markdown import comparison_markdown
from pytest_edgeperf.report.sentences import regression_headline, regression_text
from pytest_edgeperf.report.terminal import render_comparison
from pytest_edgeperf.results.types import Metric

from .builders import results, run, summary


def judged(base, new, *, better="lower", gate=("output_error",), name="output_error", stage=None, **family):
    metrics = {"latency": Metric("ms"), name: Metric("", better)}
    sides = [
        results({"b": [run({"latency": summary(10.0), name: value}, session) for value in values]}, metrics)
        for values, session in ((base, "one"), (new, "two"))
    ]
    return step(*sides, Family(("b",), gates={"b": gate}, **family), stage or Stage(len(new), final=True))


def verdict(*arguments, **keywords):
    return judged(*arguments, **keywords).comparison.benchmarks["b"].metrics["output_error"]


def test_exact_before_and_now_is_unchanged():
    got = verdict([0] * 5, [0] * 3)
    assert got.verdict == "unchanged"
    assert (got.ratio, got.interval, got.baseline, got.candidate) == (None, None, 0, 0)


def test_exact_before_and_wrong_now_regresses_by_an_amount():
    comparison = judged([0] * 5, [0.01, 0.02, 0.03]).comparison
    assert comparison.benchmarks["b"].verdict == "regressed"
    shown = [
        regression_headline("b", comparison.benchmarks["b"]),
        regression_text("b", comparison.benchmarks["b"]),
        render_comparison(comparison, width=100, colour=False),
        comparison_markdown(comparison),
    ]
    for text in shown:
        assert "nan" not in text.lower()
        # The latency's change stands elsewhere.
        assert not [line for line in text.splitlines() if "output error" in line.lower() and "%" in line]
    assert "0 -> 0.02" in shown[1]
    assert "all of 3 runs are above the baseline's" in shown[1]


def test_one_exact_run_clears():
    assert verdict([0] * 5, [0.0, 0.02, 0.03]).verdict == "unchanged"


def test_a_tolerance_of_the_metrics_own_is_an_amount():
    assert verdict([0] * 5, [0.01] * 3, tolerances={"b": {"output_error": 0.02}}).verdict == "unchanged"
    assert verdict([0] * 5, [0.03] * 3, tolerances={"b": {"output_error": 0.02}}).verdict == "regressed"


def test_what_the_baseline_reaches_itself_is_no_regression():
    assert verdict([0, 0, 0, 0, 0.05], [0.04] * 3).verdict == "unchanged"


def test_few_runs_are_a_suspicion():
    early = judged([0] * 5, [1.0] * 3, stage=Stage(3, final=False))
    assert early.decisions == {"b": "more"}
    assert verdict([0] * 4, [1.0] * 3).verdict == "inconclusive"
    assert verdict([0] * 5, [1.0] * 2).runs_needed == 3


def test_exact_now_and_wrong_before_is_improved_and_the_mirror():
    assert verdict([0.5] * 5, [0] * 3).verdict == "improved"
    assert verdict([0.5] * 5, [0] * 3, better="higher").verdict == "regressed"


def test_the_rounding_of_a_file_is_no_difference():
    assert verdict([-1.23457] * 5, [-1.234567] * 3, tolerance=0.0).verdict == "unchanged"
    assert verdict([-1.23457] * 5, [-1.2] * 3, tolerance=0.0).verdict == "regressed"


def test_a_summary_is_compared_by_its_median():
    def copied(p50):
        return {"n": 100, "p50": p50, "min": 0.0}

    assert verdict([copied(0.0)] * 5, [copied(0.0)] * 3).verdict == "unchanged"
    assert verdict([copied(0.0)] * 5, [copied(1.0)] * 3).verdict == "regressed"


def test_a_latency_of_0_is_inconclusive_and_the_others_are_judged():
    zero = {**summary(10.0), "min": 0.0}
    sides = [
        results({"a": [run({"latency": value}, one)] * 5, "b": [run({"latency": summary(10.0)}, one)] * 5})
        for value, one in ((zero, "one"), (summary(10.0), "two"))
    ]
    comparison = step(*sides, Family(("a", "b")), Stage(5, final=True)).comparison
    assert comparison.benchmarks["a"].verdict == "inconclusive"
    assert "a ratio needs a finite number above 0" in comparison.benchmarks["a"].metrics["latency"].reason
    assert comparison.benchmarks["b"].verdict == "unchanged"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="output_error is"):
        judged([0.0] * 5, [0.0, 0.0, value])
