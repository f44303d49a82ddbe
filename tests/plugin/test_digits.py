"""A network that really reads digits: what makes it faster and worse fails by its accuracy, a healthy int8 passes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ..networks import cache_with
from .conftest import REFRESH

pytest.importorskip("torch")
pytest.importorskip("sklearn")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.long

SUITE = """
import numpy as np

from pytest_edgeperf import Inputs

IMAGES, LABELS = (np.load(pathlib.Path(__file__).with_name(f"{name}.npy")) for name in ("images", "labels"))


def prepare(image):
    return image[None]


@pytest.mark.parametrize("framework", ["onnxruntime"], indirect=True)
def test_digits(timed_inference, framework):
    engine = framework.load(pathlib.Path(__file__).with_name("network.onnx"))
    timed_inference(engine, Inputs.of([prepare(image) for image in IMAGES[:4]]))
    right = [engine.infer(prepare(image))[0].argmax() == label for image, label in zip(IMAGES, LABELS)]
    timed_inference.accuracy("top1", right)
"""


@pytest.fixture(scope="module")
def networks(tmp_path_factory, request):
    """The trained network's ONNX file, and what was made of it, by name; and the held-out images."""
    folder = tmp_path_factory.mktemp("networks")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        from labelled import digits
        from models import build

        patch.setenv("EDGEPERF_CACHE_DIR", str(cache_with(tmp_path_factory, request.config, [("digits-cnn", 8)])))
        trained = folder / "trained.onnx"
        shutil.copy(build("digits-cnn", 8).sources["onnx"](), trained)
        images, held_out = digits.training().images, digits.held_out()
    networks = {
        "trained": trained,
        "healthy int8": quantised(trained, images[:64], folder / "healthy.onnx"),
        # as if the calibration had been given pixels from 0 to 1 that were divided by 255 once more
        "badly calibrated int8": quantised(trained, images[:64] / 255, folder / "broken.onnx"),
        "perturbed": perturbed(trained, held_out, folder / "perturbed.onnx"),
    }
    return networks, held_out


def quantised(path, images, target):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Examples(CalibrationDataReader):
        def __init__(self):
            self.left = iter(images)

        def get_next(self):
            image = next(self.left, None)
            return None if image is None else {"images": image[None].astype(np.float32)}

    quantize_static(
        str(path),
        str(target),
        Examples(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return target


def right(path, held_out):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    answers = [session.run(None, {name: image[None]})[0].argmax() for image in held_out.images]
    return np.array(answers) == held_out.labels


def perturbed(path, held_out, target):
    """The network with noise on its weights that costs three points of 450 images, and wins hardly any."""
    before = right(path, held_out)
    for seed in range(20):
        for strength in np.arange(0.05, 0.5, 0.02):
            add_noise(path, target, seed, strength)
            now = right(target, held_out)
            if np.mean(before) - np.mean(now) >= 0.03:
                break
        if np.sum(now & ~before) <= 1:
            return target
    raise AssertionError("all noise wins images, too")


def add_noise(path, target, seed, strength):
    generator = np.random.default_rng(seed)
    network = onnx.load(str(path))
    for tensor in network.graph.initializer:
        weights = onnx.numpy_helper.to_array(tensor)
        if weights.dtype == np.float32 and weights.ndim > 1:
            noise = generator.normal(0, strength * weights.std(), weights.shape).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(weights + noise, tensor.name))
    onnx.save(network, str(target))


@pytest.fixture
def session(project, networks):
    files, held_out = networks

    def run(name, *options, suite=SUITE):
        shutil.copy(files[name], project.path / "network.onnx")
        np.save(project.path / "images.npy", held_out.images)
        np.save(project.path / "labels.npy", held_out.labels)
        project.suite(suite)
        return project.run(*options)

    assert run("trained", *REFRESH).code == 0
    return run


def test_a_healthy_int8_passes(session):
    outcome = session("healthy int8")
    assert outcome.code == 0, outcome


@pytest.mark.parametrize("name", ["badly calibrated int8", "perturbed"])
def test_a_network_that_reads_worse_fails_by_its_accuracy(project, session, name):
    outcome = session(name, "--junitxml=junit.xml")
    assert outcome.code == 1, outcome
    assert_failed_by_accuracy(project, outcome)


@pytest.mark.thorough
def test_labels_that_preprocessing_mixes_up_fail_by_the_accuracy(project, session):
    mixed_up = SUITE.replace(
        "def prepare(", "LABELS = np.where(LABELS == 3, 8, np.where(LABELS == 8, 3, LABELS))\n\n\ndef prepare("
    )
    outcome = session("trained", "--junitxml=junit.xml", suite=mixed_up)
    assert outcome.code == 1, outcome
    assert_failed_by_accuracy(project, outcome)


def assert_failed_by_accuracy(project, outcome):
    (case,) = project.testcases().values()
    message = case.find("failure").text
    first = message.splitlines()[0]
    assert first.startswith("top1 "), message
    assert "of 450 examples lost, " in first
    assert "won; margin 0.5 points" in first
    properties = {element.get("name"): element.get("value") for element in case.iter("property")}
    assert int(properties["edgeperf.top1_lost"]) >= 10
    assert int(properties["edgeperf.top1_lost"]) > int(properties["edgeperf.top1_won"]) + 10
