from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest

from pytest_edgeperf.judge import Family, Side, Stage, compare, step
from pytest_edgeperf.judge.statistics.contrasts import contrast_values
from pytest_edgeperf.judge.statistics.corrections import Level
from pytest_edgeperf.judge.statistics.origins import Origins
from pytest_edgeperf.judge.statistics.t_tests import GroupTests
from pytest_edgeperf.results.types import Metric

from .builders import METRICS, latency_runs, quiet_session, results, run, summary

FINAL = Stage(9, final=True)
STEADY = [10.0, 10.05, 9.95, 10.1, 9.9, 10.02, 9.98, 10.03, 9.97]


def family(*ids, **changes):
    return Family(ids or ("b",), **changes)


def one(centers, session="one", **changes):
    return results({"b": latency_runs(centers, session, **changes)})


def slower(centers, factor):
    return [center * factor for center in centers]


def test_a_gross_slowdown_regresses_at_the_final_stage_only():
    base, candidate = one(STEADY), one(slower(STEADY, 1.3), "two")
    early = step(base, candidate, family(), Stage(9, final=False))
    assert early.decisions == {"b": "more"}
    assert early.comparison.benchmarks["b"].verdict == "inconclusive"
    final = step(base, candidate, family(), FINAL)
    assert final.decisions == {"b": "stop"}
    verdict = final.comparison.benchmarks["b"].metrics["latency"]
    assert verdict.verdict == final.comparison.benchmarks["b"].verdict == "regressed"
    assert verdict.ratio == pytest.approx(1.3)
    assert verdict.interval[0] < 1.3 < verdict.interval[1]
    assert verdict.p_adjusted <= 0.01
    assert 1.02 < verdict.detectable < 1.3


def test_what_is_clearly_unchanged_stops_early():
    got = step(one(STEADY), one(STEADY[:3], "two"), family(), Stage(3, final=False))
    assert got.decisions == {"b": "stop"}
    assert got.comparison.benchmarks["b"].verdict == "unchanged"
    assert got.comparison.benchmarks["b"].metrics["latency"].summary == "p50"


def test_a_benchmark_that_was_stopped_early_is_not_rejected():
    base = results({"b": latency_runs(STEADY), "c": latency_runs(STEADY)})
    centers = slower(STEADY, 1.5)
    candidate = results({"b": latency_runs(centers[:6], "two"), "c": latency_runs(centers, "two")})
    got = step(base, candidate, family("b", "c"), FINAL).comparison.benchmarks
    assert got["b"].verdict == "inconclusive"
    assert "earlier stage" in got["b"].metrics["latency"].reason
    assert got["c"].verdict == "regressed"


def test_a_change_within_the_tolerance_is_no_regression():
    base, candidate = one([10.0] * 10), one([10.15] * 9, "two")
    assert step(base, candidate, family(tolerance=0.02), FINAL).comparison.summary["regressed"] == 0
    tighter = step(base, candidate, family(tolerances={"b": {"latency": 0.0}}, suspicion=0.1), FINAL)
    assert tighter.comparison.benchmarks["b"].verdict != "unchanged"
    assert tighter.comparison.benchmarks["b"].metrics["latency"].tolerance == 0.0


def test_a_tolerance_of_the_benchmark_overrides_that_of_the_family():
    base, candidate = one(STEADY), one(slower(STEADY, 1.3), "two")
    for own in (0.5, {"latency": 0.5}):
        got = step(base, candidate, family(tolerances={"b": own}), FINAL).comparison.benchmarks["b"]
        assert got.verdict == "unchanged"
    other = family(tolerances={"b": {"memory_process_peak": 0.5}})
    assert step(base, candidate, other, FINAL).comparison.benchmarks["b"].verdict == "regressed"


def test_each_summary_can_convict_alone():
    tail = [run({"latency": summary(c, p95=c * 1.1 * 1.5)}, "two") for c in STEADY]
    got = step(one(STEADY), results({"b": tail}), family(), FINAL).comparison.benchmarks["b"]
    assert got.verdict == "regressed"
    assert got.metrics["latency"].summary == "p95"
    assert got.metrics["latency"].ratio == pytest.approx(1.5)


