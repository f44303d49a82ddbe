from __future__ import annotations

from pytest_edgeperf.testing import FrameworkContract


class TestOpenVino(FrameworkContract):
    framework_name = "openvino"
