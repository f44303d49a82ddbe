"""Networks that a user adds by a file: read, refused in one sentence, and collected in every suite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.own import read

from pytest_edgeperf import FrameworkError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def written(tmp_path):
    """Writes a file beside an ONNX file, and gives its path."""

    def write(text):
        (tmp_path / "own.onnx").write_bytes(b"")
        file = tmp_path / "networks.toml"
        file.write_text(text, "utf-8")
        return str(file)

    return write


def save(path, shape, inputs=1):
    """An ONNX file with inputs of a shape, whose outputs they are."""
    onnx = pytest.importorskip("onnx")
    kind = onnx.TensorProto.FLOAT
    names = [f"pixels{number}" for number in range(inputs)]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", [name], [f"out_{name}"]) for name in names],
        "own",
        [onnx.helper.make_tensor_value_info(name, kind, shape) for name in names],
        [onnx.helper.make_tensor_value_info(f"out_{name}", kind, shape) for name in names],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))


def test_an_entry_takes_from_the_network_that_it_is_like_what_it_does_not_say(written):
    found = read(written('[networks.mine]\nonnx = "own.onnx"\nlike = "yolov3-tiny"\n'))
    mine = found["mine"]
    assert (mine.like.name, mine.resolution, mine.gflops) == ("yolov3-tiny", mine.like.native, None)
    assert mine.path.is_absolute()


def test_an_entry_says_its_resolution_and_operations(written):
    text = '[networks.mine]\nonnx = "own.onnx"\nlike = "mobilenetv2"\nresolution = 192\ngflops = 1\n'
    mine = read(written(text))["mine"]
    assert (mine.resolution, mine.gflops) == (192, 1.0)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", r"\[networks.NAME\]"),
        ("networks = 1", r"\[networks.NAME\]"),
        ("[networks]\nmine = 1", "mine is no table"),
        ("[networks.mine", "networks.toml: Expected"),
        ('[other]\na = 1\n[networks.mine]\nonnx = "own.onnx"\nlike = "resnet18"', "nothing else"),
        ('[networks.mine]\nlike = "resnet18"', "networks.mine: onnx is missing"),
        ('[networks.mine]\nonnx = 3\nlike = "resnet18"', "onnx is 3 instead of a text"),
        ('[networks.mine]\nonnx = "none.onnx"\nlike = "resnet18"', "there is no file .*none.onnx"),
        ('[networks.mine]\nonnx = "own.onnx"', "like is missing"),
        ('[networks.mine]\nonnx = "own.onnx"\nlike = "resnet19"', "no network is called 'resnet19'"),
        ('[networks.mine]\nonnx = "own.onnx"\nlike = "resnet18"\nsize = 3', "has size; it takes onnx, like"),
        ('[networks.mine]\nonnx = "own.onnx"\nlike = "resnet18"\nresolution = 2.5', "resolution is 2.5"),
        ('[networks.mine]\nonnx = "own.onnx"\nlike = "resnet18"\nresolution = true', "resolution is True"),
        (
            '[networks.mine]\nonnx = "own.onnx"\nlike = "ssd300"\nresolution = 512',
            "the resolution must be 300, not 512",
        ),
        ('[networks.mine]\nonnx = "own.onnx"\nlike = "resnet18"\ngflops = -1', "gflops is -1"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(written, text, named):
    with pytest.raises(ValueError, match=named):
        read(written(text))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.toml"):
        read(str(tmp_path / "nowhere.toml"))


@given(text=st.text())
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"any\.toml"):
        read(str(file))


def test_the_model_has_the_files_input(written, tmp_path):
    path = written('[networks.mine]\nonnx = "own.onnx"\nlike = "resnet18"\nresolution = 64\n')
    save(tmp_path / "own.onnx", ["batch", 3, "height", "width"])
    model = read(path)["mine"].model()
    assert [(spec.name, spec.shape) for spec in model.inputs] == [("pixels0", (1, 3, 64, 64))]
    assert model.sources["onnx"]() == str(tmp_path / "own.onnx")


@pytest.mark.parametrize(
    ("shape", "inputs", "says"),
    [([1, 3, 32, 32], 1, "takes 1x3x32x32, not 1x3x64x64"), ([1, 3, 64], 1, "takes 1x3x64"), ([1], 2, "has 2 inputs")],
)
def test_a_file_of_another_kind_is_refused(written, tmp_path, shape, inputs, says):
    path = written('[networks.mine]\nonnx = "own.onnx"\nlike = "resnet18"\nresolution = 64\n')
    save(tmp_path / "own.onnx", shape, inputs)
    with pytest.raises(FrameworkError, match=says):
        read(path)["mine"].model()


def test_what_is_no_onnx_file_is_refused(written, tmp_path):
    pytest.importorskip("onnx")
    path = written('[networks.mine]\nonnx = "own.onnx"\nlike = "resnet18"\n')
    (tmp_path / "own.onnx").write_bytes(np.arange(100, dtype=np.uint8).tobytes())
    with pytest.raises(FrameworkError, match="no ONNX file"):
        read(path)["mine"].model()


def collect(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "benchmarks/test_model_zoo.py", "--collect-only", "-q", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_each_is_a_benchmark_of_every_suite(written):
    path = written('[networks.mine]\nonnx = "own.onnx"\nlike = "resnet18"\nresolution = 64\n')
    for suite in ("default", "trinh-2023"):
        child = collect(f"--networks={path}", f"--suite={suite}", "--framework=onnxruntime")
        assert "test_own_network[onnxruntime-fp32-mine-64]" in child.stdout, child.stdout + child.stderr


@pytest.mark.slow
def test_a_file_that_cannot_be_used_ends_in_one_sentence(written):
    child = collect(f"--networks={written('[networks.mine]')}")
    assert child.returncode == 4
    assert "networks.mine: onnx is missing" in child.stdout + child.stderr
    assert "Traceback" not in child.stdout + child.stderr
