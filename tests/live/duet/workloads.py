"""Nine real workloads; ``spins.json`` beside this file gives some of them extra work, in steps of an empty loop."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, os.environ["EDGEPERF_LIVE_BENCHMARKS"])

from models import build
from tasks.classification import crop
from tasks.detection import YOLOV3_TINY, detect, letterbox
from tasks.images import HEIGHT, WIDTH, photographs

SPINS = json.loads(Path(__file__).with_name("spins.json").read_text())
MEBIBYTES = 24


def spin(steps):
    for _ in repeat(None, steps):
        pass


def and_spin(call, steps, *arguments):
    call(*arguments)
    spin(steps)


def measure(timed_inference, request, call, *arguments):
    timed_inference(partial(and_spin, call, SPINS.get(request.node.name, 0)), *arguments)


def infer(timed_inference, request, framework, network, resolution):
    engine = framework.load(build(network, resolution=resolution))
    measure(timed_inference, request, engine.infer, crop(photographs(1)[0], resolution=resolution))


@pytest.mark.timed_inference
@pytest.mark.parametrize("network", ["mobilenetv2", "resnet18"])
def test_network(timed_inference, request, framework, network):
    infer(timed_inference, request, framework, network, 128)


@pytest.mark.timed_inference(threads=2)
def test_two_threads(timed_inference, request, framework):
    infer(timed_inference, request, framework, "resnet18", 128)


@pytest.mark.timed_inference
def test_letterbox(timed_inference, request):
    measure(timed_inference, request, letterbox, photographs(1)[0], 416)


@pytest.mark.timed_inference
def test_detections(timed_inference, request):
    random = np.random.default_rng(0)
    outputs = [random.normal(-3, 2, (1, 255, side, side)).astype(np.float32) for side in (6, 12)]
    call = partial(detect, heads=YOLOV3_TINY, resolution=192, photo_shape=(HEIGHT, WIDTH))
    measure(timed_inference, request, call, outputs)


@pytest.mark.timed_inference
def test_200_microseconds(timed_inference, request):
    random = np.random.default_rng(0)
    values = random.normal(0, 1, 20000).astype(np.float32)
    measure(timed_inference, request, np.sort, values)


@pytest.mark.timed_inference
def test_memory(timed_inference, request):
    source = np.ones(MEBIBYTES << 18, np.float32)
    measure(timed_inference, request, np.copyto, np.empty_like(source), source)
