from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest

from pytest_edgeperf.judge.studies.line_fits import fit_line
from pytest_edgeperf.judge.studies.study_results import Point, read_studies
from pytest_edgeperf.results.study_definitions import Place, ReferenceLine, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results

from .builders import METRICS, run

LINE = ReferenceLine("PyTorch, Jetson Nano", "latency", 14.66, 230.89, "ms", "formula (2)", 38.97, 87.68)
STUDY = Study("suo", "complexity", "GFLOPs", references=(LINE,))


def benchmark(series, x, latencies, *, study="suo", memory=100.0, metrics=METRICS):
    runs = tuple(
        run({"latency": {"n": 9, "p50": one, "mean": 99.0}, "memory_process_peak": memory}) for one in latencies
    )
    return Benchmark({}, metrics, runs, place=Place(study, series, x))


def results(*studies, **benchmarks):
    return Results("nano", benchmarks=benchmarks, studies={one.name: one for one in studies})


def test_results_without_studies_have_none():
    assert read_studies(Results("nano")) == []
    assert read_studies(results(a=benchmark("torch", 1, [1]))) == []


def test_series_by_metric_with_points_and_lines():
    (found,) = read_studies(
        results(
            STUDY,
            far=benchmark("torch", 3, [31, 30, 39]),
            near=benchmark("torch", 1, [10, 11, 12]),
            middle=benchmark("torch", 2, [20]),
            other=benchmark("ort", 2, [5]),
            plain=Benchmark({}, METRICS, (run({"latency": 1.0}),)),
        )
    )
    assert found.study == STUDY
    assert [(one.metric, one.series, one.unit) for one in found.series] == [
        ("latency", "torch", "ms"),
        ("latency", "ort", "ms"),
        ("memory_process_peak", "torch", "MiB"),
        ("memory_process_peak", "ort", "MiB"),
    ]
    torch, ort, memory, _ = found.series
    assert torch.points == (
        Point(1, 11, "near", (10, 11, 12)),
        Point(2, 20, "middle", (20,)),
        Point(3, 31, "far", (31, 30, 39)),
    )
    assert torch.fit == fit_line([1, 2, 3], [11, 20, 31])
    assert torch.fit.slope_interval is not None
    assert (ort.points, ort.fit) == ((Point(2, 5, "other", (5,)),), None)
    assert [point.value for point in memory.points] == [100.0] * 3


def test_two_places_give_a_line_without_interval_and_one_gives_none():
    here = {"a": benchmark("torch", 1, [1]), "b": benchmark("torch", 3, [5])}
    fit = read_studies(results(STUDY, **here))[0].series[0].fit
    assert (fit.slope, fit.slope_interval) == (2, None)
    here["c"] = benchmark("torch", 3, [7])
    fit = read_studies(results(STUDY, **here))[0].series[0].fit
    assert (fit.slope, fit.n, fit.slope_interval) == (2.5, 3, None)
    same = results(STUDY, b=here["b"], c=here["c"])
    assert read_studies(same)[0].series[0].fit is None


def test_disturbed_runs_and_absent_values_are_left_out():
    good, bad = run({"latency": {"p50": 10.0}}), run({"latency": {"p50": 99.0}}, quality={"disturbed": True})
    place = Place("suo", "torch", 1)
    made = {
        "mixed": Benchmark({}, METRICS, (bad, good, bad), place=place),
        "disturbed": Benchmark({}, METRICS, (bad,), place=place),
        "no_median": Benchmark({}, METRICS, (run({"latency": {"n": 3}}), run({})), place=place),
        "infinite": Benchmark({}, METRICS, (run({"latency": math.inf}),), place=place),
        "undeclared": Benchmark({}, {}, (good,), place=place),
    }
    (series,) = read_studies(results(STUDY, **made))[0].series
    assert series.points == (Point(1, 10.0, "mixed", (10.0,)),)


