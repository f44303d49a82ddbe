"""Each checklist on its paper's own figures, and on runs that scatter around them."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from checklists import CHECKLISTS, CONTRADICTED, FAILS, HOLDS, UNDECIDED, UNTESTED
from checklists.intervals import PRINTED
from checklists.reading import FPS, rows_of

from pytest_edgeperf import read_results
from pytest_edgeperf.results.types import Against, Benchmark, Metric, Results, Run

PUBLISHED = [
    read_results(path) for path in sorted((Path(__file__).parents[2] / "baselines" / "published").glob("*.json"))
]
#: What a paper's own figures say of its findings: (hold, contradicted, not decided). What it prints no figures of is in
#: none of them and cannot be tested.
OWN = {
    "suo-2021": (
        [*(f"Observation {n}" for n in (4, 6, 7)), "Section IV-D", "Section VI", "Suggestion 2", "Suggestion 5"],
        # as printed: its longest time is not at 87.68 BFLOPs; 1027 MB beside "stable at 1378"; +19.6 %; 4.93 < 5.32;
        # "41 % of" is 65 % by formula (3); 13.1 frames per second are not a camera's
        ["Observation 1", "Observation 2", "Observation 3", "Insight 1", "Insight 2", "Suggestion 6", "Real time"],
        [],
    ),
    "mishra-2021": (
        [*(f"2.2.2 level {level}" for level in (1, 2, 3, 4)), "2.3 tasks", "2.3 devices", "2.3 price"],
        # 68 % is 1.53 to 2.57
        ["2.2.2 in all"],
        [],
    ),
    "swaminathan-2024": (["S1", "S2", "S4", "S7", "S8", "S9"], ["S3", "S5", "S6", "S12"], []),
    "trinh-2023": (
        ["T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T15", "T16", "T17", "T18", "T21", "T23"],
        # ShuffleNet gains 1.88 times over CUDA; stride 32: 1.43 times on a Raspberry Pi 4's CPU, 0.63 on a TX2's GPU
        ["T10", "T22"],
        [],
    ),
    # the matrix marks four of nine networks as trouble on a Raspberry Pi 3
    "hadidi-2019": (["H10", "H17", "H18", "H19"], ["H2"], []),
}


def own_findings(paper, results=PUBLISHED):
    return {one.name: one for one in CHECKLISTS[paper](*results).findings}


def paper_of(name):
    return import_module(f"papers.{name.replace('-', '_')}").PAPER


def test_every_checklist_is_tried():
    assert set(OWN) == set(CHECKLISTS)


@pytest.mark.parametrize("paper", OWN)
def test_the_papers_own_figures(paper):
    found = own_findings(paper)
    expected = dict.fromkeys(found, UNTESTED)
    for names, verdict in zip(OWN[paper], (HOLDS, CONTRADICTED, UNDECIDED)):
        expected.update(dict.fromkeys(names, verdict))
    assert {name: one.verdict for name, one in found.items()} == expected
    decided = [part for one in found.values() for part in one.parts if part.verdict != UNTESTED]
    assert decided
    assert all(part.figures.endswith(f"({PRINTED})") for part in decided)
    assert all(part.figures for one in found.values() for part in one.parts)


def measured(paper, factors):
    """Results of each device as if these benchmarks had given the paper's figures, a run for each row of factors."""
    of_device = {}
    for index, row in enumerate(rows_of(*PUBLISHED, paper=paper_of(paper))):
        test = row.test if row.test != "test_" else "test_all"
        parameters = dict(row.parameters)
        name = f"benchmarks/{row.file}::{test}[{'-'.join(map(str, (*parameters.values(), index)))}]"
        metrics = {metric: Metric("ms") for metric in row.values if metric != FPS}
        runs = tuple(
            Run("e", "2026-01-01T00:00:00Z", "s", {metric: factor * row.values[metric] for metric in metrics})
            for factor in factors(len(of_device.get(row.device, ())))
        )
        of_device.setdefault(row.device, {})[name] = Benchmark(parameters, metrics, runs)
    return [Results(device, {"e": {}}, benchmarks) for device, benchmarks in of_device.items()]


