"""Points with labels: a row each, in the terminal, in Markdown and as plain values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_edgeperf.judge.studies.study_results import read_studies
from pytest_edgeperf.report.exporters.study_markdown import study_markdown
from pytest_edgeperf.report.exporters.study_values import study_to_dict
from pytest_edgeperf.report.study_tables import study_tables
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.study_definitions import Place, ReferenceRatio, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results

from ..judge.builders import run

PUBLISHED = ReferenceRatio("tensorrt", "torch", "latency", "large", 4.88, "Jetson Nano, table 1")
STUDY = Study(
    "zoo",
    "complexity",
    "GFLOPs",
    metrics=("latency", "infer_cv", "throughput"),
    lines=False,
    ratios=(("*", "torch"),),
    published_ratios=(PUBLISHED,),
    ranking=True,
)
NETWORKS = {"small": 1.0, "large": 20.0}


def benchmark(series, network, latency, label=None):
    runs = tuple(
        run({"latency": {"n": 9, "p50": latency + n / 100}, "infer": {"p50": 1.0, "mean": 2.0, "sd": 0.5}})
        for n in range(3)
    )
    place = Place("zoo", series, NETWORKS[network], network if label is None else label)
    return Benchmark({}, {"latency": Metric("ms"), "infer": Metric("ms")}, runs, place=place)


def results(study=STUDY, **labels):
    made = {
        f"{network}[{series}]": benchmark(series, network, factor * (1 + x), **labels)
        for series, factor in (("torch", 2.0), ("onnxruntime", 1.0))
        for network, x in NETWORKS.items()
    }
    return Results("host", benchmarks=made, studies={"zoo": study})


def lines(results, width=100):
    return [line for block in study_tables(results, Paper(width)) for line in block]


def test_each_point_has_a_row_in_the_order_of_its_coordinate():
    text = lines(results())
    start = text.index("zoo: torch")
    assert text[start + 1].split() == [
        "point",
        "GFLOPs",
        "latency",
        "(ms)",
        "infer",
        "cv",
        "(%)",
        "throughput",
        "(1/s)",
    ]
    assert [line.split() for line in text[start + 2 : start + 4]] == [
        ["small", "1.00", "4.01", "25.0", "249"],
        ["large", "20.0", "42.0", "25.0", "23.8"],
    ]
    both = text.index("zoo: latency (ms) of all series")
    assert [line.split() for line in text[both + 1 : both + 4]] == [
        ["point", "GFLOPs", "torch", "rank", "onnxruntime", "rank"],
        ["small", "1.00", "4.01", "2", "2.01", "1"],
        ["large", "20.0", "42.0", "2", "21.0", "1"],
    ]


def test_published_ratios_stand_beside_the_measured_ones_with_their_source():
    text = lines(results())
    start = text.index("zoo: how many times better onnxruntime is than torch")
    head, small, large, source = text[start + 1 : start + 5]
    assert head.split() == ["point", "latency", "[95", "%]", "tensorrt/torch", "throughput", "[95", "%]"]
    assert "4.88" in large
    assert "4.88" not in small
    assert large.split()[1] == "2.00"
    assert source == "  tensorrt/torch: Jetson Nano, table 1"


def test_the_published_ratio_of_the_same_pair_is_simply_called_so():
    same = ReferenceRatio("onnxruntime", "torch", "latency", "small", 3.0, "elsewhere")
    study = Study(**{**STUDY.__dict__, "published_ratios": (PUBLISHED, same)})
    text = lines(results(study))
    head = text[text.index("zoo: how many times better onnxruntime is than torch") + 1]
    assert "published" in head
    assert "tensorrt" not in head


def test_other_pairs_are_not_shown_where_theirs_were_measured():
    both = results(Study(**{**STUDY.__dict__, "ratios": (("*", "torch"), ("tensorrt", "onnxruntime"))}))
    for network in NETWORKS:
        both.benchmarks[f"{network}[tensorrt]"] = benchmark("tensorrt", network, 1.0)
    text = lines(both)
    heads = {
        over: text[text.index(f"zoo: how many times better tensorrt is than {over}") + 1]
        for over in ("torch", "onnxruntime")
    }
    assert "published" in heads["torch"]
    assert not {"published", "tensorrt/torch"} & set(heads["onnxruntime"].split())


def test_names_stay_whole_as_long_as_they_take_half_of_the_width():
    named = results(label="a network with a name of thirty-nine cells")
    assert any(line.startswith("a network with a name of thirty-nine cells ") for line in lines(named, 90))


def test_a_narrow_terminal_parts_the_table_and_loses_nothing():
    wide, narrow = ("\n".join(lines(results(), width)) for width in (120, 44))
    assert all(len(line) <= 44 for line in narrow.splitlines())
    assert sorted(set(wide.split())) == sorted(set(narrow.split()))


def test_points_of_which_some_have_no_label_are_columns():
    mixed = results()
    mixed.benchmarks["small[torch]"] = benchmark("torch", "small", 4.0, label="")
    assert "zoo: latency (ms) over complexity (GFLOPs)" in lines(mixed)


def test_two_labels_at_one_coordinate_are_both_named():
    both = results()
    both.benchmarks["other"] = benchmark("torch", "small", 4.0, label="other")
    (result,) = read_studies(both)
    assert result.labels == {1.0: "small, other", 20.0: "large"}


def test_benchmarks_at_one_coordinate_have_a_row_each_whatever_they_are_called():
    several = results()
    several.benchmarks["other"] = benchmark("torch", "small", 7.0, label="other")
    several.benchmarks["again"] = benchmark("torch", "small", 9.0)
    text = lines(several)
    start = text.index("zoo: torch")
    rows = [line.split()[:3] for line in text[start + 2 : start + 6]]
    assert rows == [
        ["other", "1.00", "7.01"],
        ["small", "1.00", "9.01"],
        ["small", "1.00", "4.01"],
        ["large", "20.0", "42.0"],
    ]
    both = text.index("zoo: latency (ms) of all series")
    assert [line.split()[0] for line in text[both + 2 : both + 5]] == ["other", "small", "large"]
    other = text[both + 2].split()
    assert other[2] == "7.01"
    assert other[-2:] == ["-", "-"]


def test_markdown_and_values_have_the_labels():
    (result,) = read_studies(results())
    markdown = study_markdown(result)
    assert "### zoo: torch" in markdown
    assert "| small | 1.00 | 4.01 | 25.0 | 249 |" in markdown
    assert study_to_dict(result)["labels"] == [{"x": 1.0, "label": "small"}, {"x": 20.0, "label": "large"}]


def test_shares_are_of_labels_and_what_a_series_has_no_part_in_is_a_dash():
    study = replace(STUDY, shares=("infer", "postprocess"))
    found = results(study)
    text = lines(found)
    start = text.index("zoo: shares of latency (%)")
    assert text[start + 1].split() == ["series", "point", "infer", "postprocess", "rest"]
    assert text[start + 2].split() == ["torch", "small", "49.9", "-", "50.1"]
    (result,) = read_studies(found)
    assert "| series | of | infer | postprocess | rest |" in study_markdown(result)
    assert "| torch | small | 49.9 % | - | 50.1 % |" in study_markdown(result)


def test_shares_of_disturbed_runs_alone_are_no_table():
    study = replace(STUDY, shares=("infer",))
    found = results(study)
    for one in found.benchmarks.values():
        object.__setattr__(one, "runs", tuple(replace(r, quality={"disturbed": True}) for r in one.runs))
    assert not any("shares" in line for line in lines(found))


def test_labels_and_published_ratios_are_stored():
    assert Study.from_dict("zoo", json.loads(json.dumps(STUDY.to_dict()))) == STUDY
    place = Place("zoo", "torch", 1.0, "small")
    assert Place.from_dict(place.to_dict()) == place
    assert "label" not in Place("zoo", "torch", 1.0).to_dict()


@pytest.mark.parametrize("change", [{"value": 0}, {"value": "4"}, {"series": 1}, {"source": None}])
def test_a_malformed_published_ratio_is_refused(change):
    stored = {**STUDY.to_dict(), "published_ratios": [{**PUBLISHED.to_dict(), **change}]}
    with pytest.raises(ValueError, match="published ratio"):
        Study.from_dict("zoo", stored)


def test_a_study_whose_runs_were_all_disturbed_says_so_instead_of_showing_nothing():
    def disturbed(one):
        return replace(one, runs=tuple(run(each.values, quality={"disturbed": True}) for each in one.runs))

    calm = results()
    all_disturbed = replace(calm, benchmarks={name: disturbed(one) for name, one in calm.benchmarks.items()})
    text = "zoo is not shown: the machine was disturbed in every run of its 4 benchmarks"
    assert lines(all_disturbed) == [text]
    assert text not in lines(calm)
    assert lines(replace(calm, benchmarks={})) == []
