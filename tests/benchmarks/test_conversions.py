from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from models import build, conversions
from models.darknet_files import darknet_files
from models.yolov3_tiny import network

from pytest_edgeperf import FrameworkError

#: Networks are built and exported; no code of ours is traced by that.
pytestmark = pytest.mark.long


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_another_process_makes_darknets_files_once_and_they_are_found_again(cache, tmp_path):
    source = build("yolov3-tiny", resolution=64).sources["darknet"]
    cfg, weights = source()
    assert cfg.endswith(".cfg")
    assert weights.endswith(".weights")
    written = np.fromfile(weights, "<f4").size
    assert written > 8_000_000
    before = list(cache.rglob("*.weights"))
    assert source() == (cfg, weights)
    assert list(cache.rglob("*.weights")) == before
    here = darknet_files(network(), (1, 3, 64, 64), tmp_path / "here.cfg", tmp_path / "here.weights")
    for path, other in zip((cfg, weights), here):
        assert Path(path).read_bytes() == Path(other).read_bytes()


def test_what_cannot_be_made_says_why_and_leaves_nothing(cache, monkeypatch):
    failing = cache / "python"
    failing.write_text("#!/bin/sh\necho 'written so far' > \"$6/part\"\necho 'out of luck' >&2\nexit 3\n")
    failing.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(failing))
    with pytest.raises(FrameworkError, match=r"converting resnet18 at 64 to darknet failed \(3\):\nout of luck"):
        conversions.converted("darknet", "resnet18", 64)
    assert [path.name for path in (cache / "models").iterdir() if path.suffix != ".lock"] == []
