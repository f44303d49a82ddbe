from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.studies.across_files import read_across
from pytest_edgeperf.judge.studies.study_results import read_studies
from pytest_edgeperf.report.exporters.study_markdown import study_markdown
from pytest_edgeperf.report.study_tables import across_text, study_tables
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.report.text import Paper, cells
from pytest_edgeperf.results.study_definitions import Place, ReferenceLine, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

GOLDEN = Path(__file__).parent / "golden"
SOURCE = "suo-2021 formula (2)"
REFERENCES = (
    ReferenceLine("PyTorch, Jetson Nano", "latency", 14.66, 230.89, "ms", SOURCE, 38.97, 87.68),
    ReferenceLine("PyTorch, Jetson Nano", "latency", 7.70, 430.06, "ms", SOURCE, 99.76, 126.26),
    ReferenceLine("TensorFlow, Nano", "latency", 10.19, 411.64, "ms", "suo-2021 formula (1)"),
    ReferenceLine("PyTorch, Jetson Nano", "memory_process_peak", 14.36, 1393.52, "MB", "suo-2021 formula (4)"),
    ReferenceLine("PyTorch, Jetson Nano", "power_mean", 1.0, 2.0, "W", "not in the study"),
)
STUDY = Study("suo-2021 experiment 1", "complexity", "GFLOPs", references=REFERENCES)
METRICS = {"latency": Metric("ms"), "memory_process_peak": Metric("MiB")}
X = (38.97, 65.86, 76.38, 87.68, 99.76)
NOISE = (1.0, -4.0, 3.0, 2.0, -2.0)


def series(name, slope, *, study=STUDY, x=X, memory=None, unit="ms"):
    made = {}
    for one, noise in zip(x, NOISE):
        values = {"latency": {"n": 50, "p50": slope * one + 12 + noise}}
        if memory is not None:
            values["memory_process_peak"] = memory + one
        made[f"test_a.py::test_yolo[{name}-{one}]"] = Benchmark(
            {},
            {**METRICS, "latency": Metric(unit)},
            (Run("e", "2026-11-20T12:00:00Z", "s", values),),
            place=Place(study.name, name, one),
        )
    return made


def results(benchmarks, *studies):
    return Results("host", benchmarks=benchmarks, studies={one.name: one for one in studies})


def table(measured, width=80, **paper):
    return ["\n".join(block) for block in study_tables(measured, Paper(width, **paper))]


def test_a_study_at_80_columns():
    (text,) = table(results({**series("onnxruntime", 8.9), **series("torch", 11.2)}, STUDY))
    assert text.splitlines() == [
        "suo-2021 experiment 1: latency (ms) over complexity (GFLOPs)",
        "series                slope [95 %]          intercept [95 %]    n        GFLOPs",
        "onnxruntime            8.89 [ 8.66,  9.12]         13 [-5, 30]  5   38.97-99.76",
        "torch                 11.19 [10.96, 11.42]         13 [-5, 30]  5   38.97-99.76",
        "PyTorch, Jetson Nano  14.66                    230.89           -   38.97-87.68",
        "PyTorch, Jetson Nano    7.7                    430.06           -  99.76-126.26",
        "TensorFlow, Nano      10.19                    411.64           -",
        "  PyTorch, Jetson Nano: suo-2021 formula (2)",
        "  TensorFlow, Nano: suo-2021 formula (1)",
    ]


def test_each_metric_has_its_table_and_a_reference_in_another_unit_says_so():
    latency, memory = table(results(series("torch", 8.9, memory=300.0), STUDY))
    assert "latency (ms) over complexity (GFLOPs)" in latency
    assert "peak memory (MiB) over complexity (GFLOPs)" in memory
    assert "Nano (MB)" in memory
    assert "1393.52" in memory
    assert "power" not in latency + memory
    row = next(line for line in memory.splitlines() if line.startswith("torch"))
    assert row.split()[:2] == ["torch", "1.000"]


def test_series_in_two_units_carry_them():
    (text,) = table(results({**series("torch", 8.9), **series("ort", 9.9, unit="us")}, STUDY))
    assert "latency over complexity" in text
    assert "\ntorch (ms) " in text
    assert "\nort (us) " in text


def test_few_points():
    study = Study("s", "x", "")
    few = {**series("torch", 9, study=study, x=(1.0, 3.0)), **series("ort", 9, study=study, x=(2.0,))}
    (text,) = table(results(few, study))
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines()[1:]}
    assert text.splitlines()[0] == "s: latency (ms) over x"
    assert rows["series"] == ["slope", "intercept", "n", "x"]
    assert rows["torch"] == ["6.50", "15.5", "2", "1-3"]
    assert rows["ort"] == ["-", "-", "1", "2"]


def test_without_any_line_there_is_no_table():
    assert "single point" in "".join(table(results(series("torch", 9, x=(1.0,)), STUDY)))
    assert table(results({}, STUDY)) == []
    assert table(Results("host")) == []


