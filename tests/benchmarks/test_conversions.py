from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from models import build, conversions

from pytest_edgeperf import FrameworkError

#: Networks are built and exported; no code of ours is traced by that.
pytestmark = pytest.mark.long


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_darknets_files_are_made_once_and_found_again(cache):
    source = build("yolov3-tiny", resolution=64).sources["darknet"]
    cfg, weights = source()
    assert cfg.endswith(".cfg")
    assert weights.endswith(".weights")
    written = np.fromfile(weights, "<f4").size
    assert written > 8_000_000
    before = list(cache.rglob("*.weights"))
    assert source() == (cfg, weights)
    assert list(cache.rglob("*.weights")) == before


def test_what_cannot_be_made_says_why_and_leaves_nothing(cache):
    with pytest.raises(FrameworkError, match=r"converting resnet18 at 64 to darknet failed \(1\)") as error:
        conversions.converted("darknet", "resnet18", 64)
    assert "only yolov3-tiny" in str(error.value)
    assert [path.name for path in (cache / "models").iterdir() if path.suffix != ".lock"] == []
