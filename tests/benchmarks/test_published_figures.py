"""``baselines/published`` against the papers' tables, which ``tests/data/published`` holds as their text has them."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from models.networks import NETWORKS
from papers.mishra_2021 import PRICES

from pytest_edgeperf.cli import main
from pytest_edgeperf.devices import profiles
from pytest_edgeperf.results import read
from pytest_edgeperf.results.published import published_runs

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "baselines" / "published"
PRINTED = ROOT / "tests" / "data" / "published"
DEVICES = tuple(path.stem for path in sorted(PUBLISHED.glob("*.json")))
NAMES = {
    "Raspberry Pi 3": "rpi3",
    "Raspberry Pi 4": "rpi4",
    "Jetson Nano": "nano",
    "Jetson TX2": "tx2",
    "Jetson Xavier": "agx-xavier",
}
PROCESSORS = {"CPU": "onnxruntime", "CUDA": "onnxruntime:cuda", "GPU": "onnxruntime:cuda", "TensorRT": "tensorrt"}
TIMES = ("preprocess", "infer", "postprocess", "throughput")


def number(cell):
    """A printed cell as a number: ``61,751,008``, ``$6.05 \\times$``, ``3.7×``."""
    return float(re.sub(r"[,$×\s]|\\times", "", cell))


def figures(device, paper, table):
    """(row, column) -> value of a table's figures; (row, metric) where the file names no column."""
    results = read(PUBLISHED / f"{device}.json")
    found = {}
    for benchmark in results.benchmarks.values():
        for run in benchmark.runs:
            if (run.source["paper"], run.source["table"]) == (paper, table):
                ((metric, value),) = run.values.items()
                framework = benchmark.parameters.get("framework")
                key = (run.source["row"], metric, framework)
                assert key not in found
                found[key] = value
    return found


def printed(paper):
    return (PRINTED / f"{paper}.txt").read_text(encoding="utf-8").splitlines()


def trinh(table):
    """The title of a table of trinh-2023 and its rows of cells."""
    lines = printed("trinh-2023")
    start = next(k for k, line in enumerate(lines) if line.startswith(f"Table {table}. "))
    end = next(k for k, line in enumerate([*lines, ""]) if k > start and not line)
    return lines[start], [line.split("\t") for line in lines[start + 1 : end]]


def of_one_device(table):
    """Device and figures of a table that is of one device and processor."""
    title, rows = trinh(table)
    name = next(name for name in NAMES if name in title)
    processor = next((one for one in PROCESSORS if f"({one})" in title), "CPU")
    told = [row for row in rows[1:] if row[1] != "-"]
    found = {
        (row[0], metric, PROCESSORS[processor]): number(cell) for row in told for metric, cell in zip(TIMES, row[1:])
    }
    assert len(found) == 4 * len(told)
    return NAMES[name], found


def of_all_devices(table):
    """Device -> figures of a table with a row for each device and processor."""
    _, rows = trinh(table)
    found = {device: {} for device in NAMES.values()}
    name = ""
    for device, processor, _, *cells in (row for row in rows if len(row) == 7 and row[1] in PROCESSORS):
        name = device or name
        if cells[0] != "-":
            for metric, cell in zip(TIMES, cells):
                found[NAMES[name]][f"{name}, {processor}", metric, PROCESSORS[processor]] = number(cell)
    return found


@pytest.mark.parametrize("table", [f"4.{k}" for k in (*range(1, 10), *range(11, 19))])
def test_every_cell_of_trinhs_tables_of_one_device(table):
    device, expected = of_one_device(table)
    assert figures(device, "trinh-2023", table) == expected
    for other in set(DEVICES) - {device}:
        assert figures(other, "trinh-2023", table) == {}


@pytest.mark.parametrize(("table", "rows"), [("4.19", 8), ("4.20", 8), ("4.21", 6)])
def test_every_cell_of_trinhs_tables_of_all_devices(table, rows):
    expected = of_all_devices(table)
    assert sum(map(len, expected.values())) == 4 * rows
    for device, one in expected.items():
        assert figures(device, "trinh-2023", table) == one


def test_xavier_has_every_row_of_its_tables():
    rows = {
        table: {row for row, _, _ in figures("agx-xavier", "trinh-2023", table)}
        for table in ("4.7", "4.8", "4.9", "4.17", "4.18", "4.19", "4.20", "4.21")
    }
    assert [len(one) for one in rows.values()] == [15, 15, 15, 9, 9, 2, 2, 2]


def test_every_cell_of_trinhs_speed_ups():
    _, rows = trinh("4.10")
    expected = {}
    for name, gpu, tensorrt, layers in rows[1:]:
        expected[name, "speedup", "onnxruntime:cuda"] = number(gpu)
        expected[name, "speedup", "tensorrt"] = number(tensorrt)
        expected[name, "layer_count", None] = number(layers)
    assert len(expected) == 60
    assert figures("agx-xavier", "trinh-2023", "4.10") == expected


