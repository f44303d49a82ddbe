from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.studies.members import Member
from pytest_edgeperf.judge.studies.series_ratios import matching_pairs, rank, ratios_of
from pytest_edgeperf.results.study_definitions import Study
from pytest_edgeperf.results.types import Benchmark, Metric

from .builders import METRICS, run, summary

STUDY = Study("s", "x", "", metrics=("latency",))


def member(series, x, centers, *, metrics=METRICS, metric="latency", plain=False, block_sd=0.01):
    runs = tuple(run({metric: one if plain else summary(one, block_sd=block_sd)}) for one in centers)
    return Member(series, x, f"{series}[{x}]", Benchmark({}, metrics, runs))


def ratio(*members, study=STUDY, **keywords):
    (found,) = ratios_of(study, members, [("a", "b")], **keywords)
    return found


def test_a_ratio_says_how_many_times_better_the_first_is():
    found = ratio(
        member("a", 1.0, [10.0, 10.1, 9.9]),
        member("b", 1.0, [20.0, 20.2, 19.8]),
        member("a", 2.0, [30.0, 30.3]),
        member("b", 2.0, [15.0, 15.1]),
        member("a", 3.0, [1.0]),
    )
    assert (found.metric, found.series, found.over) == ("latency", "a", "b")
    first, second = found.points
    assert (first.x, first.runs) == (1.0, (3, 3))
    assert first.times_better == pytest.approx(2.0)
    assert first.interval[0] < 2.0 < first.interval[1]
    assert second.times_better == pytest.approx(0.5, rel=0.01)


def test_where_more_is_better_the_larger_is():
    metrics = {"throughput": Metric("1/s", "higher")}
    study = Study("s", "x", "", metrics=("throughput",))
    sides = (
        member(name, 1.0, values, metrics=metrics, metric="throughput", plain=True)
        for name, values in (("a", [40.0, 41.0, 39.0]), ("b", [20.0, 20.5, 19.5]))
    )
    assert ratio(*sides, study=study).points[0].times_better == pytest.approx(2.0, rel=0.01)


def test_units_of_one_quantity_are_converted_and_others_have_no_ratio():
    in_us = {"latency": Metric("us")}
    found = ratio(member("a", 1.0, [1.0, 1.0, 1.01]), member("b", 1.0, [2000.0, 2000.0, 2020.0], metrics=in_us))
    assert found.points[0].times_better == pytest.approx(2.0)
    in_frames = {"latency": Metric("frames")}
    assert ratios_of(STUDY, [member("a", 1.0, [1.0]), member("b", 1.0, [1.0], metrics=in_frames)], [("a", "b")]) == ()


def test_one_number_has_a_ratio_and_no_interval():
    many = member("b", 1.0, [20.0, 20.2, 19.8], plain=True)
    assert ratio(member("a", 1.0, [10.0], plain=True), many).points[0].interval is None
    one = ratio(member("a", 1.0, [10.0], plain=True), member("b", 1.0, [20.0], plain=True)).points[0]
    assert (one.times_better, one.interval, one.runs) == (pytest.approx(2.0), None, (1, 1))
    published = ratio(member("a", 1.0, [10.0], plain=True), member("b", 1.0, [20.0, 21.0])).points[0]
    assert published.interval is None
    blocks = ratio(member("a", 1.0, [10.0]), member("b", 1.0, [20.0])).points[0]
    assert blocks.interval[0] < 2.0 < blocks.interval[1]
    assert ratio(member("a", 1.0, [10.0], block_sd=None), member("b", 1.0, [20.0])).points[0].interval is None


def test_zero_has_no_ratio():
    assert ratios_of(STUDY, [member("a", 1.0, [0.0], plain=True), member("b", 1.0, [1.0])], [("a", "b")]) == ()


@pytest.mark.parametrize("metric", [Metric("%", "higher", margin=0.5), Metric("")])
def test_an_accuracy_and_a_number_without_unit_have_neither_ratios_nor_ranks(metric):
    members = [
        member(name, 1.0, values, metrics={"found": metric}, metric="found", plain=True)
        for name, values in (("a", [60.0, 60.1]), ("b", [30.0, 30.1]))
    ]
    study = Study("s", "x", "", metrics=("found",))
    assert ratios_of(study, members, [("a", "b")]) == ()
    assert rank(study, members, ["a", "b"]) == ()


