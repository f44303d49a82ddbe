from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge import Family, Stage, compare, step
from pytest_edgeperf.results.types import Metric

from .builders import latency_runs, results, run, summary

#: From best to worst.
ORDER = ("improved", "unchanged", "inconclusive", "regressed")

centers = st.lists(st.floats(8.0, 12.0), min_size=1, max_size=10)
sides = st.tuples(centers, centers)
sessions = st.lists(sides, min_size=1, max_size=5)


def both(session, scale=1.0, metrics=None):
    return [
        results(
            {
                f"b{number}": latency_runs([center * scale for center in pair[side]], name)
                for number, pair in enumerate(session)
            },
            metrics,
        )
        for side, name in ((0, "one"), (1, "two"))
    ]


def printed(comparison):
    return {name: b.metrics["latency"] for name, b in comparison.benchmarks.items()}


@given(sessions, st.sampled_from([1e-6, 1e-3, 60.0, 1e9]))
def test_the_unit_of_time_makes_no_difference(session, scale):
    plain = printed(compare(*both(session)))
    for name, scaled in printed(compare(*both(session, scale))).items():
        assert scaled.verdict == plain[name].verdict
        assert scaled.ratio == pytest.approx(plain[name].ratio, rel=1e-9)
        assert scaled.interval == pytest.approx(plain[name].interval, rel=1e-6)
        assert scaled.p_adjusted == pytest.approx(plain[name].p_adjusted, rel=1e-6)


@given(sessions, st.randoms(use_true_random=False))
def test_the_order_of_the_runs_makes_no_difference(session, random):
    shuffled = [tuple(random.sample(side, len(side)) for side in pair) for pair in session]
    plain = printed(compare(*both(session)))
    for name, other in printed(compare(*both(shuffled))).items():
        assert other.verdict == plain[name].verdict
        assert other.interval == pytest.approx(plain[name].interval, rel=1e-9)


@given(sessions, st.floats(1.0, 3.0), st.floats(1.0, 3.0))
def test_a_slower_candidate_never_gets_a_better_verdict(session, first, second):
    verdicts = []
    for factor in (first, first * second):
        slowed = [(base, [center * factor for center in new]) for base, new in session]
        verdicts.append(compare(*both(slowed)).benchmarks)
    for name, before in verdicts[0].items():
        after = verdicts[1][name]
        assert ORDER.index(after.verdict) >= ORDER.index(before.verdict)


@given(st.lists(centers, min_size=1, max_size=5), st.booleans())
def test_identical_data_never_regresses_nor_improves(session, final):
    same = [(base, base) for base in session]
    base, candidate = both(same)
    family = Family(tuple(base.benchmarks))
    for comparison in (
        compare(base, candidate),
        step(base, candidate, family, Stage(1, final)).comparison,
    ):
        for benchmark in comparison.benchmarks.values():
            assert benchmark.verdict in ("unchanged", "inconclusive")
            assert benchmark.metrics["latency"].ratio == pytest.approx(1.0)


@given(st.lists(st.tuples(centers, st.floats(0.3, 3.0)), min_size=1, max_size=4), st.integers(3, 10))
def test_improvement_is_the_mirror_image_of_regression(session, runs):
    pairs = [(base, [base[i % len(base)] * factor for i in range(runs)]) for base, factor in session]
    there = compare(*both(pairs)).benchmarks
    back = compare(*both([(new, base) for base, new in pairs])).benchmarks
    for name, benchmark in there.items():
        forth, mirrored = benchmark.metrics["latency"], back[name].metrics["latency"]
        if "regressed" in (forth.verdict, mirrored.verdict):
            assert {forth.verdict, mirrored.verdict} == {"regressed", "improved"}
            assert forth.ratio == pytest.approx(1.0 / mirrored.ratio)
            assert forth.p_adjusted == pytest.approx(mirrored.p_adjusted)


@given(sessions)
def test_the_direction_of_the_metric_is_a_sign_and_no_more(session):
    inverse = [
        results(
            {
                f"b{number}": [run({"latency": 1.0 / center}, name) for center in pair[side]]
                for number, pair in enumerate(session)
            },
            {"latency": Metric("1/ms", "higher")},
        )
        for side, name in ((0, "one"), (1, "two"))
    ]
    plain = [
        results(
            {
                f"b{number}": [run({"latency": center}, name) for center in pair[side]]
                for number, pair in enumerate(session)
            }
        )
        for side, name in ((0, "one"), (1, "two"))
    ]
    faster = printed(compare(*inverse))
    for name, slower in printed(compare(*plain)).items():
        assert faster[name].verdict == slower.verdict
        if slower.ratio is not None:
            assert faster[name].ratio == pytest.approx(1.0 / slower.ratio)
            if slower.interval is not None:
                assert faster[name].interval[0] == pytest.approx(1.0 / slower.interval[1])


@given(st.lists(st.floats(8.0, 12.0), min_size=3, max_size=9), st.floats(0.0, 0.3), st.floats(0.0, 0.3))
def test_what_is_detectable_grows_with_the_noise_of_the_blocks(base, one, two):
    quiet, loud = sorted((one, two))
    found = [
        compare(
            results({"b": latency_runs(base, block_sd=sd)}),
            results({"b": latency_runs(base, "two", block_sd=sd)}),
        )
        .benchmarks["b"]
        .metrics["latency"]
        .detectable
        for sd in (quiet, loud)
    ]
    assert found[0] is not None
    assert found[0] > 1.02
    assert found[1] is None or found[0] <= found[1] * (1 + 1e-9)


@given(st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(0, 4))
def test_what_is_no_latency_is_refused_wherever_it_stands(value, position):
    values = [summary(10.0) for _ in range(5)]
    values[position] = summary(10.0, min=value)
    bad = results({"b": [run({"latency": v}) for v in values]})
    with pytest.raises(ValueError, match="b: latency min"):
        compare(bad, results({"b": latency_runs([10.0] * 5)}))


@given(st.sampled_from([0.0, -1.0]), st.integers(0, 4))
def test_what_has_no_logarithm_is_inconclusive_wherever_it_stands(value, position):
    values = [summary(10.0) for _ in range(5)]
    values[position] = summary(10.0, min=value)
    bad = results({"b": [run({"latency": v}) for v in values]})
    verdict = compare(bad, results({"b": latency_runs([10.0] * 5)})).benchmarks["b"]
    assert verdict.verdict == "inconclusive"
    assert f"latency min is {value}" in verdict.metrics["latency"].reason
