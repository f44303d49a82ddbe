"""Workloads whose engines are built by ``makers.py``; ``version.json`` says which of two versions of it this is."""

from __future__ import annotations

import ctypes
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pytest_edgeperf.frameworks.building import built
from pytest_edgeperf.frameworks.interface import Model

VERSION = json.loads(Path(__file__).with_name("version.json").read_text())


def made(maker):
    """The folder of what a maker makes; of another version it is made anew."""
    arguments, tools = {"version": VERSION}, {"maker": "1"}
    return built(f"makers:{maker}", Model(maker, {}), "fp32", tools=tools, arguments=arguments, source={}).folder


def address(array):
    return ctypes.c_void_p(array.ctypes.data)


@pytest.fixture
def kernels():
    library = ctypes.CDLL(str(made("kernels") / "kernels.so"))
    library.decode.restype = ctypes.c_float
    return library


@pytest.mark.timed_inference
def test_letterbox(timed_inference, kernels):
    image = np.zeros((480, 640, 3), np.uint8)
    out = np.empty((3, 416, 416), np.float32)
    timed_inference(partial(kernels.letterbox, address(image), address(out), 416, 640, 480))
    assert image.shape == (480, 640, 3)


@pytest.mark.timed_inference
def test_suppress(timed_inference, kernels):
    random = np.random.default_rng(0)
    corner = random.uniform(0, 400, (500, 2)).astype(np.float32)
    boxes = np.concatenate([corner, corner + random.uniform(5, 60, (500, 2)).astype(np.float32)], axis=1)
    kept = np.empty(500, np.uint8)
    timed_inference(partial(kernels.suppress, address(boxes), address(kept), 500, ctypes.c_float(0.45)))
    assert 0 < kept.sum() < 500


@pytest.mark.timed_inference
def test_decode(timed_inference, kernels):
    logits = np.random.default_rng(0).normal(0, 1, (2000, 80)).astype(np.float32)
    best = np.empty(2000, np.int32)
    timed_inference(partial(kernels.decode, address(logits), 2000, 80, address(best)))
    assert (best == logits.argmax(axis=1)).all()