def test_every_number_of_trinhs_networks():
    _, rows = trinh("3.2")
    expected = {}
    for name, _, parameters, gflops, size, _ in rows[1:]:
        row = re.sub(r"\s*\[\d+\]", "", name)
        for metric, cell in (("parameter_count", parameters), ("flops", gflops), ("file_size", size)):
            # of the ONNX files
            framework = "onnxruntime" if metric == "file_size" else None
            expected[row, metric, framework] = number(cell)
    assert len(expected) == 78
    assert figures("any", "trinh-2023", "3.2") == expected


def test_every_cell_of_suos_table_i():
    lines = printed("suo-2021")
    rows = [line.split("\t") for line in lines[lines.index("TABLE I") + 4 : lines.index("TABLE II") - 1]]
    expected = {}
    for resolution, bflops, forward, post in rows:
        expected[resolution, "flops", None] = number(bflops)
        expected[resolution, "infer", "torch:cuda"] = number(forward)
        expected[resolution, "postprocess", "torch:cuda"] = number(post)
    assert len(expected) == 30
    assert figures("nano", "suo-2021", "I") == expected


def test_every_cell_of_suos_table_ii():
    lines = printed("suo-2021")
    rows = [line.split("\t") for line in lines[lines.index("TABLE II") + 4 :]]
    metrics = ("AP", "AP50", "AP75")
    expected = {
        (f"{resolution}, {bits} bits", metric, "tensorrt"): number(cell)
        for resolution, bits, *cells in rows
        for metric, cell in zip(metrics, cells)
    }
    assert len(expected) == 12
    assert figures("nano", "suo-2021", "II") == expected


def test_every_cell_of_swaminathans_table_1():
    results = read(PUBLISHED / "nano.json")
    lines = [line.split("\t") for line in printed("swaminathan-2024")]
    columns = lines[0][1:]
    tasks = {
        "Image Classification Models": "image_classification",
        "Human Action Recognition Models": "action_recognition",
    }
    expected, task = {}, ""
    for row in lines[1:]:
        task = tasks.get(row[0], task)
        expected.update({(task, row[0], column): number(cell) for column, cell in zip(columns, row[1:]) if cell})
    found = {}
    for name, benchmark in results.benchmarks.items():
        for run in benchmark.runs:
            if (run.source["paper"], run.source["table"]) == ("swaminathan-2024", "1"):
                key = (name.partition("[")[0].rpartition("::")[2], run.source["row"], run.source["column"])
                assert key not in found
                (found[key],) = run.values.values()
    assert len(expected) == 66
    assert found == expected


def test_mishras_figure_5_and_levels():
    rows = [line.split("\t") for line in printed("mishra-2021")[1:]]
    assert figures("nano", "mishra-2021", "figure 5") == {
        (row[0], "throughput", "tflite:gpu"): number(row[3]) for row in rows
    }
    assert figures("rpi3", "mishra-2021", "figure 5") == {
        (row[0], "throughput", "tflite"): number(row[4]) for row in rows
    }
    levels = {
        benchmark.parameters.get("level"): run.values["throughput"]
        for name, benchmark in read(PUBLISHED / "nano.json").benchmarks.items()
        for run in benchmark.runs
        if name.startswith("mishra-2021::pipeline") and "throughput" in run.values
    }
    names = ("baseline", "cpu-postprocessing", "whole-tensors", "batches", "half")
    assert levels == dict(zip(names, (1.09, 1.53, 2.27, 2.57, 1.20)))


def test_mishras_prices_and_peak_performance_are_those_of_the_checklist_and_the_profiles():
    for device, price, peak in (("nano", 108, 472), ("rpi3", 35, 21.4)):
        found = {metric: value for (_, metric, _), value in figures(device, "mishra-2021", "section 2.3").items()}
        assert found == {"price": price, "peak_flops": peak}
        assert PRICES[device] == price
        assert 1000 * profiles()[device].hardware["peak_tflops"].value == pytest.approx(peak)


#: Device and paper -> (metric, what is compared or told apart, value) of the figures of running text.
OF_TEXT = {
    ("nano", "suo-2021"): {
        ("reduction", 40),
        ("reduction", 39),
        ("share", 41),
        ("memory_available", 2.5),
        ("engine_count", 3),
        ("throughput", 13.1),
    },
    ("xavier-nx", "suo-2021"): {("memory_system_peak", 800), ("memory_system_peak", 1600), ("flops", 206.17)},
    ("any", "hadidi-2019"): {("saving", 5), ("speedup", 3)},
    ("rpi4", "trinh-2023"): {("variation", 1.476), ("variation", 0.189), ("inference_count", 4000), ("duration", 4)},
    ("rpi3", "trinh-2023"): {("inference_count", 500), ("duration", 4)},
    ("any", "trinh-2023"): {("inference_count", 100)},
    ("agx-xavier", "trinh-2023"): {("delay", 0.02), ("speedup", 3)},
    ("tx2", "trinh-2023"): {("speedup", 3.7), ("speedup", 3)},
}


@pytest.mark.parametrize(("device", "paper"), OF_TEXT)
def test_the_figures_of_running_text(device, paper):
    found = {(metric, value) for (_, metric, _), value in figures(device, paper, "text").items()}
    assert OF_TEXT[device, paper] <= found


