from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.report.study_tables import study_tables
from pytest_edgeperf.report.text import Paper, cells
from pytest_edgeperf.results.study_definitions import Place, ReferenceRatio, Study
from pytest_edgeperf.results.types import HIGHER, Benchmark, Metric, Results, Run

METRICS = {
    "latency": Metric("ms"),
    "latency_forward": Metric("ms"),
    "latency_torch_where": Metric("ms"),
    "top1": Metric("%", HIGHER),
}
PARTS = Study(
    "suo-2021 experiment 2, parts of the end-to-end time",
    "complexity",
    "GFLOPs",
    metrics=("latency", "latency_forward", "latency_torch_where"),
    lines=False,
    ranking=True,
    shares=("latency_forward",),
)
DIGITS = Study("digits", "level", "", metrics=("latency", "top1"), lines=False, pareto=(("latency", "top1"),))


def benchmark(study, series, values, x=3.29288, runs=1, label=""):
    made = tuple(
        Run("e", f"2026-11-20T12:0{k}:00Z", "s", {name: value * (1 + k / 1000) for name, value in values.items()})
        for k in range(runs)
    )
    return Benchmark({}, METRICS, made, place=Place(study.name, series, x, label))


def session(*studies, **benchmarks):
    return Results("host", benchmarks=benchmarks, studies={study.name: study for study in studies})


def parts(runs=1):
    return {
        "a": benchmark(PARTS, "onnxruntime", {"latency": 46.7, "latency_forward": 43.2}, runs=runs),
        "b": benchmark(
            PARTS, "torch", {"latency": 109.0, "latency_forward": 104.0, "latency_torch_where": 0.312}, runs=runs
        ),
    }


def shown(results, width=80):
    return ["\n".join(block) for block in study_tables(results, Paper(width))]


def test_single_numbers_of_several_studies_stand_in_one_table():
    digits = benchmark(DIGITS, "torch", {"latency": 0.41, "top1": 98.9}, x=2.0)
    (text,) = shown(session(PARTS, DIGITS, c=digits, **parts()))
    assert text.splitlines() == [
        "studies with a single point",
        "                            onnxruntime  torch",
        "suo-2021 experiment 2, parts of the end-to-end time (3.29288 GFLOPs)",
        "  latency (ms)                     46.7    109",
        "    rank                              1      2",
        "  latency forward (ms)             43.2    104",
        "    rank                              1      2",
        "    % of latency                   92.5   95.4",
        "  latency torch where (ms)            -  0.312",
        "  rest, % of latency                7.5    4.6",
        "digits (level: 2)",
        "  latency (ms)                           0.410",
        "  top1 (%)                                98.9",
        "  single runs do not show ties: such ranks are by value",
    ]


def test_ratios_have_a_row_with_their_interval():
    study = replace(PARTS, ratios=(("*", "torch"),), ranking=False, shares=())
    (text,) = shown(session(study, **parts(runs=3)))
    row = next(line for line in text.splitlines() if "times better than torch" in line)
    assert row.split()[4] == "2.33"
    assert row.split()[5].startswith("[")
    assert text.splitlines()[0] == "a study with a single point"


def test_a_second_coordinate_or_a_second_benchmark_is_no_single_point():
    further = shown(session(PARTS, **parts(), c=benchmark(PARTS, "torch", {"latency": 1.0}, x=4.0)))
    assert "single point" not in "".join(further)
    assert "single point" not in shown(session(PARTS, **parts(), c=benchmark(PARTS, "torch", {"latency": 1.0})))[0]


def test_one_series_has_a_row_per_metric_and_not_a_table():
    several = {
        f"b{x}": benchmark(PARTS, "torch", {"latency": 10.0 * x, "latency_forward": 9.0 * x}, x=x) for x in (1.0, 2.0)
    }
    first, shares = shown(session(PARTS, **several))
    assert first.splitlines() == [
        "suo-2021 experiment 2, parts of the end-to-end time: torch over complexity",
        "  (GFLOPs)",
        "metric                   1     2",
        "latency (ms)          10.0  20.0",
        "latency forward (ms)  9.00  18.0",
    ]
    assert "shares of latency" in shares


def test_a_front_of_one_point_is_none_and_one_of_two_is_shown():
    one = benchmark(DIGITS, "torch", {"latency": 0.41, "top1": 98.9})
    assert len(shown(session(DIGITS, a=one))) == 1
    other = benchmark(DIGITS, "onnxruntime", {"latency": 0.2, "top1": 97.0})
    table, front = shown(session(DIGITS, a=one, b=other))
    assert "Pareto front" in front
    assert "a study with a single point" in table


def test_a_published_ratio_keeps_its_place_beside_the_measured_one():
    published = (ReferenceRatio("torch", "onnxruntime", "latency", "small", 3.0, "somebody 2020"),)
    study = replace(DIGITS, ratios=(("*", "torch"),), published_ratios=published)
    both = {
        name: benchmark(study, name, {"latency": value, "top1": 90.0}, label="small")
        for name, value in (("torch", 4.0), ("onnxruntime", 2.0))
    }
    text = "\n".join(shown(session(study, **both)))
    assert "torch/onnxruntime: somebody 2020" in text
    assert "single point" not in text
    assert "digits: small (level: 3.29288)" in "\n".join(shown(session(replace(study, published_ratios=()), **both)))


@pytest.mark.parametrize("width", [40, 80, 160])
def test_series_that_do_not_fit_side_by_side_have_a_row_each(width):
    many = {
        f"b{k}": benchmark(PARTS, f"onnxruntime:provider-{k} fp16", {"latency": 10.0 + k, "latency_forward": 9.0})
        for k in range(9)
    }
    (text,) = shown(session(PARTS, **many), width)
    assert all(cells(line) <= width for line in text.splitlines())
    for k in range(9):
        assert f"provider-{k} fp16" in text


NAMES = st.text(st.characters(exclude_categories=()), min_size=1, max_size=50)


@given(st.lists(NAMES, min_size=1, max_size=3, unique=True), NAMES, st.integers(40, 160))
def test_no_line_is_too_wide_whatever_the_names(names, study_name, width):
    study = replace(PARTS, name=study_name)
    made = {f"b{k}": benchmark(study, name, {"latency": 1.0 + k}) for k, name in enumerate(names)}
    for text in shown(session(study, **made), width):
        assert all(cells(line) <= width for line in text.split("\n"))
        assert text.replace("\n", "").isprintable()
