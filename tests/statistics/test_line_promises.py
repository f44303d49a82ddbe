"""Slopes and intercepts that gate, on recorded noise: the lines of unchanged code, and of code that became slower."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pytest_edgeperf.judge import Family, Stage, step
from pytest_edgeperf.judge.verdicts import MORE, REGRESSED
from pytest_edgeperf.results.study_definitions import Place, Study

from .evaluation import upper_bound
from .recordings import as_results, workloads
from .sessions import STAGES

pytestmark = pytest.mark.slow

STUDY = Study("resolutions", "complexity", "GFLOPs", metrics=("latency",), gate=("slope", "intercept"))
X = (40.0, 70.0, 90.0, 110.0, 140.0)
SERIES = 10
BASELINE_RUNS = 10
#: The fewest in which no alarm bounds their rate by twice the promise, with 95 % confidence.
SESSIONS = 150
#: Of the session's 1 %.
PROMISE = 0.01


def recorded_runs(rng, session, count, factor, rows, workload):
    """Recorded runs of a workload, scaled so that their typical latency is ``factor`` milliseconds."""
    typical = sorted(workload.run(row, session).values["latency"]["p50"] for row in workload.rows())
    scale = factor / typical[len(typical) // 2]
    return [workload.run(row, session, factor=scale) for row in rows[:count]]


def session(seed, slowdown=1.0):
    """A baseline and nine candidate runs of each point: ten series, the first with a slope times ``slowdown``."""
    rng = random.Random(f"lines/{seed}")
    base, candidate, places = {}, {}, {}
    for number in range(SERIES):
        for x in X:
            name = f"s{number}[{x:g}]"
            workload = rng.choice(workloads())
            rows = rng.sample(workload.rows(), BASELINE_RUNS + STAGES[-1])
            slope = 5.0 * (slowdown if number == 0 else 1.0)
            base[name] = recorded_runs(rng, "one", BASELINE_RUNS, 5.0 * x + 50, rows, workload)
            candidate[name] = recorded_runs(rng, "two", STAGES[-1], slope * x + 50, rows[BASELINE_RUNS:], workload)
            places[name] = Place(STUDY.name, f"s{number}", x)
    return base, candidate, places


def placed(runs, places):
    made = as_results(runs)
    benchmarks = {name: replace(one, place=places[name]) for name, one in made.benchmarks.items()}
    return replace(made, benchmarks=benchmarks, studies={STUDY.name: STUDY})


def judge(seed, slowdown=1.0):
    """The regressed lines of a session, judged in stages as a session is."""
    base, candidate, places = session(seed, slowdown)
    family = Family(tuple(base))
    taken = dict.fromkeys(base, 0)
    waiting = list(base)
    stored = placed(base, places)
    for runs in STAGES:
        taken.update(dict.fromkeys(waiting, runs))
        sofar = placed({name: some[: taken[name]] for name, some in candidate.items()}, places)
        answer = step(stored, sofar, family, Stage(runs=runs, final=runs == STAGES[-1]))
        waiting = [name for name in base if answer.decisions[name] == MORE]
        if not waiting:
            break
    return answer.comparison


def test_unchanged_sessions_raise_no_more_alarms_than_promised():
    """Lines have 0.1 % of the session; twenty of them here, over fifty benchmarks of recorded noise."""
    alarms = sum(bool(judge(seed).regressed_lines) for seed in range(SESSIONS))
    assert upper_bound(alarms, SESSIONS) <= 2 * PROMISE


def test_a_slope_that_doubled_is_found():
    found = [judge(seed, 2.0) for seed in range(20)]
    slopes = [one for one in found if any(line.series == "s0" and line.part == "slope" for line in one.regressed_lines)]
    assert len(slopes) >= 18
    assert all(line.series == "s0" for one in found for line in one.lines if line.verdict == REGRESSED)