@pytest.mark.parametrize(("factor", "found"), [(1.0, "unchanged"), (1.3, "regressed")])
def test_tails_that_neighbours_disturbed_convict_nobody_and_the_rest_of_the_runs_still_does(factor, found):
    marked = {"disturbed": False, "tail_disturbed": True}
    centers = slower(STEADY, factor)
    tails = [run({"latency": summary(c, p95=c * 1.1 * 1.5)}, "two", quality=marked) for c in centers[:4]]
    rest = [run({"latency": summary(c)}, "two") for c in centers[4:]]
    candidate = results({"b": [*tails, *rest]})
    got = step(one(STEADY), candidate, family(), FINAL).comparison.benchmarks["b"]
    assert got.verdict == found
    assert got.metrics["latency"].summary in ("min", "p50")
    # What was measured stays as it was measured.
    assert candidate.benchmarks["b"].runs[0].values["latency"]["p95"] == pytest.approx(centers[0] * 1.65)


def test_a_baseline_run_with_a_disturbed_tail_keeps_it():
    marked = {"disturbed": False, "tail_disturbed": True}
    base = results({"b": [run({"latency": summary(c)}, quality=marked) for c in STEADY]})
    tail = [run({"latency": summary(c, p95=c * 1.1 * 1.5)}, "two") for c in STEADY]
    got = step(base, results({"b": tail}), family(), FINAL).comparison.benchmarks["b"]
    assert (got.verdict, got.metrics["latency"].summary) == ("regressed", "p95")


def test_imprecision_is_inconclusive_and_says_how_many_runs_are_needed():
    wild = [8.0, 12.0, 9.0, 11.0, 10.0]
    got = compare(one(wild, block_sd=0.1), one(wild, "two", block_sd=0.1)).benchmarks["b"].metrics["latency"]
    assert got.verdict == "inconclusive"
    assert got.reason.startswith(("the minimum may be up to ", "the median may be up to ", "p05 may be up to "))
    assert got.runs_needed is None or got.runs_needed > 5


def test_the_predicted_number_of_runs_decides():
    base = one([8.5, 11.5, 10.0] * 7)
    few = compare(base, one([8.5, 11.5, 10.0], "two")).benchmarks["b"].metrics["latency"]
    assert few.verdict == "inconclusive"
    enough = one([8.5, 11.5, 10.0] * math.ceil(few.runs_needed / 3), "two")
    assert compare(base, enough).benchmarks["b"].verdict == "unchanged"


def test_a_missing_baseline_precision_is_named_when_candidate_runs_cannot_help():
    base, candidate = one([10.0, 12.0, 8.0]), one(noisy_around(10.0), "two")
    got = compare(base, candidate).benchmarks["b"].metrics["latency"]
    assert got.verdict == "inconclusive"
    assert got.runs_needed is None
    assert re.search(r"[1-9]\d* more baseline runs? should decide it", got.reason)


def noisy_around(center):
    return [center * factor for factor in (0.9, 1.1, 1.0) * 10]


def test_two_candidate_runs_cannot_convict():
    got = compare(one(STEADY), one([20.0, 20.1], "two")).benchmarks["b"]
    assert got.verdict == "inconclusive"
    assert got.metrics["latency"].runs_needed >= 3
    assert "at least 3 candidate runs" in got.metrics["latency"].reason
    assert compare(one(STEADY), one([20.0, 20.1] * 3, "two")).benchmarks["b"].verdict == "regressed"


@pytest.mark.parametrize(("base_runs", "runs"), [(1, 1), (1, 9), (10, 1), (2, 2)])
@pytest.mark.parametrize("block_sd", [None, 0.0, 0.01])
def test_few_runs_and_zero_variance_give_a_finite_answer(base_runs, runs, block_sd):
    base, candidate = (
        one([10.0] * count, side, block_sd=block_sd, n=1) for count, side in ((base_runs, "one"), (runs, "two"))
    )
    got = compare(base, candidate).benchmarks["b"]
    latency = got.metrics["latency"]
    assert got.verdict in ("unchanged", "inconclusive")
    assert latency.ratio == pytest.approx(1.0)
    assert 0 < latency.interval[0] <= 1.0 <= latency.interval[1] < math.inf
    assert (latency.detectable is None) == (runs < 3 or base_runs == 1)


def test_zero_variance_does_not_make_a_tiny_change_significant():
    assert compare(one([10.0] * 10), one([10.3] * 9, "two")).summary["regressed"] == 0
    assert compare(one([10.0] * 10), one([11.0] * 9, "two")).summary["regressed"] == 1
    still = one([10.0] * 10, block_sd=0.0), one([10.205] * 9, block_sd=0.0)
    assert compare(*still).summary["regressed"] == 0


def test_another_session_is_another_machine_state():
    base = one([10.0, 10.001, 9.999] * 10)
    same = compare(base, one([10.33] * 9)).benchmarks["b"].metrics["latency"]
    other = compare(base, one([10.33] * 9, "two")).benchmarks["b"].metrics["latency"]
    assert other.interval[1] > same.interval[1]


