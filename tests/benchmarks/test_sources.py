"""Networks in the formats of other tools give torch's outputs, in the runtimes that read them."""

from __future__ import annotations

import numpy as np
import pytest
from models import build, build_from
from models.networks import NETWORKS
from models.sources import FORMATS, formats_of, usual_formats_of

from pytest_edgeperf import FrameworkError
from pytest_edgeperf.frameworks.registry import get

READERS = {"caffe": "opencv", "darknet": "opencv", "tensorflow": "tensorflow"}
#: Of the largest output.
LARGEST_ERROR = 1e-4
#: One of each format, small: these run with the other long tests.
EXAMPLES = (("caffe", "mobilenetv2"), ("darknet", "yolov3-tiny"), ("tensorflow", "resnet18"))
OTHERS = [
    pytest.param(kind, name, marks=pytest.mark.thorough)
    for kind, listed in FORMATS.items()
    for name in listed
    if name in NETWORKS and (kind, name) not in EXAMPLES
]


def smallest(name):
    network = NETWORKS[name]
    if network.only is not None:
        return network.only
    if not network.free_sizes:
        # at a smaller one its average has cells that overlap, which only TensorFlow's files can say
        return network.native
    return next(side for side in range(64, 300) if network.refuses(side) is None)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "name"), [*EXAMPLES, *OTHERS])
def test_a_network_gives_torchs_outputs(tmp_path, monkeypatch, one_thread, kind, name):
    pytest.importorskip("torch")
    framework = get(READERS[kind])
    if framework.version() is None:
        pytest.skip(f"{framework.name} is not installed")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    model = build_from(kind, name, smallest(name))
    assert list(model.sources) == [kind]
    reason = framework.unsupported(model, "fp32")
    if reason is not None:
        pytest.skip(reason)
    engine = framework.load(model)
    reference = model.reference()
    for arrays, expected in zip(reference.inputs, reference.outputs):
        answers = engine.infer(*arrays)
        assert [answer.shape for answer in answers] == [right.shape for right in expected]
        for answer, right in zip(answers, expected):
            assert np.abs(answer - right).max() <= LARGEST_ERROR * np.abs(right).max()


def test_a_model_has_the_usual_sources_unless_it_is_asked_for_another():
    assert set(build("resnet18", 64).sources) == {"onnx", "torch", "tensorflow"}
    assert set(build("yolov3-tiny", (64, 96)).sources) == {"onnx", "torch", "tensorflow", "darknet"}
    assert list(build_from("onnx", "posenet", 65).sources) == ["onnx"]
    assert usual_formats_of("mobilenetv2") == ("tensorflow",)
    assert formats_of("mobilenetv2") == ("caffe", "tensorflow")


def test_a_source_that_a_network_has_not_is_refused_with_those_it_has():
    with pytest.raises(FrameworkError, match="posenet has no source 'caffe', only onnx, torch"):
        build_from("caffe", "posenet", 65)
