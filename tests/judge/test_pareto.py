from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.studies.across_files import read_across
from pytest_edgeperf.judge.studies.members import Member
from pytest_edgeperf.judge.studies.pareto_fronts import pareto_fronts
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results

from .builders import run, summary

METRICS = {"latency": Metric("ms"), "AP": Metric("%", "higher", margin=0.5)}
STUDY = Study("s", "complexity", "GFLOPs", pareto=(("latency", "AP"),))


def accuracy(mean):
    return {"n": 450, "mean": mean, "answers": {"digest": str(mean)}}


def member(series, costs, gains, *, x=1.0, metrics=METRICS, names=("latency", "AP")):
    runs = tuple(run({names[0]: cost, names[1]: gain}) for cost, gain in zip(costs, gains))
    return Member(series, x, f"test[{series}-{x}]", Benchmark({}, metrics, runs))


def front_of(*members, study=STUDY):
    (found,) = pareto_fronts(study, members)
    return found


def names(points):
    return [point.series for point in points]


def test_what_is_gained_for_which_cost():
    found = front_of(
        member("fp32", [12.0, 12.1, 11.9], map(accuracy, [37.6] * 3)),
        member("slow", [20.0, 20.1, 19.9], map(accuracy, [37.0] * 3)),
        member("int8", [4.0, 4.1, 3.9], map(accuracy, [34.5] * 3)),
        member("worse int8", [4.5, 4.6, 4.4], map(accuracy, [30.0] * 3)),
    )
    assert names(found.points) == ["int8", "worse int8", "fp32", "slow"]
    assert names(found.front) == ["int8", "fp32"]
    int8, worse, fp32, slow = found.points
    assert (worse.dominated_by, worse.separated, slow.dominated_by, slow.separated) == (0, True, 2, True)
    assert int8.step is None
    assert fp32.step == pytest.approx((8.0, 3.1))
    assert (fp32.cost, fp32.gain) == (12.0, 37.6)


def test_the_median_over_undisturbed_runs_counts_also_of_summaries():
    runs = [run({"latency": summary(one), "AP": accuracy(90.0)}) for one in (5.0, 7.0, 6.0)]
    disturbed = run({"latency": summary(50.0), "AP": accuracy(1.0)}, quality={"disturbed": True})
    (point,) = front_of(Member("a", 2.0, "a", Benchmark({}, METRICS, (*runs, disturbed)))).points
    assert (point.cost, point.gain, point.x, point.benchmark) == (6.0, 90.0, 2.0, "a")


def test_directions_are_those_of_the_metrics():
    metrics = {"throughput": Metric("1/s", "higher"), "error": Metric("")}
    study = Study("s", "x", "", pareto=(("throughput", "error"),))
    pair = ("throughput", "error")
    found = front_of(
        *(
            member(name, [cost], [gain], metrics=metrics, names=pair)
            for name, cost, gain in (("a", 10.0, 0.1), ("b", 40.0, 0.5), ("c", 9.0, 0.2), ("d", 45.0, 0.6))
        ),
        study=study,
    )
    assert names(found.points) == ["d", "b", "a", "c"]
    assert names(found.front) == ["d", "b", "a"]
    assert found.front[2].step == pytest.approx((-30.0, -0.4))


def test_equal_to_three_digits_is_equal():
    same = front_of(member("a", [12.31], [95.12]), member("b", [12.34], [95.08]))
    assert names(same.front) == ["a", "b"]
    assert same.points[1].step == (0.0, 0.0)
    differing = front_of(member("a", [12.31], [95.12]), member("b", [12.36], [95.08]))
    assert names(differing.front) == ["a"]


def test_runs_tell_what_lies_apart():
    def told(*sides):
        return front_of(*(member(name, *side) for name, side in zip("ab", sides))).points[1].separated

    assert told(([10.0, 10.4], [90.0, 90.0]), ([10.5, 10.9], [90.0, 90.0])) is True
    assert told(([10.0, 10.6], [90.0, 90.0]), ([10.5, 10.9], [90.0, 90.0])) is False
    assert told(([10.0, 10.6], [91.0, 91.0]), ([10.5, 10.9], [90.0, 90.0])) is True
    assert told(([10.0], [90.0]), ([10.5], [90.0])) is None


def test_what_dominates_for_certain_is_named_before_what_is_nearer():
    near = member("near", [10.0, 10.6], [90.7, 91.3])
    far = member("far", [8.0, 8.1], [90.5, 90.5])
    asked = member("asked", [10.4, 10.9], [90.0, 90.8])
    found = front_of(near, far, asked)
    assert names(found.front) == ["far", "near"]
    by = {point.series: point for point in found.points}["asked"]
    assert (found.points[by.dominated_by].series, by.separated) == ("far", True)


