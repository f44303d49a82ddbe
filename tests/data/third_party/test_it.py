from functools import partial
from pathlib import Path

import pytest

from pytest_edgeperf import FrameworkError, Model
from pytest_edgeperf.testing import FrameworkContract, expected, images, write_onnx


class TestOnnxReference(FrameworkContract):
    framework_name = "onnx-reference"

    @pytest.mark.timed_inference
    def test_is_measured(self, timed_inference, framework, model):
        engine = framework.load(model)
        assert abs(engine.infer(images()[0])[0] - expected(images()[0])).max() < 1e-4
        timed_inference(engine, images()[0])


class TestOldReference(FrameworkContract):
    framework_name = "old-reference"

    @pytest.mark.timed_inference
    def test_is_measured(self, timed_inference, framework, model):
        timed_inference(framework.load(model), images()[0])


@pytest.mark.timed_inference
def test_a_file_with_its_own_suffix_is_measured(timed_inference, framework, tmp_path):
    import onnx

    path = tmp_path / "net.onnxtxt"
    onnx.save(onnx.load(write_onnx(str(tmp_path / "net.onnx"))), str(path), "onnxtxt")
    timed_inference(framework.load(path), images()[0])


@pytest.mark.timed_inference
def test_an_option_that_is_mistyped_is_an_error(timed_inference, framework, tmp_path):
    source = partial(str, write_onnx(str(tmp_path / "net.onnx")))
    model = Model("net", {"onnx": source}, options={"onnx-reference.verbosty": 1})
    with pytest.raises(FrameworkError, match=r"did you mean 'onnx-reference\.verbosity'"):
        framework.load(model)
    timed_inference(Path.cwd)
