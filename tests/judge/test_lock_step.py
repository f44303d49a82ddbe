from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.lock_step import Duet, Look, step
from pytest_edgeperf.judge.statistics.block_pairs import Pair
from pytest_edgeperf.judge.verdicts import IMPROVED, INCONCLUSIVE, MORE, REGRESSED, STOP, UNCHANGED
from pytest_edgeperf.results import Benchmark, Metric, Results, Run

LOOKS = (4, 8, 12)
METRICS = {"latency": Metric("ms"), "memory_process_peak": Metric("MiB"), "infer": Metric("ms")}


def side(numbers, memory_mib=100.0, latency_ms=10.0, software="1.0"):
    """Runs of one side: how many per benchmark."""
    values = {
        "latency": {"n": 100, "p50": latency_ms, "min": latency_ms, "block_sd": {"p50": 0.01, "min": 0.01}},
        "infer": {"n": 100, "p50": latency_ms / 2, "block_sd": {"p50": 0.01}},
        "memory_process_peak": memory_mib,
    }
    run = Run("e", "2026-01-01T00:00:00Z", "s", values, commit=software)
    benchmarks = {id: Benchmark({}, METRICS, (run,) * number) for id, number in numbers.items()}
    return Results("host", {"e": {"software": {"onnxruntime": software}}}, benchmarks)


def judged(pairs, look, tolerance=0.005, base=None, candidate=None, tolerances=(), must_detect=0.05, **kind):
    """One look at pairs by benchmark id."""
    numbers = {id: len(one) for id, one in pairs.items()}
    family = Family(tuple(pairs), tolerance=tolerance, tolerances=dict(tolerances))
    duets = {id: Duet(one, **kind) for id, one in pairs.items()}
    return step(duets, base or side(numbers), candidate or side(numbers), family, look, must_detect=must_detect)


def drawn(random, slower, sd, number):
    errors = np.abs(random.normal(sd / 2, sd / 8, number)) + 1e-6
    return [Pair(math.log1p(slower) + random.normal(0, sd), error, 24) for error in errors]


def session(random, slower, sds):
    """Look after look until each is decided; the verdicts and the pairs they took."""
    pairs = {id: [] for id in sds}
    waiting, verdicts = set(sds), {}
    for number, wanted in enumerate(LOOKS, 1):
        for id in waiting:
            pairs[id] += drawn(random, slower.get(id, 0.0), sds[id], wanted - len(pairs[id]))
        answer = judged(pairs, Look(number, len(LOOKS)))
        verdicts.update({id: answer.comparison.benchmarks[id] for id in waiting})
        waiting = {id for id in waiting if answer.decisions[id] == MORE}
        if not waiting:
            break
    return verdicts, {id: len(one) for id, one in pairs.items()}


@pytest.mark.long
def test_false_alarms_keep_to_the_level_and_small_slowdowns_are_found():
    random = np.random.default_rng(4)
    sds = {f"test_{number}": sd for number, sd in enumerate((0.002, 0.003, 0.005, 0.005, 0.01, 0.02, 0.02, 0.005))}
    sessions, alarms, found = 150, 0, 0
    for _ in range(sessions):
        verdicts, _ = session(random, {"test_2": 0.02}, sds)
        found += verdicts.pop("test_2").verdict == REGRESSED
        alarms += any(one.verdict == REGRESSED for one in verdicts.values())
    assert found >= 0.95 * sessions
    # At most one in a hundred is promised; five of 150 would be seen once in ten thousand times.
    assert alarms <= 4


@pytest.mark.parametrize("alone", [False, True])
def test_a_benchmark_alone_has_a_prior_too(alone):
    random = np.random.default_rng(1)
    sds = {"test_a": 0.003} if alone else {f"test_{number}": 0.003 for number in range(6)}
    verdicts, pairs = session(random, dict.fromkeys(sds, 0.05), sds)
    assert {one.verdict for one in verdicts.values()} == {REGRESSED}
    assert set(pairs.values()) == {4}


def test_the_other_way_round_is_improved():
    random = np.random.default_rng(2)
    verdicts, _ = session(random, {"test_a": -0.05}, {"test_a": 0.003, "test_b": 0.003})
    assert verdicts["test_a"].verdict == IMPROVED
    assert verdicts["test_b"].verdict == UNCHANGED


def test_what_it_says_of_a_slowdown():
    pairs = [Pair(math.log(1.03) + offset, 0.001, 24) for offset in (-0.002, 0.002, -0.001, 0.001)]
    verdict = judged({"test_a": pairs}, Look(1, 3)).comparison.benchmarks["test_a"]
    latency = verdict.metrics["latency"]
    assert (verdict.verdict, latency.verdict) == (REGRESSED, REGRESSED)
    assert latency.ratio == pytest.approx(1.03)
    assert latency.interval[0] < 1.03 < latency.interval[1]
    assert 1.005 < latency.detectable < 1.03
    assert latency.p_adjusted < 0.01
    assert latency.scatter == pytest.approx(np.std([-0.002, 0.002, -0.001, 0.001], ddof=1))
    assert latency.paired == "lock-step"
    assert (latency.baseline_runs, latency.candidate_runs) == (4, 4)


