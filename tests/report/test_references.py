from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.report.published_figures import references_markdown, references_table
from pytest_edgeperf.report.published_matching import network, references
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


def published(parameters=THERE, device="nano", note=None, source=(), **figures):
    """Figures as ``metric=(value, unit)``; 267.207 ms of inference and 3.489 FPS without any."""
    figures = figures or {"infer": (267.207, "ms"), "throughput": (3.489, "FPS")}
    place = {"paper": "trinh-2023", "table": "4.3", "row": "Resnet18"}
    source = {**place, **({"note": note} if note else {}), **dict(source)}
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
        {"network": None, "task": "classification"},
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


def test_a_framework_that_is_not_stated_is_said():
    there = {name: value for name, value in THERE.items() if name != "framework"}
    infer, _ = references(measured(), [published(there)])
    assert infer.differs[0] == "framework onnxruntime here, not stated there"


def test_a_task_stands_for_a_network_that_is_not_named():
    session = measured("a.py::test_task[x]", {"framework": "tflite", "task": "pose"})
    there = {"framework": "tflite", "task": "pose", "resolution": 300}
    assert references(session, [published(there)])[0].differs == ("resolution 300 there",)
    assert references(session, [published({**there, "task": "detection"})]) == []


def test_the_papers_word_is_shown():
    (one,) = references(measured(), [published(source={"printed_as": "ResNet"}, infer=(1.0, "ms"))])
    assert one.differs[-1] == 'printed as "ResNet"'


def several(unit="ms", better="lower", **latencies):
    """Benchmarks of a network as ``name=(parameters, {metric: value})``; all metrics have one unit."""
    benchmarks = {}
    for number, (parameters, values) in enumerate(latencies.values()):
        run = Run("e", "2026", "s", values)
        metrics = {metric: Metric(unit, better) for metric in values}
        benchmarks[f"a.py::test_network[{number}]"] = Benchmark(parameters, metrics, (run,))
    return Results("nano", benchmarks=benchmarks)


def with_framework(framework, network="resnet18", **others):
    return {"framework": framework, "network": network, "precision": "fp32", **others}


@pytest.mark.parametrize(
    ("metric", "unit", "expected"),
    [
        ("speedup", "", 4),
        ("time_ratio", "", 4),
        ("saving", "", 4),
        ("improvement", "%", 300),
        ("reduction", "%", 75),
        ("share", "%", 25),
    ],
)
def test_a_ratio_stands_beside_that_of_two_benchmarks(metric, unit, expected):
    session = several(
        a=(with_framework("torch"), {"latency": 80.0}),
        b=(with_framework("tensorrt"), {"latency": 20.0}),
        c=(with_framework("torch", "vgg19"), {"latency": 7.0}),
    )
    there = {"framework": "tensorrt", "network": "resnet18"}
    (one,) = references(session, [published(there, source={"over": "framework=torch"}, **{metric: (5.0, unit)})])
    assert one.benchmark == "a.py::test_network[1]"
    assert one.measured == pytest.approx(expected)
    assert one.differs[0] == "here: latency over that of torch"


def test_a_ratio_of_rates_and_one_over_another_processor():
    session = several(
        "1/s",
        "higher",
        a=(with_framework("torch:cuda"), {"throughput": 2.0}),
        b=(with_framework("tensorrt"), {"throughput": 6.0}),
    )
    there = {"framework": "tensorrt", "network": "resnet18"}
    source = {"over": "framework=torch", "of": "throughput"}
    (one,) = references(session, [published(there, source=source, speedup=(5.0, ""))])
    assert (one.measured, one.differs[0]) == (pytest.approx(3), "here: throughput over that of torch:cuda")


def test_a_ratio_without_its_other_side_is_absent():
    there = {"framework": "torch", "network": "resnet18"}
    session = several(a=(with_framework("torch"), {"latency": 80.0}))
    for over in ("framework=tensorrt", "framework=torch", "level=none"):
        assert references(session, [published(there, source={"over": over}, speedup=(5.0, ""))]) == []


def test_a_figure_that_follows_from_metrics():
    session = several(a=(with_framework("torch"), {"latency": 80.0, "postprocess": 20.0, "first_inference": 100.0}))
    there = {"framework": "torch", "network": "resnet18", "part": "whatever"}

    def beside(of, **figure):
        return references(session, [published(there, source={"of": of}, **figure)])

    assert beside("postprocess/latency", share=(90, "%"))[0].measured == pytest.approx(25)
    assert beside("first_inference-latency", delay=(0.01, "s"))[0].measured == pytest.approx(0.02)
    assert beside("2500*latency", duration=(4, "h"))[0].measured == pytest.approx(200 / 3600)
    assert beside("infer/latency", share=(90, "%")) == []
    assert beside("latency", price=(4, "$")) == []


