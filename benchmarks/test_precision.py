"""Numeric formats compared: latency, memory, size of the engine and error of the outputs, and their latency in turns.

Reproduces the first method of experiment 3 of Suo et al., "Feasibility analysis of machine learning optimization on
GPU-based low-cost edges" (2021), sections III-C and IV-B: 16 bits against 32 in TensorRT. There, YOLOv3 on a Jetson
Nano; AP of 7.65 % at 32 bits and 7.66 % at 16 (table II, 416x256, VisDrone), 40 % less end-to-end time and 39 % less
memory at 416x416 (section V-B). And the comparison of Mishra, "Performance analysis and optimization on edge AI
devices" (2021), section 2.2.3, figure 4: benchmark models in fp32 and fp16 on a Jetson Nano, whose weights take half
the space and whose gain depends on the architecture and the hardware. Of Hadidi et al., "Characterizing the deployment
of deep neural networks on commercial edge devices" (2019), the takeaway of int8's gain without a loss.

Here: YOLOv3-tiny and two classifiers; with ``--suite=full`` YOLOv3 and SSD300 too. ``test_alone`` measures each format
in a process of its own, as memory needs it, and ``test_in_turns`` both formats in one, in turns of milliseconds, where
only their ratio counts. Their weights are seeded: what can be compared with the reference is ``output_error``, the
largest error of an output as a share of the largest output, and no accuracy. Accuracy is that of two networks that are
trained: ``test_digits`` measures the share of handwritten digits that each format reads, ``test_shapes`` the average
precision of a detector of drawn shapes. A format that a runtime does not have is skipped with its reason; one that a
processor only imitates is computed in fp32 between conversions.
"""

from __future__ import annotations

from functools import partial

import pytest
from labelled import digits
from metrics.coco import evaluator_or_skip
from metrics.recording import record_digits, record_shapes
from models import build
from studies import (
    PRECISIONS_IN_TURNS,
    PRECISIONS_OF_DIGITS,
    PRECISIONS_OF_SHAPES,
    SUO_2021_EXPERIMENT_3_PRECISION,
)
from suites import measured_by, values
from tasks.classification import crop
from tasks.detection import letterbox
from tasks.images import photographs
from tasks.proportions import input_size
from tasks.scaling import squeeze

from pytest_edgeperf import Inputs

#: Of YOLOv3's input, in pixels.
SIDES = (320, 416, 608)
PREPARE = {"ssd300": squeeze, "yolov3": letterbox, "yolov3-tiny": letterbox}
#: The detectors are both papers', the others mishra-2021's benchmark models.
DETECTORS = values(paper=(("yolov3-tiny", 256),), full=(("yolov3-tiny", 416), *(("yolov3", side) for side in SIDES)))
OTHERS = values(paper=(("resnet18", 160), ("mobilenetv2", 224)), full=(("ssd300", 300),))
NETWORKS = [*measured_by(("suo-2021",), DETECTORS), *OTHERS]
PRECISIONS = ("fp32", "fp16", "bf16", "int8")

pytestmark = pytest.mark.mishra_2021


@pytest.mark.timed_inference
@pytest.mark.parametrize(("network", "resolution"), NETWORKS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_alone(timed_inference, framework, precision, network, resolution):
    model = build(network, resolution)
    engine = framework.load(model, precision=precision)
    timed_inference.study(
        SUO_2021_EXPERIMENT_3_PRECISION,
        series=f"{network} {framework.name} {precision}",
        x=model.parameters["flops"] / 1e9,
    )
    timed_inference(engine, images(network, resolution))


@pytest.mark.timed_inference
@pytest.mark.parametrize(("network", "resolution"), NETWORKS)
@pytest.mark.parametrize("precision", [*PRECISIONS[1:-1], *measured_by(("hadidi-2019",), values(("int8",)))])
def test_in_turns(timed_inference, framework, precision, network, resolution):
    model = build(network, resolution)
    load = partial(framework.load, model)
    # first what may have to be skipped
    other = load(precision=precision)
    engines = {"fp32": load(precision="fp32"), precision: other}
    timed_inference.study(
        PRECISIONS_IN_TURNS, series=f"{network} {framework.name} {precision}", x=model.parameters["flops"] / 1e9
    )
    timed_inference.compare(images(network, resolution), **engines)


@pytest.mark.timed_inference
@pytest.mark.parametrize(
    "precision",
    [
        *measured_by(("hadidi-2019",), values(default=("fp32",), paper=("int8",))),
        *values(paper=("fp16", "bf16")),
    ],
)
def test_digits(timed_inference, framework, precision):
    skip_without_digits()
    model = build("digits-cnn", 8)
    engine = framework.load(model, precision=precision)
    timed_inference.study(
        PRECISIONS_OF_DIGITS, series=f"{framework.name} {precision}", x=model.parameters["flops"] / 1e9
    )
    timed_inference(engine, engine.example_inputs())
    record_digits(timed_inference, engine)


@pytest.mark.timed_inference
@pytest.mark.parametrize("precision", values(paper=PRECISIONS))
def test_shapes(timed_inference, framework, precision):
    evaluator_or_skip()
    size = input_size(160, "4:3")
    model = build("shapes-detector", size)
    engine = framework.load(model, precision=precision)
    timed_inference.study(
        PRECISIONS_OF_SHAPES, series=f"{framework.name} {precision}", x=model.parameters["flops"] / 1e9
    )
    timed_inference(engine, Inputs.of([letterbox(photo, size) for photo in photographs(4)]))
    record_shapes(timed_inference, engine, size)


def skip_without_digits():
    reason = digits.missing()
    if reason is not None:
        pytest.skip(reason)


def images(network, resolution):
    prepare = PREPARE.get(network, crop)
    return Inputs.of([prepare(photo, resolution) for photo in photographs(4)])
