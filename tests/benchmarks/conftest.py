from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..networks import cache_with

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# as pytest itself does for the tests in benchmarks/
sys.path.insert(0, str(BENCHMARKS))


@pytest.fixture(scope="session")
def filled_cache(tmp_path_factory, request):
    """A cache with the small networks at 64 pixels."""
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    return cache_with(
        tmp_path_factory, request.config, [(name, 64) for name in ("mobilenetv2", "resnet18", "yolov3-tiny")]
    )


@pytest.fixture
def cache(filled_cache, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(filled_cache))
    return filled_cache


@pytest.fixture
def one_thread():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return torch


@pytest.fixture
def start_python():
    """Starts another interpreter that can import the models."""

    def start(*arguments: str) -> subprocess.Popen:
        environment = {**os.environ, "PYTHONPATH": str(BENCHMARKS)}
        return subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, text=True)

    return start
