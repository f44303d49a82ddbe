"""One network for each of four tasks, end to end, in frames per second.

Reproduces figure 5 of Mishra, "Performance analysis and optimization on edge AI devices" (2021), section 2.3: TFLite's
example networks on a Jetson Nano (4 GB) and a Raspberry Pi 3B.

    task             input    data set          Jetson Nano    Raspberry Pi 3B
    detection        300x300  COCO              26             20
    segmentation     257x257  VOC 2017          11              6
    pose estimation  300x300  COCO              14              8
    classification   224x224  1000 classes      50             20

The paper does not name the networks; those here are of TFLite's examples' kind: a MobileNetV2 SSD, DeepLabv3 on a
MobileNetV2 (stride 16), PoseNet on a MobileNetV1 (stride 16) and MobileNetV2. Weights are seeded, and pre- and
post-processing are real. The paper puts the devices' difference down to the Nano's GPU: for it, run ``--device=nano
--framework=tflite`` or another runtime, on both devices, and read both files together.
"""

from __future__ import annotations

from functools import partial

import pytest
from models import build
from studies import MISHRA_2021_FIGURE_5
from suites import values
from tasks.classification import crop, five_best
from tasks.images import HEIGHT, WIDTH, photographs
from tasks.pose import pose_of
from tasks.scaling import squeeze
from tasks.segmentation import classes_of_pixels
from tasks.ssd_boxes import SSD_MOBILENET, pick

from pytest_edgeperf import Inputs

SHAPE = (HEIGHT, WIDTH)
#: Task -> network, resolution, pre-processing, post-processing.
TASKS = {
    "detection": ("ssd-mobilenetv2", 300, squeeze, partial(pick, levels=SSD_MOBILENET, photo_shape=SHAPE)),
    "segmentation": ("deeplabv3-mobilenetv2", 257, squeeze, partial(classes_of_pixels, resolution=257)),
    "pose": ("posenet", 300, squeeze, partial(pose_of, input_shape=(300, 300), photo_shape=SHAPE)),
    "classification": ("mobilenetv2", 224, crop, five_best),
}


@pytest.mark.mishra_2021
@pytest.mark.timed_inference
@pytest.mark.parametrize("task", values(paper=tuple(TASKS)))
def test_task(timed_inference, framework, precision, task):
    network, resolution, preprocess, postprocess = TASKS[task]
    model = build(network, resolution)
    engine = framework.load(model, precision=precision)
    timed_inference.study(
        MISHRA_2021_FIGURE_5, series=f"{framework.name} {precision}", x=model.parameters["flops"] / 1e9
    )
    timed_inference(
        engine,
        Inputs.of(photographs(4)),
        preprocess=partial(preprocess, resolution=resolution),
        postprocess=postprocess,
    )