def test_a_second_baseline_session_narrows_what_is_known_and_one_that_differs_widens_it():
    def width(*sessions):
        base = results({"b": [run for at, values in enumerate(sessions) for run in latency_runs(values, f"s{at}")]})
        low, high = compare(base, one(STEADY, "new")).benchmarks["b"].metrics["latency"].interval
        return math.log(high / low)

    alone, agreeing, differing = width(STEADY + STEADY), width(STEADY, STEADY), width(STEADY, slower(STEADY, 1.03))
    assert agreeing < alone < differing
    assert width(STEADY, STEADY, STEADY) < width(STEADY, STEADY)


def test_improved_is_reported():
    got = compare(one(STEADY), one(slower(STEADY, 0.7), "two")).benchmarks["b"]
    assert got.verdict == "improved"
    assert got.metrics["latency"].ratio == pytest.approx(0.7)


@pytest.mark.parametrize("metric", ["throughput", "accuracy_top1"])
def test_where_higher_is_better_less_regresses_if_a_marker_makes_it_gate(metric):
    metrics = {"latency": Metric("ms"), metric: Metric("1/s", "higher")}

    def side(values, session):
        return results({"b": [run({"latency": summary(10.0), metric: value}, session) for value in values]}, metrics)

    base, candidate = side(STEADY, "one"), side(slower(STEADY, 0.8), "two")
    informs = step(base, candidate, family(), FINAL).comparison.benchmarks["b"]
    assert informs.verdict == "unchanged"
    assert not informs.metrics[metric].gates
    assert informs.metrics[metric].ratio == pytest.approx(0.8)
    gates = step(base, candidate, family(gates={"b": (metric,)}), FINAL).comparison.benchmarks["b"]
    assert gates.verdict == "regressed"
    assert gates.metrics[metric].summary == "value"
    assert 0.8 < gates.metrics[metric].detectable < 0.98
    better = step(candidate, base, family(gates={"b": (metric,)}), FINAL).comparison.benchmarks["b"]
    assert better.verdict == "improved"


def test_a_metric_that_informs_asks_for_no_more_runs():
    metrics = {"latency": Metric("ms"), "power_mean": Metric("W")}
    base, candidate = (
        results({"b": [run({"latency": summary(10.0), "power_mean": p}, s) for p in powers]}, metrics)
        for powers, s in ((STEADY, "one"), ([15.0, 15.1, 14.9], "two"))
    )
    assert step(base, candidate, family(), Stage(3, final=False)).decisions == {"b": "stop"}
    gated = family(gates={"b": ("power_mean",)})
    assert step(base, candidate, gated, Stage(3, final=False)).decisions == {"b": "more"}


def test_one_number_on_each_side_is_inconclusive():
    metrics = {"score": Metric("points")}
    base, candidate = (results({"b": [run({"score": 1.0})]}, metrics) for _ in range(2))
    got = step(base, candidate, family(gates={"b": ("score",)}), Stage(1, final=True)).comparison
    assert got.benchmarks["b"].verdict == "inconclusive"
    assert "variance" in got.benchmarks["b"].metrics["score"].reason
    assert got.benchmarks["b"].metrics["score"].interval is None


def test_a_gating_metric_that_was_not_measured_leaves_doubt():
    runs = [run({"latency": summary(c), "memory_process_peak": 100.0}) for c in STEADY]
    got = compare(results({"b": runs}), one(STEADY, "two")).benchmarks["b"]
    assert got.verdict == "inconclusive"
    assert got.metrics["memory_process_peak"].verdict == "missing"
    mirrored = compare(one(STEADY), results({"b": runs})).benchmarks["b"]
    assert mirrored.verdict == "unchanged"
    assert mirrored.metrics["memory_process_peak"].verdict == "new"


@pytest.mark.parametrize("changed", [Metric("us"), Metric("ms", "higher")])
def test_a_metric_that_changed_its_meaning_is_not_compared(changed):
    base, candidate = one(STEADY), results({"b": latency_runs(STEADY)}, {"latency": changed})
    got = compare(base, candidate).benchmarks["b"]
    assert got.verdict == "inconclusive"
    assert got.metrics["latency"].verdict == "incomparable"
    assert changed.unit in got.metrics["latency"].reason


def test_numbers_and_summaries_are_not_compared():
    got = compare(one(STEADY), results({"b": [run({"latency": 10.0})] * 3})).benchmarks["b"]
    assert got.metrics["latency"].verdict == "incomparable"