@pytest.mark.parametrize("paper", OWN)
def test_one_run_of_everything_decides_nothing(paper):
    found = own_findings(paper, measured(paper, lambda _: [1.0]))
    assert {one.verdict for one in found.values()} <= {UNDECIDED, UNTESTED}


#: What holds in the printed figures only, as of runs another part has to be tested too.
NEED_MORE = {"swaminathan-2024": set(), "trinh-2023": {"T2"}, "hadidi-2019": set()}
#: What the printed figures contradict, but runs of the same figures do not: the matrix has no figures.
PRINTED_ONLY = {"hadidi-2019": {"H2"}}


@pytest.mark.parametrize("paper", ["swaminathan-2024", "trinh-2023", "hadidi-2019"])
def test_runs_around_the_papers_figures_decide_as_these_do(paper):
    generator = np.random.default_rng(6)
    found = own_findings(paper, measured(paper, lambda _: 1 + generator.normal(0, 0.0005, 5)))
    holding, contradicted, _ = OWN[paper]
    assert {name for name, one in found.items() if one.verdict == FAILS} == set(contradicted) - PRINTED_ONLY.get(
        paper, set()
    )
    assert {name for name, one in found.items() if one.verdict == HOLDS} == set(holding) - NEED_MORE[paper]
    for name in NEED_MORE[paper]:
        assert {part.verdict for part in found[name].parts} == {HOLDS, UNTESTED}
    assert not any(PRINTED in part.figures for one in found.values() for part in one.parts)


def test_runs_that_scatter_too_much_do_not_tell():
    generator = np.random.default_rng(7)
    results = measured("swaminathan-2024", lambda _: np.exp(generator.normal(0, 2, 2)))
    found = own_findings("swaminathan-2024", results)
    assert found["S1"].verdict == found["S5"].verdict == found["S12"].verdict == UNDECIDED


class Rows:
    """Results that grow a benchmark at a time, of runs that scatter a little."""

    def __init__(self, device):
        self.device, self.benchmarks = device, {}

    def add(self, file, network, framework="onnxruntime", **values):
        parameters = {"network": network, "framework": framework, "precision": "fp32"}
        metrics = {metric: Metric("ms") for metric in values}
        runs = [
            Run("e", "2026-01-01T00:00:00Z", "s", {metric: scaled(value, factor) for metric, value in values.items()})
            for factor in (0.999, 1.0, 1.001)
        ]
        name = f"benchmarks/{file}::test_all[{network}-{framework}]"
        self.benchmarks[name] = Benchmark(parameters, metrics, tuple(runs))
        return self

    def results(self):
        return Results(self.device, {"e": {}}, self.benchmarks)


def scaled(value, factor):
    if isinstance(value, dict):
        return {name: number if name == "n" else factor * number for name, number in value.items()}
    return factor * value


@pytest.mark.parametrize(("first_ms", "slowest_ms", "verdict"), [(30, 90, HOLDS), (10.1, 90, FAILS), (30, 11, FAILS)])
def test_what_warm_up_costs(first_ms, slowest_ms, verdict):
    xavier = Rows("agx-xavier")
    xavier.add("test_warmup.py", "mobilenetv2", first_inference=first_ms, latency=10)
    xavier.add("test_warmup.py", "densenet121", first_inference=slowest_ms, latency=10)
    assert own_findings("trinh-2023", [xavier.results()])["T11"].verdict == verdict


def test_a_raspberry_pi_that_begins_fast_and_warms_up_for_long():
    rpi3 = Rows("rpi3").add("test_warmup.py", "resnet18", first_inference=90, latency=100, warm_up=15000)
    assert own_findings("trinh-2023", [rpi3.results()])["T12"].verdict == HOLDS
    rpi3.add("test_warmup.py", "resnet18", first_inference=90, latency=100, warm_up=5000)
    assert own_findings("trinh-2023", [rpi3.results()])["T12"].verdict == FAILS


def spread(sd):
    return {"n": 100, "mean": 10.0, "p50": 10.0, "sd": sd}


@pytest.mark.parametrize(("mobile_sd", "verdict"), [(0.1, HOLDS), (0.9, FAILS)])
def test_how_much_mobile_networks_vary(mobile_sd, verdict):
    tx2 = Rows("tx2")
    for network, sd in (("mobilenetv2", mobile_sd), ("alexnet", 0.5)):
        tx2.add("test_model_zoo.py", network, "onnxruntime:cuda", latency=11, infer=spread(sd))
        tx2.add("test_model_zoo.py", network, latency=11, infer=spread(0.5))
    # what varies in a run by a factor that is the same in mean and sd does not vary
    assert own_findings("trinh-2023", [tx2.results()])["T14"].verdict == verdict


