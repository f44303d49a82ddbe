from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge import compare
from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.noise import false_alarms as resampling
from pytest_edgeperf.judge.noise.analysis import noise, worst
from pytest_edgeperf.judge.noise.false_alarms import FalseAlarms, TooFewRunsError, false_alarms, sessions_for
from pytest_edgeperf.results.example_answers import of_examples
from pytest_edgeperf.results.gate import Gate
from pytest_edgeperf.results.types import Metric

from .builders import METRICS, latency_runs, noisy, results, run, summary

pytestmark = pytest.mark.slow


def resample(monkeypatch, sessions):
    monkeypatch.setattr(resampling, "FEWEST_SESSIONS", sessions)
    monkeypatch.setattr(resampling, "MOST_SESSIONS", sessions)


@pytest.fixture(autouse=True)
def few_sessions(monkeypatch, request):
    """Most tests ask for no alarm."""
    if "resampled_less_often" not in request.node.name:
        resample(monkeypatch, 20)


@pytest.fixture
def many_sessions(monkeypatch, few_sessions):
    resample(monkeypatch, 250)


def measured(*spreads, runs=19, seed=1, **changes):
    rng = random.Random(seed)
    return results({f"b{at}": latency_runs(noisy(rng, runs, sd=sd), **changes) for at, sd in enumerate(spreads)})


def analysed(given, gate=None, baseline_runs=10):
    return noise(given, gate or Gate(), baseline_runs=baseline_runs)


def latency(found, name="b0"):
    return found.benchmarks[name].best("latency")


def with_environment(given, **sections):
    return replace(given, environments={"env": {**given.environments["env"], **sections}})


# Spread and what is found


@given(st.lists(st.floats(8.0, 12.0), min_size=3, max_size=25))
def test_the_spread_is_the_plain_standard_deviation_whatever_the_halves_are(centers):
    found = noise(results({"b": latency_runs(centers)}), Gate(max_rounds=30), baseline_runs=10)
    spread = stdev([math.log(center) for center in centers])
    for one in found.benchmarks["b"].metrics["latency"]:
        assert one.spread == pytest.approx(spread, rel=1e-9, abs=1e-12)


def test_the_gate_of_a_real_comparison_states_the_same():
    """What a comparison with as many runs as a full check prints as detectable, but for the sequence of looks."""
    given = measured(*[0.01] * 10, runs=19)
    sides = [
        results({name: one.runs[part] for name, one in given.benchmarks.items()})
        for part in (slice(0, 10), slice(10, 19))
    ]
    candidate = {name: [replace(one, session="two") for one in b.runs] for name, b in sides[1].benchmarks.items()}
    comparison = compare(sides[0], results(candidate))
    found = analysed(given)
    for name, benchmark in comparison.benchmarks.items():
        in_excess = benchmark.metrics["latency"].detectable - 1.02
        assert latency(found, name).detectable[0] - 0.02 == pytest.approx(in_excess, rel=0.15)


@pytest.mark.thorough
def test_more_noise_and_a_larger_tolerance_hide_more():
    found = analysed(measured(0.003, 0.01, 0.05))
    at_80, at_95 = zip(*(latency(found, f"b{at}").detectable for at in range(3)))
    assert 0.02 < at_80[0] < at_80[1] < at_80[2]
    assert all(more > less for more, less in zip(at_95, at_80))
    tolerant = analysed(measured(0.003, 0.01, 0.05), Gate(tolerances={"b0": 0.2, "b1": {"latency": 0.1}}))
    assert latency(tolerant).detectable[0] > 0.2
    assert latency(tolerant, "b1").detectable[0] > 0.1
    assert latency(tolerant, "b2").detectable == latency(found, "b2").detectable


def test_a_check_of_too_few_rounds_finds_nothing():
    found = analysed(measured(0.01), Gate(rounds=2, max_rounds=2))
    assert latency(found).detectable == (None, None)
    assert worst(found.benchmarks) == ["b0"]
    assert (
        json.loads(json.dumps(found.to_dict()))["benchmarks"]["b0"]["metrics"]["latency"]["detectable_80_power_percent"]
        is None
    )


def test_the_best_summary_is_the_one_that_varies_least():
    rng = random.Random(3)
    runs = [run({"latency": {**summary(10.0), "min": one, "p95": 12.0 * one}}) for one in noisy(rng, 19, sd=0.05)]
    assert latency(analysed(results({"b0": runs}))).summary == "p50"


