from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import nctdtr, stdtrit

from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.noise.spread import groups
from pytest_edgeperf.judge.noise.statistical_power import Design, GateTests, detectable
from pytest_edgeperf.judge.statistics.corrections import Level
from pytest_edgeperf.judge.statistics.run_variance import RUN_VARIANCE_FLOOR
from pytest_edgeperf.judge.statistics.session_variance import SESSION_VARIANCE_FLOOR
from pytest_edgeperf.results.gate import Gate

from .builders import latency_runs, noisy, results
from .test_sessions import staged

LEVEL = Level(alpha=0.01, family_size=9, share=0.7, suspicion=0.10)
POWERS = (0.80, 0.95)


def arrays_of(spread, *, prior_freedom=0.0, tolerance=0.02, must_detect=0.10):
    spread = np.atleast_1d(np.asarray(spread, dtype=float))
    ones = np.ones_like(spread)
    return GateTests(
        run_variance=spread**2,
        dispersion=0.5 * spread,
        scale=4.0 * ones,
        prior_freedom=prior_freedom * ones,
        log_tolerance=np.log1p(tolerance) * ones,
        log_limit=np.log1p(must_detect) * ones,
        weights=ones,
    )


@pytest.mark.parametrize("runs", [6, 9])
def test_a_single_look_without_a_prior_has_the_power_of_the_noncentral_t(runs):
    # So large a spread that the floors do not matter.
    spread, base_runs = 0.2, 10
    found = detectable(arrays_of(spread), LEVEL, Design(base_runs, (runs,)), POWERS)[:, 0]
    df = base_runs + runs - 2
    critical = -stdtrit(df, LEVEL.alpha * LEVEL.share / LEVEL.family_size)
    se = spread * math.sqrt(1 / base_runs + 1 / runs)
    for change, power in zip(found, POWERS):
        assert 1 - nctdtr(df, (change - math.log1p(0.02)) / se, critical) == pytest.approx(power, abs=0.015)


def test_without_any_spread_the_floors_remain():
    (found,) = detectable(arrays_of(0.0, prior_freedom=2.0), LEVEL, Design(10, (9,)), (0.8,))
    by_runs = RUN_VARIANCE_FLOOR * (1 / 10 + 1 / 9)
    # The floor of sessions is a constant, known exactly (Satterthwaite).
    df = 19 * (1 + 2 * SESSION_VARIANCE_FLOOR / by_runs) ** 2
    critical = -stdtrit(df, LEVEL.alpha * LEVEL.share / LEVEL.family_size)
    se = math.sqrt(by_runs + 2 * SESSION_VARIANCE_FLOOR)
    assert found[0] == pytest.approx(math.log1p(0.02) + critical * se, rel=1e-9)


@pytest.mark.parametrize(("base_runs", "stages"), [(10, (1,)), (10, (2,)), (1, (1,))])
def test_a_check_that_can_never_reject_finds_nothing(base_runs, stages):
    assert np.isinf(detectable(arrays_of([0.01, 0.0]), LEVEL, Design(base_runs, stages), POWERS)).all()


@given(
    spread=st.floats(1e-4, 0.2),
    prior_freedom=st.floats(0.0, 50.0),
    base_runs=st.integers(2, 15),
    rounds=st.integers(3, 5),
    stages=st.integers(1, 3),
)
def test_what_is_found_grows_with_the_spread_and_falls_with_more_runs(spread, prior_freedom, base_runs, rounds, stages):
    looks = tuple(rounds * (stage + 1) for stage in range(stages))
    pair = arrays_of([spread, 1.5 * spread], prior_freedom=prior_freedom)
    (quiet, loud), (quiet_95, _) = detectable(pair, LEVEL, Design(base_runs, looks), POWERS)
    assert math.log1p(0.02) < quiet < loud
    assert quiet < quiet_95
    (more, _), _ = detectable(pair, LEVEL, Design(2 * base_runs, looks), POWERS)
    assert more < quiet * 1.02


def test_many_tests_are_what_each_is_alone():
    spreads = [0.001 * (1 + at) for at in range(230)]
    together = detectable(arrays_of(spreads, prior_freedom=3.0), LEVEL, Design(10, (3, 6, 9)), POWERS)
    for at in (0, 99, 100, 229):
        alone = detectable(arrays_of(spreads[at], prior_freedom=3.0), LEVEL, Design(10, (3, 6, 9)), POWERS)
        assert together[:, at] == pytest.approx(alone[:, 0], rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("spread", "benchmarks"), [pytest.param(0.01, 4, marks=pytest.mark.thorough), (0.03, 20)])
def test_the_stated_slowdowns_are_found_as_often_as_stated(spread, benchmarks):
    """One benchmark of simulated sessions is slower by what the noise of others like it says is found."""
    checks = 1600 // benchmarks
    rng = random.Random(4)
    # So many runs that the spread is known well; a user's 19 runs know it to a sixth.
    runs = {f"b{at}": latency_runs(noisy(rng, 500, sd=spread), block_sd=spread / 2) for at in range(benchmarks)}
    latency, _ = groups(results(runs), Family(tuple(runs)))
    stated = np.median(latency.detectable(Design(10, Gate().stages)), axis=0)
    for change, power in zip(stated, POWERS):
        found = 0
        for _ in range(checks):
            found += check(rng, spread, benchmarks, 1 + change).benchmarks["b0"].verdict == "regressed"
        # Three standard errors of the simulation, and 2 % for the estimated spread.
        assert found / checks == pytest.approx(power, abs=3 * math.sqrt(power * (1 - power) / checks) + 0.02)


def check(rng, spread, benchmarks, factor):
    def runs(count, session, factor=1.0):
        return latency_runs(noisy(rng, count, 10.0 * factor, spread), session, block_sd=spread / 2)

    names = [f"b{at}" for at in range(benchmarks)]
    slow = {name: runs(9, "two", factor if name == "b0" else 1.0) for name in names}
    comparison, _ = staged({name: runs(10, "one") for name in names}, slow)
    return comparison
