"""The contract with a program that stands for ``trtexec``; no GPU has a part in it."""

from __future__ import annotations

import pytest

from pytest_edgeperf.testing import FrameworkContract
from tests.fakes import trtexec_fake

from .whole import whole

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
#: Every inference starts a program.
pytestmark = pytest.mark.slow


class WithFake(FrameworkContract):
    framework_name = "tensorrt:trtexec"
    version = ""
    repetitions = 3

    @pytest.fixture(autouse=True)
    def program(self, tmp_path, monkeypatch):
        monkeypatch.setenv("EDGEPERF_TRTEXEC", trtexec_fake.install(tmp_path, self.version))
        monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))

    def test_it_is_the_release_that_is_asked_for(self, framework):
        assert framework.version() == self.version


@pytest.mark.thorough
class TestTrtExec82(WithFake):
    version = "8.2.1"


@whole
class TestTrtExec103(WithFake):
    version = "10.3.0"


@whole
class TestTrtExec111(WithFake):
    version = "11.1.0"