def test_metrics_that_a_marker_makes_gate_are_analysed_towards_worse():
    rng = random.Random(5)
    metrics = {**METRICS, "throughput": Metric("1/s", "higher"), "power_mean": Metric("W")}
    runs = [
        run({"latency": summary(one), "throughput": 1000 / one, "power_mean": one}) for one in noisy(rng, 19, sd=0.02)
    ]
    found = noise(results({"b": runs}, metrics), Gate(metrics={"b": ("throughput",)}), baseline_runs=10)
    benchmark = found.benchmarks["b"]
    assert set(benchmark.metrics) == {"latency", "throughput"}
    assert benchmark.best("throughput").summary == "value"
    assert 0.02 < benchmark.best("throughput").detectable[0] < 0.3


def test_disturbed_runs_and_those_of_another_environment_are_left_out():
    good = measured(0.01).benchmarks["b0"].runs
    quality = {"disturbed": True}
    bad = [replace(one, quality=quality) for one in latency_runs([99.0, 98.0])]
    other = [replace(one, environment="other", started="2025-01-01T00:00:00Z") for one in latency_runs([50.0])]
    environment = measured(0.01).environments["env"]
    slow = {**environment, "fingerprint": {"device": "board", "power_mode": "5W"}}
    fast = {**environment, "fingerprint": {"device": "board", "power_mode": "MAXN"}}
    found = analysed(results({"b0": [*bad, *good, *other]}, environments={"env": fast, "other": slow}))
    assert (found.benchmarks["b0"].runs, found.benchmarks["b0"].disturbed_runs) == (19, 2)
    assert latency(found).detectable == latency(analysed(measured(0.01))).detectable


def test_too_few_runs_are_said_and_no_reason_to_stop():
    few = {**measured(0.01).benchmarks, "few": measured(0.01, runs=2).benchmarks["b0"]}
    found = analysed(replace(measured(0.01), benchmarks=few))
    assert found.not_analysed == {"few": "2 of 2 runs are undisturbed; at least 3 are needed"}
    assert list(found.benchmarks) == ["b0"]
    none = analysed(results({}))
    assert (none.benchmarks, none.remedies, none.false_alarms) == ({}, [], None)


def test_a_benchmark_whose_metrics_do_not_decide_is_said():
    found = analysed(results({"b": [run({"memory_process_peak": 40.0}) for _ in range(19)]}))
    assert found.not_analysed == {"b": "none of its gating metrics is judged by its spread"}


def test_a_latency_without_a_logarithm_is_not_analysed():
    found = analysed(results({"b0": [run({"latency": summary(0.0)}) for _ in range(5)]}))
    assert list(found.not_analysed) == ["b0"]


# False alarms


def test_quiet_runs_raise_no_alarm(many_sessions):
    alarms = analysed(measured(0.01, 0.01, 0.02)).false_alarms
    assert (alarms.sessions_with_alarm, alarms.baseline_runs, alarms.candidate_runs) == (0, 10, 9)
    assert alarms.rate == 0.0
    assert alarms.upper_bound == pytest.approx(1 - 0.05 ** (1 / alarms.sessions))


def test_sessions_without_a_true_null_raise_alarms():
    """Nine runs of 19 are 50 % slower: a split that has most of them on one side is called regressed."""
    rng = random.Random(2)
    given = results({"b": latency_runs(noisy(rng, 10, 10.0, 0.001) + noisy(rng, 9, 15.0, 0.001))})
    found = false_alarms(
        given, Family(("b",), tolerance=0.0, alpha=0.5), baseline_runs=10, stages=(3, 6, 9), sessions=100
    )
    assert 0 < found.sessions_with_alarm < 100
    assert found.rate < found.upper_bound < 1.0
    said = []
    again = false_alarms(
        given,
        Family(("b",), tolerance=0.0, alpha=0.5),
        baseline_runs=10,
        stages=(3, 6, 9),
        sessions=100,
        judged=lambda *numbers: said.append(numbers),
    )
    assert again == found
    assert said == [(number, 100) for number in range(1, 101)]


def test_accuracies_of_runs_that_answer_differently_are_no_false_alarms_of_the_machine(many_sessions):
    answers = [of_examples([True] * 300 + [index % 2 == 0] * 200, scale=100.0) for index in range(19)]
    runs = [run({"latency": summary(10.0), "top1": one}) for one in answers]
    given = results({"b0": runs}, {**METRICS, "top1": Metric("%", "higher", margin=0.5)})
    assert analysed(given).false_alarms.sessions_with_alarm == 0


@pytest.mark.thorough
def test_fewer_runs_make_smaller_baselines_down_to_three():
    sizes = {19: 10, 14: 5, 12: 3}
    for runs, size in sizes.items():
        assert analysed(measured(0.01, runs=runs)).false_alarms.baseline_runs == size
    found = analysed(measured(0.01, runs=11))
    assert found.false_alarms is None
    assert found.no_false_alarms == "a benchmark with at least 12 undisturbed runs is needed"
    assert found.to_dict()["false_alarms"] == {"sessions": 0, "reason": found.no_false_alarms}
    with pytest.raises(TooFewRunsError):
        false_alarms(results({}), Family(()), baseline_runs=10, stages=(3,), sessions=1)


