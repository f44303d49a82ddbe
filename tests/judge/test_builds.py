"""Runs of several builds of an engine: a build counts as one observation."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge import compare
from pytest_edgeperf.judge.builds import build_of, observations
from pytest_edgeperf.judge.noise.analysis import noise as analyse
from pytest_edgeperf.judge.noise.builds import build_noise
from pytest_edgeperf.report.noise_text import noise_text
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.gate import Gate
from pytest_edgeperf.results.types import Benchmark

from .builders import METRICS, results, run, summary


def built(effects, count, session, center=10.0, sd=0.002, rng=None):
    """Runs that take turns among builds, each with an effect of its own."""
    rng = rng or random.Random(1)
    return [
        run(
            {"latency": summary(center * math.exp(effects[number % len(effects)] + rng.gauss(0, sd)))},
            session,
            quality={"disturbed": False, "build": number % len(effects), "timed_s": 1.0},
        )
        for number in range(count)
    ]


def plain(runs):
    """The same runs, without what they say of their builds."""
    return [run(one.values, one.session) for one in runs]


def verdict_of(base, candidate):
    return compare(results({"a": base}), results({"a": candidate})).benchmarks["a"]


def test_unchanged_code_whose_builds_differ_raises_alarms_by_one_build_and_not_by_four():
    rng = random.Random(20261130)
    alarms = {1: 0, 4: 0}
    for _ in range(40):
        for builds in alarms:
            base, candidate = (
                built([rng.gauss(0, 0.05) for _ in range(builds)], count, session, rng=rng)
                for count, session in ((17, "one"), (9, "two"))
            )
            alarms[builds] += verdict_of(base, candidate).verdict == "regressed"
    assert alarms[4] == 0
    assert alarms[1] > 5


def test_a_slowdown_of_all_builds_is_called_one_and_says_how_many_there_were():
    base, candidate = built([0.0, 0.01, -0.01, 0.005] * 2, 24, "one"), built([0.3, 0.31, 0.29, 0.305] * 2, 16, "two")
    latency = verdict_of(base, candidate).metrics["latency"]
    assert latency.verdict == "regressed"
    assert (latency.baseline_runs, latency.candidate_runs) == (24, 16)
    assert (latency.baseline_builds, latency.builds) == (8, 8)
    assert latency.to_dict()["baseline_builds"] == 8
    assert latency.ratio == pytest.approx(math.exp(0.3), rel=0.01)


@pytest.mark.parametrize(
    ("base_builds", "builds", "reason"),
    [
        (1, 4, "the baseline's runs are of one build of the engine: refresh it with --edgeperf-builds"),
        (4, 1, "these runs are of one build of the engine: measure with --edgeperf-builds"),
        (4, 1, "at least 3 candidate builds are needed to confirm it"),
        (4, 2, "at least 3 candidate builds are needed to confirm it"),
    ],
)
def test_a_side_of_too_few_builds_accuses_nobody(base_builds, builds, reason):
    verdict = verdict_of(built([0.0] * base_builds, 17, "one"), built([0.5] * builds, 9, "two"))
    assert verdict.verdict == "inconclusive"
    assert reason in verdict.metrics["latency"].reason


def test_undecided_builds_are_not_said_to_be_decided_by_more_runs():
    base, candidate = built([0.0, 0.05, -0.05, 0.02], 17, "one"), built([0.06, 0.01, 0.12, 0.0], 9, "two")
    latency = verdict_of(base, candidate).metrics["latency"]
    assert latency.verdict == "inconclusive"
    assert latency.runs_needed is None
    assert "more builds may" in latency.reason


def test_runs_that_say_no_build_are_judged_as_ever():
    base, candidate = built([0.0], 17, "one"), built([0.3], 9, "two")
    assert verdict_of(base, candidate).metrics == verdict_of(plain(base), plain(candidate)).metrics
    assert verdict_of(base, candidate).metrics["latency"].builds is None


@pytest.mark.parametrize("number", ["1", True, -1, 1.0, None])
def test_what_is_no_number_of_a_build_is_none(number):
    assert build_of(run({}, quality={"build": number})) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0.1, 1e3)), min_size=1, max_size=20))
def test_observations_are_means_of_the_runs_of_a_build(drawn):
    runs = [run({"m": value, "latency": summary(value)}, quality={"build": build}) for build, value in drawn]
    by_build = {}
    for build, value in drawn:
        by_build.setdefault(build, []).append(value)
    assert [observed.value for observed in observations(runs, "m")] == pytest.approx(
        [sum(values) / len(values) for values in by_build.values()]
    )
    for observed, values in zip(observations(runs, "latency"), by_build.values()):
        logs = [math.log(value) for value in values]
        assert math.log(observed.value["p50"]) == pytest.approx(sum(logs) / len(logs), abs=1e-9)
        assert observed.value["block_sd"]["p50"] == pytest.approx(0.01)
    assert sum(map(len, by_build.values())) == len(runs)


def test_what_has_no_mean_keeps_every_run():
    answers = [run({"top1": {"mean": 0.5, "digest": "d"}}, quality={"build": build}) for build in (0, 0, 1)]
    assert [observed.value for observed in observations(answers, "top1")] == [{"mean": 0.5, "digest": "d"}] * 3


@pytest.mark.parametrize(("between", "within"), [(0.02, 0.002), (0.0, 0.01), (0.01, 0.01)])
def test_the_scatter_of_builds_and_of_their_runs_is_told_apart(between, within):
    rng = random.Random(7)
    squares = [0.0, 0.0]
    for _ in range(150):
        effects = [rng.gauss(0, between) for _ in range(4)]
        noise = build_noise("a", Benchmark({}, METRICS, tuple(built(effects, 26, "one", sd=within, rng=rng))))
        assert (noise.builds, noise.runs, noise.summary) == (4, 26, "min")
        squares[0] += noise.between**2 / 150
        squares[1] += noise.within**2 / 150
    # An estimate that is never below 0 is a little above the truth where there is nothing.
    assert math.sqrt(squares[0]) == pytest.approx(between, rel=0.15, abs=0.003)
    assert math.sqrt(squares[1]) == pytest.approx(within, rel=0.05)


def test_the_noise_of_builds_is_reported_beside_that_of_other_benchmarks():
    rng = random.Random(3)
    runs = built([0.0, 0.03, -0.03, 0.01], 26, "one", rng=rng)
    analysed = analyse(
        results({"built": runs, "plain": plain(built([0.0], 26, "one", rng=rng))}), Gate(), baseline_runs=17
    )
    assert set(analysed.benchmarks) == {"plain"}
    assert analysed.builds["built"].between == pytest.approx(0.025, rel=0.2)
    printed = analysed.to_dict()
    assert printed["gate"]["benchmarks"] == 2
    assert printed["builds"]["built"]["builds"] == 4
    text = " ".join(noise_text(analysed, Paper(100)).split())
    assert "built: 4 builds of its engine differ by 2" in text
    assert "a check compares the means of builds" in text


def test_a_suite_of_nothing_but_builds_is_analysed_too():
    analysed = analyse(results({"built": built([0.0, 0.03, -0.03, 0.01], 26, "one")}), Gate(), baseline_runs=17)
    assert list(analysed.builds) == ["built"]
    assert "false alarms" not in noise_text(analysed, Paper(100))


def test_builds_of_one_run_each_have_no_scatter_of_runs():
    noise = build_noise("a", Benchmark({}, METRICS, tuple(built([0.0, 0.01, 0.02, 0.03], 4, "one"))))
    assert noise.within is None
    assert noise.to_dict()["spread_of_runs_of_a_build_percent"] is None
