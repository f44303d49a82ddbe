"""Detectors with the YOLO layer inside, on the CPU and at the boundary to a GPU."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.on_device import OnDevice, WithYoloLayer  # noqa: E402
from tasks.detection import PER_CELL, YOLOV3_TINY  # noqa: E402
from tasks.yolo_parts import where_numpy, where_torch, yolo_layer  # noqa: E402
from torch import nn  # noqa: E402

from pytest_edgeperf import Model, TensorSpec  # noqa: E402
from pytest_edgeperf.frameworks.torch import Torch  # noqa: E402
from pytest_edgeperf.measure.pipeline import Pipeline  # noqa: E402


class Heads(nn.Module):
    """Two heads of an image of 64x96 without a backbone."""

    def __init__(self):
        super().__init__()
        self.coarse, self.fine = nn.Conv2d(3, PER_CELL, 32, 32), nn.Conv2d(3, PER_CELL, 16, 16)

    def forward(self, images):
        return self.coarse(images), self.fine(images)


@pytest.fixture(scope="module")
def detector():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return Heads().eval()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(5).random((1, 3, 64, 96), np.float32) * 4


def loaded(detector):
    return Torch().load(Model("heads", {"torch": lambda: detector}, (TensorSpec("images", (1, 3, 64, 96)),)))


def test_the_layer_inside_gives_what_numpy_gives_outside(detector, images):
    outputs = [head.numpy() for head in torch.no_grad()(detector)(torch.from_numpy(images))]
    right = yolo_layer(outputs, YOLOV3_TINY)
    (inside,) = OnDevice(loaded(detector), WithYoloLayer(detector, YOLOV3_TINY), "cpu", waits=True).infer(images)
    assert isinstance(inside, torch.Tensor)
    np.testing.assert_allclose(inside.numpy(), right, rtol=1e-4, atol=1e-4)
    for kept, expected in zip(where_torch(inside, 0.5), where_numpy(right, 0.5)):
        assert len(kept) > 0
        np.testing.assert_allclose(kept.numpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("waits", [True, False])
def test_only_one_that_waits_ends_with_the_devices_work(detector, images, monkeypatch, waits):
    """On torch's device without arithmetic, in the place of a GPU."""
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append("waited"))
    module = WithYoloLayer(Heads(), YOLOV3_TINY)
    engine = OnDevice(loaded(detector), module, "meta", waits=waits)
    ended = []
    pipeline = Pipeline(engine, (images,), postprocess=lambda outputs: ended.append((outputs[0].device.type, *waited)))
    pipeline.calls[0]()
    assert ended == [("meta", "waited") if waits else ("meta",)]
    assert engine.describe()["waits"] is waits
    assert engine.describe()["yolo_layer"] == "inside"


def test_a_cpu_is_not_waited_for(detector, images, monkeypatch):
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: pytest.fail("there is no GPU"))
    engine = OnDevice(loaded(detector), WithYoloLayer(detector, YOLOV3_TINY), "cpu", waits=True)
    engine.infer(images)
    engine.synchronise()
    assert engine.describe()["waits"] is False
    assert engine.framework == "torch"
