"""A detector and labelled photographs that the user names: read, refused in one sentence, and measured in a session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
ROOT = Path(__file__).parents[2]
VISDRONE_CATEGORIES = 10


@pytest.fixture(scope="module")
def detector_file(tmp_path_factory):
    """Of a network with YOLOv3-tiny's two heads for VisDrone's ten categories, as untrained as can be."""
    from torch import nn

    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.coarse = nn.Conv2d(3, 3 * (5 + VISDRONE_CATEGORIES), 32, stride=32)
            self.fine = nn.Conv2d(3, 3 * (5 + VISDRONE_CATEGORIES), 16, stride=16)

        def forward(self, x):
            return self.coarse(x), self.fine(x)

    path = tmp_path_factory.mktemp("detector") / "tiny.onnx"
    torch.manual_seed(1)
    sizes = {2: "height", 3: "width"}
    torch.onnx.export(
        Heads().eval(),
        (torch.zeros(1, 3, 64, 64),),
        str(path),
        opset_version=17,
        input_names=["pixels"],
        dynamic_axes={"pixels": sizes},
        dynamo=False,
    )
    return path


@pytest.fixture
def photographs(tmp_path):
    """A folder of VisDrone's format with two photographs."""
    image = pytest.importorskip("PIL.Image")
    for folder in ("images", "annotations"):
        (tmp_path / folder).mkdir()
    generator = np.random.default_rng(1)
    for number in range(2):
        pixels = generator.integers(0, 255, (60, 80, 3), np.uint8)
        image.fromarray(pixels).save(str(tmp_path / "images" / f"{number}.jpg"))
        (tmp_path / "annotations" / f"{number}.txt").write_text("10,10,20,20,1,4,0,0\n40,20,30,30,1,1,0,0\n")
    return tmp_path


def test_its_input_and_heads_are_read_from_the_file(detector_file):
    from models.given import given_detector
    from tasks.detection import YOLOV3_TINY

    found = given_detector(str(detector_file))
    assert (found.input_name, found.heads) == ("pixels", YOLOV3_TINY)
    assert found.model((96, 128)).inputs[0].shape == (1, 3, 96, 128)


def test_what_is_no_detector_is_refused(tmp_path):
    from models.given import given_detector

    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"broken\.onnx: is not an ONNX file"):
        given_detector(str(broken))
    helper = onnx.helper
    value = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "one", value[:1], value[1:])
    onnx.save(helper.make_model(graph), str(tmp_path / "one.onnx"))
    with pytest.raises(ValueError, match=r"one\.onnx: has 1 inputs and 1 outputs; it must have one input"):
        given_detector(str(tmp_path / "one.onnx"))


def test_other_categories_than_those_of_the_photographs_are_refused(detector_file):
    from labelled.shapes import held_out
    from models.given import given_detector

    from pytest_edgeperf.frameworks.onnxruntime import OnnxRuntime

    found = given_detector(str(detector_file))
    engine = OnnxRuntime().load(found.model((64, 64)), precision="fp32")
    images = held_out().images[:1]
    assert len(found.detections_of(engine, images, (64, 64), VISDRONE_CATEGORIES)) == 1
    with pytest.raises(ValueError, match=r"tiny\.onnx: its heads have \[45, 45\] channels; for the 5 categories"):
        found.detections_of(engine, images, (64, 64), 5)


@pytest.mark.thorough
@pytest.mark.long
def test_table_2_on_the_users_photographs(detector_file, photographs, tmp_path):
    pytest.importorskip("faster_coco_eval")
    written = tmp_path / "results.json"
    command = [sys.executable, "-m", "pytest", "benchmarks/test_resolution_scaling.py::test_data", "--suite=suo-2021"]
    command += ["--framework=onnxruntime", "--baseline=off", "--edgeperf-rounds=1", "--edgeperf-budget=0.05"]
    command += [f"--data={photographs}", f"--detector={detector_file}", f"--edgeperf-results={written}"]
    environment = {**os.environ, "EDGEPERF_LOCK_DIR": str(tmp_path), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    child = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert child.returncode == 0, child.stdout + child.stderr
    told = json.loads(written.read_text())
    assert list(told["studies"]) == ["suo-2021 table II, on the photographs of --data"]
    (first, *others) = told["benchmarks"].values()
    assert len(others) == 3
    assert {one["parameters"]["network"] for one in (first, *others)} == {"yolov3-tiny"}
    assert {"AP", "AP50", "AP75"} <= set(first["metrics"])
    assert first["runs"][0]["AP"]["n"] == 2
