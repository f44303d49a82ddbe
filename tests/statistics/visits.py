"""Do spread visits, or pinning, reduce the spread of runs on this machine? Run by hand; takes a quarter of an hour.

``python tests/statistics/visits.py [--runs 12] [--out DIR]``: measures five workloads with one and with three
visits, pinned and not, as sessions in turn (a fresh order each time, so that all four share the machine's
weather), and prints the standard deviation over runs of the logarithm of each summary.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pytest_edgeperf import results

SUMMARIES = ("p05", "min", "p50", "p95")
SETTINGS = tuple((visits, cpus) for cpus in ("auto", "off") for visits in (1, 3))
#: With fewer undisturbed runs in any cell there is no second table.
FEWEST_QUIET = 4
#: A bootstrap sample may hold one run several times and no other: its spread in per cent is no less than this.
RESOLUTION = 0.01
BOOTSTRAPS = 2000

SUITE = """
import numpy as np
import pytest

RANDOM = np.random.default_rng(0)

def _convolutions():
    from onnx import TensorProto, helper, numpy_helper
    layers, weights, last, channels = [], [], "input", 3
    for index, (width, stride) in enumerate([(32, 2), (64, 2), (64, 1), (96, 2), (128, 2)]):
        weight = (RANDOM.standard_normal((width, channels, 3, 3)) / 10).astype(np.float32)
        weights.append(numpy_helper.from_array(weight, f"w{index}"))
        layers.append(helper.make_node("Conv", [last, f"w{index}"], [f"c{index}"], pads=[1] * 4, strides=[stride] * 2))
        layers.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"]))
        last, channels = f"r{index}", width
    layers.append(helper.make_node("GlobalAveragePool", [last], ["output"]))
    graph = helper.make_graph(
        layers, "convolutions",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 160, 160])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, channels, 1, 1])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString()

def test_onnxruntime_convolutions(timed_inference):
    ort = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(_convolutions(), options, providers=["CPUExecutionProvider"])
    image = RANDOM.standard_normal((1, 3, 160, 160)).astype(np.float32)
    timed_inference(lambda: session.run(None, {"input": image}))

def test_torch_mlp(timed_inference):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    net = torch.nn.Sequential(*[layer for _ in range(3) for layer in (torch.nn.Linear(128, 128), torch.nn.ReLU())])
    row = torch.ones(1, 128)
    with torch.inference_mode():
        timed_inference(net, row)

def test_numpy_nms(timed_inference):
    boxes = RANDOM.uniform(0, 400, (300, 2))
    boxes = np.hstack([boxes, boxes + RANDOM.uniform(20, 90, (300, 2))])
    order = np.argsort(-RANDOM.uniform(size=300))
    def nms():
        kept, left = [], order
        while left.size:
            first, left = left[0], left[1:]
            kept.append(first)
            low, high = np.maximum(boxes[first, :2], boxes[left, :2]), np.minimum(boxes[first, 2:], boxes[left, 2:])
            both = np.prod(np.clip(high - low, 0, None), axis=1)
            areas = np.prod(boxes[left, 2:] - boxes[left, :2], axis=1) + np.prod(boxes[first, 2:] - boxes[first, :2])
            left = left[both / (areas - both) < 0.5]
        return kept
    timed_inference(nms)

def test_memory_copy(timed_inference):
    source = np.ones(3 << 20)
    target = np.empty_like(source)
    timed_inference(np.copyto, target, source)

def test_pure_python(timed_inference):
    def work():
        counts = {}
        for step in range(3000):
            counts[step % 97] = counts.get(step % 97, 0) + step
        return counts
    timed_inference(work)
"""


def measure(folder: Path, visits: int, cpus: str, number: int) -> None:
    """One session: one run of each workload."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "--baseline=off", "--edgeperf-rounds=1"),
            *(f"--edgeperf-visits={visits}", f"--edgeperf-cpus={cpus}"),
            f"--edgeperf-results=results-{visits}-{cpus}-{number}.json",
        ],
        cwd=str(folder),
        check=True,
        stdout=subprocess.DEVNULL,
    )