def test_references_with_an_open_end():
    lines = [
        ReferenceLine("a", "latency", 1, 2, "ms", "source", x_from=5.0),
        ReferenceLine("b", "latency", 1, 2, "ms", "source", x_to=5.0),
        ReferenceLine("c", "latency", 1, 2, "ms", "source", x_from=-5.0, x_to=5.0),
    ]
    study = Study("s", "x", "GFLOPs", references=tuple(lines))
    (text,) = table(results(series("torch", 9, study=study), study))
    for end in ("from 5", "to 5", "-5 to 5"):
        assert any(line.endswith(" " + end) for line in text.splitlines())
    assert text.endswith("\n  a, b, c: source")


def test_the_note_of_a_published_line():
    lines = [
        ReferenceLine("a", "latency", 1, 2, "ms", "formula (2)", note="2 is printed for 3"),
        ReferenceLine("b", "latency", 1, 3, "ms", "formula (2)"),
    ]
    study = Study("s", "x", "GFLOPs", references=tuple(lines))
    assert Study.from_dict("s", study.to_dict()) == study
    assert "note" not in study.to_dict()["references"][1]
    session = results(series("torch", 9, study=study), study)
    (text,) = table(session)
    assert text.endswith("\n  a, b: formula (2)\n  (a) formula (2): 2 is printed for 3")
    assert [line.split()[:2] for line in text.splitlines()[3:5]] == [["a", "(a)"], ["b", "1"]]
    (result,) = read_studies(session)
    assert "- (a) formula (2): 2 is printed for 3" in study_markdown(result)


def test_a_study_in_two_units_is_one_remark_and_not_a_crash():
    (text,) = table(results({**series("torch", 8.9), **series("torch", 8.9, x=(99.0,), unit="us")}, STUDY))
    text = " ".join(text.split())
    assert text.startswith("studies are not shown: study 'suo-2021 experiment 1': latency of torch is in ms and in us")


def test_the_session_report_has_it_before_the_verdicts(session):
    measured = replace(
        session.measured,
        benchmarks={**session.measured.benchmarks, **series("torch", 8.9)},
        studies={STUDY.name: STUDY},
    )
    report = replace(session, measured=measured)
    text = render(report, width=80, colour=False)
    assert text.index("suo-2021 experiment 1: latency") < text.index("\nregressed (2)") < text.index("::test_unet\n")
    assert "suo-2021" not in render(report, width=80, colour=False, verbosity=-1)
    plain = replace(measured, studies={})
    assert "suo-2021" not in render(replace(session, measured=plain), width=80, colour=False)


def test_without_studies_nothing_is_computed(session, monkeypatch):
    monkeypatch.setattr("pytest_edgeperf.report.study_tables.read_studies", lambda results: pytest.fail("was called"))
    render(session, width=80, colour=False)


def test_reports_load_no_scipy_by_themselves():
    code = "import sys, pytest_edgeperf.report.terminal; print([m for m in ('numpy', 'scipy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_colour_and_ascii():
    named = replace(STUDY, name="größe")
    measured = results(series("データ" * 12, 8.9, study=named), named)
    (text,) = table(measured, ascii_only=True)
    assert text.isascii()
    (painted,) = table(measured, colour=True)
    assert "\x1b[1m" in painted


NAMES = st.one_of(st.text(max_size=40), st.text(st.sampled_from("日本語한 ab-"), max_size=60))
VALUES = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@given(
    names=st.lists(NAMES, min_size=1, max_size=3, unique=True),
    values=st.lists(VALUES, min_size=4, max_size=4),
    slope=VALUES,
    study_name=NAMES,
    width=st.integers(40, 140),
)
def test_no_line_is_too_wide(names, values, slope, study_name, width):
    lines = tuple(ReferenceLine(name, "latency", slope, slope, "ms", name * 3) for name in names)
    study = Study(study_name, study_name, names[0], references=lines)
    made = {
        f"{name}{k}": Benchmark(
            {},
            METRICS,
            (Run("e", "s", "s", {"latency": value}),),
            place=Place(study_name, name, k * 9.5),
        )
        for name in names
        for k, value in enumerate(values)
    }
    for text in table(results(made, study), width):
        assert all(cells(line) <= width for line in text.split("\n"))
        assert text.replace("\n", "").isprintable()


def test_values_stand_beside_each_other_where_no_line_is_wanted():
    study = Study("parallel", "engines", "", metrics=("throughput",), lines=False)
    metrics = {"throughput": Metric("1/s", "higher")}
    made = {
        f"{name}-{n}": Benchmark(
            {},
            metrics,
            (Run("e", "2026-11-20T12:00:00Z", "s", {"throughput": value}),),
            place=Place(study.name, name, n),
        )
        for name, values in (("onnxruntime", (44.2, 86.0, 84.1)), ("torch", (26.7, 51.5)))
        for n, value in enumerate(values, 1)
    }
    (text,) = table(results(made, study))
    assert text.splitlines() == [
        "parallel: throughput (1/s) over engines",
        "series          1     2     3  pays up to",
        "onnxruntime  44.2  86.0  84.1           2",
        "torch        26.7  51.5     -           2",
    ]


def golden(name, text):
    assert text + "\n" == (GOLDEN / name).read_text(encoding="utf-8")