def test_each_study_has_its_own_benchmarks():
    other = Study("other", "batch", "", metrics=("latency",))
    both = results(STUDY, other, a=benchmark("t", 1, [1]), b=benchmark("t", 2, [2], study="other"))
    first, second = read_studies(both)
    assert [point.benchmark for one in first.series for point in one.points] == ["a", "a"]
    assert [point.benchmark for one in second.series for point in one.points] == ["b"]
    gone = results(STUDY, b=benchmark("t", 2, [2], study="nowhere"))
    assert read_studies(gone)[0].series == ()


def test_a_series_in_two_units_is_refused():
    seconds = {**METRICS, "latency": Metric("s")}
    mixed = results(STUDY, a=benchmark("t", 1, [1]), b=benchmark("t", 2, [2], metrics=seconds))
    with pytest.raises(ValueError, match=r"study 'suo': latency of t is in ms and in s \(b\)"):
        read_studies(mixed)


GOOD = STUDY.to_dict()
REFERENCE = GOOD["references"][0]


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        "text",
        {},
        {**GOOD, "metrics": "latency"},
        {**GOOD, "metrics": [1]},
        {**GOOD, "metrics": None},
        {**GOOD, "references": None},
        {**GOOD, "pieces": 0},
        {**GOOD, "pieces": "two"},
        {**GOOD, "pieces": True},
        {**GOOD, "ratios": ["torch"]},
        {**GOOD, "ratios": [["a"]]},
        {**GOOD, "ratios": [["a", 1]]},
        {**GOOD, "ratios": [["a", "*"]]},
        {**GOOD, "ratios": [["a**", "b"]]},
        {**GOOD, "shares": "infer"},
        {**GOOD, "shares": [1]},
        {**GOOD, "gate": ["bend"]},
        {**GOOD, "gate": "slope"},
        {**GOOD, "pareto": "latency"},
        {**GOOD, "pareto": ["latency", "AP"]},
        {**GOOD, "pareto": [["latency"]]},
        {**GOOD, "pareto": [["latency", 1]]},
        {**GOOD, "pareto": [["latency", ""]]},
        {**GOOD, "pareto": [["latency", "latency"]]},
        {**GOOD, "pareto": 1},
        {**GOOD, "references": [1]},
        {**GOOD, "references": [{**REFERENCE, "slope": "14"}]},
        {**GOOD, "references": [{**REFERENCE, "slope": math.nan}]},
        {**GOOD, "references": [{**REFERENCE, "intercept": None}]},
        {**GOOD, "references": [{**REFERENCE, "x_from": "a"}]},
        {**GOOD, "references": [{**REFERENCE, "source": 1}]},
    ],
)
def test_a_malformed_study_is_refused(stored):
    with pytest.raises(ValueError, match=r"."):
        Study.from_dict("broken", stored)


@pytest.mark.parametrize(
    "stored",
    [1, {}, {"name": "suo", "series": "t"}, *({"name": "s", "series": "t", "x": x} for x in ("far", math.inf))],
)
def test_a_malformed_place_is_refused(stored):
    with pytest.raises(ValueError, match=r"."):
        Place.from_dict(stored)


@pytest.mark.parametrize(
    ("values", "pays"),
    [((40, 80, 81), 2), ((40, 80, 120), 3), ((40, 39, 80), 1), ((40, 42, 44.1), 3), ((40,), None)],
)
def test_a_further_step_pays_while_it_adds_five_per_cent(values, pays):
    metrics = {"throughput": Metric("1/s", "higher"), "latency": Metric("ms")}
    made = {
        f"b{n}": Benchmark(
            {},
            metrics,
            (run({"throughput": float(value), "latency": 1.0 + n}),),
            place=Place("suo", "torch", n),
        )
        for n, value in enumerate(values, 1)
    }
    study = replace(STUDY, metrics=("throughput", "latency"), lines=False)
    (found,) = read_studies(results(study, **made))
    assert found.study.lines is False
    assert [one.pays_up_to() for one in found.series] == [pays, None]


