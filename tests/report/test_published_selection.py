from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_edgeperf.report.published_selection import paper_of, selection
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.results.study_definitions import Place, ReferenceLine, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

from .conftest import PREFIX, benchmark

RESNET = PREFIX + "test_resnet18[onnxruntime-fp32-224]"
HERE = {"framework": "onnxruntime", "precision": "fp32", "resolution": 224}
STUDY = Study(
    "lines",
    "pixels",
    "Mpx",
    references=(
        ReferenceLine("TensorRT, Nano", "latency", 5.32, 37.62, "ms", "suo-2021 formula (3)", note="a misprint"),
    ),
)


def published(paper):
    source = {"paper": paper, "table": "4.3", "row": "Resnet18"}
    run = Run("e", "2023-04", paper, {"infer": 267.207}, source=source)
    there = {"framework": "onnxruntime", "network": "Resnet_18", "resolution": 224}
    return Results("host", benchmarks={f"{paper}::x": Benchmark(there, {"infer": Metric("ms")}, (run,))})


def shown(session, *papers, verbosity=0):
    measured = {RESNET: replace(benchmark(52.0), parameters=HERE)}
    for x in (1.0, 2.0, 3.0):
        measured[f"test_line[{x}]"] = replace(benchmark(5.0 * x), place=Place("lines", "here", x))
    report = replace(
        session,
        measured=Results("host", benchmarks=measured, studies={"lines": STUDY}),
        comparison=None,
        mode="off",
        faults={},
        published=[published("trinh-2023"), published("hadidi-2019")],
        papers=papers,
    )
    return render(report, width=100, colour=False, verbosity=verbosity)


def test_without_v_a_line_says_that_there_are_published_figures(session):
    text = shown(session)
    assert "267.207" not in text
    assert "TensorRT, Nano" not in text
    assert "lines: latency (ms) over pixels (Mpx)" in text
    assert " ".join(text.split()).count(
        "Published figures of hadidi-2019, suo-2021 and trinh-2023 belong to these benchmarks: -v shows them, "
        "--edgeperf-published=hadidi-2019 those of one paper."
    )


@pytest.mark.parametrize(("papers", "verbosity"), [((), 1), (("all",), 0), (("all",), 1)])
def test_everything_is_shown_with_v_or_where_all_is_asked_for(session, papers, verbosity):
    text = shown(session, *papers, verbosity=verbosity)
    assert text.count("267.207") == 2
    assert "TensorRT, Nano (a)" in text
    assert "Published figures of" not in text


@pytest.mark.parametrize("verbosity", [0, 1])
def test_a_paper_that_is_asked_for_is_shown_alone(session, verbosity):
    text = shown(session, "trinh-2023", verbosity=verbosity)
    assert text.count("267.207") == 1
    assert "hadidi-2019" not in text
    assert "TensorRT, Nano" not in text
    assert "TensorRT, Nano (a)" in shown(session, "suo-2021")


def test_a_paper_without_figures_here_is_said(session):
    text = " ".join(shown(session, "mishra-2021", "suo-2021").split())
    assert "No published figures of mishra-2021 belong to these benchmarks on host: edgeperf baseline ref" in text


def test_none_is_none_even_with_v(session):
    text = shown(session, "none", verbosity=1)
    assert not any(word in text for word in ("267.207", "TensorRT, Nano", "ublished figures"))


def test_the_remark_of_a_misprint_stands_below_its_table(session):
    lines = shown(session, "suo-2021").splitlines()
    (row,) = [line for line in lines if line.startswith("TensorRT, Nano (a)")]
    assert row.split()[-1] == "37.62" or "37.62" in row
    assert "  (a) suo-2021 formula (3): a misprint" in lines


@pytest.mark.parametrize(
    ("source", "paper"),
    [("suo-2021 formula (2)", "suo-2021"), ("suo-2021, table I", "suo-2021"), ("mine", "mine"), ("", ""), (" ", "")],
)
def test_a_source_begins_with_its_paper(source, paper):
    assert paper_of(source) == paper


def test_what_is_asked_for_wins_over_the_verbosity():
    assert not selection((), verbose=False).shows("a")
    assert selection((), verbose=True).shows("a")
    assert not selection(("b",), verbose=True).shows("a")
