"""Frameworks compared over resolutions, end to end, with the phases apart.

Reproduces experiment 1 of Suo et al., "Feasibility analysis of machine learning optimization on GPU-based
low-cost edges" (2021), sections III-A and IV-A: latency and memory of an object detector in several frameworks
against its computational complexity, forward and post-processing separately (formulas 1 to 4, table I). There:
YOLOv3 at 320 to 800 pixels on a Jetson Nano. Here: YOLOv3-tiny, and two classifiers beside it, at sizes that a
CPU runs in a few seconds; with ``--suite=full`` YOLOv3 at the ten resolutions of table I, too, at 704 and 800 pixels,
to which the series of TensorRT and TensorFlow go, and at 736, where PyTorch's trough lies on a Xavier NX. The weights
are seeded, not trained, which does not change the time. Each detector's benchmarks are one study, with a series per
framework and precision. ``test_memory_limit`` has TensorFlow on a GPU with and without a limit of the memory that it
takes (section IV-A, suggestion 1). The checklist of ``--suite=suo-2021`` reads its observations 1 to 3 and insights 1
and 2.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from models import build
from papers.suo_2021 import FURTHER_BFLOPS, TABLE_1_BFLOPS
from studies import SUO_2021_EXPERIMENT_1, SUO_2021_EXPERIMENT_1_TINY, SUO_2021_MEMORY_LIMIT
from suites import values
from tasks.classification import crop, five_best
from tasks.detection import YOLOV3, YOLOV3_TINY, detect, letterbox
from tasks.images import HEIGHT, WIDTH, photographs

from pytest_edgeperf import Inputs

#: What TensorFlow takes of a GPU's memory: all, as it does by itself, or the 2.5 GB that are enough (section IV-A).
ALL = "all"
ENOUGH_MIB = 2500


@pytest.mark.suo_2021
@pytest.mark.timed_inference
@pytest.mark.resolutions(default=(256, 320, 416), paper=(512,))
def test_yolov3_tiny(timed_inference, framework, precision, resolution):
    measure_detector(
        "yolov3-tiny", YOLOV3_TINY, SUO_2021_EXPERIMENT_1_TINY, timed_inference, framework, precision, resolution
    )


# an inference takes 0.4 to 2 s on one core of a PC
@pytest.mark.suo_2021
@pytest.mark.timed_inference(budget=10)
@pytest.mark.resolutions(full=(*TABLE_1_BFLOPS, *FURTHER_BFLOPS))
def test_yolov3(timed_inference, framework, precision, resolution):
    measure_detector("yolov3", YOLOV3, SUO_2021_EXPERIMENT_1, timed_inference, framework, precision, resolution)


@pytest.mark.suo_2021
@pytest.mark.timed_inference(budget=10)
@pytest.mark.parametrize("memory", values(full=(ALL, ENOUGH_MIB)))
@pytest.mark.resolutions(full=(416, 608))
def test_memory_limit(timed_inference, framework, precision, resolution, memory):
    if framework.name != "tensorflow:cuda":
        pytest.skip("only TensorFlow on a GPU takes memory in advance: --framework=tensorflow:cuda")
    model = build("yolov3", resolution=resolution)
    limited = replace(model, options={"tensorflow.memory_mib": memory})
    engine = framework.load(limited, precision=precision)
    timed_inference.study(SUO_2021_MEMORY_LIMIT, series=f"{framework.name} {memory}", x=model.parameters["flops"] / 1e9)
    timed_inference(engine, Inputs.of(photographs(4)), preprocess=partial(letterbox, resolution=resolution))


@pytest.mark.timed_inference
@pytest.mark.resolutions(default=(160,), full=(224,))
def test_resnet18(timed_inference, framework, precision, resolution):
    measure_classifier("resnet18", timed_inference, framework, precision, resolution)


@pytest.mark.timed_inference
@pytest.mark.resolutions(default=(224,))
def test_mobilenetv2(timed_inference, framework, precision, resolution):
    measure_classifier("mobilenetv2", timed_inference, framework, precision, resolution)


def measure_detector(network, heads, study, timed_inference, framework, precision, resolution):
    model = build(network, resolution=resolution)
    engine = framework.load(model, precision=precision)
    series = framework.name if precision == "fp32" else f"{framework.name} {precision}"
    timed_inference.study(study, series=series, x=model.parameters["flops"] / 1e9)
    timed_inference(
        engine,
        Inputs.of(photographs(4)),
        preprocess=partial(letterbox, resolution=resolution),
        postprocess=partial(detect, heads=heads, resolution=resolution, photo_shape=(HEIGHT, WIDTH)),
    )


def measure_classifier(network, timed_inference, framework, precision, resolution):
    timed_inference(
        framework.load(build(network, resolution=resolution), precision=precision),
        Inputs.of(photographs(4)),
        preprocess=partial(crop, resolution=resolution),
        postprocess=five_best,
    )