def test_without_a_gating_metric_there_is_nothing_to_say():
    same = results({"b": [run({"power": 3.0 + i / 100}) for i in range(6)]}, {"power": Metric("W")})
    got = compare(same, same).benchmarks["b"]
    assert got.verdict == "inconclusive"
    assert "no gating metric" in got.reason


def test_missing_new_and_not_collected():
    base = results({name: latency_runs(STEADY) for name in ("kept", "gone", "unselected")})
    candidate = results({name: latency_runs(STEADY[:3], "two") for name in ("kept", "added")})
    got = step(base, candidate, family("kept", "gone", "added", "failed"), Stage(3, final=False))
    assert {name: b.verdict for name, b in got.comparison.benchmarks.items()} == {
        "kept": "unchanged",
        "gone": "missing",
        "added": "new",
    }
    assert set(got.decisions.values()) == {"stop"}
    assert set(got.decisions) == {"kept", "gone", "added"}
    compared = compare(base, candidate)
    assert compared.summary == {
        "regressed": 0,
        "improved": 0,
        "unchanged": 1,
        "inconclusive": 0,
        "new": 1,
        "missing": 2,
        "incomparable": 0,
    }


def test_disturbed_runs_are_no_evidence():
    bad = [run({"latency": summary(20.0)}, "two", quality={"disturbed": True}) for _ in range(3)]
    candidate = results({"b": bad + latency_runs(STEADY[:6], "two")})
    got = step(one(STEADY), candidate, family(), FINAL).comparison.benchmarks["b"]
    assert got.verdict == "unchanged"
    assert got.metrics["latency"].candidate_runs == 6
    spoiled = results({"b": latency_runs(STEADY) + bad})
    assert compare(spoiled, one(STEADY, "two")).benchmarks["b"].metrics["latency"].baseline_runs == 9


def test_disturbed_runs_count_as_made_when_a_regression_is_confirmed():
    bad = [run({"latency": summary(10.0)}, "two", quality={"disturbed": True}) for _ in range(3)]
    candidate = results({"b": bad + latency_runs(slower(STEADY[:6], 1.4), "two")})
    assert step(one(STEADY), candidate, family(), FINAL).comparison.benchmarks["b"].verdict == "regressed"


def test_too_few_good_runs_are_measured_again_and_then_inconclusive():
    bad = [run({"latency": summary(20.0)}, "two", quality={"disturbed": True}) for _ in range(7)]
    candidate = results({"b": bad + latency_runs(STEADY[:2], "two")})
    early = step(one(STEADY), candidate, family(), Stage(9, final=False))
    assert early.decisions == {"b": "more"}
    final = step(one(STEADY), candidate, family(), FINAL)
    assert final.decisions == {"b": "stop"}
    assert final.comparison.benchmarks["b"].verdict == "inconclusive"
    assert final.comparison.benchmarks["b"].reason.startswith("machine disturbed: 2 of 9")


def test_a_baseline_without_a_good_run_is_inconclusive_and_not_measured_again():
    bad = [run({"latency": summary(20.0)}, quality={"disturbed": True})] * 5
    got = step(results({"b": bad}), one(STEADY, "two"), family(), Stage(9, final=False))
    assert got.decisions == {"b": "stop"}
    assert got.comparison.benchmarks["b"].reason.startswith("machine disturbed: none of 5 baseline")


def test_a_regression_says_what_it_rests_on():
    def side(centers, session, commits):
        timed = {"disturbed": False, "timed_s": 1.5}
        good = [
            replace(one, started=f"2026-01-0{day}T00:00:00Z", commit=commit, quality=timed)
            for day, (one, commit) in enumerate(zip(latency_runs(centers, session), commits), 1)
        ]
        return [*good, replace(good[0], quality={"disturbed": True, "timed_s": 99.0}, commit="disturbed")]

    noisy = [9.9, 10.0, 10.1] * 2
    base = side(noisy, "one", ["a"] * 4 + ["b", None])
    candidate = side([15.0 * center / 10 for center in noisy], "two", ["c"] * 6)
    got = compare(results({"b": base}), results({"b": candidate[::-1]})).benchmarks["b"]
    assert got.verdict == "regressed"
    assert got.sides == (Side(9.0, "b"), Side(9.0, "c"))
    # Of each side, four logarithms lie 1 % from their mean, with five degrees of freedom.
    assert got.metrics["latency"].scatter == pytest.approx(math.sqrt(8 * 0.01**2 / 10), rel=0.01)
    untold = [replace(base[0], quality=None), *base[1:]]
    got = compare(results({"b": untold}), results({"b": candidate})).benchmarks["b"]
    assert got.sides[0] == Side(None, "b")


