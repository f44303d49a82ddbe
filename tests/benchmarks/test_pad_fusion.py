"""A fast wrong engine: ONNX Runtime's Pad_Fusion takes the zeros around YOLOv3-tiny's last pooling for -inf.

The weights are the benchmark's, whose own network pools without a ``Pad``; here it is padded with zeros as
``ZeroPad2d`` does, and the same file is loaded with the fusion and without it.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from pytest_edgeperf import FrameworkError, Inputs, Model, Reference, TensorSpec, compare
from pytest_edgeperf.measure.accuracy import accuracies
from pytest_edgeperf.measure.pipeline import OutputMismatch, Pipeline
from tests.judge.builders import METRICS, results, run, summary

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
PHOTOGRAPHS = 20
SIDE = 96


@pytest.fixture(scope="module")
def padded(tmp_path_factory):
    """The path of the ONNX file, the images, and torch's outputs."""
    from models import yolov3_tiny
    from models.detection import letterbox
    from models.images import photographs
    from torch import nn

    torch.set_num_threads(1)
    network = yolov3_tiny.network()
    network.coarse[2] = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(2, 1))
    network.eval()
    images = [letterbox(photo, SIDE) for photo in photographs(PHOTOGRAPHS, seed=5)]
    path = tmp_path_factory.mktemp("padded") / "padded.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.from_numpy(images[0]),), str(path), opset_version=17, input_names=["images"], dynamo=False
        )
    with torch.no_grad():
        outputs = [tuple(one.numpy() for one in network(torch.from_numpy(image))) for image in images]
    return path, images, outputs


def load(padded, **parameters):
    from pytest_edgeperf.frameworks.onnxruntime import OnnxRuntime

    path, images, outputs = padded
    reference = Reference(Inputs.of(images[:2]), outputs[:2], "torch")
    specification = (TensorSpec("images", (1, 3, SIDE, SIDE)),)
    model = Model("padded", {"onnx": lambda: str(path)}, specification, lambda: reference, parameters)
    try:
        return OnnxRuntime().load(model, precision="fp32")
    except FrameworkError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def fused(padded):
    return load(padded)


@pytest.fixture(scope="module")
def unfused(padded):
    return load(padded, **{"onnxruntime.disabled_optimizers": ["Pad_Fusion"]})


def test_the_check_before_timing_says_which_is_wrong(fused, unfused, padded):
    _, images, _ = padded
    assert Pipeline(unfused, (images[0],)).check()["output_error"] < 1e-5
    with pytest.raises(OutputMismatch, match=r"onnxruntime answers wrong for padded at fp32: largest error 0\.0"):
        Pipeline(fused, (images[0],)).check()


def side(engine, padded, session):
    """Its fidelity to torch's first head, image by image, as a run records it."""
    from metrics.fidelity import cosine_similarity, largest_error

    _, images, outputs = padded
    found = np.concatenate([engine.infer(image)[0] for image in images])
    right = np.concatenate([one[0] for one in outputs])
    told = {
        **accuracies("cosine", cosine_similarity(found, right), margin=0.05),
        **accuracies("error", largest_error(found, right), unit="", margin=0.01, better="lower"),
    }
    runs = [run({"latency": summary(10.0), **{name: one.value for name, one in told.items()}}, session)]
    return results({"a": runs}, {**METRICS, **{name: one.metric for name, one in told.items()}})


def test_the_gate_of_fidelity_says_which_is_wrong(fused, unfused, padded):
    right, wrong = side(unfused, padded, "one"), side(fused, padded, "two")
    found = compare(right, wrong).benchmarks["a"]
    assert found.verdict == "regressed"
    assert found.metrics["error"].verdict == "regressed"
    assert (found.metrics["error"].accuracy.lost, found.metrics["error"].accuracy.won) == (PHOTOGRAPHS, 0)
    assert found.metrics["latency"].verdict != "regressed"
    assert compare(wrong, right).benchmarks["a"].metrics["error"].verdict == "improved"
    assert compare(right, right).benchmarks["a"].metrics["error"].verdict == "unchanged"
