"""The checklists on constructed results: each verdict of each finding, and what is said where nothing was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from checklists import CHECKLISTS, FAILS, HOLDS, UNDECIDED, UNTESTED, Finding, render
from checklists.findings import Part
from checklists.reading import line, rows_of, significant
from hypothesis import given
from hypothesis import strategies as st
from studies import SUO_2021_TABLE_2

from pytest_edgeperf.results.study_definitions import Place
from pytest_edgeperf.results.types import HIGHER, Benchmark, Metric, Results, Run

#: How many each checklist has.
FINDINGS = {"suo-2021": 25, "mishra-2021": 13, "swaminathan-2024": 12, "trinh-2023": 24, "hadidi-2019": 21}
BFLOPS = {320: 38.97, 416: 65.86, 480: 87.68, 608: 140.69}


class Session:
    """Results that grow a benchmark at a time."""

    def __init__(self, device="host", noise=(0.999, 1.0, 1.001)):
        self.device, self.noise = device, noise
        self.benchmarks = {}

    def add(self, file, test, x=None, disturbed=False, parameters=None, **values):
        parameters = {"framework": "onnxruntime", "precision": "fp32", **(parameters or {})}
        name = f"benchmarks/{file}::{test}[{'-'.join(map(str, parameters.values()))}]"
        kept = {"quality": {"disturbed": disturbed}}
        metrics = {metric: Metric("1/s", HIGHER) if metric == "throughput" else Metric("ms") for metric in values}
        runs = [
            Run("e", "2026-01-01T00:00:00Z", "s", {metric: factor * value for metric, value in values.items()}, **kept)
            for factor in self.noise
        ]
        place = None if x is None else Place("study", "series", x)
        self.benchmarks[name] = Benchmark(parameters, metrics, tuple(runs), place=place)
        return self

    def results(self):
        return Results(self.device, {"e": {}}, self.benchmarks)

    def checklist(self, paper="suo-2021"):
        return {one.name: one for one in CHECKLISTS[paper](self.results()).findings}


def compared(session, framework, latency, memory=lambda x: 500.0, post=0.1, infer=None):
    for resolution, x in BFLOPS.items():
        session.add(
            "test_framework_comparison.py",
            "test_yolov3",
            x,
            parameters={"framework": framework, "resolution": resolution},
            latency=latency(x),
            infer=infer(x) if infer else (1 - post) * latency(x),
            postprocess=post * latency(x),
            memory_process_peak=memory(x),
        )


@pytest.fixture
def session():
    return Session()


def published_pytorch(x):
    """Formula (2) of suo-2021, on the complexities above."""
    if x <= 87.68:
        return 14.66 * x + 230.89
    return 10.72 * x - 116.07


def test_suos_own_figures_hold(session):
    compared(session, "tensorrt", lambda x: 5.32 * x + 37.62, lambda x: 1378.0, post=0.3)
    compared(
        session,
        "torch",
        lambda x: published_pytorch(x) if x < 100 else 1392.2,
        lambda x: 14.36 * x + 1393.52,
        post=0.95,
        infer=lambda x: 62.0,
    )
    found = session.checklist()
    for name in ("Observation 1", "Observation 2", "Observation 3", "Insight 1", "Insight 2"):
        assert found[name].verdict == HOLDS, found[name]
    assert "tensorrt 5.32 ms/GFLOP C + 37.6 ms" in found["Insight 1"].parts[0].figures


def test_a_linear_pytorch_is_told_to_be_so(session):
    compared(session, "onnxruntime", lambda x: 9 * x + 3, lambda x: 90 + 0.1 * x)
    compared(session, "torch", lambda x: 19 * x + 6, lambda x: 300 - x / 10)
    found = session.checklist()
    assert [part.verdict for part in found["Observation 1"].parts] == [HOLDS, HOLDS, FAILS]
    assert found["Observation 1"].verdict == FAILS
    assert "2679 ms at 141, the largest; ratio: 0.624 [0.62" in found["Observation 1"].parts[2].figures
    assert found["Observation 3"].verdict == FAILS
    assert "GFLOPs: 0.100 [0.100, 0.100]" in found["Observation 3"].parts[0].figures
    assert found["Insight 1"].verdict == UNTESTED
    assert "TensorRT was not measured" in found["Insight 1"].parts[-1].figures


def test_memory_that_is_not_stable_and_not_linear(session):
    compared(session, "onnxruntime", lambda x: x, lambda x: 10 * x)
    compared(session, "torch", lambda x: x, lambda x: 300.0 - x)
    assert [part.verdict for part in session.checklist()["Observation 2"].parts] == [FAILS, HOLDS, FAILS]


def test_without_pytorch_its_part_is_untested(session):
    compared(session, "tensorrt", lambda x: 5 * x + 4)
    found = session.checklist()
    assert [part.verdict for part in found["Observation 1"].parts] == [HOLDS, HOLDS, UNTESTED]
    assert found["Observation 1"].verdict == UNTESTED
    assert "PyTorch was not measured at 3 complexities" in found["Observation 1"].parts[2].figures
    assert found["Observation 3"].verdict == UNTESTED


def test_the_smaller_detector_stands_in_where_the_larger_has_too_few(session):
    for x in (10.0, 20.0, 40.0):
        session.add("test_framework_comparison.py", "test_yolov3_tiny", x, parameters={"resolution": x}, latency=x)
    session.add("test_framework_comparison.py", "test_yolov3", 38.97, parameters={"resolution": 320}, latency=1.0)
    assert "1.00 ms/GFLOP C + 0" in session.checklist()["Observation 1"].parts[0].figures


def profiled(session, framework, forward, where, copy, latency=100.0):
    session.add(
        "test_postprocessing_profile.py",
        "test_yolov3",
        87.68,
        parameters={"framework": framework, "resolution": 480},
        latency=latency,
        latency_forward=forward,
        latency_torch_where=where,
        latency_to_cpu=copy,
    )


@pytest.mark.parametrize(
    ("framework", "forward", "where", "copy", "verdicts"),
    [
        ("torch:cuda", 4.0, 95.0, 94.0, [HOLDS, HOLDS, HOLDS]),
        ("torch:cuda", 4.0, 95.0, 10.0, [HOLDS, HOLDS, FAILS]),
        ("torch", 4.0, 95.0, 0.0, [HOLDS, HOLDS, UNTESTED]),
        ("torch", 90.0, 1.0, 0.0, [FAILS, FAILS, UNTESTED]),
    ],
)
def test_observation_4(session, framework, forward, where, copy, verdicts):
    profiled(session, framework, forward, where, copy)
    assert [part.verdict for part in session.checklist()["Observation 4"].parts] == verdicts


def test_observation_4_needs_pytorch(session):
    profiled(session, "onnxruntime", 4.0, 95.0, 94.0)
    assert session.checklist()["Observation 4"].verdict == UNTESTED


def in_half(session, full_ms, half_ms, full_mib, half_mib, framework="tensorrt"):
    places = {"framework": framework, "network": "yolov3", "resolution": 416}
    session.add(
        "test_precision.py",
        "test_in_turns",
        parameters={**places, "precision": "fp16"},
        latency=full_ms,
        latency_fp16=half_ms,
    )
    for precision, mib in (("fp32", full_mib), ("fp16", half_mib)):
        session.add(
            "test_precision.py",
            "test_alone",
            parameters={**places, "precision": precision},
            latency=1.0,
            memory_process_peak=mib,
            engine_size=mib,
            output_error=0.01,
        )


def scaled(session, square, wide):
    for scaling, (latency, memory) in (("1:1", square), ("16:9", wide)):
        session.add(
            "test_resolution_scaling.py",
            "test_yolov3",
            parameters={"framework": "tensorrt", "longer": 416, "photo": "16:9", "scaling": scaling},
            latency=latency,
            memory_process_peak=memory,
        )


def test_observation_6_is_never_more_than_untested_without_an_accuracy(session):
    in_half(session, 100, 60, 1027, 779)
    scaled(session, (100, 900), (41, 800))
    found = session.checklist()["Observation 6"]
    assert [part.verdict for part in found.parts] == [HOLDS, HOLDS, HOLDS, HOLDS, UNTESTED]
    assert found.verdict == UNTESTED
    assert "fp16's time over fp32's: 0.600 [0.600, 0.600]" in found.parts[0].figures
    assert "over a square's time: 0.410 [0.40" in found.parts[2].figures
    assert "67% in 416x256" in found.parts[4].figures
    assert "off by 0.01" in found.parts[4].figures


def test_observation_6_where_half_precision_is_slower(session):
    in_half(session, 100, 120, 1027, 1100)
    scaled(session, (100, 900), (105, 1000))
    found = session.checklist()["Observation 6"]
    assert [part.verdict for part in found.parts] == [FAILS, FAILS, FAILS, FAILS, UNTESTED]
    assert found.verdict == FAILS


def table_2(session, rows, test="test_shapes", framework="tensorrt"):
    for (scaling, precision), value in rows.items():
        session.add(
            "test_resolution_scaling.py",
            test,
            parameters={"framework": framework, "scaling": scaling, "precision": precision},
            latency=1.0,
            AP=value,
        )


def test_observation_6_holds_with_the_papers_table_2(session):
    in_half(session, 100, 60, 1027, 779)
    scaled(session, (100, 900), (41, 800))
    bits = {32: "fp32", 16: "fp16"}
    table_2(session, {(scaling, bits[one]): ap for (scaling, one), (ap, _, _) in SUO_2021_TABLE_2.items()})
    found = session.checklist()["Observation 6"]
    assert [part.verdict for part in found.parts] == [HOLDS] * 7
    assert "tensorrt: AP 8.1 % at 4:3 fp32, 8.0 % at 1:1 fp32; points lost" in found.parts[4].figures


def test_observation_6_with_accuracy_that_is_lost(session):
    table_2(session, {("1:1", "fp32"): 45.6, ("4:3", "fp32"): 44.0, ("16:9", "fp32"): 39.4, ("16:9", "fp16"): 38.0})
    parts = session.checklist()["Observation 6"].parts
    assert [part.verdict for part in parts if "AP" in part.figures] == [FAILS] * 3


def test_the_users_photographs_count_before_drawn_shapes(session):
    table_2(session, {("1:1", "fp32"): 45.6, ("4:3", "fp32"): 30.0})
    table_2(session, {("1:1", "fp32"): 8.0, ("4:3", "fp32"): 8.05}, test="test_data")
    parts = [part for part in session.checklist()["Observation 6"].parts if "AP" in part.figures]
    assert [(part.verdict, part.figures.count("8.")) for part in parts] == [(HOLDS, 2)]


@pytest.mark.parametrize(("half", "verdict"), [(98.4, HOLDS), (91.0, FAILS)])
def test_mishras_accuracy_of_half_precision(session, half, verdict):
    for precision, value in (("fp32", 98.9), ("fp16", half)):
        session.add(
            "test_precision.py",
            "test_digits",
            parameters={"framework": "onnxruntime", "precision": precision},
            latency=1.0,
            top1=value,
        )
    (part,) = session.checklist("mishra-2021")["2.2.3 accuracy"].parts
    assert part.verdict == verdict
    assert part.figures.startswith(f"onnxruntime: top1 98.9 % in fp32, {half:.1f} % in fp16, points lost")


def parallel(session, resolution, throughputs, framework="tensorrt"):
    for n, value in throughputs.items():
        session.add(
            "test_parallel_engines.py",
            "test_yolov3",
            n,
            parameters={"framework": framework, "resolution": resolution, "n": n},
            latency=1.0,
            throughput=value,
        )


@pytest.mark.parametrize(
    ("below", "above", "verdicts"),
    [
        ({1: 10, 2: 12, 3: 13}, {1: 4, 2: 4, 3: 4.1}, [HOLDS, HOLDS, HOLDS]),
        ({1: 10, 2: 12, 3: 11}, {1: 4, 3: 6}, [HOLDS, FAILS, FAILS]),
        ({1: 10, 2: 10.2}, {1: 4, 2: 4}, [FAILS, HOLDS]),
        ({1: 10, 2: 13}, {}, [HOLDS, UNTESTED]),
        ({2: 12, 3: 13}, {1: 4}, [UNTESTED, UNTESTED]),
    ],
)
def test_observation_7(session, below, above, verdicts):
    parallel(session, 320, below)
    parallel(session, 608, above)
    assert [part.verdict for part in session.checklist()["Observation 7"].parts] == verdicts


@pytest.mark.parametrize(
    ("framework", "above", "verdicts"),
    [
        ("tensorrt", {1: 4, 2: 4.4}, [HOLDS]),
        ("tensorrt", {1: 4, 2: 6}, [FAILS]),
        ("onnxruntime", {1: 4, 2: 4.4}, [HOLDS, UNTESTED]),
        ("tensorrt", {}, [UNTESTED]),
    ],
)
def test_insight_4(session, framework, above, verdicts):
    parallel(session, 320, {1: 10, 2: 13}, framework)
    parallel(session, 608, above, framework)
    assert [part.verdict for part in session.checklist()["Insight 4"].parts] == verdicts


def powered(session, resolution, watts):
    for (framework, precision), (mean, sd, *peak) in watts.items():
        session.add(
            "test_power.py",
            "test_yolov3",
            parameters={"framework": framework, "precision": precision, "resolution": resolution},
            latency=1.0,
            power_mean=mean,
            power_sd=sd,
            **({"power_max": peak[0]} if peak else {}),
        )


@pytest.mark.parametrize(("middle_ms", "verdict"), [(900.0, HOLDS), (500.0, FAILS)])
def test_resolutions_that_are_advised_against(session, middle_ms, verdict):
    compared(session, "torch", lambda x: middle_ms if 60 < x < 90 else 800.0)
    assert session.checklist()["Suggestion 2"].verdict == verdict


@pytest.mark.parametrize(
    ("metric", "device", "whole_mib", "verdict"),
    [
        ("memory_system_peak", "nano", 3600, HOLDS),
        ("memory_device_peak", "host-rtx-2080", 7800, HOLDS),
        ("memory_system_peak", "nano", 1900, FAILS),
        ("memory_process_peak", "nano", 3600, UNTESTED),
    ],
)
def test_tensorflows_memory_is_what_it_takes_of_the_gpu_with_and_without_a_limit(metric, device, whole_mib, verdict):
    board = Session(device)
    for memory, mib in (("all", whole_mib), (2500, 2400)):
        parameters = {"framework": "tensorflow:cuda", "resolution": 416, "memory": memory}
        board.add(
            "test_framework_comparison.py",
            "test_memory_limit",
            parameters=parameters,
            latency=100.0,
            **{metric: mib},
        )
    found = board.checklist()["Suggestion 1"]
    assert found.verdict == verdict
    assert "416: memory without a limit over that with 2500 MiB" in found.parts[0].figures


@pytest.mark.parametrize(("tensorrt_ms", "verdict"), [(90.0, HOLDS), (120.0, FAILS)])
def test_tensorrt_is_advised_where_it_is_the_fastest(tensorrt_ms, verdict):
    board = Session("xavier-nx")
    compared(board, "tensorrt", lambda _: tensorrt_ms)
    compared(board, "torch:cuda", lambda _: 100.0)
    found = board.checklist()
    assert (found["Suggestion 4"].verdict, found["Section IV-D"].verdict) == (verdict, verdict)


def test_energy_that_is_saved(session):
    joules = {("torch", "fp32"): 1.0, ("tensorrt", "fp32"): 3.0, ("tensorrt", "fp16"): 2.0}
    for resolution, pytorch in ((320, 1.0), (608, 5.0)):
        for (framework, precision), energy in {**joules, ("torch", "fp32"): pytorch}.items():
            session.add(
                "test_power.py",
                "test_yolov3",
                parameters={"framework": framework, "precision": precision, "resolution": resolution},
                latency=energy * 10,
                energy_per_inference=energy,
            )
    found = session.checklist()
    assert (found["Suggestion 7"].verdict, found["Suggestion 8"].verdict) == (HOLDS, HOLDS)
    in_half(session, 100, 60, 1027, 779)
    table_2(session, {("16:9", "fp32"): 8.0, ("16:9", "fp16"): 7.9})
    scaled(session, (100, 900), (61, 800))
    found = session.checklist()
    assert (found["Suggestion 5"].verdict, found["Suggestion 6"].verdict) == (HOLDS, HOLDS)


def inside(session, times, timing="synchronised", network="yolov3-tiny"):
    for (resolution, x), (infer, postprocess) in zip(BFLOPS.items(), times):
        session.add(
            "test_postprocessing_profile.py",
            "test_yolo_layer_inside",
            x,
            parameters={"framework": "torch:cuda", "network": network, "resolution": resolution, "timing": timing},
            latency=infer + postprocess,
            infer=infer,
            postprocess=postprocess,
        )


TABLE_1 = [(62.44, 727.77), (62.82, 1164.61), (61.04, 1444.48), (59.38, 1332.79)]


def test_the_forward_time_is_that_with_the_yolo_layer_in_it_and_nothing_waited_for(session):
    compared(session, "torch:cuda", lambda x: 10 * x, post=0.1)
    inside(session, [(500 + 10 * x, 10) for x in BFLOPS.values()])
    assert session.checklist()["Observation 3"].verdict == FAILS
    inside(session, TABLE_1, "unsynchronised")
    found = session.checklist()["Observation 3"]
    assert found.verdict == HOLDS
    assert "its forward time goes from 62.4 to 59.4 ms" in found.parts[1].figures
    inside(session, [(100, 10)] * 4, "unsynchronised", network="yolov3")
    assert session.checklist()["Observation 3"].verdict == FAILS


@pytest.mark.parametrize(("post_ms", "verdict"), [(50, HOLDS), (5000, FAILS)])
def test_figure_8_is_read_from_a_board_and_a_host(post_ms, verdict):
    nano, host = Session("nano"), Session("host")
    inside(nano, TABLE_1, "unsynchronised")
    inside(host, [(10, post_ms)] * 4, "unsynchronised")
    found = {one.name: one for one in CHECKLISTS["suo-2021"](nano.results(), host.results()).findings}
    assert found["Observation 5"].verdict == verdict
    assert (
        "post-processing over forward on nano over that on host (figure 8)" in found["Observation 5"].parts[0].figures
    )


def combined(session, steps, **others):
    for (precision, scaling, n), (throughput, memory) in steps.items():
        parameters = {"precision": precision, "longer": 320, "photo": "16:9", "scaling": scaling, "n": n}
        session.add(
            "test_parallel_engines.py",
            "test_combined",
            parameters={"network": "yolov3-tiny", **parameters, **others},
            throughput=throughput,
            memory_process_peak=memory,
        )


HEADLINE = {("fp32", "1:1", 1): (3.9, 1027), ("fp16", "16:9", 1): (10.5, 779), ("fp16", "16:9", 3): (13.1, 2000)}


def test_the_headline_as_published(session):
    combined(session, HEADLINE)
    session.add(
        "test_parallel_engines.py",
        "test_most_engines",
        parameters={"precision": "fp16", "scaling": "16:9", "network": "yolov3-tiny"},
        engine_count=3,
    )
    found = session.checklist()
    assert found["Section VI"].verdict == HOLDS
    figures = [part.figures for part in found["Section VI"].parts]
    assert figures[0].startswith("host onnxruntime yolov3-tiny: 3.90 to 10.5 frames per second, ratio: 2.69 [")
    assert "memory, ratio: 0.759 [" in figures[1]
    assert "3 engines 13.1 frames per second, over one: 1.25 [" in figures[2]
    assert "engines that there is memory for, of 8 at most: 3.00 [" in figures[3]
    assert found["Real time"].verdict == FAILS
    assert "frames per second of the fastest, 24 asked: 13.1 [" in found["Real time"].parts[0].figures


def test_a_headline_that_is_another(session):
    combined(session, {("fp32", "1:1", 1): (60, 779), ("fp16", "16:9", 1): (50, 1027), ("fp16", "16:9", 2): (40, 2000)})
    combined(session, {("fp32", "1:1", 1): (200, 10)}, framework="torch")
    found = session.checklist()
    assert [part.verdict for part in found["Section VI"].parts] == [FAILS, FAILS, FAILS]
    assert found["Real time"].verdict == HOLDS
    assert "host, onnxruntime" in found["Real time"].parts[0].figures


def test_the_larger_detectors_headline_counts_where_it_was_measured(session):
    combined(session, HEADLINE)
    combined(session, {step: (value / 2, memory) for step, (value, memory) in HEADLINE.items()}, network="yolov3")
    assert "host onnxruntime yolov3: 1.95 to 5.25" in session.checklist()["Section VI"].parts[0].figures


PUBLISHED = {("torch", "fp32"): (5.0, 0.1), ("tensorrt", "fp32"): (6.0, 0.9), ("tensorrt", "fp16"): (5.5, 0.9)}


def test_power_as_published(session):
    powered(session, 416, PUBLISHED)
    powered(session, 608, {**PUBLISHED, ("torch", "fp32"): (7.0, 0.1)})
    found = session.checklist()
    assert {found[name].verdict for name in ("Observation 8", "Observation 9", "Insight 5")} == {HOLDS}
    assert "W: torch fp32 5.00, best other tensorrt fp16 5.50" in found["Observation 8"].parts[0].figures
    assert "15.0% of its mean with tensorrt, 2.0% with torch" in found["Observation 9"].parts[0].figures


def test_power_the_other_way_round(session):
    other = {("torch", "fp32"): (6.0, 0.9), ("tensorrt", "fp32"): (5.0, 0.1), ("tensorrt", "fp16"): (5.5, 0.1)}
    powered(session, 416, other)
    found = session.checklist()
    assert {found[name].verdict for name in ("Observation 8", "Observation 9", "Insight 5")} == {FAILS}


@pytest.mark.parametrize(("peak", "verdict"), [(8.1, HOLDS), (5.5, FAILS)])
def test_the_peak_of_sixteen_bits_is_held_against_each_framework_that_trains(session, peak, verdict):
    measured = {
        ("torch", "fp32"): (6.0, 0.1, 8.0),
        ("tensorflow", "fp32"): (6.0, 0.1, 8.2),
        ("tensorrt", "fp32"): (6.0, 0.9, 12.0),
        ("tensorrt", "fp16"): (5.0, 0.9, peak),
    }
    powered(session, 608, measured)
    peaks = [part for part in session.checklist()["Insight 5"].parts if "peak" in part.figures]
    assert [part.verdict for part in peaks] == [verdict, verdict]
    assert peaks[1].figures.startswith("host at 608: peak of tensorrt fp16 over tensorflow's fp32")


@pytest.mark.parametrize("paper", ["suo-2021", "mishra-2021"])
def test_one_run_decides_nothing(paper):
    once = Session(noise=(1.0,))
    compared(once, "tensorrt", lambda x: 5.32 * x + 37.62)
    compared(once, "torch", lambda x: 14.66 * x + 230.89, post=0.95)
    in_half(once, 100, 60, 1027, 779)
    scaled(once, (100, 900), (41, 800))
    parallel(once, 320, {1: 10, 2: 12, 3: 13})
    powered(once, 416, PUBLISHED)
    leveled(once, MISHRAS)
    verdicts = {part.verdict for one in once.checklist(paper).values() for part in one.parts}
    assert verdicts == {UNDECIDED, UNTESTED}
    (note,) = CHECKLISTS[paper](once.results()).notes
    assert "have one undisturbed run, which decides nothing: --baseline=off measures three" in note


def test_runs_that_scatter_more_than_they_differ_do_not_tell():
    scattered = Session(noise=(0.5, 1.0, 2.0))
    in_half(scattered, 100, 60, 200, 100)
    assert scattered.checklist("mishra-2021")["2.2.3 size"].verdict == UNDECIDED


def test_a_board_whose_runs_lack_the_systems_memory_says_so():
    board = Session(device="nano")
    compared(board, "tensorrt", lambda x: 5 * x + 4)
    found = board.checklist()["Observation 2"]
    assert found.verdict == UNTESTED
    assert "nano: processor and GPU share one memory" in found.parts[0].figures
    assert "memory_system_peak" in found.parts[0].figures


def test_devices_are_compared_where_several_files_are_given():
    nano, host = Session("nano"), Session("host")
    for session, ms in ((nano, 800.0), (host, 100.0)):
        compared(session, "torch", lambda x, ms=ms: ms, post=0.9)
    listed = {one.name: one for one in CHECKLISTS["suo-2021"](nano.results(), host.results()).findings}
    assert listed["Observation 5"].verdict == HOLDS
    assert "latency on nano over host: 8.00" in listed["Observation 5"].parts[1].figures
    listed = {one.name: one for one in CHECKLISTS["suo-2021"](host.results(), host.results()).findings}
    assert "(here: host, host (2);" in listed["Observation 5"].parts[0].figures


@pytest.mark.parametrize("paper", CHECKLISTS)
def test_where_nothing_was_measured_everything_says_why(session, paper):
    checklist = CHECKLISTS[paper](session.results())
    assert checklist.count(UNTESTED) == len(checklist.findings) == FINDINGS[paper]
    assert all(part.figures for one in checklist.findings for part in one.parts)
    assert render(checklist).splitlines()[-1].endswith(f"{len(checklist.findings)} cannot be tested here")


def leveled(session, fps, framework="torch:cuda"):
    for level, value in fps.items():
        session.add(
            "test_pipeline_optimisation.py",
            "test_video",
            parameters={"framework": framework, "network": "ssd300", "level": level},
            latency=4000 / value,
        )


MISHRAS = {"baseline": 1.09, "cpu-postprocessing": 1.53, "whole-tensors": 2.27, "batches": 2.57, "half": 1.20}
LEVELS = ("2.2.2 level 1", "2.2.2 level 2", "2.2.2 level 3", "2.2.2 level 4", "2.2.2 in all")


def test_mishras_own_levels_hold(session):
    leveled(session, MISHRAS)
    found = session.checklist("mishra-2021")
    assert [found[name].verdict for name in LEVELS] == [HOLDS] * 5
    assert "1.09 to 1.53 FPS, +40%" in found["2.2.2 level 1"].parts[0].figures
    assert "1.09 to 2.57 FPS, +136% (batches)" in found["2.2.2 in all"].parts[0].figures
    assert found["2.2.2 baseline"].verdict == UNTESTED


def test_levels_that_gain_nothing(session):
    leveled(session, {"baseline": 3, "cpu-postprocessing": 2, "whole-tensors": 1.5, "batches": 1.4, "half": 2.0})
    found = session.checklist("mishra-2021")
    assert [found[name].verdict for name in LEVELS] == [FAILS] * 5


def test_on_a_cpu_moving_cannot_be_tested(session):
    leveled(session, {"baseline": 10, "whole-tensors": 15, "batches": 16, "half": 8}, framework="torch")
    found = session.checklist("mishra-2021")
    assert [found[name].verdict for name in LEVELS] == [UNTESTED, UNTESTED, HOLDS, HOLDS, HOLDS]
    assert "whole-tensor operations alone: host, torch, ssd300: 10.0 to 15.0 FPS, +50%" in (
        found["2.2.2 level 2"].parts[0].figures
    )


def test_mishras_precisions(session):
    in_half(session, 100, 60, 200, 100)
    found = session.checklist("mishra-2021")
    assert found["2.2.3 size"].verdict == HOLDS
    assert found["2.2.3 accuracy"].verdict == UNTESTED
    assert "off by 0.01 to 0.01" in found["2.2.3 accuracy"].parts[0].figures
    assert found["2.2.3 dependence"].verdict == UNTESTED
    in_half(session, 100, 60, 200, 190)
    assert session.checklist("mishra-2021")["2.2.3 size"].verdict == FAILS


@pytest.mark.parametrize(("other", "verdict"), [(110.0, HOLDS), (62.0, FAILS)])
def test_what_half_precision_gains_depends_on_the_network(session, other, verdict):
    in_half(session, 100, 60, 200, 100)
    session.add(
        "test_precision.py",
        "test_in_turns",
        parameters={"framework": "tensorrt", "precision": "fp16", "network": "resnet18", "resolution": 160},
        latency=100.0,
        latency_fp16=other,
    )
    parts = session.checklist("mishra-2021")["2.2.3 dependence"].parts
    assert [part.verdict for part in parts] == [verdict, UNTESTED]


@pytest.mark.parametrize(("pose", "verdict"), [(14.0, HOLDS), (30.0, FAILS)])
def test_the_order_of_tasks(session, pose, verdict):
    for task, fps in (("detection", 26.0), ("segmentation", 11.0), ("pose", pose), ("classification", 50.0)):
        session.add("test_task_models.py", "test_task", parameters={"task": task}, latency=1000 / fps)
    found = session.checklist("mishra-2021")["2.3 tasks"]
    assert found.verdict == verdict
    assert "classification 50.0, detection 26.0" in found.parts[0].figures


def test_frames_a_dollar_of_two_boards():
    boards = []
    for device, fps in (("nano", 26.0), ("rpi3", 20.0)):
        board = Session(device)
        board.add("test_task_models.py", "test_task", parameters={"task": "detection"}, latency=1000 / fps)
        boards.append(board.results())
    found = {one.name: one for one in CHECKLISTS["mishra-2021"](*boards).findings}["2.3 price"]
    assert found.verdict == HOLDS
    assert "detection, FPS a dollar: nano 0.241 ($108), rpi3 0.571 ($35)" in found.parts[0].figures


@pytest.mark.parametrize(("nano", "verdict"), [(70.0, FAILS), (20.0, HOLDS)])
def test_the_tiny_yolo_is_chosen_by_speed(session, nano, verdict):
    for network, fps in (("yolov3-tiny", 40.0), ("yolox-nano", nano), ("ssd-mobilenetv2", 30.0)):
        session.add("test_detector_choice.py", "test_detector", parameters={"network": network}, latency=1000 / fps)
    found = session.checklist("mishra-2021")["2.4 use case"]
    assert found.verdict == verdict
    assert "yolov3-tiny" in found.parts[0].figures


def test_disturbed_runs_are_used_only_where_there_are_no_others_and_said(session):
    session.add("test_task_models.py", "test_task", disturbed=True, parameters={"task": "pose"}, latency=7.0)
    (row,) = rows_of(session.results())
    assert (row.values["latency"], row.disturbed) == (7.0, True)
    assert "disturbed in every run of 1 benchmarks" in render(CHECKLISTS["mishra-2021"](session.results()))
    (name,) = session.benchmarks
    before = session.benchmarks[name]
    calm = Run("e", "2026-01-01T00:00:00Z", "s", {"latency": {"n": 5, "p50": 5.0}})
    session.benchmarks[name] = replace(before, runs=(*before.runs, calm))
    (row,) = rows_of(session.results())
    assert (row.values["latency"], row.disturbed) == (5.0, False)


def test_a_finding_is_as_good_as_its_parts():
    def verdict(*verdicts):
        return Finding("", "", tuple(Part(one, "") for one in verdicts)).verdict

    assert verdict(HOLDS, HOLDS) == HOLDS
    assert verdict(HOLDS, UNTESTED) == UNTESTED
    assert verdict(HOLDS, UNDECIDED) == UNDECIDED
    assert verdict(UNTESTED, FAILS, HOLDS) == FAILS


def test_parts_of_different_verdicts_are_told_apart(session):
    leveled(session, {"baseline": 10, "batches": 16}, framework="torch")
    in_half(session, 100, 60, 1027, 779)
    text = render(CHECKLISTS["suo-2021"](session.results()), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "[holds here] host, tensorrt, yolov3 416: fp16's time" in text
    assert "Observation 5: a faster CPU makes PyTorch faster" in text


@given(st.floats(-50, 50), st.floats(-500, 500), st.lists(st.floats(0, 200), min_size=2, max_size=9, unique=True))
def test_a_line_is_found_again(slope, intercept, x):
    if max(x) - min(x) < 1:
        return
    found = line(x, [slope * one + intercept for one in x])
    assert found.slope == pytest.approx(slope, abs=1e-6)
    assert found.intercept == pytest.approx(intercept, abs=1e-4)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (1.0, "1.00"), (12.345, "12.3"), (1234, "1234"), (-2.5, "-2.50")],
)
def test_three_digits(value, text):
    assert significant(value) == text
