from __future__ import annotations

import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.measure.conductor import LocalConductor
from pytest_edgeperf.measure.timed_inference import TimedInference
from pytest_edgeperf.testing import FrameworkContract, images


def require_provider(name):
    onnxruntime = pytest.importorskip("onnxruntime")
    if name not in onnxruntime.get_available_providers():
        pytest.skip(f"this build of ONNX Runtime has no {name}")


class TestOnnxRuntimeCuda(FrameworkContract):
    framework_name = "onnxruntime:cuda"

    @pytest.fixture(autouse=True)
    def _provider(self):
        require_provider("CUDAExecutionProvider")

    def test_events_and_the_hosts_clock_tell_one_story(self, model):
        engine = frameworks.get("onnxruntime:cuda").load(model)
        found = TimedInference(LocalConductor(0.3), {}, {})(engine, images()[0])
        if "device_times" in engine.describe():
            pytest.skip(engine.describe()["device_times"])
        phases = [found.values[name]["p50"] for name in ("device_copy_in", "device_infer", "device_copy_out")]
        assert sum(phases) == pytest.approx(found.values["device_latency"]["p50"], rel=0.2)


class TestOnnxRuntimeTensorRt(FrameworkContract):
    framework_name = "onnxruntime:tensorrt"

    @pytest.fixture(autouse=True)
    def _provider(self):
        pytest.importorskip("tensorrt", reason="ONNX Runtime's provider needs TensorRT's libraries")
        require_provider("TensorrtExecutionProvider")