def test_trinhs_statements_of_one_board_need_that_board():
    found = own_findings("trinh-2023", [Rows("host").add("test_model_zoo.py", "resnet18", latency=5).results()])
    assert "rpi3" in found["T2"].parts[0].figures
    assert {one.verdict for one in found.values()} == {UNTESTED}


def hadidi(*sessions):
    return {name: one.verdict for name, one in own_findings("hadidi-2019", [one.results() for one in sessions]).items()}


ZOO = "test_model_zoo.py"


def zoo(device, framework="torch", **latencies):
    """Networks by names without their hyphens, in ms."""
    session = Rows(device)
    for network, ms in latencies.items():
        session.add(ZOO, network, framework, latency=ms)
    return session


@pytest.mark.parametrize(
    ("nano", "tx2", "verdict"),
    [
        ({"vgg16": 5, "alexnet": 9}, {"vgg16": 9, "alexnet": 5}, HOLDS),
        ({"vgg16": 5, "alexnet": 5}, {"vgg16": 9, "alexnet": 9}, FAILS),
        ({"vgg16": 5, "alexnet": 5}, {"vgg16": 9, "alexnet": 5}, UNDECIDED),
        ({"vgg16": 5}, {"vgg16": 9}, UNTESTED),
    ],
)
def test_whether_a_device_is_the_best_for_all(nano, tx2, verdict):
    assert hadidi(zoo("nano", **nano), zoo("tx2", **tx2))["H1"] == verdict


def test_a_raspberry_pi_that_runs_all_or_not():
    pi = zoo("rpi3", **dict.fromkeys(import_module("papers.hadidi_2019").RASPBERRY_PI_3, 100))
    assert hadidi(pi)["H2"] == HOLDS
    found = own_findings("hadidi-2019", [zoo("rpi3", resnet18=100).results()])["H2"]
    assert found.verdict == UNTESTED
    assert "no figures of resnet50, mobilenetv2" in found.parts[0].figures


@pytest.mark.parametrize(("host_ms", "verdict"), [(10, HOLDS), (2, FAILS)])
def test_a_large_gpu_against_a_board_and_its_processor(host_ms, verdict):
    board = zoo("tx2", "torch:cuda", vgg16=30, resnet18=30)
    large = zoo("host-gpu", "torch:cuda", vgg16=host_ms, resnet18=host_ms)
    for network in ("vgg16", "resnet18"):
        large.add(ZOO, network, "torch", latency=3 * host_ms + 10)
    found = hadidi(board, large)
    assert found["H5"] == verdict
    assert found["H6"] == (HOLDS if 3 * host_ms + 10 > 30 else FAILS)
    assert hadidi(board)["H5"] == UNTESTED


@pytest.mark.parametrize(("tf_ms", "lite_ms", "h7", "h11"), [(50, 20, HOLDS, HOLDS), (200, 150, FAILS, FAILS)])
def test_frameworks_on_a_raspberry_pi(tf_ms, lite_ms, h7, h11):
    pi = zoo("rpi3", "torch", vgg16=100)
    pi.add(ZOO, "vgg16", "tensorflow", latency=tf_ms).add(ZOO, "vgg16", "tflite", latency=lite_ms)
    found = hadidi(pi)
    assert (found["H7"], found["H11"], found["H12"]) == (h7, h11, HOLDS)
    pi.add(ZOO, "vgg16", "tensorflow", latency=101)
    assert hadidi(pi)["H12"] == FAILS


@pytest.mark.parametrize(("second_ms", "verdict"), [(20, HOLDS), (5, FAILS), (10, UNDECIDED)])
def test_neither_framework_is_always_faster(second_ms, verdict):
    large = zoo("host-gpu", "torch:cuda", vgg16=10, resnet18=second_ms)
    large.add(ZOO, "vgg16", "tensorflow:cuda", latency=15).add(ZOO, "resnet18", "tensorflow:cuda", latency=10)
    assert hadidi(large)["H9"] == verdict