def test_what_only_hadidi_measured():
    values = {
        device: sorted(
            value
            for benchmark in read(PUBLISHED / f"{device}.json").benchmarks.values()
            for run in benchmark.runs
            for value in run.values.values()
        )
        for device in ("edgetpu", "movidius-ncs", "pynq-z1", "xeon-e5-2696v4", "rtx-2080", "titan-x", "titan-xp")
    }
    assert values == {
        "edgetpu": [3.24, 4.14, 33.9],
        "movidius-ncs": [0.36, 1.52, 25.8],
        "pynq-z1": [2.65, 5.24],
        "xeon-e5-2696v4": [70],
        "rtx-2080": [39],
        "titan-x": [15, 100],
        "titan-xp": [55],
    }


def test_the_papers_word_is_kept_where_ours_is_another():
    words = {}
    for path in PUBLISHED.glob("*.json"):
        for benchmark in read(path).benchmarks.values():
            for run in benchmark.runs:
                if "printed_as" in run.source and "network" in benchmark.parameters:
                    words.setdefault(benchmark.parameters["network"], set()).add(run.source["printed_as"])
    assert words["resnext50-32x4d"] == {"ResNet V2"}
    assert words["vgg19"] == {"VGG"}
    assert {"tinyYOLOv3", "TinyYolo"} <= words["yolov3-tiny"]
    assert "yolox-nano" not in words


def test_every_number_of_hadidis_models():
    expected = {}
    for line in printed("hadidi-2019")[2:]:
        name, size, gflop, parameters, ratio = (cell.strip() for cell in line.strip("|").split("|"))
        row = re.sub(r",? \[\d+\]", "", name) + f", {size}"
        for metric, cell in (("flops", gflop), ("parameter_count", parameters[:-2]), ("flops_per_parameter", ratio)):
            expected[row, metric, None] = number(cell)
    assert len(expected) == 48
    assert figures("any", "hadidi-2019", "Our Models") == expected


def test_suos_figures_of_xavier_nx_and_hadidis_of_power_and_temperature():
    assert sorted(figures("xavier-nx", "suo-2021", "text").values()) == [
        *(12.6, 15.73, 19.06, 20.07, 30.3, 206.17),
        *(800, 1600),
    ]
    for device, told in {"rpi3": [1.33, 2.73, 43.3], "tx2": [1.90, 9.65, 32.4], "nano": [1.25, 4.58, 35.2]}.items():
        benchmarks = read(PUBLISHED / f"{device}.json").benchmarks
        runs = [*benchmarks["hadidi-2019::hardware"].runs, *benchmarks["hadidi-2019::temperature"].runs]
        assert [value for run in runs for value in run.values.values()] == told


@pytest.mark.parametrize("device", DEVICES)
def test_every_run_is_one_number_with_a_source(device):
    results = read(PUBLISHED / f"{device}.json")
    runs = [run for benchmark in results.benchmarks.values() for run in benchmark.runs]
    assert published_runs(results) == runs
    assert runs
    assert all(len(run.values) == 1 and all(run.source[part] for part in ("paper", "table", "row")) for run in runs)


def test_the_documented_command_makes_every_file_again(tmp_path, monkeypatch):
    text = (PUBLISHED / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\$ edgeperf (.*)$", text, re.MULTILINE)
    arguments = shlex.split(command)
    target = arguments.index("--dir") + 1
    assert arguments[target] == "baselines/published"
    arguments[target] = str(tmp_path)
    monkeypatch.chdir(ROOT)
    outcome = CliRunner().invoke(main, arguments)
    assert outcome.exit_code == 0, outcome.output
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in PUBLISHED.glob("*.json")}


def test_every_table_is_told_of_in_the_readme():
    text = (PUBLISHED / "README.md").read_text(encoding="utf-8")
    for path in (PUBLISHED / "sources").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            assert len(list(csv.reader(file))) > 1
        paper, _, name = path.stem.partition("-table-")
        assert f"`{path.stem}`" in text or (name.startswith("4.") and f"`{paper}-table-4." in text)


def test_what_the_wheel_holds_is_what_there_is():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    shipped = re.findall(r'^"baselines/published/(.*)" = "pytest_edgeperf/published/(.*)"$', text, re.MULTILINE)
    assert [source for source, _ in shipped] == [target for _, target in shipped]
    assert {source for source, _ in shipped} == {path.name for path in PUBLISHED.glob("*.json")}


def test_what_an_operation_is_called_is_what_the_networks_say():
    """Two conventions: a multiply-accumulate is one operation, or two."""
    compared = 0
    for path in PUBLISHED.glob("*.json"):
        for benchmark in read(path).benchmarks.values():
            network = NETWORKS.get(benchmark.parameters.get("network"))
            for run in benchmark.runs:
                said = network.published.get(run.source["paper"]) if network is not None else None
                if "flops" in run.values and said is not None and said.operations:
                    counted = run.source.get("of", "flops")
                    assert counted == said.convention, (network.name, run.source)
                    compared += 1
    assert compared > 40
