from __future__ import annotations

import math

import pytest

from pytest_edgeperf.judge import Family, Stage, compare, step
from pytest_edgeperf.judge.statistics.contrasts import contrast_summaries, contrast_values, judged_summaries
from pytest_edgeperf.judge.statistics.origins import Origins
from pytest_edgeperf.results.types import Metric

from .builders import latency_runs, results, run, summary


def without(values, *names):
    return {name: value for name, value in values.items() if name not in names}


def test_low_quantile_median_and_the_tail_that_the_samples_support():
    small, large = summary(10.0, n=500), summary(10.0, n=1000)
    assert judged_summaries([small], [small]) == ["min", "p50", "p95"]
    assert judged_summaries([large], [large]) == ["min", "p50", "p99"]
    assert judged_summaries([small], [large]) == ["min", "p50", "p95"]
    assert judged_summaries([large], [large, without(large, "p99")]) == ["min", "p50", "p95"]


def test_another_low_quantile_stands_in_for_a_minimum_that_one_run_lacks():
    full, other = summary(10.0), without(summary(10.0, n=12), "min", "p95")
    assert judged_summaries([full, other], [full]) == ["p05", "p50"]
    assert judged_summaries([full], [other]) == ["p05", "p50"]


def test_a_contrast_by_hand():
    got = contrast_values("b", "power", [1.0, math.e], [math.e**2], origins=Origins.of(2, 1, apart=True))
    assert got.difference == pytest.approx(1.5)
    assert got.squares == pytest.approx(0.5)
    assert got.freedom == 1
    assert got.dispersion is None


def test_the_dispersion_is_the_median_over_the_runs_of_both_sides():
    base = [summary(10.0, block_sd=sd) for sd in (0.01, 0.02)]
    new = [summary(10.0, block_sd=0.5)]
    low = contrast_summaries("b", "latency", base, new, origins=Origins.of(2, 1, apart=True))[0]
    assert low.dispersion == 0.02
    assert not low.assumed


def test_block_sd_may_be_absent_and_that_is_said():
    base = results({"b": latency_runs([10.0, 10.1, 10.2] * 3, block_sd=None)})
    verdict = compare(base, base).benchmarks["b"].metrics["latency"]
    assert "spread within a run is assumed" in verdict.reason
    with_blocks = results({"b": latency_runs([10.0, 10.1, 10.2] * 3)})
    assert compare(with_blocks, with_blocks).benchmarks["b"].metrics["latency"].reason is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "fast"])
@pytest.mark.parametrize("side", ["base", "candidate"])
def test_a_latency_without_logarithm_is_refused_by_name(value, side):
    good = latency_runs([10.0] * 5)
    bad = [*good[:4], run({"latency": summary(10.0, p50=value)})]
    base, candidate = (bad, good) if side == "base" else (good, bad)
    with pytest.raises(ValueError, match=r"tests/x::y.*latency p50.*" + str(value)):
        compare(results({"tests/x::y": base}), results({"tests/x::y": candidate}))


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize("side", ["base", "candidate"])
def test_a_latency_that_is_not_above_0_is_inconclusive_with_the_reason(value, side):
    good = latency_runs([10.0] * 5)
    bad = [*good[:4], run({"latency": summary(10.0, p50=value)})]
    base, candidate = (bad, good) if side == "base" else (good, bad)
    comparison = compare(results({"x": base, "y": good}), results({"x": candidate, "y": good}))
    assert comparison.benchmarks["x"].verdict == "inconclusive"
    assert f"latency p50 is {value}; a ratio needs" in comparison.benchmarks["x"].metrics["latency"].reason
    assert comparison.benchmarks["y"].verdict == "unchanged"


def test_a_block_sd_that_is_no_number_is_refused():
    bad = results({"b": latency_runs([10.0] * 3, block_sd=math.nan)})
    with pytest.raises(ValueError, match="b: latency block_sd"):
        compare(bad, bad)


def test_zero_in_a_metric_that_only_informs_is_said_and_not_fatal():
    metrics = {"latency": Metric("ms"), "throttled": Metric("events")}
    runs = [run({"latency": summary(10.0), "throttled": 0.0})] * 5
    same = results({"b": runs}, metrics)
    benchmark = compare(same, same).benchmarks["b"]
    assert benchmark.verdict == "unchanged"
    assert "above 0" in benchmark.metrics["throttled"].reason
    family = Family(("b",), gates={"b": ("throttled",)})
    gated = step(same, same, family, Stage(5, final=True)).comparison.benchmarks["b"].metrics["throttled"]
    assert (gated.verdict, gated.ratio) == ("unchanged", None)


def test_not_a_number_is_fatal_in_any_metric():
    metrics = {"latency": Metric("ms"), "power": Metric("W")}
    bad = results({"b": [run({"latency": summary(10.0), "power": math.nan})] * 5}, metrics)
    with pytest.raises(ValueError, match="b: power is nan"):
        compare(bad, bad)