@pytest.mark.parametrize(("others_ms", "caffe_ms", "verdict"), [(20, 12, HOLDS), (5, 12, FAILS), (20, 30, FAILS)])
def test_pytorch_on_a_tx2(others_ms, caffe_ms, verdict):
    tx2 = zoo("tx2", "torch:cuda", vgg16=10).add(ZOO, "vgg16", "tensorflow:cuda", latency=others_ms)
    tx2.add(ZOO, "vgg16", "opencv", latency=caffe_ms)
    name = next(name for name in tx2.benchmarks if "opencv" in name)
    from_caffe = tx2.benchmarks[name]
    # the same runtime from ONNX is another row, and says nothing of Caffe
    tx2.benchmarks = {
        f"{name} from ONNX": replace(from_caffe, parameters=dict(from_caffe.parameters)),
        **tx2.benchmarks,
    }
    from_caffe.parameters["source"] = "caffe"
    assert hadidi(tx2)["H8"] == verdict


def test_what_the_software_stack_and_a_container_cost():
    pi = Rows("rpi3")
    for framework, seconds in (("torch", 5e3), ("tensorflow", 20e3)):
        pi.add(
            "test_software_stack.py", "resnet18", framework, import_time=seconds, load_time=9, build_time=9, latency=90
        )
    assert hadidi(pi)["H13"] == HOLDS


@pytest.mark.parametrize(
    ("command", "log_ratios", "verdict"),
    [
        ("sudo docker run --rm -i -v {root}:{root} image {python}", (-0.01, -0.012, -0.011, -0.009), HOLDS),
        ("/usr/bin/podman run -i image", (-0.2, -0.21, -0.2, -0.19), FAILS),
        ("unshare --pid --fork", (-0.2, 0.1, -0.1, 0.3), UNDECIDED),
        ("nice -n 5", (-0.01, -0.012, -0.011, -0.009), UNTESTED),
    ],
)
def test_what_a_container_costs_is_read_from_pairs(command, log_ratios, verdict):
    pi = Rows("rpi3").add("test_virtualisation.py", "resnet18", "tensorflow", latency=100)
    (name,) = pi.benchmarks
    pairs = tuple({"log_ratio": ratio, "base": {"environment": "there"}} for ratio in log_ratios)
    against = Against(f"Python 3.11.7 started by `{command}`", None, {name: pairs})
    environments = {"e": {}, "there": {"settings": {"command": command}}}
    results = replace(pi.results(), environments=environments, against=against)
    assert own_findings("hadidi-2019", [results])["H14"].verdict == verdict
    assert own_findings("hadidi-2019", [replace(results, against=None)])["H14"].verdict == UNTESTED


@pytest.mark.parametrize(("pi", "h17"), [((2.5, 300), HOLDS), ((5, 300), FAILS), ((5, 20), HOLDS)])
def test_energy_and_power_over_devices(pi, h17):
    sessions = [
        Rows(device).add(
            "test_energy.py", "resnet18", framework, power_mean=watts, latency=ms, energy_per_inference=watts * ms
        )
        for device, framework, watts, ms in (
            ("rpi3", "tflite", *pi),
            ("nano", "tensorrt", 4.5, 30),
            ("host-gpu", "torch:cuda", 150, 5),
        )
    ]
    found = hadidi(*sessions)
    assert (found["H17"], found["H15"]) == (h17, HOLDS)


def test_flops_that_are_reached_and_int8():
    names = ("vgg-s-32", "alexnet", "mobilenetv2", "vgg16", "resnet18", "resnet101", "yolov3")
    session = Rows("host")
    for name, flops in zip(names, (1, 2, 3, 4, 5, 6, 7)):
        session.add("test_model_zoo.py", name, "torch", latency=10, flops=flops)
    session.add("test_precision.py", "resnet18", latency=10, latency_int8=5)
    key, bench = session.benchmarks.popitem()
    bench.parameters["precision"] = "int8"
    session.benchmarks[key.replace("test_all", "test_in_turns")] = bench
    found = hadidi(session)
    assert (found["H20"], found["H21"]) == (HOLDS, HOLDS)