def test_what_would_be_found_is_that_of_the_last_look():
    pairs = [Pair(offset, 0.002, 24) for offset in (-0.005, 0.005, -0.004, 0.004)]
    sizes = [
        judged({"test_a": pairs}, Look(1, 3, last)).comparison.benchmarks["test_a"].metrics["latency"].detectable
        for last in (4, 8, 12)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[2] - 1.005 < 0.6 * (sizes[0] - 1.005)


def of_builds(effects, number, sd=0.001):
    """Pairs that take turns among builds, each with an effect of its own."""
    random = np.random.default_rng(7)
    builds = [index % len(effects) for index in range(number)]
    return [Pair(effects[build] + random.normal(0, sd), sd, 24) for build in builds], builds


def test_pairs_of_one_build_are_one_observation():
    effects = [0.03, -0.01, 0.02, 0.004]
    pairs, builds = of_builds(effects, 12)
    taken_for_many = judged({"test_a": pairs}, Look(3, 3, 12)).comparison.benchmarks["test_a"].metrics["latency"]
    by_build = judged({"test_a": pairs}, Look(3, 3, 12), builds=builds, build_count=4)
    latency = by_build.comparison.benchmarks["test_a"].metrics["latency"]
    assert latency.ratio == pytest.approx(taken_for_many.ratio, rel=1e-6)
    assert latency.p_adjusted > 2 * taken_for_many.p_adjusted
    assert latency.detectable > taken_for_many.detectable
    assert latency.scatter == pytest.approx(np.std(effects, ddof=1), rel=0.1)
    assert (latency.builds, latency.candidate_runs) == (4, 12)
    assert latency.to_dict()["builds"] == 4


def test_unchanged_code_whose_builds_differ_does_not_alarm_by_builds_and_does_by_pairs():
    random = np.random.default_rng(8)
    alarms = {"pairs": 0, "builds": 0}
    for _ in range(100):
        drawn_builds = {f"test_{number}": of_builds(random.normal(0, 0.01, 4), 24) for number in range(4)}
        pairs = {id: some for id, (some, _) in drawn_builds.items()}
        numbers = dict.fromkeys(pairs, 24)
        for unit in alarms:
            duets = {
                id: Duet(some, builds=builds if unit == "builds" else (), build_count=4)
                for id, (some, builds) in drawn_builds.items()
            }
            answer = step(duets, side(numbers), side(numbers), Family(tuple(pairs), tolerance=0.0), Look(3, 3, 24))
            alarms[unit] += any(one.verdict == REGRESSED for one in answer.comparison.benchmarks.values())
    assert alarms["builds"] <= 3
    assert alarms["pairs"] >= 8


def test_fewer_than_four_builds_decide_nothing():
    pairs = [Pair(0.5, 0.001, 24)] * 8
    latency = (
        judged({"test_a": pairs}, Look(3, 3), builds=[0, 1] * 4).comparison.benchmarks["test_a"].metrics["latency"]
    )
    assert latency.verdict == INCONCLUSIVE
    assert "at least 4 builds" in latency.reason


def test_fewer_than_four_pairs_decide_nothing():
    answer = judged({"test_a": [Pair(0.5, 0.001, 24)] * 3}, Look(3, 3))
    latency = answer.comparison.benchmarks["test_a"].metrics["latency"]
    assert latency.verdict == INCONCLUSIVE
    assert "at least 4 pairs" in latency.reason


def test_the_tolerance_of_a_marker_is_its_benchmarks():
    pairs = {"test_a": [Pair(math.log(1.03), 0.001, 24)] * 4, "test_b": [Pair(math.log(1.03), 0.001, 24)] * 4}
    verdicts = judged(pairs, Look(3, 3), tolerances={"test_b": {"latency": 0.2}}).comparison.benchmarks
    assert verdicts["test_a"].verdict == REGRESSED
    assert verdicts["test_b"].verdict == UNCHANGED


def test_noisy_pairs_are_measured_on_and_quiet_ones_are_not():
    random = np.random.default_rng(3)
    quiet = [Pair(value, 0.001, 24) for value in random.normal(0, 0.002, 4)]
    noisy = [Pair(value, 0.02, 24) for value in (-0.05, 0.05, -0.04, 0.045)]
    decisions = judged({"test_a": quiet, "test_b": quiet, "test_c": quiet, "test_d": noisy}, Look(1, 3)).decisions
    assert decisions == {"test_a": STOP, "test_b": STOP, "test_c": STOP, "test_d": MORE}


def test_memory_is_judged_by_its_own_rule_and_measured_on_until_it_can_be():
    quiet = [Pair(0.0, 0.001, 24)] * 4
    early = judged({"test_a": quiet}, Look(1, 3), candidate=side({"test_a": 4}, memory_mib=150.0))
    assert early.comparison.benchmarks["test_a"].verdict == INCONCLUSIVE
    assert early.decisions["test_a"] == MORE
    later = judged({"test_a": quiet * 2}, Look(2, 3), candidate=side({"test_a": 8}, memory_mib=150.0))
    verdict = later.comparison.benchmarks["test_a"]
    assert verdict.verdict == REGRESSED
    assert verdict.metrics["memory_process_peak"].verdict == REGRESSED
    assert verdict.metrics["latency"].verdict == UNCHANGED


def test_phases_inform():
    verdict = judged({"test_a": [Pair(0.0, 0.001, 24)] * 4}, Look(1, 3)).comparison.benchmarks["test_a"]
    assert not verdict.metrics["infer"].gates


def test_other_software_is_no_reason_not_to_compare_and_is_named():
    answer = judged({"test_a": [Pair(0.0, 0.001, 24)] * 4}, Look(1, 3), base=side({"test_a": 4}, software="0.9"))
    # Each side's environments are its own file's.
    base, candidate = side({"test_a": 4}, software="0.9"), side({"test_a": 4})
    environments = {**candidate.environments, "old": base.environments["e"]}
    old = Run("old", "2026-01-01T00:00:00Z", "s", base.benchmarks["test_a"].runs[0].values)
    answer = step(
        {"test_a": Duet([Pair(0.0, 0.001, 24)] * 4)},
        Results("host", environments, {"test_a": Benchmark({}, METRICS, (old,) * 4)}),
        Results("host", environments, candidate.benchmarks),
        Family(("test_a",), tolerance=0.005),
        Look(1, 3),
    )
    verdict = answer.comparison.benchmarks["test_a"]
    assert verdict.verdict == UNCHANGED
    assert verdict.differences == {"software.onnxruntime": ("0.9", "1.0")}


def test_whole_runs_in_alternation_are_named_so():
    verdict = judged({"test_a": [Pair(0.0, 0.01, 0)] * 4}, Look(1, 3), alternating=True).comparison.benchmarks["test_a"]
    assert verdict.metrics["latency"].paired == "alternating"


def test_nothing_measured_is_nothing_judged():
    assert step({}, side({}), side({}), Family(("test_a",)), Look(1, 3)).decisions == {}


#: +3.0 % [-4.5, +11.2] of a busy machine.
BUSY = [
    Pair(0.0296 + offset, 0.02, 24)
    for offset in (-0.15, 0.15, -0.14, 0.13, -0.1, 0.1, -0.09, 0.1, 0.1, -0.11, 0.09, -0.08)
]


def test_a_busy_machine_that_cannot_rule_out_what_was_asked_for_is_inconclusive():
    latency = judged({"test_a": BUSY}, Look(3, 3)).comparison.benchmarks["test_a"].metrics["latency"]
    assert latency.interval[1] > 1.08
    assert latency.verdict == INCONCLUSIVE
    assert "unchanged has to rule out 5 %" in latency.reason
    assert latency.rules_out is None
    told = judged({"test_a": BUSY}, Look(3, 3), must_detect=0.2).comparison.benchmarks["test_a"].metrics["latency"]
    assert told.verdict == UNCHANGED
    assert 0.05 < told.rules_out < 0.2


@pytest.mark.parametrize("must_detect", [0.01, 0.03, 0.05, 0.2])
@pytest.mark.parametrize("spread", [0.001, 0.01, 0.03, 0.1])
def test_unchanged_rules_out_what_was_asked_for(must_detect, spread):
    random = np.random.default_rng(5)
    for _ in range(20):
        pairs = [Pair(value, spread / 3, 24) for value in random.normal(0, spread, 12)]
        answer = judged({"test_a": pairs}, Look(3, 3), must_detect=must_detect)
        latency = answer.comparison.benchmarks["test_a"].metrics["latency"]
        assert (latency.rules_out is not None) == (latency.verdict == UNCHANGED)
        assert latency.rules_out is None or 0 <= latency.rules_out < must_detect


def test_other_metrics_keep_to_what_stored_runs_have_to_rule_out():
    pairs = {"test_a": [Pair(0.0, 0.001, 24)] * 4}
    got = judged(pairs, Look(3, 3), must_detect=0.001).comparison.benchmarks["test_a"]
    assert got.metrics["memory_process_peak"].verdict == UNCHANGED


@pytest.mark.parametrize(("suspicion", "verdict"), [(0.1, "unchanged"), (0.9, "inconclusive")])
def test_what_is_suspicious_is_said_by_the_family(suspicion, verdict):
    pairs = drawn(np.random.default_rng(4), 0.005, 0.003, 12)
    family = Family(("test_a",), tolerance=0.005, suspicion=suspicion)
    sides = (side({"test_a": 12}), side({"test_a": 12}))
    answer = step({"test_a": Duet(pairs)}, *sides, family, Look(3, 3, 12))
    latency = answer.comparison.benchmarks["test_a"].metrics["latency"]
    assert (latency.verdict, "suspected" in (latency.reason or "")) == (verdict, verdict == "inconclusive")
