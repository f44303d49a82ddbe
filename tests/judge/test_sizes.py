from __future__ import annotations

import math

import pytest

from pytest_edgeperf.judge import Family, Stage, compare, step
from pytest_edgeperf.results.types import Metric

from .builders import results, run, summary


def memory(base, candidate, unit="MiB", better="lower", name="memory_process_peak", stage=None, **family):
    metrics = {"latency": Metric("ms"), name: Metric(unit, better)}
    sides = [
        results({"b": [run({"latency": summary(10.0), name: value}, session) for value in values]}, metrics)
        for values, session in ((base, "one"), (candidate, "two"))
    ]
    if stage is None and not family:
        return compare(*sides).benchmarks["b"].metrics[name]
    stage = stage or Stage(len(candidate), final=True)
    return step(*sides, Family(("b",), **family), stage)


def test_all_runs_beyond_two_percent_of_a_large_process_regress():
    got = memory([400.0] * 5, [409.0, 410.0, 409.5])
    assert got.verdict == "regressed"
    assert got.ratio == pytest.approx(409.5 / 400.0)
    assert got.detectable == pytest.approx(1.02)
    assert got.p_adjusted is None


def test_one_run_within_the_margin_clears():
    assert memory([400.0] * 5, [409.0, 410.0, 407.9]).verdict == "unchanged"


def test_two_mebibytes_are_nothing_in_a_small_process():
    assert memory([20.0] * 5, [21.9] * 3).verdict == "unchanged"
    assert memory([20.0] * 5, [22.1] * 3).verdict == "regressed"


@pytest.mark.parametrize(("unit", "scale"), [("B", 2**20), ("KiB", 1024), ("GiB", 1 / 1024)])
def test_the_unit_makes_no_difference(unit, scale):
    for new, verdict in ((21.9, "unchanged"), (22.1, "regressed")):
        assert memory([20.0 * scale] * 5, [new * scale] * 3, unit).verdict == verdict


def test_a_baseline_that_varies_has_a_wider_margin():
    base = [400.0, 404.0, 396.0, 410.0, 390.0]
    assert memory(base, [415.0] * 3).verdict == "unchanged"
    assert memory(base, [424.0] * 3).verdict == "regressed"


@pytest.mark.parametrize(("base_runs", "runs", "needed"), [(4, 3, None), (5, 2, 3), (1, 1, 3)])
def test_too_few_runs_leave_a_suspicion(base_runs, runs, needed):
    got = memory([400.0] * base_runs, [500.0] * runs)
    assert got.verdict == "inconclusive"
    assert got.runs_needed == needed
    assert ("baseline runs are needed" in got.reason) == (base_runs < 5)


def test_improved_is_the_mirror():
    assert memory([400.0] * 5, [391.0] * 3).verdict == "improved"
    assert memory([400.0] * 5, [391.0, 391.0, 393.0]).verdict == "unchanged"
    assert memory([400.0] * 5, [391.0] * 2).verdict == "unchanged"


def test_where_more_is_better_less_regresses():
    assert memory([400.0] * 5, [380.0] * 3, better="higher").verdict == "regressed"
    assert memory([400.0] * 5, [420.0] * 3, better="higher").verdict == "improved"


def test_a_suspect_asks_for_more_runs_and_only_the_final_stage_rejects():
    early = memory([400.0] * 5, [500.0] * 3, stage=Stage(3, final=False))
    assert early.decisions == {"b": "more"}
    assert early.comparison.benchmarks["b"].verdict == "inconclusive"
    final = memory([400.0] * 5, [500.0] * 9, stage=Stage(9, final=True))
    assert final.comparison.benchmarks["b"].verdict == "regressed"


def test_another_size_only_informs():
    got = memory([400.0] * 5, [500.0] * 3, name="memory_system_drop", stage=Stage(3, final=False))
    assert got.decisions == {"b": "stop"}
    assert got.comparison.benchmarks["b"].verdict == "unchanged"
    assert not got.comparison.benchmarks["b"].metrics["memory_system_drop"].gates


def test_a_tolerance_of_its_own_replaces_two_percent():
    wide = memory([400.0] * 5, [430.0] * 3, tolerances={"b": {"memory_process_peak": 0.10}})
    assert wide.comparison.benchmarks["b"].verdict == "unchanged"
    narrow = memory([400.0] * 5, [407.0] * 3, tolerances={"b": {"memory_process_peak": 0.01}})
    assert narrow.comparison.benchmarks["b"].verdict == "regressed"


@pytest.mark.parametrize(("tolerance", "value"), [(0.0, 407.0), (0.10, 430.0)])
def test_the_tolerance_of_the_family_widens_two_percent_and_never_narrows_it(tolerance, value):
    got = memory([400.0] * 5, [value] * 3, tolerance=tolerance).comparison.benchmarks["b"]
    assert got.metrics["memory_process_peak"].verdict == "unchanged"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_size_that_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="b: memory_process_peak is " + str(value)):
        memory([400.0] * 5, [400.0, 400.0, value])
