from __future__ import annotations

from pytest_edgeperf.testing import FrameworkContract


class TestMnn(FrameworkContract):
    framework_name = "mnn"