def whole_study(x=(*X, 112.62, 126.26, 140.69), times=1.0, device="host"):
    """A study with everything that one can ask for: pieces, ratios, ranks and shares."""
    study = replace(
        STUDY, metrics=("latency",), ratios=(("*", "torch"),), ranking=True, shares=("infer", "postprocess")
    )
    metrics = {name: Metric("ms") for name in ("latency", "infer", "postprocess")}
    made = {}
    for name, lines in (("torch", ((14.7, 230.0), (9.4, 230.0))), ("onnxruntime", ((9.4, 228.0), (9.4, 228.0)))):
        for at, one in enumerate(x):
            slope, intercept = lines[at > 3]
            runs = []
            for noise in (0.99, 1.0, 1.02):
                latency = times * ((slope * one + intercept) * noise + (-1) ** at)
                block_sd = {"p50": 0.004}
                values = {"latency": {"n": 50, "p50": latency, "mean": latency, "block_sd": block_sd}}
                values.update({"infer": 0.05 * latency, "postprocess": 0.9 * latency})
                runs.append(Run("e", "2026-11-20T12:00:00Z", "s", values))
            place = Place(study.name, name, one)
            made[f"test_yolo[{name}-{one}]"] = Benchmark({}, metrics, tuple(runs), place=place)
    return replace(results(made, study), device=device)


def desktop_and_edge():
    """The study on a host, on a board that is four times as slow and did less of it, and a file without it."""
    edge = whole_study(X[:2], times=4.0, device="nano")
    return read_across([("a.json", whole_study()), ("b.json", edge), ("c.json", Results("rpi4"))])


def test_a_study_with_all_that_it_can_tell():
    golden("study-100.txt", "\n\n".join(table(whole_study(), 100)))


def test_several_files_stand_beside_each_other():
    golden("study-across-100.txt", across_text(desktop_and_edge(), Paper(100)))


def test_files_without_a_study_are_told_in_words():
    text = across_text(read_across([("a.json", Results("host"))]), Paper(80))
    assert " ".join(text.split()) == (
        "nothing to show: no benchmark belongs to a study. Call timed_inference.study(STUDY, series=..., x=...) in the "
        "benchmarks that shall be read together note: host contains no study"
    )


def test_a_study_that_was_asked_for_and_is_not_there_is_named_with_those_that_are():
    text = across_text(read_across([("a.json", whole_study())], ["suo"]), Paper(80))
    assert text == (
        "nothing to show: there are no measurements of this study\n\n"
        "note: no file contains a study 'suo'; there are 'suo-2021 experiment 1'"
    )
    unmeasured = replace(whole_study(), benchmarks={})
    assert across_text(read_across([("a.json", unmeasured)]), Paper(80)) == (
        "nothing to show: there are studies, but no measurements of them"
    )


def test_a_study_of_disturbed_runs_says_why_it_is_not_shown():
    measured = whole_study()
    for name, one in measured.benchmarks.items():
        runs = tuple(replace(run, quality={"disturbed": True}) for run in one.runs)
        measured.benchmarks[name] = replace(one, runs=runs)
    text = across_text(read_across([("a.json", measured)]), Paper(100))
    assert "note: suo-2021 experiment 1 is not shown: the machine was disturbed in every run of host" in text


@given(names=st.lists(NAMES, min_size=2, max_size=3, unique=True), width=st.integers(40, 140), seed=st.integers(0, 99))
def test_no_line_of_a_study_that_tells_all_is_too_wide(names, width, seed):
    ratios = ((names[0], names[1]),) if "*" not in "".join(names) else ()
    study = Study("s", "x" * 30, names[0], ratios=ratios, ranking=True, shares=("memory_process_peak", "latency"))
    made = {}
    for name in names:
        for k in range(7):
            latency = 10.0 + (k * 7 + seed) % 13 + (30 if k > 3 else 0)
            runs = tuple(Run("e", "s", "s", {"latency": latency + more, "memory_process_peak": 1.0}) for more in (0, 1))
            place = Place(study.name, name, k * 9.5)
            made[f"{name}{k}"] = Benchmark({}, dict.fromkeys(METRICS, Metric("ms")), runs, place=place)
    found = table(results(made, study), width)
    assert len(found) == 2 * (2 + len(ratios)) + 1
    for text in found:
        assert all(cells(line) <= width for line in text.split("\n"))


def test_many_coordinates_stand_in_several_parts():
    study = Study("parallel", "engines", "", metrics=("throughput",), lines=False, ranking=True)
    made = {
        f"{name}-{n}": Benchmark(
            {},
            {"throughput": Metric("1/s", "higher")},
            tuple(Run("e", "s", "s", {"throughput": n * times * noise}) for noise in (1.0, 1.01)),
            place=Place(study.name, name, n),
        )
        for name, times in (("ort", 1000.0), ("torch", 2000.0))
        for n in range(1, 13)
    }
    values, ranks = table(results(made, study), 60)
    assert [line.split()[0] for line in values.splitlines()] == ["parallel:"] + ["series", "ort", "torch"] * 2
    assert "pays up to" in values
    assert [len(line.split()) for line in ranks.splitlines()[1:]] == [13, 13, 13]
