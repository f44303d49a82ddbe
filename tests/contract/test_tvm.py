from __future__ import annotations

from pytest_edgeperf.testing import FrameworkContract


class TestTvm(FrameworkContract):
    framework_name = "tvm"
