from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_edgeperf.judge.studies.across_files import labels, read_across
from pytest_edgeperf.results.study_definitions import Place, ReferenceLine, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results

from .builders import METRICS, run, summary

STUDY = Study("suo", "complexity", "GFLOPs", metrics=("latency",))
LINE = ReferenceLine("PyTorch", "latency", 14.66, 230.89, "ms", "formula (2)")


def file(device, centers, *, study=STUDY, series="torch", runs=3, plain=False, unit="ms"):
    metrics = {**METRICS, "latency": Metric(unit)}
    benchmarks = {}
    for x, center in centers.items():
        values = [center * noise for noise in (1.0, 1.01, 0.99)][:runs]
        made = tuple(run({"latency": value if plain else summary(value)}) for value in values)
        benchmarks[f"{series}-{x}"] = Benchmark({}, metrics, made, place=Place(study.name, series, x))
    return Results(device, {"env": {}}, benchmarks, studies={study.name: study})


EDGE = file("nano", {1.0: 50.0, 2.0: 90.0, 3.0: 140.0})
DESKTOP = file("host", {1.0: 10.0, 2.0: 20.0, 4.0: 40.0})


def test_one_file_is_read_as_it_is():
    across = read_across([("a.json", EDGE)])
    (study,) = across.studies
    assert across.remarks == ()
    assert [one.series for one in study.series] == ["torch"]
    assert study.ratios == ()


def test_two_devices_stand_beside_each_other_with_their_ratios():
    across = read_across([("a/results.json", DESKTOP), ("b/results.json", EDGE)])
    (study,) = across.studies
    assert across.remarks == ()
    assert [one.series for one in study.series] == ["host: torch", "nano: torch"]
    (ratios,) = study.ratios
    assert (ratios.series, ratios.over) == ("host: torch", "nano: torch")
    assert [point.x for point in ratios.points] == [1.0, 2.0]
    assert [point.times_better for point in ratios.points] == pytest.approx([5.0, 4.5])
    for point in ratios.points:
        assert point.interval[0] < point.times_better < point.interval[1]


def test_a_file_of_single_numbers_has_ratios_without_intervals():
    published = file("published", {1.0: 50.0, 2.0: 90.0}, runs=1, plain=True)
    (study,) = read_across([("a.json", DESKTOP), ("p.json", published)]).studies
    assert [point.interval for point in study.ratios[0].points] == [None, None]
    assert [point.runs for point in study.ratios[0].points] == [(3, 1), (3, 1)]


def test_units_are_converted_between_files():
    in_seconds = file("nano", {1.0: 0.05}, unit="s")
    (study,) = read_across([("a.json", DESKTOP), ("b.json", in_seconds)]).studies
    assert study.ratios[0].points[0].times_better == pytest.approx(5.0)


def test_files_of_one_device_are_called_after_the_file():
    assert labels([("before.json", EDGE), ("after.json", EDGE), ("x.json", DESKTOP)]) == ["before", "after", "host"]
    assert labels([("a/r.json", EDGE), ("b/r.json", EDGE)]) == ["a/r.json", "b/r.json"]
    assert labels([("r.json", EDGE), ("r.json", EDGE)]) == ["r.json", "r.json (2)"]


def test_a_studys_own_ratios_stay_within_a_file():
    study = replace(STUDY, ratios=(("*", "torch"),), ranking=True)
    both = [file(device, {1.0: 10.0}, study=study) for device in ("nano", "host")]
    faster = [file(device, {1.0: 5.0}, study=study, series="ort") for device in ("nano", "host")]
    files = [
        (device, replace(one, benchmarks={**one.benchmarks, **two.benchmarks}))
        for device, one, two in zip(("nano", "host"), both, faster)
    ]
    (found,) = read_across(files).studies
    assert {(one.series, one.over) for one in found.ratios} == {
        ("nano: ort", "nano: torch"),
        ("host: ort", "host: torch"),
        ("nano: torch", "host: torch"),
        ("nano: ort", "host: ort"),
    }
    assert found.study.ratios == (("*", "torch"),)
    assert {frozenset(group) for group in found.rankings[0].groups} == {
        frozenset({"nano: ort", "host: ort"}),
        frozenset({"nano: torch", "host: torch"}),
    }


def test_metrics_and_published_lines_of_both_files_are_kept():
    other = replace(STUDY, metrics=("latency", "memory_process_peak"), references=(LINE,))
    (study,) = read_across([("a", EDGE), ("b", file("host", {1.0: 9.0}, study=other))]).studies
    assert study.study.metrics == ("latency", "memory_process_peak")
    assert study.study.references == (LINE,)


def test_what_cannot_be_read_together_is_told():
    over_pixels = file("b", {1.0: 1.0}, study=replace(STUDY, x="pixels"))
    without = Results("d")
    nothing = replace(EDGE, device="e", benchmarks={})
    across = read_across([("a", EDGE), ("b", over_pixels), ("d", without), ("e", nothing)])
    assert across.remarks == (
        "b is excluded from suo: its axis is pixels (GFLOPs), not complexity (GFLOPs)",
        "d contains no study",
        "e has no measurements of suo",
    )
    assert [one.series for one in across.studies[0].series] == ["nano: torch"]


def test_units_that_measure_different_things_have_no_ratio():
    frames = file("host", {1.0: 9.0}, unit="frames")
    (study,) = read_across([("a", EDGE), ("b", frames)]).studies
    assert study.ratios == ()
    assert [one.unit for one in study.series] == ["ms", "frames"]


def test_a_study_in_two_units_is_left_out_in_words():
    mixed = replace(EDGE, benchmarks={**EDGE.benchmarks, **file("nano", {9.0: 1.0}, unit="s").benchmarks})
    across = read_across([("a", mixed)])
    assert across.studies == ()
    assert across.remarks == ("suo is excluded: study 'suo': latency of torch is in ms and in s (torch-9.0)",)


def test_only_the_studies_that_are_asked_for():
    two = replace(EDGE, studies={"suo": STUDY, "other": replace(STUDY, name="other")})
    assert [one.study.name for one in read_across([("a", two)], ["other"]).studies] == ["other"]
    assert read_across([("a", two)], ["absent"]).remarks == (
        "no file contains a study 'absent'; there are 'suo', 'other'",
    )
