"""How many of the published figures stand beside a benchmark of some suite, and why the others do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from pytest_edgeperf import frameworks, read_results
from pytest_edgeperf.devices import profiles
from pytest_edgeperf.measure.measurement import METRICS
from pytest_edgeperf.report.published_matching import references
from pytest_edgeperf.results.published import ANY_DEVICE
from pytest_edgeperf.results.published_vocabulary import PUBLISHED_METRICS
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

#: It collects all benchmarks in another process.
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "baselines" / "published").glob("*.json"))
FEWEST = 1000
#: Test file -> the metrics that only it records.
OWN_METRICS = {
    "test_resolution_scaling.py": ("AP", "AP50", "AP75"),
    "test_postprocessing_profile.py": (
        *("latency_forward", "latency_torch_where", "latency_to_cpu", "latency_numpy_where", "latency_nms"),
    ),
}
PHASES = ("preprocess", "infer", "postprocess")

NO_PROFILE = "edgeperf has no profile of the device"
TWO_DEVICES = "it compares two devices"
LICENCE = "YOLOv5 is not among the networks, by its licence"
NOT_MEASURED = "nothing that is measured is of its kind"
NO_BENCHMARK = "no benchmark has its network and parameters"


def variants_of(name):
    return [f"{name}:{variant}" for variant in frameworks.get(name).variants]


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """Test id -> parameters of all benchmarks, in the frameworks of which there are figures."""
    target = tmp_path_factory.mktemp("collected") / "parameters.json"
    printed = {one.parameters.get("framework") for path in FILES for one in read_results(path).benchmarks.values()}
    offered = [one for name in frameworks.names() for one in (name, *variants_of(name))]
    command = [sys.executable, "-m", "pytest", "benchmarks", "--collect-only", "-q", "--suite=full"]
    command += ["-p", "tests.benchmarks.collected_parameters", "--precision=fp32,fp16"]
    child = subprocess.run(
        [*command, f"--framework={','.join(one for one in offered if one in printed)}"],
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider", "EDGEPERF_COLLECTED": str(target)},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stdout + child.stderr
    return json.loads(target.read_text(encoding="utf-8"))


def session_of(device, collected):
    """A results file of that device, as if every benchmark had run on it and every sensor been there."""
    benchmarks = {}
    for name, parameters in collected.items():
        file = Path(name.partition("::")[0]).name
        has_phases = "postprocess=" in (ROOT / "benchmarks" / file).read_text(encoding="utf-8")
        metrics = {metric: one for metric, one in METRICS.items() if has_phases or metric not in PHASES}
        metrics.update({metric: PUBLISHED_METRICS.get(metric, Metric("ms")) for metric in OWN_METRICS.get(file, ())})
        run = Run("e", "2026-01-01T00:00:00Z", "s", dict.fromkeys(metrics, 1.0))
        benchmarks[name] = Benchmark(parameters, metrics, (run,))
    return Results(device, {"e": {}}, benchmarks)


def figures_of(results):
    """(metric, table, row, value) of a file's figures -> parameters and source."""
    found = {}
    for benchmark in results.benchmarks.values():
        for run in benchmark.runs:
            ((metric, value),) = run.values.items()
            place = (run.source["paper"], str(run.source["table"]), str(run.source["row"]))
            key = (metric, *place, value)
            assert key not in found
            found[key] = (results.device, benchmark.parameters, run.source)
    return found


def reason(metric, device, parameters, source):
    """Why a figure stands beside nothing."""
    if "two devices" in str(source.get("note")):
        return TWO_DEVICES
    if device not in (*profiles(), ANY_DEVICE):
        return NO_PROFILE
    if str(parameters.get("network")).startswith("yolov5"):
        return LICENCE
    if {"of", "over"} & set(source) or metric in METRICS or metric in chain(*OWN_METRICS.values()):
        return NO_BENCHMARK
    return NOT_MEASURED


@pytest.fixture(scope="module")
def reach(collected):
    """(metric, paper, table, row, value) of all figures -> device, parameters, source; and of those that are shown."""
    files = {path.stem: read_results(path) for path in FILES}
    every, shown = {}, set()
    for device, results in files.items():
        own = figures_of(results)
        assert not set(own) & set(every)
        every.update(own)
        if device in profiles():
            for one in references(session_of(device, collected), [results, files[ANY_DEVICE]]):
                shown.add((one.metric, one.paper, one.table, one.row, one.published))
    return every, shown


#: Kinds of figures that nothing here measures.
UNMEASURED = {
    *("inference_count", "layer_count", "memory_available", "peak_flops", "price"),
}
#: Reason -> how many figures.
REST = {LICENCE: 140, NO_PROFILE: 13, TWO_DEVICES: 4}


def test_most_figures_stand_beside_a_benchmark(reach):
    every, shown = reach
    assert shown <= set(every)
    rest = {}
    for key, figure in every.items():
        if key not in shown:
            rest.setdefault(reason(key[0], *figure), []).append(key)
    counts = {why: len(keys) for why, keys in rest.items()}
    assert len(shown) >= FEWEST, counts
    assert {why: counts[why] for why in REST} == REST
    assert {key[0] for key in rest[NOT_MEASURED]} <= UNMEASURED
    assert NO_BENCHMARK not in rest, rest[NO_BENCHMARK]
