from __future__ import annotations

from pytest_edgeperf.testing import FrameworkContract


class TestNcnn(FrameworkContract):
    framework_name = "ncnn"
