import pytest

from pytest_edgeperf.testing import FrameworkContract, expected, images


class TestOnnxReference(FrameworkContract):
    framework_name = "onnx-reference"

    @pytest.mark.timed_inference
    def test_is_measured(self, timed_inference, framework, model):
        engine = framework.load(model)
        assert abs(engine.infer(images()[0])[0] - expected(images()[0])).max() < 1e-4
        timed_inference(engine, images()[0])
