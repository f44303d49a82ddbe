"""What the study of energy shows of measured figures, and what the checklist of hadidi-2019 decides by them."""

from __future__ import annotations

import pytest
from checklists import CHECKLISTS
from checklists.findings import FAILS, HOLDS
from studies import HADIDI_2019_ENERGY, HADIDI_2019_SOFTWARE_STACK, HADIDI_2019_TEMPERATURE

from pytest_edgeperf.judge.studies.study_results import read_studies
from pytest_edgeperf.measure.measurement import METRICS
from pytest_edgeperf.report.study_tables import study_tables
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.study_definitions import Place
from pytest_edgeperf.results.types import Benchmark, Results

from ..judge.builders import run

GFLOPS = {"mobilenetv2": 0.6, "resnet18": 3.6}
ENERGY = "benchmarks/test_energy.py::test_energy"


def benchmark(study, network, framework, **values):
    """Of three runs, which differ by 1 %."""
    runs = tuple(run({name: value * (1 + n / 100) for name, value in values.items()}) for n in range(3))
    parameters = {"network": network, "framework": framework, "precision": "fp32"}
    place = Place(study.name, framework, GFLOPS[network], network)
    return Benchmark(parameters, {name: METRICS[name] for name in values}, runs, place=place)


def board(device, framework, watts, idle_w, idle_c, ms=20.0):
    measured = {
        f"{ENERGY}[{framework}-fp32-{network}]": benchmark(
            HADIDI_2019_ENERGY,
            network,
            framework,
            latency=ms * gflops,
            throughput=1e3 / (ms * gflops),
            flops=1e9 * gflops,
            power_mean=watts,
            power_max=1.1 * watts,
            power_idle=idle_w,
            energy_per_inference=watts * ms * gflops,
            energy_above_idle=(watts - idle_w) * ms * gflops,
            temperature_idle=idle_c,
            temperature_max=idle_c + 9,
        )
        for network, gflops in GFLOPS.items()
    }
    return Results(device, benchmarks=measured, studies={HADIDI_2019_ENERGY.name: HADIDI_2019_ENERGY})


def text_of(results):
    return [line for block in study_tables(results, Paper(120)) for line in block]


def test_energy_is_shown_by_network_and_the_front_of_throughput_for_power():
    lines = text_of(board("nano", "tensorrt", 4.58, 1.25, 35.2))
    start = lines.index(f"{HADIDI_2019_ENERGY.name}: tensorrt")
    row = lines[start + 2].split()
    assert row[:5] == ["mobilenetv2", "0.600", "55.5", "40.4", "4.63"]
    assert any(line.split()[-2:] == ["Pareto", "front"] for line in lines)
    (result,) = read_studies(board("nano", "tensorrt", 4.58, 1.25, 35.2))
    front, by_operations = result.pareto
    assert (front.cost, front.gain) == ("power_mean", "throughput")
    assert (by_operations.cost, by_operations.gain) == ("power_mean", "flop_rate")
    assert [point.benchmark for point in front.front] == [f"{ENERGY}[tensorrt-fp32-mobilenetv2]"]


BOARDS = (("tx2", "torch:cuda", 9.65, 1.90, 32.4), ("nano", "tensorrt", 4.58, 1.25, 35.2))


@pytest.mark.parametrize(("pi", "verdict"), [((2.73, 1.33, 43.3), HOLDS), ((5.73, 1.13, 30.0), FAILS)])
def test_the_printed_orders_of_power_and_temperature_are_decided_by_measured_figures(pi, verdict):
    measured = [board(*one) for one in BOARDS] + [board("rpi3", "tflite", *pi, ms=200.0)]
    found = {finding.name: finding for finding in CHECKLISTS["hadidi-2019"](*measured).findings}
    assert {found["H18"].verdict, found["H19"].verdict} == {verdict}


@pytest.mark.parametrize("study", [HADIDI_2019_ENERGY, HADIDI_2019_TEMPERATURE, HADIDI_2019_SOFTWARE_STACK])
def test_what_the_studies_read_are_metrics_that_runs_have(study):
    named = {part for metric in (*study.metrics, *study.shares, study.whole) for part in metric.split("/")}
    # made of the operations and the latency
    assert named - {"flop_rate"} <= set(METRICS)


def test_a_cold_start_is_shown_in_shares_and_a_runtime_that_reads_and_builds_at_once_has_a_dash():
    starts = {
        "torch": {"import_time": 700.0, "load_time": 200.0, "build_time": 50.0},
        "onnxruntime": {"import_time": 100.0, "build_time": 390.0},
    }
    measured = {
        framework: benchmark(
            HADIDI_2019_SOFTWARE_STACK,
            "resnet18",
            framework,
            **steps,
            first_inference=50.0 if framework == "torch" else 10.0,
            cold_start=1000.0 if framework == "torch" else 500.0,
            latency=20.0,
        )
        for framework, steps in starts.items()
    }
    study = HADIDI_2019_SOFTWARE_STACK
    lines = text_of(Results("rpi3", benchmarks=measured, studies={study.name: study}))
    assert lines[1].split() == ["torch", "onnxruntime"]
    assert [line.split()[-2:] for line in lines if "% of cold start" in line] == [
        ["70.0", "20.0"],
        ["20.0", "-"],
        ["5.0", "78.0"],
        ["5.0", "2.0"],
        ["0.0", "0.0"],
    ]
    (whole,) = [line for line in lines if line.strip().startswith("cold start (ms)")]
    assert whole.split()[-2:] == ["1010", "505"]
    (ratio,) = [line for line in lines if line.strip().startswith("cold start/latency")]
    assert ratio.split()[-2:] == ["50.0", "25.0"]