def test_the_quotient_of_two_metrics_has_ratios():
    metrics = {"infer": Metric("ms"), "postprocess": Metric("ms")}
    study = Study("s", "x", "", metrics=("postprocess/infer",))
    sides = [
        Member(name, 1.0, name, Benchmark({}, metrics, tuple(run({"infer": 10.0, "postprocess": p}) for p in values)))
        for name, values in (("a", (5.0, 5.1, 4.9)), ("b", (50.0, 51.0, 49.0)))
    ]
    assert ratio(*sides, study=study).points[0].times_better == pytest.approx(10.0, rel=0.01)


def test_runs_and_not_samples_make_the_interval():
    few = ratio(member("a", 1.0, [9.0, 11.0]), member("b", 1.0, [18.0, 22.0])).points[0]
    many = ratio(member("a", 1.0, [9.0, 11.0] * 8), member("b", 1.0, [18.0, 22.0] * 8)).points[0]
    width = [math.log(one.interval[1] / one.interval[0]) for one in (few, many)]
    assert width[0] > 2 * width[1]
    other = ratio(member("a", 1.0, [10.0] * 9), member("b", 1.0, [20.0] * 9), new_session=True).points[0]
    same = ratio(member("a", 1.0, [10.0] * 9), member("b", 1.0, [20.0] * 9)).points[0]
    assert other.interval[1] > same.interval[1]


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = random.Random(20211)
    held = asked = 0
    for _ in range(60):
        members = []
        for x in range(5):
            for name, center in (("a", 10.0), ("b", 23.0)):
                runs = [center * (1 + x) * math.exp(rng.gauss(0, 0.02)) for _ in range(4)]
                members.append(member(name, float(x), runs))
        for point in ratio(*members).points:
            asked += 1
            held += point.interval[0] <= 2.3 <= point.interval[1]
    # Four standard deviations of a binomial count.
    assert held / asked == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / asked))


@pytest.mark.parametrize(
    ("patterns", "pairs"),
    [
        ([("*", "torch")], [("ort", "torch"), ("ort fp16", "torch"), ("torch fp16", "torch")]),
        ([("* fp16", "*")], [("ort fp16", "ort"), ("torch fp16", "torch")]),
        ([("ort", "torch"), ("*", "torch")], [("ort", "torch"), ("ort fp16", "torch"), ("torch fp16", "torch")]),
        ([("ort*", "torch*")], [("ort", "torch"), ("ort fp16", "torch fp16")]),
        ([("tvm", "torch"), ("ort", "tvm"), ("*", "*")], []),
    ],
)
def test_pairs_by_pattern(patterns, pairs):
    assert matching_pairs(["ort", "ort fp16", "torch", "torch fp16"], patterns) == pairs


def test_ranks_tie_what_runs_do_not_tell_apart():
    members = [
        member("slow", 1.0, [30.0, 30.1, 29.9]),
        member("fast", 1.0, [10.0, 10.4, 9.8]),
        member("as fast", 1.0, [10.1, 10.3, 9.9]),
        member("slow", 2.0, [5.0, 5.1, 5.0]),
        member("fast", 2.0, [9.0, 9.1, 9.0]),
        member("alone", 3.0, [1.0]),
    ]
    first, second = rank(STUDY, members, ["slow", "fast", "as fast", "alone"])
    assert [set(group) for group in first.groups] == [{"fast", "as fast"}, {"slow"}]
    assert (second.x, second.groups, second.separated) == (2.0, (("slow",), ("fast",)), True)


def test_single_numbers_are_ranked_by_value_and_say_so():
    members = [member(name, 1.0, [value], plain=True) for name, value in (("b", 2.0), ("c", 3.0), ("a", 1.0))]
    (found,) = rank(STUDY, members, ["a", "b", "c"])
    assert (found.groups, found.separated) == ((("a",), ("b",), ("c",)), False)


@given(
    st.dictionaries(
        st.sampled_from("abcde"), st.lists(st.floats(0.1, 100.0), min_size=1, max_size=4), min_size=2, max_size=5
    )
)
def test_each_series_has_one_rank_and_the_groups_go_from_best_to_worst(centers):
    members = [member(name, 1.0, values) for name, values in centers.items()]
    (found,) = rank(STUDY, members, list(centers))
    names = [name for group in found.groups for name in group]
    assert sorted(names) == sorted(centers)
    means = [math.fsum(map(math.log, centers[name])) / len(centers[name]) for name in names]
    assert means == pytest.approx(sorted(means), abs=1e-9)