def test_what_has_not_both_metrics_is_left_out():
    costs_only = Member("c", 1.0, "c", Benchmark({}, METRICS, (run({"latency": 1.0}),)))
    assert names(front_of(costs_only, member("a", [1.0], [2.0])).points) == ["a"]
    assert pareto_fronts(STUDY, [costs_only]) == ()
    assert pareto_fronts(Study("s", "x", ""), [member("a", [1.0], [2.0])]) == ()


def test_a_quotient_can_be_the_cost():
    metrics = {**METRICS, "energy": Metric("mJ")}
    runs = (run({"latency": 10.0, "energy": 40.0, "AP": 90.0}),)
    study = Study("s", "x", "", pareto=(("energy/latency", "AP"),))
    found = front_of(Member("a", 1.0, "a", Benchmark({}, metrics, runs)), study=study)
    assert (found.points[0].cost, found.cost_metric.unit) == (4.0, "mJ/ms")


def test_units_are_converted_and_others_are_refused():
    in_seconds = {**METRICS, "latency": Metric("s")}
    found = front_of(member("a", [10.0], [90.0]), member("b", [0.02], [91.0], metrics=in_seconds))
    assert [point.cost for point in found.points] == [10.0, pytest.approx(20.0)]
    for metric, what in (
        (Metric("W"), "in ms and in W"),
        (Metric("ms", "higher"), "better when lower and when higher"),
    ):
        mixed = member("b", [0.02], [91.0], metrics={**METRICS, "latency": metric})
        with pytest.raises(ValueError, match=rf"study 's': latency is {what} \(test\[b-1.0\]\)"):
            pareto_fronts(STUDY, [member("a", [10.0], [90.0]), mixed])


def test_several_files_are_on_one_front():
    def file(device, cost, pair):
        study = Study("s", "x", "", metrics=(), pareto=pair)
        one = member("a", [cost], [90.0]).benchmark
        placed = Benchmark({}, one.metrics, one.runs, place=Place("s", "a", 1.0))
        return Results(device, {"env": {}}, {"test": placed}, studies={"s": study})

    pair = ("latency", "AP")
    across = read_across([("a", file("nano", 9.0, (pair,))), ("b", file("host", 3.0, (pair, ("AP", "latency"))))])
    first, second = across.studies[0].pareto
    assert names(first.points) == ["host: a", "nano: a"]
    assert names(first.front) == ["host: a"]
    assert (second.cost, second.gain, names(second.front)) == ("AP", "latency", ["host: a"])


NUMBERS = st.one_of(st.integers(0, 4).map(float), st.floats(-1e6, 1e6))
RUNS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=3)
BETTER = st.sampled_from(["lower", "higher"])


def shown(value):
    return float(f"{value:.3g}")


@given(rows=st.lists(RUNS, min_size=1, max_size=9), cost_better=BETTER, gain_better=BETTER)
def test_the_front_is_that_of_brute_force(rows, cost_better, gain_better):
    metrics = {"latency": Metric("ms", cost_better), "AP": Metric("%", gain_better)}
    signs = [-1 if better == "higher" else 1 for better in (cost_better, gain_better)]
    members = [member(f"m{at}", *zip(*runs), metrics=metrics) for at, runs in enumerate(rows)]
    found = front_of(*members)

    def at_least_as_good(one, other):
        pairs = zip(signs, (one.cost, one.gain), (other.cost, other.gain))
        return all(sign * shown(a) <= sign * shown(b) for sign, a, b in pairs)

    def dominates(one, other):
        return at_least_as_good(one, other) and not at_least_as_good(other, one)

    assert sorted(names(found.points)) == sorted(one.series for one in members)
    medians = {one.series: tuple(map(median, zip(*runs))) for one, runs in zip(members, rows)}
    assert {point.series: (point.cost, point.gain) for point in found.points} == medians
    front = [one for one in found.points if not any(dominates(other, one) for other in found.points)]
    assert list(found.front) == front
    for point in found.points:
        if point.dominated_by is None:
            assert (point.step is None) == (point is found.front[0])
            assert point.separated is None
            continue
        by = found.points[point.dominated_by]
        assert by in front
        assert dominates(by, point)
        nearer = [
            one for one in front if dominates(one, point) and abs(one.cost - point.cost) < abs(by.cost - point.cost)
        ]
        assert not nearer or point.separated
    for after in found.front[1:]:
        worse, better = (sign * step for sign, step in zip(signs, after.step))
        assert (worse > 0 and better < 0) or after.step == (0.0, 0.0)
