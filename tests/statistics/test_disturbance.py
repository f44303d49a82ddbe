"""The parts of what is run by hand: ``python -m tests.statistics.disturbance``."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from pytest_edgeperf.schedule.hopeless import FIRST_RUNS
from pytest_edgeperf.schedule.machine import disturbance

from .compact import BLOCK_SUMMARIES, SUMMARIES
from .disturbance import HOGS, NONE, QUIET, Hogs, beside, different, evaluate, hogs_table, load, slowed, thresholds
from .hog import REFERENCE, SHARES, WORKS
from .recordings import workloads

REPETITIONS = 4
LOADED = (0, 0, 0, 0, 0, 1)


@pytest.fixture
def hogs():
    """Runs that a hog slows down by exactly its share, and that show it exactly."""
    processes = [(work, number) for number, work in enumerate([*WORKS] * REPETITIONS)]
    rows = [(work, number, share) for work, number in processes for share in (REFERENCE, *SHARES)]
    shares = np.array([max(share, 0.0) for _, _, share in rows])
    return Hogs(
        {
            "workload": np.array([work for work, _, _ in rows]),
            "process": np.array([number for _, number, _ in rows]),
            "share": np.array([share for _, _, share in rows]),
            "others_share": shares,
            "summary": np.outer(1 + shares, np.ones(len(SUMMARIES))),
            "block_sd": np.full((len(rows), len(BLOCK_SUMMARIES)), 0.01),
        }
    )


def test_changes_are_held_against_the_same_process_without_a_hog(hogs):
    assert hogs.changes("interpreter", 0.2, "p50") == pytest.approx([np.log(1.2)] * REPETITIONS)
    assert hogs.changes("interpreter", 0.0, "p95") == pytest.approx([0.0] * REPETITIONS)
    assert hogs.alone("interpreter")["p50"] == 1.0


def test_a_neighbour_takes_its_share_of_the_time():
    quiet = {"min": 9.0, "p05": 9.5, "p50": 10.0, "p95": 11.0, "max": 14.0}
    alone, together = beside(quiet, 0.2, np.random.default_rng(0), samples=50_000)
    assert np.percentile(alone, [0, 50, 95]) == pytest.approx([9.0, 10.0, 11.0], rel=0.01)
    assert together.sum() * (1 - 0.2) == pytest.approx(alone.sum(), rel=0.01)
    alone, together = beside(quiet, 0.0, np.random.default_rng(0))
    assert (alone == together).all()


def test_a_recorded_run_is_slowed_down_by_its_neighbour_and_by_its_code():
    workload = next(one for one in workloads() if one.name == "ort_resnet50")
    run = workload.run(workload.rows()[0], "s")
    draw = np.random.default_rng(0)
    made = slowed(run, 0.0, 1.1, draw, disturbed=True)
    assert made.values["latency"]["min"] == pytest.approx(run.values["latency"]["min"] * 1.1)
    assert made.disturbed
    busy = slowed(run, 0.4, 1.0, draw, disturbed=False)
    assert busy.values["latency"]["p50"] > 1.3 * run.values["latency"]["p50"]
    assert busy.values["latency"]["block_sd"]["p50"] > run.values["latency"]["block_sd"]["p50"]
    assert not busy.disturbed


def test_a_quiet_machine_refuses_nothing_and_one_that_is_always_busy_is_given_up():
    quiet = evaluate((QUIET, QUIET), (0.07, 0.03), 1, benchmarks=6)
    assert (quiet.refused, quiet.tries_of_a_refresh) == (0, 10 * 6)
    assert quiet.runs >= 3 * 6
    busy = evaluate((LOADED, LOADED), (0.07, 0.03), 1, benchmarks=6)
    assert busy.accepted == 0
    assert busy.tries_of_a_refresh <= FIRST_RUNS * 6
    unmarked = evaluate((LOADED, LOADED), (NONE, NONE), 1, benchmarks=6)
    assert unmarked.refused == 0


def test_limits_that_make_no_difference_on_a_machine_are_not_tried():
    assert different((QUIET, QUIET)) == [(NONE, NONE)]
    assert different((QUIET, LOADED)) == [(NONE, NONE), (0.07, 0.03)]


def test_other_thresholds_hold_until_the_block_ends():
    before = disturbance.CANARY_MARGIN
    with pytest.raises(ZeroDivisionError), thresholds(CANARY_MARGIN=1.5):
        assert disturbance.CANARY_MARGIN == 1.5
        raise ZeroDivisionError
    assert before == disturbance.CANARY_MARGIN


def test_what_was_recorded_shows_what_a_large_neighbour_does():
    recorded = load(HOGS)
    assert set(recorded.arrays["workload"].tolist()) == set(WORKS)
    assert np.median(recorded.changes("product_1024", 0.4, "p50")) > 0.2
    assert hogs_table(recorded).count("\n") == 1 + len(SHARES)


def test_a_run_beside_a_hog_is_recorded_in_a_process_of_its_own():
    worker = [sys.executable, "-m", "tests.statistics.hog", "--work", "interpreter", "0"]
    done = subprocess.run(worker, input="\n\n\n", stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    (told,) = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert told["summary"]["n"] > 0
    assert len(told["canary_ms"]) == 2
