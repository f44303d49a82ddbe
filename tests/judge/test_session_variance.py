"""Runs within sessions: the split, what is pooled over a suite, and what its differences spread beyond."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pytest_edgeperf import compare
from pytest_edgeperf.judge.statistics.origins import Origins, nested
from pytest_edgeperf.judge.statistics.session_variance import (
    MOST_EXCESS,
    SESSION_VARIANCE_FLOOR,
    Component,
    between_sessions,
    excess_spread,
    satterthwaite,
)
from pytest_edgeperf.results.types import Metric

from .builders import latency_runs, noisy, results, run, summary

APART = Origins(["a", "a"], ["b", "b"])


def test_the_split_by_hand():
    got = nested([1.0, 3.0, 6.0], [10.0, 12.0], Origins(["a", "a", "b"], ["c", "c"]))
    assert got.squares == pytest.approx(2.0 + 0.0 + 2.0)
    assert got.freedom == 2
    assert got.factor == pytest.approx((2 / 3) ** 2 + (1 / 3) ** 2 + 1)
    mean = 10 / 3
    assert got.between_squares == pytest.approx(2 * (2 - mean) ** 2 + (6 - mean) ** 2)
    assert got.between_freedom == 1
    assert got.between_runs == pytest.approx(3 - 5 / 3)


def test_a_session_against_another_counts_twice_and_against_itself_not_at_all():
    assert nested([1.0, 2.0], [3.0], Origins(["a", "a"], ["b"])).factor == 2
    assert nested([1.0, 2.0], [3.0], Origins(["a", "a"], ["a"])).factor == 0
    assert nested([1.0, 1.1, 2.0, 2.1], [3.0], Origins(["a", "a", "b", "b"], ["c"])).factor == pytest.approx(1.5)


def test_runs_with_a_session_each_hold_the_scatter_of_sessions():
    split = nested([1.0, 2.0, 3.0], [5.0, 7.0], Origins(["a", "b", "c"], ["d", "e"]))
    assert (split.squares, split.freedom, split.factor, split.between_freedom) == (4.0, 3, 0.0, 0)
    numbers = {"b": [run({"latency": 10.0 * value}, f"s{at}") for at, value in enumerate((1.0, 1.01, 0.99, 1.0, 1.02))]}
    slower = {"b": [run({"latency": 20.0 * value}, f"t{at}") for at, value in enumerate((1.0, 1.01, 0.99, 1.0, 1.02))]}
    assert compare(results(numbers), results(slower)).benchmarks["b"].verdict == "regressed"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(-5, 5)), min_size=2, max_size=20))
def test_squares_within_and_between_sessions_are_all_squares(runs):
    values = [value for _, value in runs]
    got = nested(values, [0.0], Origins([session for session, _ in runs], ["new"]))
    mean = sum(values) / len(values)
    assert got.squares + got.between_squares == pytest.approx(sum((value - mean) ** 2 for value in values), abs=1e-9)
    assert got.freedom + got.between_freedom == len(values) - 1
    assert got.freedom >= 0


def simulated(rng, *, benchmarks, sessions, spread, runs=5, run_sd=0.01):
    """Nests of a suite whose sessions differ by ``spread`` (standard deviation of the logarithm)."""
    nests = []
    for _ in range(benchmarks):
        names = np.repeat(np.arange(sessions), runs).astype(str)
        means = rng.normal(0, spread, sessions).repeat(runs)
        values = means + rng.normal(0, run_sd, sessions * runs)
        nests.append(nested(values.tolist(), [0.0], Origins(names.tolist(), ["new"])))
    return nests


@pytest.mark.parametrize("spread", [0.005, 0.02])
def test_the_spread_of_sessions_is_pooled_over_the_suite(spread):
    nests = simulated(np.random.default_rng(1), benchmarks=400, sessions=3, spread=spread)
    got = between_sessions(nests, np.full(400, 0.01**2))
    factor = 1 + 1 / 3
    assert np.sqrt(got.variance[0] / factor) == pytest.approx(spread, rel=0.15)
    assert 10 < got.freedom[0] < 800


def test_sessions_that_agree_are_taken_to_differ_by_the_floor():
    for sessions in (1, 2):
        nests = simulated(np.random.default_rng(2), benchmarks=50, sessions=sessions, spread=0.0)
        got = between_sessions(nests, np.full(50, 0.02**2))
        assert got.variance[0] == pytest.approx(SESSION_VARIANCE_FLOOR * (1 + 1 / sessions))
        assert got.freedom[0] == math.inf


@pytest.mark.parametrize("seed", range(4))
def test_benchmarks_whose_runs_scatter_do_not_hide_how_far_sessions_are_apart(seed):
    rng = np.random.default_rng(seed)
    steady = simulated(rng, benchmarks=25, sessions=2, spread=0.0075, runs=6, run_sd=0.005)
    scattered = simulated(rng, benchmarks=25, sessions=2, spread=0.0075, runs=6, run_sd=0.1)
    run_variance = np.repeat([0.005**2, 0.1**2], 25)
    alone = between_sessions(steady, run_variance[:25])
    beside = between_sessions(steady + scattered, run_variance)
    assert beside.variance[0] == pytest.approx(alone.variance[0], rel=0.1)
    assert beside.freedom[0] == pytest.approx(alone.freedom[0], rel=0.1)
    assert alone.freedom[0] > 12


def test_an_unknown_run_variance_leaves_the_floor():
    nests = [nested([1.0], [2.0], Origins(["a"], ["b"]))]
    got = between_sessions(nests, np.array([math.nan]))
    assert got.variance[0] == 2 * SESSION_VARIANCE_FLOOR


def spread_of(differences, error=0.005, freedom=20.0):
    count = len(differences)
    return excess_spread(np.asarray(differences), np.full(count, error), np.full(count, freedom))


@pytest.mark.parametrize("shift", [0.0, 0.05])
def test_the_excess_of_a_suite_that_moved_apart_is_estimated_whatever_it_moved_by_together(shift):
    rng = np.random.default_rng(3)
    found = [math.sqrt(spread_of(shift + rng.normal(0, math.hypot(0.005, 0.01), 60))[0]) for _ in range(40)]
    assert np.median(found) == pytest.approx(0.01, rel=0.15)


def test_chance_is_seldom_called_excess():
    rng = np.random.default_rng(4)
    called = [spread_of(0.005 * rng.standard_t(20, 50))[0] > 0 for _ in range(400)]
    assert np.mean(called) < 0.12


@pytest.mark.parametrize("moved", [10, 15, 50])
def test_slowdowns_of_part_of_a_suite_are_no_excess(moved):
    differences = np.random.default_rng(5).normal(0, 0.005, 50)
    differences[:moved] += 0.10
    assert math.sqrt(spread_of(differences)[0]) < 0.006


def test_nine_differences_show_nothing():
    assert spread_of(np.linspace(-1, 1, 9)) == (0.0, math.inf)
    assert spread_of(np.linspace(-1, 1, 10))[0] > 0


@given(arrays.arrays(float, st.integers(10, 60), elements=st.floats(-0.5, 0.5)), st.floats(1e-4, 0.1))
def test_the_excess_is_finite_whatever_the_differences(differences, error):
    variance, freedom = spread_of(differences, error)
    assert 0 <= variance <= MOST_EXCESS
    assert freedom > 0


def test_effective_degrees_of_freedom_by_hand():
    both = [Component(np.array([4.0]), np.array([10.0])), Component(np.array([1.0]), np.array([np.inf]))]
    total, freedom = satterthwaite(both)
    assert total[0] == 5
    assert freedom[0] == pytest.approx(25 / (16 / 10))
    alone = satterthwaite([Component(np.array([4.0]), np.array([10.0]))])
    assert alone.freedom[0] == pytest.approx(10)


def judged(rng, *, benchmarks, sessions=1, spread=0.0):
    """A suite of which nothing changed: each session moves each benchmark by its own amount."""
    base, candidate = {}, {}
    for at in range(benchmarks):
        name = f"b{at}"
        base[name] = [
            one
            for session in range(sessions)
            for one in latency_runs(noisy(rng, 12 // sessions, math.exp(rng.gauss(0, spread)), 0.005), f"s{session}")
        ]
        candidate[name] = latency_runs(noisy(rng, 9, math.exp(rng.gauss(0, spread)), 0.005), "now")
    return compare(results(base), results(candidate)).apart


@pytest.mark.parametrize(
    ("suite", "known_by"),
    [
        ({"benchmarks": 9}, "floor"),
        ({"benchmarks": 40}, "chance"),
        ({"benchmarks": 40, "spread": 0.01}, "suite"),
        ({"benchmarks": 9, "sessions": 3, "spread": 0.02}, "sessions"),
    ],
)
def test_a_comparison_says_by_what_the_distance_of_sessions_is_known(suite, known_by):
    apart = judged(random.Random(5), **suite)
    assert apart.known_by == known_by
    assert (apart.benchmarks, apart.sessions) == (suite["benchmarks"], suite.get("sessions", 1))
    if known_by in ("floor", "chance"):
        assert apart.allowed == pytest.approx(0.0025)
    else:
        assert 0.5 < apart.allowed / (suite["spread"] * math.sqrt(2 if known_by == "suite" else 4 / 3)) < 2


def test_sides_of_one_session_are_not_apart():
    runs = results({"b": latency_runs([1.0, 1.01, 0.99], "same")})
    assert compare(runs, runs).apart is None


@pytest.mark.parametrize(("benchmarks", "moved", "factor"), [(50, 25, 1.1), (50, 50, 1.3), (12, 12, 2.0), (10, 5, 1.2)])
def test_slowdowns_of_half_or_all_of_a_suite_are_found(benchmarks, moved, factor):
    """Also where they are uneven: no suite is taken to spread by more than rebuilds do."""
    rng = random.Random(7)
    base = {f"b{at}": latency_runs(noisy(rng, 17, sd=0.005), "one") for at in range(benchmarks)}
    factors = [factor * math.exp(rng.gauss(0, 0.2 * (factor - 1))) if at < moved else 1.0 for at in range(benchmarks)]
    new = {f"b{at}": latency_runs(noisy(rng, 9, 10 * one, 0.005), "two") for at, one in enumerate(factors)}
    verdicts = compare(results(base), results(new)).benchmarks
    found = [name for name, one in verdicts.items() if one.verdict == "regressed"]
    assert len(found) >= 0.8 * moved
    assert set(found) <= {f"b{at}" for at in range(moved)}


def test_a_benchmark_that_changed_between_sessions_of_the_baseline_blinds_no_other():
    rng = random.Random(8)
    base, new = {}, {}
    for at in range(50):
        changed = 0.7 if at == 0 else 1.0
        runs = latency_runs(noisy(rng, 6, sd=0.005), "one") + latency_runs(noisy(rng, 6, 10 * changed, 0.005), "two")
        base[f"b{at}"] = runs
        new[f"b{at}"] = latency_runs(noisy(rng, 9, 12.0 if 3 <= at <= 5 else 10.0 * changed, 0.005), "now")
    verdicts = compare(results(base), results(new)).benchmarks
    assert [name for name, one in verdicts.items() if one.verdict == "regressed"] == ["b3", "b4", "b5"]


def test_two_sessions_of_a_single_benchmark_do_not_hide_that_it_doubled():
    rng = random.Random(9)
    base = latency_runs(noisy(rng, 9, sd=0.005), "one") + latency_runs(noisy(rng, 9, 10.2, 0.005), "two")
    new = latency_runs(noisy(rng, 9, 20.0, 0.005), "now")
    assert compare(results({"b": base}), results({"b": new})).benchmarks["b"].verdict == "regressed"


def test_what_informs_is_corrected_by_metrics_and_not_by_summaries():
    rng = random.Random(10)
    metrics = {"latency": Metric("ms"), "infer": Metric("ms")}

    def suite(center, session):
        return {"b": [run({"latency": summary(10.0), "infer": summary(one)}, session) for one in noisy(rng, 9, center)]}

    verdict = compare(results(suite(10.0, "one"), metrics), results(suite(10.3, "two"), metrics)).benchmarks["b"]
    assert verdict.metrics["infer"].p_adjusted < 0.05
