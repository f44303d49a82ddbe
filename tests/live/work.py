"""Six real workloads; each sample handles twenty items, or more of them in proportion to what is asked for.

``EDGEPERF_LIVE_EXTRA=letterbox:0.10,resnet18-onnxruntime:0.10`` gives two of them 10 % of real extra work.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from models import build
from tasks.classification import crop
from tasks.detection import YOLOV3_TINY, detect, letterbox
from tasks.images import HEIGHT, WIDTH, photographs

ITEMS = 20
SIDE = 64


def items(workload):
    """How many items a sample of the workload handles."""
    asked = dict(pair.split(":") for pair in os.environ.get("EDGEPERF_LIVE_EXTRA", "").split(",") if pair)
    return round(ITEMS * (1 + float(asked.get(workload, 0))))


def repeat(call, count, *arguments):
    for _ in range(count):
        call(*arguments)


def measure_network(timed_inference, framework, network):
    engine = framework.load(build(network, resolution=SIDE))
    image = crop(photographs(1)[0], resolution=SIDE)
    timed_inference(partial(repeat, engine.infer, items(f"{network}-{framework.name}"), image))


@pytest.mark.timed_inference
def test_resnet18(timed_inference, framework):
    measure_network(timed_inference, framework, "resnet18")


@pytest.mark.timed_inference
def test_mobilenetv2(timed_inference, framework):
    measure_network(timed_inference, framework, "mobilenetv2")


@pytest.mark.timed_inference
def test_letterbox(timed_inference):
    timed_inference(partial(repeat, letterbox, items("letterbox"), photographs(1)[0], 416))


@pytest.mark.timed_inference
def test_detections(timed_inference):
    random = np.random.default_rng(0)
    outputs = [random.normal(-3, 2, (1, 255, side, side)).astype(np.float32) for side in (6, 12)]
    call = partial(detect, heads=YOLOV3_TINY, resolution=192, photo_shape=(HEIGHT, WIDTH))
    timed_inference(partial(repeat, call, items("detections"), outputs))
