"""A fast wrong engine: YOLOv3-tiny's last pooling takes the zeros around its input for a large negative number.

That is what a graph optimisation does that folds a ``Pad`` of zeros into the pooling after it. Here the exported file
itself is made wrong, beside the right one, so that no release of a runtime decides what the test sees.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from pytest_edgeperf import Inputs, Model, Reference, TensorSpec, compare
from pytest_edgeperf.measure.accuracy_records import accuracies
from pytest_edgeperf.measure.pipeline import OutputMismatch, Pipeline
from tests.judge.builders import METRICS, results, run, summary

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
PHOTOGRAPHS = 20
SIDE = 96
BORDER = -1e9
#: Some releases make this very mistake.
WITHOUT_FUSION_OF_PADS = {"onnxruntime.disabled_optimizers": ["Pad_Fusion"]}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The paths of the right and the wrong ONNX file, the images, and torch's outputs."""
    import onnx
    from models import yolov3_tiny
    from onnx import numpy_helper
    from tasks.detection import letterbox
    from tasks.images import photographs
    from torch import nn

    torch.set_num_threads(1)
    network = yolov3_tiny.network()
    network.coarse[2] = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(2, 1))
    network.eval()
    images = [letterbox(photo, SIDE) for photo in photographs(PHOTOGRAPHS, seed=5)]
    folder = tmp_path_factory.mktemp("padded")
    right, wrong = folder / "right.onnx", folder / "wrong.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.from_numpy(images[0]),), str(right), opset_version=17, input_names=["images"], dynamo=False
        )
    model = onnx.load(str(right))
    (pad,) = (node for node in model.graph.node if node.op_type == "Pad")
    model.graph.initializer.append(numpy_helper.from_array(np.array(BORDER, np.float32), "border"))
    pad.input[:] = [*pad.input[:2], "border"]
    onnx.save(model, str(wrong))
    with torch.no_grad():
        outputs = [tuple(array.numpy() for array in network(torch.from_numpy(image))) for image in images]
    return {"right": right, "wrong": wrong}, images, outputs


def load(exported, which):
    from pytest_edgeperf.frameworks.onnxruntime import OnnxRuntime

    paths, images, outputs = exported
    reference = Reference(Inputs.of(images[:2]), outputs[:2], "torch")
    specification = (TensorSpec("images", (1, 3, SIDE, SIDE)),)
    model = Model(
        "padded",
        {"onnx": lambda: str(paths[which])},
        specification,
        lambda: reference,
        options=WITHOUT_FUSION_OF_PADS,
    )
    return OnnxRuntime().load(model, precision="fp32")


@pytest.fixture(scope="module")
def wrong(exported):
    return load(exported, "wrong")


@pytest.fixture(scope="module")
def right(exported):
    return load(exported, "right")


def test_the_check_before_timing_says_which_is_wrong(right, wrong, exported):
    _, images, _ = exported
    assert Pipeline(right, (images[0],)).check()["output_error"] < 1e-5
    with pytest.raises(
        OutputMismatch, match=r"onnxruntime returns wrong outputs for padded at fp32: the largest error is 0\.0"
    ):
        Pipeline(wrong, (images[0],)).check()


def side(engine, exported, session):
    """Its fidelity to torch's first head, image by image, as a run records it."""
    from metrics.fidelity import cosine_similarity

    _, images, outputs = exported
    found = np.concatenate([engine.infer(image)[0] for image in images])
    right = np.concatenate([one[0] for one in outputs])
    told = {
        **accuracies("cosine", cosine_similarity(found, right), margin=0.05),
        **accuracies("error", np.abs(found - right).max(axis=(1, 2, 3)), unit="", margin=0.01, better="lower"),
    }
    runs = [run({"latency": summary(10.0), **{name: one.value for name, one in told.items()}}, session)]
    return results({"a": runs}, {**METRICS, **{name: one.metric for name, one in told.items()}})


def test_the_gate_of_fidelity_says_which_is_wrong(right, wrong, exported):
    base, candidate = side(right, exported, "one"), side(wrong, exported, "two")
    found = compare(base, candidate).benchmarks["a"]
    assert found.verdict == "regressed"
    assert found.metrics["error"].verdict == "regressed"
    assert (found.metrics["error"].accuracy.lost, found.metrics["error"].accuracy.won) == (PHOTOGRAPHS, 0)
    assert found.metrics["latency"].verdict != "regressed"
    assert compare(candidate, base).benchmarks["a"].metrics["error"].verdict == "improved"
    assert compare(base, base).benchmarks["a"].metrics["error"].verdict == "unchanged"