@pytest.mark.parametrize(
    ("alarms", "sessions", "bound"), [(0, 500, 0.00597), (1, 100, 0.0466), (50, 1000, 0.0629), (10, 10, 1.0)]
)
def test_the_upper_bound_is_that_of_clopper_and_pearson(alarms, sessions, bound):
    assert FalseAlarms(sessions, alarms, 10, 9).upper_bound == pytest.approx(bound, rel=2e-3)


@pytest.mark.thorough
def test_many_benchmarks_are_resampled_less_often():
    assert [sessions_for(number) for number in (0, 1, 15, 50, 150, 10_000)] == [1000, 1000, 1000, 300, 100, 100]


# Remedies


def remedy(found, kind):
    return next((one for one in found.remedies if one.kind == kind), None)


@pytest.mark.thorough
def test_more_runs_on_either_side_help_the_worst():
    found = analysed(measured(0.001, 0.02, 0.05, 0.01, 0.03))
    assert worst(found.benchmarks) == ["b2", "b4", "b1"]
    for kind, value in (("max_rounds", 18), ("baseline_runs", 20)):
        one = remedy(found, kind)
        assert (one.helps, one.value, list(one.effects)) == (True, value, ["b2", "b4", "b1"])
        for name, (now, then) in one.effects.items():
            assert now == latency(found, name).detectable[0]
            assert 0.02 < then < now


@pytest.mark.thorough
def test_what_is_predicted_of_more_rounds_is_what_an_analysis_with_them_finds():
    given = measured(0.02, 0.03)
    predicted = remedy(analysed(given), "max_rounds").effects
    doubled = analysed(given, Gate(max_rounds=18))
    assert {name: then for name, (_, then) in predicted.items()} == {
        name: latency(doubled, name).detectable[0] for name in predicted
    }


@pytest.mark.thorough
def test_a_longer_budget_helps_only_where_runs_differ_as_their_blocks_predict():
    sampling = remedy(analysed(measured(0.03, 0.03, 0.03, block_sd=0.03 * math.sqrt(10))), "budget")
    assert sampling.helps
    assert all(then < 0.9 * now for now, then in sampling.effects.values())
    between = analysed(measured(0.03, 0.03, 0.03, block_sd=0.005))
    assert not remedy(between, "budget").helps
    assert latency(between).explained_spread == pytest.approx(0.005 / math.sqrt(10))
    unknown = analysed(measured(0.03, block_sd=None))
    assert not remedy(unknown, "budget").helps
    assert latency(unknown).explained_spread is None


def test_where_the_tolerance_is_all_that_hides_a_slowdown_nothing_helps():
    kinds = {one.kind: one.helps for one in analysed(measured(0.0001, block_sd=0.0001)).remedies}
    assert kinds == {"budget": False}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"clocks_pinned": False}, "clocks_pinned is false"),
        ({"governor": "schedutil"}, "the governor is schedutil"),
        ({"clocks_pinned": True, "governor": "schedutil"}, None),
        ({"governor": "performance"}, None),
        ({}, None),
    ],
)
def test_pinned_clocks_are_proposed_only_where_they_are_known_to_be_free(told, why):
    one = remedy(analysed(with_environment(measured(0.02), settings=told)), "clocks")
    assert (one and one.found) == why
    if one:
        assert one.helps is None
        assert not one.effects


def test_json_has_units_in_its_names():
    printed = json.loads(json.dumps(analysed(measured(0.02, 0.01)).to_dict()))
    assert printed["gate"] == {
        "baseline_runs": 10,
        "stages_runs": [3, 6, 9],
        "tolerance_percent": 2.0,
        "alpha_percent": 1.0,
        "benchmarks": 2,
    }
    assert printed["false_alarms"]["rate_percent"] == 0.0
    one = printed["benchmarks"]["b0"]["metrics"]["latency"]
    assert one["spread_percent"] == pytest.approx(2.0, rel=0.4)
    assert one["detectable_80_power_percent"] < one["detectable_95_power_percent"]
    assert set(one["summaries"]) == {"min", "p50", "p95"}
    assert {name: value for name, value in one.items() if name not in ("summaries", "best_summary")} == one[
        "summaries"
    ][one["best_summary"]]
    assert printed["remedies"][0]["benchmarks"]["b0"]["predicted_detectable_80_power_percent"] < 8
