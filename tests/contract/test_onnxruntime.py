from __future__ import annotations

from pytest_edgeperf.testing import FrameworkContract


class TestOnnxRuntime(FrameworkContract):
    framework_name = "onnxruntime"