def collect(folder: Path) -> dict:
    """(visits, cpus) -> workload -> its runs."""
    found: dict = {setting: {} for setting in SETTINGS}
    for visits, cpus in SETTINGS:
        for path in sorted(folder.glob(f"results-{visits}-{cpus}-*.json")):
            for name, benchmark in results.read(path).benchmarks.items():
                found[visits, cpus].setdefault(name.partition("::test_")[2], []).extend(benchmark.runs)
    return found


def spread(runs: list, summary: str) -> float:
    """Standard deviation of the logarithm of the latency's summary, in per cent."""
    logs = [np.log(run.values["latency"][summary]) for run in runs]
    return max(100 * float(np.std(logs, ddof=1)), RESOLUTION)


def gain(found: dict, cpus: str, summary: str) -> tuple:
    """Ratio of the spreads, three visits over one (geometric mean over workloads), with its 95 % bootstrap interval."""
    generator = np.random.default_rng(1)
    one, three = found[1, cpus], found[3, cpus]

    def ratio(pick) -> float:
        logs = [np.log(spread(pick(three[name]), summary) / spread(pick(one[name]), summary)) for name in one]
        return float(np.exp(np.mean(logs)))

    def resampled(runs: list) -> list:
        return [runs[index] for index in generator.integers(0, len(runs), len(runs))]

    draws = sorted(ratio(resampled) for _ in range(BOOTSTRAPS))
    return ratio(list), draws[int(0.025 * BOOTSTRAPS)], draws[int(0.975 * BOOTSTRAPS)]


def table(found: dict) -> None:
    """Print the spreads, workload by workload, and what three visits gain."""
    print(f"{'sd of ln, %':26}" + "".join(f"{cpus} {visits} visit(s)".rjust(30) for visits, cpus in SETTINGS))
    print(" " * 26 + "".join(" ".join(f"{summary:>6}" for summary in SUMMARIES).rjust(30) for _ in SETTINGS))
    for name in found[SETTINGS[0]]:
        cells = [" ".join(f"{spread(found[one][name], summary):6.2f}" for summary in SUMMARIES) for one in SETTINGS]
        print(f"{name:26}" + "".join(cell.rjust(30) for cell in cells))
    for cpus in ("auto", "off"):
        told = []
        for summary in SUMMARIES:
            ratio, low, high = gain(found, cpus, summary)
            told.append(f"{summary} {ratio:.2f} [{low:.2f}, {high:.2f}]")
        print(f"sd of 3 visits / sd of 1, cpus={cpus}: " + ", ".join(told))


def quiet(found: dict) -> dict:
    """The undisturbed runs."""
    return {
        setting: {name: [run for run in runs if not run.disturbed] for name, runs in by_name.items()}
        for setting, by_name in found.items()
    }


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--out", type=Path, help="keep the results files here, and add to those that are there")
    given = parser.parse_args()
    folder = given.out or Path(tempfile.mkdtemp(prefix="edgeperf-visits-"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_workloads.py").write_text(SUITE)
    loads = []
    for number in range(given.runs):
        for visits, cpus in random.sample(SETTINGS, len(SETTINGS)):
            loads.append(os.getloadavg()[0])
            began = time.monotonic()
            measure(folder, visits, cpus, f"{int(time.time())}-{number}")
            print(f"{number} visits={visits} cpus={cpus} {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    found = collect(folder)
    count = {setting: min(map(len, by_name.values())) for setting, by_name in found.items()}
    print(f"runs per workload: {count}; folder {folder}")
    if loads:
        print("load average, 10/50/90 %: " + " / ".join(f"{np.quantile(loads, q):.1f}" for q in (0.1, 0.5, 0.9)))
    table(found)
    calm = quiet(found)
    left = {setting: [len(runs) for runs in by_name.values()] for setting, by_name in calm.items()}
    print(f"\nundisturbed runs, by workload: {left}")
    if min(min(counts) for counts in left.values()) >= FEWEST_QUIET:
        table(calm)


if __name__ == "__main__":
    main()