def test_frames_of_a_call_that_takes_several():
    session = several(a=(with_framework("torch"), {"latency": 80.0}))
    (only,) = session.benchmarks.values()
    run = Run("e", "2026", "s", {"latency": 80.0, "images_per_inference": 4})
    metrics = {**only.metrics, "images_per_inference": Metric("")}
    session = replace(session, benchmarks={"a.py::test_x": replace(only, metrics=metrics, runs=(run,))})
    (one,) = references(session, [published({"framework": "torch", "network": "resnet18"}, throughput=(40, "FPS"))])
    assert one.measured == pytest.approx(50)
    assert "4 images an inference" in one.differs[0]


def test_a_size_of_a_network_stands_once_beside_what_was_counted():
    session = several(
        "",
        a=(with_framework("torch", resolution=160), {"parameter_count": 11e6, "flops": 1e9}),
        b=(with_framework("onnxruntime", resolution=224), {"parameter_count": 11e6, "flops": 2e9}),
        c=(with_framework("tensorrt", resolution=224), {"parameter_count": 11e6, "flops": 2e9}),
    )

    def beside(resolution, metric):
        there = {"network": "resnet18", **({"resolution": resolution} if resolution else {})}
        found = references(session, [published(there, device="any", **{metric: (12e6, "")})])
        return [(one.benchmark[-2], one.differs) for one in found]

    assert beside(224, "flops") == [("1", ())]
    assert beside(None, "flops") == [("0", ("resolution 160 here, not stated there",))]
    assert beside(320, "flops") == []
    assert beside(320, "parameter_count") == [("0", ("resolution 160 here, 320 there",))]


def test_the_size_of_a_file_is_that_of_its_framework():
    session = several(
        "MiB",
        a=(with_framework("torch"), {"engine_size": 45.0}),
        b=(with_framework("onnxruntime", stride=8), {"engine_size": 44.0}),
        c=(with_framework("onnxruntime", stride=32), {"engine_size": 44.0}),
    )
    there = {"framework": "onnxruntime", "network": "resnet18"}
    (one,) = references(session, [published(there, source={"of": "engine_size"}, file_size=(44.7, "MB"))])
    assert (one.benchmark[-2], one.measured) == ("1", pytest.approx(44 * 1.048576))


def test_a_size_beside_a_benchmark_that_states_no_resolution():
    counted = {"flops": 2e9}
    clip = (with_framework("torch", "c3d"), counted)
    scaled = (with_framework("torch", "c3d", scaling="16:9"), counted)
    there = published({"network": "c3d", "resolution": "12x112x112"}, flops=(3e9, "FLOPs"))
    assert references(several("FLOPs", b=scaled), [there]) == []
    (one,) = references(several("FLOPs", b=scaled, c=clip), [there])
    assert (one.benchmark[-2], one.differs) == ("1", ("resolution 12x112x112 there",))


def test_an_average_is_of_the_papers_networks_and_a_device_of_all():
    session = several(
        a=(with_framework("torch"), {"latency": 80.0, "power_idle": 1.0}),
        b=(with_framework("tensorrt"), {"latency": 20.0, "power_idle": 3.0}),
        c=(with_framework("torch", "vgg19"), {"latency": 80.0}),
        d=(with_framework("tensorrt", "vgg19"), {"latency": 40.0}),
        e=(with_framework("torch", "alexnet"), {"latency": 80.0}),
        f=(with_framework("tensorrt", "alexnet"), {"latency": 1.0}),
    )
    networks = [published({"network": name, "framework": "torch"}, infer=(1, "s")) for name in ("resnet18", "vgg19")]
    average = published({"framework": "tensorrt"}, source={"over": "framework=torch"}, speedup=(7.0, ""))
    (one,) = references(session, [*networks, average])
    assert one.measured == pytest.approx((4 + 2) / 2)
    assert one.differs[-1] == "mean over 2 benchmarks here"
    (one,) = references(session, [published({}, power_idle=(1.5, "ms"))])
    assert (one.measured, one.differs) == (pytest.approx(2), ("mean over 2 benchmarks here",))


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
    text = render(replace(report, published=[there], papers=["all"]), width=80, colour=False)
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