def test_only_a_regression_says_what_it_rests_on():
    runs = latency_runs([9.9, 10.0, 10.1] * 3)
    assert compare(results({"b": runs}), results({"b": runs})).benchmarks["b"].sides is None


def test_absent_quality_figures_are_said():
    silent = results({"b": [run({"latency": summary(c)}, quality=None) for c in STEADY]})
    assert "no quality figures" in compare(silent, silent).benchmarks["b"].reason
    assert compare(one(STEADY), one(STEADY)).benchmarks["b"].reason is None


def test_the_family_is_what_was_collected_and_not_what_could_be_tested():
    base, candidate = one(STEADY), one(slower(STEADY, 1.06), "two")
    alone = step(base, candidate, family("b"), FINAL).comparison.benchmarks["b"].metrics["latency"]
    many = family("b", *(f"failed{i}" for i in range(99)))
    among = step(base, candidate, many, FINAL).comparison.benchmarks["b"].metrics["latency"]
    assert among.p_adjusted == pytest.approx(100 * alone.p_adjusted)
    assert among.detectable > alone.detectable


def test_a_shift_of_all_benchmarks_is_said_and_not_subtracted():
    base, candidate = quiet_session(3, benchmarks=5, factors=dict.fromkeys(range(5), 1.2))
    got = compare(base, candidate)
    assert got.common_shift == pytest.approx(1.2, rel=0.02)
    assert got.summary["regressed"] == 5
    assert compare(*quiet_session(3, benchmarks=5)).common_shift is None
    assert compare(*quiet_session(3, benchmarks=2, factors={0: 1.2, 1: 1.2})).common_shift is None


def test_predictions_count_the_side_that_limits():
    def needed(base, new):
        contrast = contrast_values("b", "m", base, new, origins=Origins.of(len(base), len(new), apart=False))
        group = GroupTests([contrast], [1], [0.02], Level(0.01, 1, 1.0, 0.1))
        return group.runs_needed([0], [math.log(1.1)])[0]

    candidate, _ = needed([10.0, 10.4] * 10, [9.5, 10.5])
    assert candidate is not None
    assert 2 < candidate <= 30
    _, swapped_baseline = needed([9.5, 10.5], [10.0, 10.4] * 10)
    assert swapped_baseline is not None
    assert 2 < swapped_baseline <= 30


def test_to_dict_is_what_is_printed():
    base = results(
        {
            "slow": [run({"latency": summary(c), "memory_process_peak": 412.5}) for c in STEADY],
            "gone": latency_runs(STEADY),
        },
        METRICS,
    )
    candidate = results(
        {"slow": [run({"latency": summary(c * 1.3), "memory_process_peak": 412.5}, "two") for c in STEADY]}
    )
    printed = json.loads(json.dumps(compare(base, candidate).to_dict(), allow_nan=False))
    assert set(printed) == {"summary", "benchmarks", "apart"}
    assert printed["apart"] == {"allowed": 0.0025, "known_by": "floor", "sessions": 1, "benchmarks": 1}
    assert printed["summary"] == {
        "regressed": 1,
        "unchanged": 0,
        "inconclusive": 0,
        "improved": 0,
        "new": 0,
        "missing": 1,
        "incomparable": 0,
    }
    latency = printed["benchmarks"]["slow"]["metrics"]["latency"]
    assert printed["benchmarks"]["slow"]["verdict"] == latency["verdict"] == "regressed"
    assert latency["ratio"] == 1.3
    assert len(latency["interval"]) == 2
    assert latency["gates"] is True
    assert latency["unit"] == "ms"
    keys = {"verdict", "summary", "ratio", "interval", "p_adjusted", "detectable", "gates", "unit"}
    keys |= {"baseline", "baseline_runs", "candidate", "candidate_runs", "tolerance", "scatter"}
    assert set(latency) == set(printed["benchmarks"]["slow"]["metrics"]["memory_process_peak"]) == keys
    assert latency["detectable"] == float(f"{latency['detectable']:.6g}")
    assert printed["benchmarks"]["gone"] == {
        "verdict": "missing",
        "metrics": {},
        "reason": "in the baseline, not measured",
    }


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": 1.0}, {"tolerance": -0.1}, {"tolerance": math.nan}])
def test_impossible_levels_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        compare(one(STEADY), one(STEADY), **wrong)


def test_empty_files_have_nothing_to_compare():
    assert compare(results({}), results({})).benchmarks == {}
