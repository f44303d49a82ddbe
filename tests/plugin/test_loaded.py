"""What a failing test says of what it loads: its sources and its model, or that nothing of it has changed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import pytest_edgeperf
from pytest_edgeperf import results

from .conftest import REFRESH
from .duets import ONE_LOOK, TURNS

pytestmark = pytest.mark.long

SUITE = """
from ops import factor

def test_net(timed_inference, framework):
    engine = framework.load(pathlib.Path(__file__).with_name("net.onnx"))
    engine.infer(*engine.example_inputs()[0])
    timed_inference(work, 10000 * factor() * float(os.environ.get("CHANGING", "1")))
"""
OPS = "def factor():\n    return 1\n"
CHECK = ("--framework=onnxruntime", "--edgeperf-budget=0.02", "--edgeperf-rounds=3", "--edgeperf-max-rounds=6")
SLOWER = {"CHANGING": "1.3", "API_TOKEN": "sk-live-5f0e"}


def write_network(path, weight):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", kind, [1, 4])],
        [helper.make_tensor_value_info("y", kind, [1, 4])],
        [helper.make_tensor("w", kind, [4], [1.0, 2.0, 3.0, weight])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))


@pytest.fixture
def net(project):
    write_network(project.path / "net.onnx", 4.0)
    project.write("ops.py", OPS)
    project.suite(SUITE)
    refreshed = project.run(*CHECK[:2], "--edgeperf-rounds=4", *REFRESH, short=False, env={"API_TOKEN": "sk-live-5f0e"})
    assert refreshed.code == 0, refreshed
    return project


def test_a_regression_lists_what_changed_or_says_that_nothing_did(net):
    same = net.run(*CHECK, "--edgeperf-report=same.json", "--edgeperf-results=same-runs.json", short=False, env=SLOWER)
    assert same.code == 1, same
    assert "Nothing that this benchmark loads differs from the baseline's: suspect the machine" in same
    report = json.loads((net.path / "same.json").read_text())
    assert report["is_it_the_machine"]["reasons"] == [
        "Nothing that the regressed benchmark loads differs from the baseline's."
    ]

    write_network(net.path / "net.onnx", 4.5)
    net.write("ops.py", OPS + "# not faster\n")
    other = net.run(*CHECK, "--edgeperf-results=other-runs.json", short=False, env=SLOWER)
    assert other.code == 1, other
    assert "What it loads differs from the baseline's: ops.py and model net.onnx" in other

    # No folder of a home, and no variable, is in any of the files.
    for path in ("baselines/host.json", "same-runs.json", "other-runs.json"):
        written = results.read(net.path / path)
        text = json.dumps(written.loaded)
        assert "sk-live" not in text
        assert str(net.path) not in text
        assert not re.search(r"(\"|/)(home|root|tmp)/", text)
        for record in written.loaded.values():
            assert {"test_it.py", "ops.py"} <= set(record["modules"])
            assert set(record["model"]) == {"net.onnx"}
            assert record["packages"]["onnxruntime"]
        runs = [run for benchmark in written.benchmarks.values() for run in benchmark.runs]
        assert {run.loaded for run in runs} == set(written.loaded)


def test_unchanged_checks_name_one_record(net):
    keys = {run.loaded for benchmark in net.baseline().benchmarks.values() for run in benchmark.runs}
    for number in range(3):
        outcome = net.run(*CHECK, f"--edgeperf-results=runs{number}.json", short=False)
        assert outcome.code == 0, outcome
        written = results.read(net.path / f"runs{number}.json")
        keys.update(run.loaded for benchmark in written.benchmarks.values() for run in benchmark.runs)
    assert len(keys) == 1
    assert None not in keys


DEPENDENT = """
import tensorlib

def test_net(timed_inference):
    timed_inference(work, 10000 * tensorlib.FACTOR)
"""


def environment_with(folder, version, factor):
    """The interpreter of an environment that has what this one has, and a library in this version."""
    venv.create(str(folder), with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    others = [path for path in sys.path if "site-packages" in path] + [str(Path(pytest_edgeperf.__file__).parents[1])]
    (site / "others.pth").write_text("\n".join(others))
    (site / "tensorlib").mkdir()
    (site / "tensorlib" / "__init__.py").write_text(f"FACTOR = {factor}\n")
    metadata = site / f"tensorlib-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tensorlib\nVersion: {version}\n")
    (metadata / "RECORD").write_text("tensorlib/__init__.py,,\n")
    return folder / "bin" / "python"


def test_a_dependency_that_was_upgraded_is_listed(repository, tmp_path):
    repository.suite(DEPENDENT)
    old = environment_with(tmp_path / "old", "1.4.0", 1)
    new = environment_with(tmp_path / "new", "2.0.0", 1.5)
    arguments = [*repository.plugins, f"--against-python={old}", "--edgeperf-report=report.json", *TURNS, ONE_LOOK]
    ended = subprocess.run(
        [str(new), "-m", "pytest", *arguments],
        cwd=str(repository.path),
        env=repository.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 1, ended.stdout
    assert "What it loads differs from the other side's: tensorlib 1.4.0 -> 2.0.0" in " ".join(ended.stdout.split())
    report = json.loads((repository.path / "report.json").read_text())
    (benchmark,) = report["benchmarks"].values()
    named = [(entry["kind"], entry["name"]) for entry in benchmark["loaded"]["differences"]]
    assert named == [("package", "tensorlib")]
