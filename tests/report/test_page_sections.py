"""What a page shows beside its benchmarks, as plain values: studies, courses, environment, what was not judged."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.studies.study_results import read_studies
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, LineVerdict, Rename
from pytest_edgeperf.report.creep import Creep
from pytest_edgeperf.report.html.benchmark_data import anchor
from pytest_edgeperf.report.html.elements import plain
from pytest_edgeperf.report.html.sections import courses, environment, not_judged, published, studies
from pytest_edgeperf.report.html.study_charts import curve_charts, dot_charts, pareto_chart, share_chart
from pytest_edgeperf.report.html.subject import STUDIES, Subject
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results.study_definitions import Place, ReferenceLine, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

from . import test_curves, test_labelled_tables, test_pareto, test_references
from .conftest import PREFIX
from .test_studies import NAMES, STUDY, desktop_and_edge, series, whole_study
from .test_studies import results as of_study


def subject(measured, **more):
    return Subject(SessionReport(device=measured.device, machine="a machine", measured=measured, **more))


def only_study(measured):
    (result,) = read_studies(measured)
    return result


def test_a_curve_has_points_with_their_range_the_fit_and_what_was_published():
    (chart,) = curve_charts(only_study(whole_study()), "latency")
    assert (chart["kind"], chart["x"], chart["y"]) == (
        "xy",
        {"label": "complexity (GFLOPs)", "log": False},
        {"label": "latency (ms)", "log": False},
    )
    torch = next(one for one in chart["series"] if one["name"] == "torch")
    first = torch["points"][0]
    assert (first["x"], first["low"] < first["y"] < first["high"]) == (38.97, True)
    assert first["anchor"] == anchor("test_yolo[torch-38.97]")
    assert "3 runs from" in first["text"]
    # Two pieces, as the study breaks: each from its first coordinate to its last.
    assert [[end[0] for end in line] for line in torch["lines"]] == [[38.97, 87.68], [99.76, 140.69]]
    formulas = [one for one in chart["reference"] if one["name"].startswith("PyTorch")]
    assert formulas[0]["lines"] == [
        [[38.97, pytest.approx(14.66 * 38.97 + 230.89)], [87.68, pytest.approx(1516.28, 1e-4)]]
    ]
    # An open end reaches as far as the measured points.
    (tensorflow,) = (one for one in chart["reference"] if one["name"].startswith("TensorFlow"))
    assert [end[0] for end in tensorflow["lines"][0]] == [38.97, 140.69]
    assert "torch 804" in chart["alt"]
    assert chart["note"].endswith("dashed: published.")


def test_a_published_line_in_another_unit_is_converted_and_one_of_another_quantity_is_left_to_the_table():
    lines = (
        ReferenceLine("a", "latency", 0.001, 1.0, "s", "source"),
        ReferenceLine("b", "latency", 1.0, 1.0, "W", "source"),
    )
    study = replace(STUDY, references=lines)
    measured = of_study(series("torch", 9.0, study=study), study)
    (chart,) = curve_charts(only_study(measured), "latency")
    (drawn,) = chart["reference"]
    assert drawn["lines"][0][0] == [38.97, pytest.approx(38.97 + 1000)]
    (part,) = studies.data(subject(measured))["studies"][0]["parts"]
    assert any("b (source, W)" in row[0] for table in part["tables"] for row in table["rows"])


def test_series_in_units_of_two_quantities_have_a_chart_each():
    mixed = of_study({**series("torch", 8.9), **series("power", 9.9, unit="W"), **series("ort", 9.9, unit="us")}, STUDY)
    first, second = curve_charts(only_study(mixed), "latency")
    assert (first["y"]["label"], second["y"]["label"]) == ("latency (ms)", "latency (W)")
    ort = next(one for one in first["series"] if one["name"] == "ort")
    assert ort["points"][0]["y"] == pytest.approx((9.9 * 38.97 + 13) / 1000)
    # The smallest is a thousandth of the largest: the axis is logarithmic, and lines are drawn through many points.
    assert first["y"]["log"]
    assert len(ort["lines"][0]) > 10


def test_nothing_is_drawn_where_a_logarithmic_axis_has_no_place():
    study = Study("s", "x", "", references=(ReferenceLine("a", "latency", 1.0, -50.0, "ms", "source", 0.0, 100.0),))
    made = {
        str(x): Benchmark(
            {}, {"latency": Metric("ms")}, (Run("e", "s", "s", {"latency": y}),), place=Place("s", "t", x)
        )
        for x, y in ((0.0, 1.0), (1.0, 20.0), (100.0, 400.0))
    }
    (chart,) = curve_charts(only_study(of_study(made, study)), "latency")
    assert not chart["x"]["log"]
    drawn = [y for one in (*chart["series"], *chart["reference"]) for line in one["lines"] for _, y in line]
    assert drawn
    assert not chart["y"]["log"] or min(drawn) > 0


def test_labelled_points_have_a_row_each_and_a_chart_for_each_metric():
    result = only_study(test_labelled_tables.results())
    charts = dot_charts(result)
    assert [chart["x"]["label"] for chart in charts] == ["latency (ms)", "infer cv (%)", "throughput (1/s)"]
    assert charts[0]["rows"] == ["small", "large"]
    torch = next(one for one in charts[0]["series"] if one["name"] == "torch")
    assert [(point["row"], round(point["x"], 2)) for point in torch["points"]] == [(0, 4.01), (1, 42.01)]
    shown = studies.data(subject(test_labelled_tables.results()))["studies"][0]
    assert len(shown["charts"]) == 3
    assert {"torch", "onnxruntime"} <= {part["heading"].rpartition(": ")[2] for part in shown["parts"]}


def test_shares_are_bars_that_add_up_to_the_whole():
    chart = share_chart(only_study(whole_study()))
    assert chart["parts"] == ["infer", "postprocess", "rest"]
    assert len(chart["bars"]) == 16
    assert all(math.isclose(sum(bar["values"]), 100.0) for bar in chart["bars"])
    assert "postprocess" in chart["alt"]


def test_a_front_is_steps_with_its_points_filled():
    result = only_study(test_pareto.measured())
    chart = pareto_chart(result, result.pareto[0])
    filled = [point for one in chart["series"] for point in one["points"] if not point["hollow"]]
    assert sorted(point["x"] for point in filled) == [4.5, 8.02, 16.1]
    assert chart["steps"][0] == [4.5, 33.5]
    assert chart["steps"][-1] == [26.7, 37.6]
    assert chart["x"]["label"] == "latency (ms), less is better"
    assert chart["y"]["label"] == "average precision (%), more is better"
    assert "3 on the Pareto front" in chart["alt"]
    dominated = next(point for one in chart["series"] for point in one["points"] if point["hollow"])
    assert "dominated by" in dominated["text"]


def test_studies_of_several_files_keep_the_remarks():
    across = desktop_and_edge()
    shown = studies.data(replace(subject(Results("host")), kind=STUDIES, across=across))
    assert shown["remarks"] == ["rpi4 contains no study"]
    (study,) = shown["studies"]
    names = {one["name"] for part in study["parts"] for chart in part["charts"] for one in chart.get("series", ())}
    assert {"host: torch", "nano: torch"} <= names


def test_without_studies_there_is_no_section_and_disturbed_ones_say_why():
    assert studies.data(subject(Results("host"))) is None
    measured = of_study(series("torch", 9.0), STUDY)
    spoilt = {
        name: replace(one, runs=tuple(replace_quality(run) for run in one.runs))
        for name, one in measured.benchmarks.items()
    }
    (remark,) = studies.data(subject(replace(measured, benchmarks=spoilt)))["remarks"]
    assert remark.endswith("the machine was disturbed in every run of its 5 benchmarks")


def replace_quality(run):
    return Run(run.environment, run.started, run.session, run.values, quality={"disturbed": True})


@given(name=NAMES, values=st.lists(st.floats(-1e12, 1e12), min_size=5, max_size=5))
def test_any_name_and_any_values_are_plain(name, values):
    study = replace(STUDY, name=name, shares=("infer",))
    made = {
        f"{name}{k}": Benchmark(
            {},
            {"latency": Metric("ms"), "infer": Metric("ms")},
            (Run("e", "s", "s", {"latency": value, "infer": value / 2}),),
            place=Place(study.name, name, float(k)),
        )
        for k, value in enumerate(values)
    }
    shown = studies.data(subject(of_study(made, study)))
    json.dumps(plain(shown), allow_nan=False)
    for part in shown["studies"][0]["parts"]:
        for chart in part["charts"]:
            for line in (line for one in chart.get("series", ()) for line in one.get("lines", ())):
                assert all(math.isfinite(end) for point in line for end in point)


def of_load(*runs):
    return Results("nano", {"e": {}}, {"test_a.py::test_sustained": Benchmark({}, {"latency": Metric("ms")}, runs)})


def test_a_course_has_a_panel_per_quantity_and_its_steps():
    run = test_curves.run(steps=[test_curves.STEP])
    (course,) = courses.data(subject(of_load(run)))["courses"]
    (shown,) = course["runs"]
    assert (course["name"], course["anchor"]) == ("test_a.py::test_sustained", anchor("test_a.py::test_sustained"))
    assert [panel["label"] for panel in shown["panels"]] == ["latency (ms)", "hottest zone (degC)"]
    assert len(shown["panels"][0]["lines"][0]["values"]) == len(shown["at_s"]) == 120
    assert shown["steps"] == [{"at_s": 42.0, "throttling": True}]
    assert shown["remarks"][0]["warns"]
    assert shown["alt"] == (
        "Over 3 min 0 s: latency from 22.1 to 24.5 ms, at most 24.5; hottest zone from 40.0 to 79.7 degC, at most 79.7."
    )
    assert courses.data(subject(Results("nano"))) is None


def test_what_differs_in_the_environment_stands_first_and_says_for_how_many():
    fields = {"software": {"onnxruntime": "1.11.0", "python": "3.8"}, "settings": {"threads": 4, "engine": {"a": 1}}}
    newer = {"software": {"onnxruntime": "1.12.1", "python": "3.9"}, "settings": {"threads": 4, "engine": {"a": 1}}}
    two = {**newer, "settings": {"threads": 2}}
    run = Run("now", "2026-11-21T12:00:00Z", "s", {"latency": 1.0})
    of_two = replace_environment(run, "two")
    metrics = {"latency": Metric("ms")}
    measured = Results(
        "nano",
        {"now": newer, "two": two},
        {"a": Benchmark({}, metrics, (run,)), "b": Benchmark({}, metrics, (of_two,))},
    )
    before = replace_environment(run, "old")
    baseline = Results("nano", {"old": fields}, {name: Benchmark({}, metrics, (before,)) for name in "ab"})
    differs = {"software.onnxruntime": ("1.11.0", "1.12.1")}
    comparison = Comparison({"a": BenchmarkVerdict("unchanged", differences=differs)})
    shown = environment.data(subject(measured, baseline=baseline, comparison=comparison))
    assert shown["sides"] == ["baseline", "this session"]
    first, *_ = shown["rows"]
    assert (first["field"], first["values"]) == ("onnxruntime", [["1.11.0"], ["1.12.1"]])
    assert (first["differs"], first["decides"], first["benchmarks"]) == (True, True, 1)
    by_field = {row["field"]: row for row in shown["rows"]}
    assert by_field["threads"]["values"] == [["4"], ["2 (1)", "4 (1)"]]
    assert not by_field["python"]["decides"]
    assert by_field["engine"]["values"][0] == ['{"a": 1}']
    assert environment.data(subject(Results("nano"))) is None


def replace_environment(run, environment):
    return Run(environment, run.started, run.session, run.values)


def test_everything_without_a_clear_verdict_has_its_reason(session):
    comparison = replace(
        session.comparison,
        renames=(Rename(PREFIX + "test_removed[torch-fp32]", PREFIX + "test_added", 1.01, (1.0, 1.02)),),
        lines=(LineVerdict("s", "torch", "latency", "slope", "inconclusive", reason="too few points"),),
    )
    report = replace(
        session,
        comparison=comparison,
        refused={PREFIX + "test_noisy": "every run was disturbed"},
        crept={PREFIX + "test_added": Creep(1.08, 0.02, "2026-10-01")},
    )
    groups = {group["title"].partition(" (")[0]: group for group in not_judged.data(Subject(report))["groups"]}
    assert list(groups) == [
        "failed",
        "inconclusive",
        "incomparable",
        "missing",
        "new",
        "not accepted",
        "probably renamed",
        "slower than their anchor",
        "lines of studies",
    ]
    assert groups["failed"]["items"][0]["text"].startswith("The worker was ended by SIGKILL")
    assert groups["incomparable"]["items"][0]["text"] == "power_mode MAXN -> 5W, threads 4 -> (none)"
    assert groups["probably renamed"]["commands"][0].startswith("edgeperf baseline rename")
    assert "+8.0 %" in groups["slower than their anchor"]["items"][0]["text"]
    assert "too few points" in groups["lines of studies"]["items"][0]["text"]
    assert all("anchor" in item for group in groups.values() for item in group["items"] if "name" in item)


def test_where_all_is_clear_there_is_no_section():
    clear = Comparison({"a": BenchmarkVerdict("unchanged")})
    assert not_judged.data(subject(Results("nano"), comparison=clear)) is None


def test_published_figures_have_a_row_and_a_place_in_the_chart_of_their_metric():
    shown = published.data(subject(test_references.measured(), published=[test_references.published()]))
    assert [row["metric"] for row in shown["rows"]] == ["infer, ms", "throughput, FPS"]
    assert shown["rows"][0]["published"] == "267.207"
    infer, _ = shown["charts"]
    assert [(one["name"], one["points"][0]["x"]) for one in infer["series"]] == [
        ("here", pytest.approx(41.6)),
        ("published", 267.207),
    ]
    assert published.data(subject(test_references.measured())) is None
