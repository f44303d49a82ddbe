"""False alarms and power over whole simulated sessions of 50 benchmarks."""

from __future__ import annotations

import math
import random

import pytest

from pytest_edgeperf.judge import Family, Stage, compare, step

from .builders import latency_runs, results

BENCHMARKS = 50
STAGES = (3, 6, 9)


def run_centers(rng, count, sd):
    """Runs with a heavy right tail: one in twenty falls into a burst of noise and is slower."""
    return [
        10.0 * math.exp(rng.gauss(0.0, sd) + (rng.expovariate(1 / (3 * sd)) if rng.random() < 0.05 else 0.0))
        for _ in range(count)
    ]


def simulated(seed, base_runs, runs, slow=None, factor=1.0):
    rng = random.Random(seed)
    base, candidate = {}, {}
    for number in range(BENCHMARKS):
        sd = 0.02 * math.exp(rng.gauss(0.0, 0.5))
        block_sd = 0.5 * sd * math.exp(rng.gauss(0.0, 0.3))
        name = f"b{number}"
        scale = factor if number == slow else 1.0
        base[name] = latency_runs(run_centers(rng, base_runs, sd), block_sd=block_sd)
        centers = [scale * center for center in run_centers(rng, runs, sd)]
        candidate[name] = latency_runs(centers, "two", block_sd=block_sd)
    return base, candidate


def staged(base, candidate):
    """Measure in stages as a session does; return the final comparison and the runs each benchmark took."""
    family = Family(tuple(base))
    taken = dict.fromkeys(base, 0)
    wanted = list(base)
    for runs in STAGES:
        for name in wanted:
            taken[name] = runs
        measured = results({name: candidate[name][:count] for name, count in taken.items()})
        answer = step(results(base), measured, family, Stage(runs, final=runs == STAGES[-1]))
        wanted = [name for name, decision in answer.decisions.items() if decision == "more"]
    assert not wanted
    return answer.comparison, taken


@pytest.mark.slow
@pytest.mark.parametrize(
    ("base_runs", "sessions"),
    [(10, 60), pytest.param(10, 150, marks=pytest.mark.thorough), pytest.param(1, 150, marks=pytest.mark.thorough)],
)
def test_staged_null_sessions_raise_no_alarm(base_runs, sessions):
    spent = 0
    for seed in range(sessions):
        comparison, taken = staged(*simulated(seed, base_runs, STAGES[-1]))
        assert comparison.summary["regressed"] == 0, seed
        spent += sum(taken.values())
    assert spent / (sessions * BENCHMARKS) < 5.0


@pytest.mark.slow
@pytest.mark.parametrize(("base_runs", "runs"), [(1, 1), (1, 3), (3, 3), (10, 3), (10, 5), (20, 4), (5, 9)])
def test_single_looks_at_null_sessions_raise_no_alarm(base_runs, runs):
    for seed in range(25):
        base, candidate = simulated(1000 + seed, base_runs, runs)
        assert compare(results(base), results(candidate)).summary["regressed"] == 0, seed


@pytest.mark.slow
def test_one_benchmark_that_is_twenty_percent_slower_is_found_among_fifty():
    verdicts = []
    for seed in range(40):
        comparison, taken = staged(*simulated(seed, 10, STAGES[-1], slow=7, factor=1.2))
        verdicts.append(comparison.benchmarks["b7"].verdict)
        others = [name for name, b in comparison.benchmarks.items() if b.verdict == "regressed"]
        assert others in ([], ["b7"])
        assert taken["b7"] == STAGES[-1]
    assert verdicts.count("regressed") >= 36
    assert "unchanged" not in verdicts