def test_hadidis_reuse_is_that_which_is_published():
    table = import_module("papers.hadidi_2019")
    rows = rows_of(*PUBLISHED, paper=table.PAPER)
    printed = {
        (row.network, row.parameters["resolution"]): row.values["flops_per_parameter"]
        for row in rows
        if "flops_per_parameter" in row.values
    }
    assert printed == table.FLOP_PER_PARAMETER


def test_swaminathans_costs_are_those_that_are_published():
    table = import_module("papers.swaminathan_2024")
    printed = {row.network: row.values for row in rows_of(*PUBLISHED, paper=table.PAPER) if "flops" in row.values}
    ours = {**table.CLASSIFIERS, **table.ACTION_NETWORKS}
    assert {name: (values["flops"], values["parameter_count"]) for name, values in printed.items()} == ours


def of_swaminathan(**networks):
    """Findings of networks for clips: name -> (time in PyTorch, in TensorRT, of the pre-processing of both)."""
    session = Rows("nano")
    for network, (before, after, around) in networks.items():
        for framework, time in (("torch", before), ("tensorrt", after)):
            session.add(
                "test_action_recognition.py",
                network.replace("_", "-"),
                framework,
                latency=time + around,
                preprocess=around,
                infer=time,
            )
    return own_findings("swaminathan-2024", [session.results()])


def test_what_surrounds_an_inference_gains_nothing_and_hides_nothing():
    found = of_swaminathan(autoencoder=(30, 10, 100), densenet_action_recognition=(60, 10, 100))
    assert (found["S1"].verdict, found["S9"].verdict) == (HOLDS, HOLDS)
    assert [re.findall(r"tensorrt:? (\d\S+)", part.figures) for part in found["S9"].parts] == [["3.00"], ["6.00"]]
    # whether it suits real time is said of all that a clip takes
    assert found["S12"].verdict == FAILS


def test_a_network_for_clips_that_gets_slower():
    assert of_swaminathan(autoencoder=(30, 33, 1))["S9"].verdict == FAILS


def test_the_steps_of_an_inference_add_up_to_it_without_what_surrounds_it():
    steps = {"device_copy_in": 2, "device_infer": 15, "device_copy_out": 2, "synchronise": 1}
    once = {"engine_context": 5, "engine_allocation": 3}
    session = Rows("nano")
    session.add("test_action_recognition.py", "3d-cnn", "tensorrt", latency=90, infer=21, **steps, **once)
    assert own_findings("swaminathan-2024", [session.results()])["S11"].verdict == HOLDS
    session.add("test_model_zoo.py", "alexnet", "tensorrt", latency=90, infer=30, **steps, **once)
    assert own_findings("swaminathan-2024", [session.results()])["S11"].verdict == FAILS


def of_batches(*batches):
    """What S10 says of (batch, output error, engine size) of one network, and its figures."""
    session = Rows("nano")
    for batch, error, size in batches:
        values = {"latency": 10 * batch, "output_error": error, "memory_process_peak": 100 + batch}
        session.add("test_action_recognition.py", f"autoencoder-{batch}", "tensorrt", **values)
        name, benchmark = session.benchmarks.popitem()
        benchmark.parameters.update(network="autoencoder", batch=batch)
        runs = tuple(replace(run, values={**run.values, "engine_size": size}) for run in benchmark.runs)
        metrics = {**benchmark.metrics, "engine_size": Metric("MiB")}
        name = name.replace("test_all", "test_batch")
        session.benchmarks[name] = replace(benchmark, runs=runs, metrics=metrics)
    found = own_findings("swaminathan-2024", [session.results()])
    assert found["S9"].verdict == UNTESTED
    return found["S10"].verdict, found["S10"].parts[0].figures


def test_one_engine_serves_batches_of_several_sizes():
    verdict, figures = of_batches((1, 1e-6, 3.5), (4, 1e-5, 3.5))
    assert verdict == HOLDS
    assert "batches of 1, 4 from one engine" in figures
    assert "a clip takes 1.00 times as long, memory_process_peak 1.03 times" in figures
    assert of_batches((1, 1e-6, 3.5), (4, 0.2, 3.5))[0] == FAILS
    assert of_batches((1, 1e-6, 3.5), (4, 1e-6, 4.5))[0] == FAILS
    assert of_batches((4, 1e-6, 3.5))[0] == UNTESTED
