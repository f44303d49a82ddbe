from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.report.published_figures import network, references, references_markdown, references_table
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.report.text import Paper, cells
from pytest_edgeperf.results.types import HIGHER, Benchmark, Metric, Results, Run

from .conftest import PREFIX, benchmark

GOLDEN = Path(__file__).parent / "golden"
RESNET = PREFIX + "test_resnet18[onnxruntime-fp32-224]"
HERE = {"framework": "onnxruntime", "precision": "fp32", "resolution": 224}
THERE = {"framework": "onnxruntime", "network": "Resnet_18", "resolution": 224}


def measured(name=RESNET, parameters=HERE, device="nano", milliseconds=52.0):
    return Results(device, benchmarks={name: replace(benchmark(milliseconds), parameters=parameters)})


def published(parameters=THERE, device="nano", note=None, **figures):
    """Figures as ``metric=(value, unit)``; 267.207 ms of inference and 3.489 FPS without any."""
    figures = figures or {"infer": (267.207, "ms"), "throughput": (3.489, "FPS")}
    source = {"paper": "trinh-2023", "table": "4.3", "row": "Resnet18", **({"note": note} if note else {})}
    runs = [Run("e", "2023-04", "trinh-2023", {name: value}, source=source) for name, (value, _) in figures.items()]
    metrics = {name: Metric(unit, HIGHER if name == "throughput" else "lower") for name, (_, unit) in figures.items()}
    return Results(device, benchmarks={"trinh-2023::x": Benchmark(parameters, metrics, tuple(runs))})


def table(found, measured, width=80, **paper):
    on = Paper(width, **paper)
    return references_table(found, Names(list(measured.benchmarks), on), on)


def test_what_matches_has_figure_ratio_source_and_what_differs():
    infer, throughput = references(measured(), [published()])
    assert (infer.metric, infer.unit, infer.published) == ("infer", "ms", 267.207)
    assert infer.measured == pytest.approx(41.6)
    assert infer.ratio == pytest.approx(41.6 / 267.207)
    assert (infer.device, infer.source, infer.row) == ("nano", "trinh-2023 table 4.3", "Resnet18")
    assert infer.differs == ("precision fp32 here, not stated there",)
    assert throughput.measured == pytest.approx(1000 / 52)
    assert throughput.differs[0] == "throughput here is 1 / latency"


def test_means_stand_beside_means():
    one = measured()
    (only,) = one.benchmarks.values()
    runs = tuple(replace_values(run, infer={**run.values["infer"], "mean": 50.0}) for run in only.runs)
    found = references(Results("nano", benchmarks={RESNET: replace(only, runs=runs)}), [published()])
    assert found[0].measured == 50.0


def replace_values(run, **values):
    return Run(run.environment, run.started, run.session, {**run.values, **values}, quality=run.quality)


def test_a_figure_stands_in_its_printed_unit():
    (one,) = references(measured(), [published(latency=(0.2233, "s"))])
    assert (one.unit, one.published, one.measured) == ("s", 0.2233, pytest.approx(0.052))
    assert references(measured(), [published(latency=(3.0, "W"))]) == []
    assert references(measured(), [published(latency=(0, "ms"))])[0].ratio is None


@pytest.mark.parametrize(
    "change",
    [
        {"framework": "torch"},
        {"framework": "onnxruntime:cuda"},
        {"network": "resnet50"},
        {"resolution": 160},
        {"precision": "fp16"},
        {"stride": 8},
        {"network": None},
        {"framework": None},
    ],
)
def test_another_experiment_does_not_match(change):
    parameters = {name: value for name, value in {**THERE, **change}.items() if value is not None}
    assert references(measured(), [published(parameters)]) == []


def test_a_benchmark_with_other_parameters_does_not_match():
    assert references(measured(parameters={**HERE, "n": 2}), [published()]) == []
    assert references(measured(parameters={**HERE, "n": 2}), [published({**THERE, "n": 2})])
    assert references(measured(parameters={}), [published()]) == []


