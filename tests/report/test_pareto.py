from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.studies.across_files import read_across
from pytest_edgeperf.report.exporters.study_markdown import across_markdown
from pytest_edgeperf.report.exporters.study_values import across_to_dict
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.report.text import cells
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

from .test_studies import NAMES, VALUES, table

STUDY = Study(
    "precisions", "complexity", "GFLOPs", metrics=("latency",), lines=False, pareto=(("latency", "average_precision"),)
)
METRICS = {"latency": Metric("ms"), "average_precision": Metric("%", "higher", margin=0.5)}


def benchmark(study, series, x, costs, gain, metrics):
    cost, better = metrics
    runs = tuple(Run("e", "2026-11-20T12:00:00Z", "s", {cost: one, better: gain}) for one in costs)
    return Benchmark({}, metrics, runs, place=Place(study.name, series, x))


def results(*rows, study=STUDY, metrics=METRICS):
    made = {f"test[{row[0]}-{row[1]}]": benchmark(study, *row, metrics) for row in rows}
    return Results("host", benchmarks=made, studies={study.name: study})


def measured():
    return results(
        ("onnxruntime fp32", 16.1, (16.0, 16.2, 16.1), 37.6),
        ("onnxruntime int8", 16.1, (8.0, 8.1, 8.02), 35.7),
        ("torch fp32", 16.1, (26.0, 27.0, 26.7), 37.6),
        ("onnxruntime int8", 8.9, (4.4, 4.5, 4.6), 33.5),
        ("torch int8", 16.1, (8.05, 8.3, 8.2), 35.7),
    )


def test_a_front_at_80_columns():
    assert table(measured())[-1].splitlines() == [
        "precisions: average precision (%) for latency (ms) (=: these runs show no",
        "  difference)",
        "series            GFLOPs  latency   aver…ecision  Pareto front",
        "onnxruntime int8     8.9  4.50 ms   33.5 %        front",
        "onnxruntime int8    16.1  8.02 ms   35.7 %        front, +2.2 points for +3.5 ms",
        "torch int8          16.1  8.20 ms   35.7 %        by onnxruntime int8 at 16.1 =",
        "onnxruntime fp32    16.1  16.1  ms  37.6 %        front, +1.9 points for +8.1 ms",
        "torch fp32          16.1  26.7  ms  37.6 %        by onnxruntime fp32 at 16.1",
    ]


def test_with_room_it_is_said_in_full_and_without_room_in_short():
    assert "dominated by onnxruntime fp32 at 16.1" in table(measured(), 100)[-1]
    narrow = table(measured(), 40)[-1]
    assert "GFLOPs" not in narrow
    assert [line.split()[-1] for line in narrow.splitlines()[4:]] == [
        "front",
        "front",
        "dominated",
        "front",
        "dominated",
    ]


def test_equal_points_and_single_runs_are_told():
    rows = (("a", 1.0, (1.0,), 50.0), ("b", 1.0, (1.0,), 50.0), ("c", 1.0, (2.0,), 50.0))
    lines = table(results(*rows))[-1].splitlines()
    assert lines[2].endswith("front")
    assert lines[3].endswith("front, as the one before")
    assert lines[4].endswith("dominated by a")
    assert lines[5] == "  single runs do not show ties: such points are placed by value"
    assert "single runs" not in table(results(*rows[:2]))[-1]


@pytest.mark.parametrize(
    ("cost", "gain", "step"),
    [((1.0, 121.4), (0.5, 0.6), "+0.10 AP for +120 ms"), ((2.0, 2.01), (1.0, 31.0), "+30 AP for +0.010 ms")],
)
def test_differences_have_two_digits_and_their_unit(cost, gain, step):
    study = replace(STUDY, pareto=(("latency", "AP"),))
    metrics = {"latency": Metric("ms"), "AP": Metric("", "higher")}
    made = results(
        *((name, 1.0, (one, one), more) for name, one, more in zip("ab", cost, gain)), study=study, metrics=metrics
    )
    assert step in table(made, 100)[-1]


def test_the_session_report_has_it(session):
    report = replace(session, measured=replace(measured(), environments=session.measured.environments))
    assert "average precision (%) for latency (ms)" in render(report, width=80, colour=False)


def test_markdown():
    text = across_markdown(read_across([("a", measured())]))
    _, _, part = text.partition("### average precision (%) for latency (ms)\n\n")
    assert part.splitlines() == [
        "| series | complexity (GFLOPs) | latency (ms) | average precision (%) | Pareto front | step on the front |",
        "|:--|--:|--:|--:|--:|--:|",
        "| onnxruntime int8 | 8.9 | 4.50 | 33.5 | front | - |",
        "| onnxruntime int8 | 16.1 | 8.02 | 35.7 | front | +2.2 points for +3.5 ms |",
        "| torch int8 | 16.1 | 8.20 | 35.7 | dominated by onnxruntime int8 at 16.1 = | - |",
        "| onnxruntime fp32 | 16.1 | 16.1 | 37.6 | front | +1.9 points for +8.1 ms |",
        "| torch fp32 | 16.1 | 26.7 | 37.6 | dominated by onnxruntime fp32 at 16.1 | - |",
        "",
        "- (=: these runs show no difference)",
    ]


def test_plain_values():
    told = json.loads(json.dumps(across_to_dict(read_across([("a", measured())])), allow_nan=False))
    (front,) = told["studies"]["precisions"]["pareto"]
    assert front["cost"] == {"metric": "latency", "unit": "ms", "better": "lower"}
    assert [point["front"] for point in front["points"]] == [True, True, False, True, False]
    first, second, third, *_ = front["points"]
    assert "step" not in first
    assert second["step"] == pytest.approx({"cost": 3.52, "gain": 2.2})
    assert third["dominated_by"] == {
        "series": "onnxruntime int8",
        "x": 16.1,
        "benchmark": "test[onnxruntime int8-16.1]",
    }
    assert third["told"] is False


@given(
    names=st.lists(NAMES, min_size=1, max_size=4, unique=True),
    values=st.lists(VALUES, min_size=8, max_size=8),
    units=st.tuples(NAMES, NAMES),
    width=st.integers(40, 140),
)
def test_no_line_is_too_wide(names, values, units, width):
    metrics = {"latency": Metric(units[0]), "average_precision": Metric(units[1], "higher")}
    rows = ((name, at * 9.5, (values[at], values[at + 1]), values[7 - at]) for at, name in enumerate(names))
    for text in table(results(*rows, metrics=metrics), width):
        assert all(cells(line) <= width for line in text.split("\n"))
        assert text.replace("\n", "").isprintable()
