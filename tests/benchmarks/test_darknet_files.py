from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

#: Networks are built and exported; no code of ours is traced by that.
pytestmark = pytest.mark.long

torch = pytest.importorskip("torch")

from models.darknet_files import darknet_files  # noqa: E402
from models.yolov3_tiny import network  # noqa: E402
from tasks.detection import letterbox  # noqa: E402
from tasks.images import photographs  # noqa: E402

from pytest_edgeperf import FrameworkError, Inputs, Model, Reference, TensorSpec  # noqa: E402
from pytest_edgeperf.frameworks.opencv import OpenCv  # noqa: E402
from pytest_edgeperf.measure.pipeline import Pipeline  # noqa: E402

RESOLUTION = 96


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return darknet_files("yolov3-tiny", tmp_path_factory.mktemp("darknet"), RESOLUTION)


def test_opencv_gives_torchs_outputs_from_darknets_files(files, one_thread):
    version = OpenCv().version()
    if version is None or int(version.partition(".")[0]) > 4:
        pytest.skip("needs opencv before release 5, which reads Darknet's files")
    inputs = [letterbox(photo, RESOLUTION) for photo in photographs(2)]
    made = network()
    with torch.inference_mode():
        outputs = [tuple(head.numpy() for head in made(torch.from_numpy(array))) for array in inputs]
    shape = (1, 3, RESOLUTION, RESOLUTION)
    model = Model(
        "yolov3-tiny",
        {"darknet": lambda: files},
        (TensorSpec("images", shape),),
        reference=lambda: Reference(Inputs.of(inputs), outputs, "torch"),
    )
    engine = OpenCv().load(model)
    assert Pipeline(engine, (inputs[0],)).check()["output_error"] < 1e-4
    same = OpenCv().load(dataclasses.replace(model, inputs=()))
    assert same.inputs[0].shape == shape


def test_the_files_have_all_weights_and_only_plain_convolutions_as_heads(files):
    cfg, weights = map(Path, files)
    sections = [line for line in cfg.read_text().splitlines() if line.startswith("[")]
    assert sections.count("[convolutional]") == 13
    assert sections.count("[maxpool]") == 6
    assert "[yolo]" not in sections
    assert f"width={RESOLUTION}\n" in cfg.read_text()
    made = network()
    statistics = sum(2 * one.num_features for one in made.modules() if isinstance(one, torch.nn.BatchNorm2d))
    floats = sum(parameter.numel() for parameter in made.parameters()) + statistics
    data = weights.read_bytes()
    assert len(data) == 20 + 4 * floats
    assert np.frombuffer(data[:12], "<i4").tolist() == [0, 2, 0]
    # Darknet's first convolution: its bias comes first
    np.testing.assert_array_equal(np.frombuffer(data[20:84], "<f4"), made.fine[0][1].bias.detach().numpy())


def test_the_weights_are_the_same_at_every_resolution(files, tmp_path):
    cfg, weights = darknet_files("yolov3-tiny", tmp_path, 64)
    assert Path(weights).read_bytes() == Path(files[1]).read_bytes()
    assert "width=64\n" in Path(cfg).read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["yolov3-tiny-64.cfg", "yolov3-tiny.weights"]


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(FrameworkError, match="resnet18 cannot be written as Darknet's files, only yolov3-tiny"):
        darknet_files("resnet18", tmp_path)
    with pytest.raises(FrameworkError, match="multiple of 32, not 100"):
        darknet_files("yolov3-tiny", tmp_path, 100)
