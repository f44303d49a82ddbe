"""Inputs of the photograph's proportions instead of squares: what is saved, and what of the photograph is kept.

Reproduces the second method of experiment 3 of Suo et al., "Feasibility analysis of machine learning optimization on
GPU-based low-cost edges" (2021), sections III-C and IV-B, figures 4 and 9, table II: photographs of 4:3 and 16:9
letterboxed to squares, and to the nearest multiples of 32 of either proportion. There, YOLOv3 in TensorRT on a Jetson
Nano, on VisDrone: AP of 8.00 % at 416x416, 8.05 % at 416x320 and 7.65 % at 416x256; the end-to-end time of 416x256 is
41 % of that of 416x416 with 16:9 photographs (section V-B). A photograph of 4:3 keeps 416x312 of its pixels in
416x416 and in 416x320, and 312x234 (there; 341x256 fill the input's height) in 416x256.

Here: YOLOv3-tiny with a longer side of 320 pixels; with ``--suite=full`` also 416, and YOLOv3 at the paper's sizes. The
study reads latency and memory over the complexity in GFLOPs, a series per proportions of the photograph, which lie on
one line where only the operations count. The weights are seeded; the checklist shows what share of the photograph's
pixels in a square input is kept (``tasks.proportions``).

Table II, the accuracy, is that of a detector that is trained: ``test_shapes``, on drawn shapes in photographs of both
proportions, with a longer side of 160 pixels. With ``--data DIR`` (VisDrone, say) and ``--detector FILE.onnx`` (YOLOv3
or YOLOv3-tiny, trained for its categories) ``test_data`` measures the table on the photographs themselves, at 416.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from metrics.coco import evaluator_or_skip
from metrics.recording import examples_for, record_detections, record_shapes
from models import build
from studies import (
    SUO_2021_EXPERIMENT_3_SCALING,
    SUO_2021_TABLE_2,
    SUO_2021_TABLE_2_DATA,
    SUO_2021_TABLE_2_SHAPES,
)
from suites import values
from tasks.detection import SHAPES, YOLOV3, YOLOV3_TINY, detect, letterbox
from tasks.framed import photographs_of
from tasks.proportions import input_size

from pytest_edgeperf import Inputs

pytestmark = pytest.mark.suo_2021


def scaled(paper=(), full=()):
    """Parametrise over the longer side, the photograph's proportions and the input's."""
    pairs = (("4:3", "1:1"), ("4:3", "4:3"), ("4:3", "16:9"), ("16:9", "1:1"), ("16:9", "16:9"))
    return pytest.mark.parametrize(
        ("longer", "photo", "scaling"),
        values(
            paper=[(longer, *pair) for longer in paper for pair in pairs],
            full=[(longer, *pair) for longer in full for pair in pairs],
        ),
    )


@scaled(paper=(320,), full=(416,))
@pytest.mark.timed_inference
def test_yolov3_tiny(timed_inference, framework, precision, longer, photo, scaling):
    measure("yolov3-tiny", YOLOV3_TINY, timed_inference, framework, precision, longer, photo, scaling)


@scaled(full=(320, 416, 608))
@pytest.mark.timed_inference(budget=10)
def test_yolov3(timed_inference, framework, precision, longer, photo, scaling):
    measure("yolov3", YOLOV3, timed_inference, framework, precision, longer, photo, scaling)


#: What a user's detector may be, by its heads.
DETECTORS = {"yolov3": YOLOV3, "yolov3-tiny": YOLOV3_TINY}
ROWS_OF_TABLE_2 = [(proportions, f"fp{bits}") for proportions, bits in SUO_2021_TABLE_2]


@pytest.mark.timed_inference
@pytest.mark.parametrize(("scaling", "precision"), values(paper=ROWS_OF_TABLE_2))
def test_shapes(timed_inference, framework, precision, scaling):
    evaluator_or_skip()
    size = input_size(160, scaling)
    model = build("shapes-detector", size)
    engine = framework.load(model, precision=precision)
    timed_inference.study(
        SUO_2021_TABLE_2_SHAPES, series=f"{framework.name} {precision}", x=model.parameters["flops"] / 1e9
    )
    photos = photographs_of("4:3")
    timed_inference(
        engine,
        Inputs.of(photos),
        preprocess=partial(letterbox, resolution=size),
        postprocess=partial(detect, heads=SHAPES, resolution=size, photo_shape=photos[0].shape),
    )
    record_shapes(timed_inference, engine, size)


@pytest.mark.timed_inference
@pytest.mark.parametrize(("scaling", "precision"), values(paper=ROWS_OF_TABLE_2))
@pytest.mark.parametrize("network", values(paper=tuple(DETECTORS)))
def test_data(timed_inference, framework, precision, network, scaling, data, detector):
    if detector.heads != DETECTORS[network]:
        pytest.skip(f"--detector is no {network}")
    evaluator_or_skip()
    size = input_size(416, scaling)
    engine = framework.load(detector.model(size), precision=precision)
    timed_inference.study(SUO_2021_TABLE_2_DATA, series=f"{framework.name} {precision}", x=size[0] * size[1])
    photo = data.images[0].read()
    timed_inference(
        engine,
        photo,
        preprocess=partial(letterbox, resolution=size),
        postprocess=partial(detect, heads=detector.heads, resolution=size, photo_shape=photo.shape),
    )
    asked = replace(data, images=data.images[examples_for(engine, len(data.images))])
    detections = detector.detections_of(engine, asked.images, size, len(data.categories))
    record_detections(timed_inference, asked, detections)


def measure(network, heads, timed_inference, framework, precision, longer, photo, scaling):
    size = input_size(longer, scaling)
    model = build(network, size if size[0] != size[1] else longer)
    photos = photographs_of(photo)
    timed_inference.study(
        SUO_2021_EXPERIMENT_3_SCALING,
        series=f"{network} {framework.name} {precision}, {photo} photograph",
        x=model.parameters["flops"] / 1e9,
    )
    timed_inference(
        framework.load(model, precision=precision),
        Inputs.of(photos),
        preprocess=partial(letterbox, resolution=size),
        postprocess=partial(detect, heads=heads, resolution=size, photo_shape=photos[0].shape),
    )