def test_what_a_study_asks_for_is_stored_and_what_is_usual_is_not():
    asking = replace(
        STUDY,
        pieces=2,
        ratios=(("*", "torch"),),
        ranking=True,
        shares=("infer",),
        whole="infer",
        gate=("slope",),
        pareto=(("latency", "AP"), ("memory_process_peak", "AP")),
    )
    assert Study.from_dict("suo", json.loads(json.dumps(asking.to_dict()))) == asking
    assert set(STUDY.to_dict()) == {"x", "x_unit", "metrics", "references"}
    assert Study.from_dict("suo", {**STUDY.to_dict(), "from": "a later version"}) == STUDY


@pytest.mark.parametrize(
    "wrong",
    [
        {"pieces": 0},
        {"ratios": (("a", "*"),)},
        {"gate": ("bend",)},
        {"shares": "infer"},
        {"pareto": ("latency", "AP")},
        {"pareto": (("latency", "AP", "energy_per_inference"),)},
    ],
)
def test_a_study_that_cannot_be_is_refused_where_it_is_made(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(STUDY, **wrong)


def test_the_quotient_of_two_metrics():
    made = {
        f"b{x}": Benchmark(
            {},
            {"infer": Metric("ms"), "postprocess": Metric("ms"), "memory": Metric("MiB")},
            tuple(run({"infer": {"p50": 2.0}, "postprocess": 2.0 * x + n, "memory": 8.0}) for n in (0, 1, 3)),
            place=Place("suo", "torch", x),
        )
        for x in (1.0, 2.0, 3.0)
    }
    no_time = run({"infer": 0.0, "postprocess": 1.0})
    made["zero"] = Benchmark({}, made["b1.0"].metrics, (no_time,), place=Place("suo", "zero", 1))
    study = replace(STUDY, metrics=("postprocess/infer", "memory/infer", "infer/absent"))
    quotient, other = read_studies(results(study, **made))[0].series
    assert [point.value for point in quotient.points] == [1.5, 2.5, 3.5]
    assert (quotient.unit, other.unit) == ("", "MiB/ms")


def test_a_study_says_whether_series_are_broken():
    x = (1, 2, 3, 4, 5, 6, 7, 8)
    made = {f"b{one}": benchmark("torch", one, [one if one < 5 else 100 - one]) for one in x}
    found = {
        pieces: read_studies(results(replace(STUDY, pieces=pieces, metrics=("latency",)), **made))[0].series[0].pieces
        for pieces in (None, 1, 2, 3)
    }
    assert [one.after for one in found[None].breaks] == [4]
    assert found[2].pieces == found[None].pieces
    assert found[1] is found[3] is None
    values = replace(STUDY, lines=False, metrics=("latency",))
    assert read_studies(results(values, **made))[0].series[0].pieces is None


def test_formula_4_is_found_again_in_memory():
    """The paper gives the line of its memory, and no points: these are on it, within 1 % of noise."""
    rng = random.Random(4)
    x = (38.97, 65.86, 76.38, 87.68, 99.76, 112.62, 126.26, 140.69, 155.89, 171.86)
    made = {
        f"b{one}": benchmark("PyTorch", one, [1.0], memory=(14.36 * one + 1393.52) * (1 + rng.uniform(-0.01, 0.01)))
        for one in x
    }
    series = next(one for one in read_studies(results(STUDY, **made))[0].series if one.metric == "memory_process_peak")
    assert series.fit.slope_interval[0] < 14.36 < series.fit.slope_interval[1]
    assert series.fit.intercept_interval[0] < 1393.52 < series.fit.intercept_interval[1]
    assert series.fit.slope == pytest.approx(14.36, rel=0.03)
    assert series.pieces is None


def test_the_spread_of_samples_and_the_speed_are_made_from_summaries():
    runs = tuple(
        run({"infer": {"n": 9, "p50": 20.0, "mean": 25.0, "sd": sd}, "latency": 40.0, "memory_sd": 3.0})
        for sd in (1.0, 5.0, 4.0)
    )
    bare = run({"infer": 20.0, "latency": 0.0, "memory_sd": 3.0})
    metrics = {"infer": Metric("ms"), "latency": Metric("ms"), "memory_sd": Metric("MiB")}
    made = {
        "summaries": Benchmark({}, metrics, (*runs, bare), place=Place("suo", "torch", 1)),
        "counted": Benchmark(
            {}, {**metrics, "throughput": Metric("FPS", "higher")}, (bare,), place=Place("suo", "b", 1)
        ),
    }
    study = replace(STUDY, metrics=("infer_sd", "infer_cv", "throughput", "memory_sd", "absent_sd", "memory_cv"))
    series = {(one.series, one.metric): one for one in read_studies(results(study, **made))[0].series}
    assert series["torch", "infer_sd"].points[0].runs == (1.0, 5.0, 4.0)
    assert series["torch", "infer_cv"].points[0].runs == pytest.approx((4.0, 20.0, 16.0))
    assert series["torch", "throughput"].points[0].runs == (25.0, 25.0, 25.0)
    assert {key: (one.unit, one.higher) for key, one in series.items() if key[0] == "torch"} == {
        ("torch", "infer_sd"): ("ms", False),
        ("torch", "infer_cv"): ("%", False),
        ("torch", "throughput"): ("1/s", True),
        ("torch", "memory_sd"): ("MiB", False),
    }
    # a measured throughput is not made from the latency
    assert ("b", "throughput") not in series


@pytest.mark.parametrize(
    ("more", "metrics", "rate"),
    [
        ({}, {}, 2.0),
        ({"infer": 500.0}, {"infer": Metric("ms")}, 4.0),
        ({"images_per_inference": 3.0}, {"images_per_inference": Metric("")}, 6.0),
    ],
)
def test_the_operations_a_second_are_those_of_the_inference(more, metrics, rate):
    declared = {"latency": Metric("ms"), "flops": Metric("FLOPs"), **metrics}
    made = Benchmark({}, declared, (run({"latency": 1000.0, "flops": 2e9, **more}),), place=Place("suo", "t", 1))
    (series,) = read_studies(results(replace(STUDY, metrics=("flop_rate",)), a=made))[0].series
    assert (series.points[0].value, series.unit, series.higher) == (pytest.approx(rate), "GFLOP/s", True)


def test_operations_a_second_need_counted_operations():
    made = Benchmark({}, {"latency": Metric("ms")}, (run({"latency": 1000.0}),), place=Place("suo", "t", 1))
    assert read_studies(results(replace(STUDY, metrics=("flop_rate",)), a=made))[0].series == ()


@pytest.mark.parametrize("unit", ["ms", "s", "us"])
def test_the_speed_does_not_depend_on_the_unit_of_the_latency(unit):
    seconds = {"s": 1.0, "ms": 1e-3, "us": 1e-6}[unit]
    made = Benchmark({}, {"latency": Metric(unit)}, (run({"latency": 0.05 / seconds}),), place=Place("suo", "t", 1))
    (series,) = read_studies(results(replace(STUDY, metrics=("throughput",)), a=made))[0].series
    assert series.points[0].value == pytest.approx(20.0)


def test_a_few_samples_have_no_spread():
    runs = tuple(run({"infer": {"n": n, "p50": 2.0, "mean": 2.0, "sd": 1.0}}) for n in (4, 5))
    made = Benchmark({}, {"infer": Metric("ms")}, runs, place=Place("suo", "t", 1))
    (series,) = read_studies(results(replace(STUDY, metrics=("infer_cv",)), a=made))[0].series
    assert series.points[0].runs == (50.0,)