def test_what_one_side_does_not_tell_is_said():
    (one, _) = references(
        measured(parameters={"framework": "onnxruntime"}),
        [published({**THERE, "precision": "fp32"}, note="batch of one")],
    )
    assert one.differs == ("precision fp32 there", "resolution 224 there", "batch of one")


def test_another_device_may_have_another_processor():
    there = {**THERE, "framework": "onnxruntime:cuda"}
    found = references(measured(device="host"), [published(there)])
    assert {one.device for one in found} == {"nano"}
    assert found[0].differs[0] == "onnxruntime:cuda there, onnxruntime here"
    assert references(measured(device="host"), [published({**THERE, "framework": "torch"})]) == []


def test_figures_that_are_in_two_files_stand_once():
    assert references(measured(), [published(), published()]) == references(measured(), [published()])


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("a.py::test_yolov3_tiny[torch-fp32-416]", {}, "yolov3tiny"),
        ("a.py::TestIt::test_ResNet18", {}, "resnet18"),
        ("a.py::test_first_inferences[x]", {"network": "mobilenetv2"}, "mobilenetv2"),
        ("a.py::test_it", {"model": "Mobile-Net_v2"}, "mobilenetv2"),
        ("a.py::test_it", {"model": 3}, "it"),
    ],
)
def test_the_network_of_a_benchmark(name, parameters, expected):
    assert network(name, parameters) == expected


def test_the_table_and_its_remarks():
    session = measured()
    found = references(session, [published(), published(note="somewhere else", preprocess=(19.164, "ms"))])
    text = "\n".join(table(found, session))
    assert text + "\n" == (GOLDEN / "references-80.txt").read_text(encoding="utf-8")


def test_a_source_of_which_nothing_differs_is_named_alone():
    session = measured()
    lines = table(references(session, [published({**THERE, "precision": "fp32"}, infer=(267.207, "ms"))]), session)
    assert "  nano, trinh-2023 table 4.3, row Resnet18" in lines


def test_no_figure_is_no_table():
    assert table([], measured()) == []
    assert references_markdown([]) == ""


def test_markdown():
    text = references_markdown(references(measured(), [published(note="a|b")]))
    lines = text.splitlines()
    assert lines[2] == (
        f"| `{RESNET}` | infer, ms | 41.6 | 267.207 | 0.156 | nano, trinh-2023 table 4.3, row Resnet18 "
        "| precision fp32 here, not stated there; a\\|b |"
    )
    assert len({line.replace("\\|", "").count("|") for line in lines[:4]}) == 1
    assert lines[-1].startswith("Published figures come from other releases")


def test_the_session_report_has_them_and_judges_nothing(session):
    name = PREFIX + "test_resnet18[torch-fp32]"
    parameters = {"framework": "torch", "precision": "fp32"}
    with_parameters = {
        **session.measured.benchmarks,
        name: replace(session.measured.benchmarks[name], parameters=parameters),
    }
    report = replace(session, device="nano", measured=Results("nano", benchmarks=with_parameters))
    there = published({"framework": "torch", "network": "resnet18"}, latency=(0.001, "ms"))
    plain = render(report, width=80, colour=False)
    text = render(replace(report, published=[there]), width=80, colour=False)
    assert "published figures of nano" in text
    assert "  latency, ms" in text
    assert "published figures" not in plain
    assert set(plain.splitlines()) <= set(text.splitlines())
    assert "published" not in render(replace(report, published=[there]), width=80, colour=False, verbosity=-1)


NAMES = st.text(st.characters(blacklist_characters="["), max_size=30)


@given(
    name=NAMES,
    unit=st.sampled_from(["ms", "s", "us"]),
    value=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    note=NAMES,
    width=st.integers(60, 140),
    ascii_only=st.booleans(),
)
def test_no_line_is_too_wide(name, unit, value, note, width, ascii_only):
    session = measured(f"{name}.py::test_resnet18")
    found = references(session, [published(note=note, latency=(value, unit))])
    assert len(found) == 1
    for line in table(found, session, width, ascii_only=ascii_only):
        assert cells(line) <= width
        assert line.isprintable()
        assert line.isascii() or not ascii_only
