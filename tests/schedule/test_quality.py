from __future__ import annotations

import pytest

from pytest_edgeperf.results.types import Run
from pytest_edgeperf.schedule.quality import LEAST_CPU_SHARE, MOST_SWITCHES_PER_S, disturbed, preempted

CALM = {"cpu_share": 0.99, "involuntary_switches_per_s": 2.0}
PREEMPTED = {"cpu_share": 0.80, "involuntary_switches_per_s": 90.0}


def runs(*qualities):
    return [Run("env", "2026-01-01T00:00:00Z", "session", {"latency": 1.0}, quality=one) for one in qualities]


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        (CALM, False),
        (PREEMPTED, True),
        ({**PREEMPTED, "cpu_share": LEAST_CPU_SHARE}, False),
        ({**PREEMPTED, "involuntary_switches_per_s": MOST_SWITCHES_PER_S}, False),
        ({"cpu_share": 0.1}, False),
        ({"involuntary_switches_per_s": 500.0}, False),
        ({}, False),
    ],
)
def test_preempted_takes_both_signs(quality, expected):
    assert preempted(quality) is expected
    assert disturbed(quality, []) is expected


def test_a_benchmark_whose_baseline_is_calm_was_disturbed():
    assert disturbed(PREEMPTED, runs(CALM, CALM, PREEMPTED))


def test_a_benchmark_whose_baseline_shows_the_same_signs_causes_them_itself():
    assert not disturbed(PREEMPTED, runs(PREEMPTED, PREEMPTED, CALM))
    assert not disturbed(PREEMPTED, runs(PREEMPTED, CALM))


def test_baseline_runs_without_quality_say_nothing():
    assert disturbed(PREEMPTED, runs(None, None))
    assert not disturbed(PREEMPTED, runs(None, None, PREEMPTED))


def test_a_calm_run_is_evidence_whatever_the_baseline_was():
    assert not disturbed(CALM, runs(PREEMPTED, PREEMPTED))
