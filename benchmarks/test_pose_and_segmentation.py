"""Human pose estimation and semantic segmentation end to end: pre-processing, inference, post-processing.

Reproduces Trinh, "Evaluation of deployment options for neural networks on embedded edge devices" (2023), section 4.3,
with ONNX Runtime on the CPU and by CUDA: Lightweight OpenPose at 256 pixels with strides of 8 (table 4.19) and of 32
(table 4.20), and LR-ASPP on a MobileNetV3 at 520 pixels (table 4.21). Frames per second there:

    device         processor    pose, stride 8    pose, stride 32    segmentation
    Raspberry Pi 3 CPU          0.673             0.704              out of memory after some 500 images
    Raspberry Pi 4 CPU          1.239             1.767              out of memory after some 4000 images
    Jetson Nano    CPU          1.343             1.317              1.232
                   GPU          3.065             4.686              3.058
    Jetson TX2     CPU          1.771             1.756              1.636
                   GPU          6.668             4.170              4.742
    AGX Xavier     CPU          5.671             5.649              4.164
                   GPU          15.529            16.246             11.568

The paper says that a larger stride makes the network's layers smaller. Its times say that the network was the same at
both: on a Raspberry Pi 3 the inference takes 1143 and 1094 ms, where a network with a sixteenth of the cells would take
a fraction. In the program that its network comes from the stride is an argument of what is around it: inputs are
filled up to multiples of it, and cells of the maps become pixels by it. So it is here: the network's stride is 8, and
with 32 the maps are searched in cells of 32 pixels, which spares post-processing only.

``memory_growth`` tells whether the process grows from image to image, as LR-ASPP's did on the Raspberry Pis.
"""

from __future__ import annotations

from functools import partial

import pytest
from models import build
from models.networks import NETWORKS
from papers.measured import label_of
from papers.trinh_2023 import POSE_STRIDES
from studies import TRINH_2023_POSE, TRINH_2023_SEGMENTATION
from suites import values
from tasks.images import HEIGHT, WIDTH, photographs

from pytest_edgeperf import Inputs

SHAPE = (HEIGHT, WIDTH)


@pytest.mark.trinh_2023
@pytest.mark.timed_inference
@pytest.mark.parametrize("stride", values(paper=POSE_STRIDES))
@pytest.mark.parametrize(("network", "resolution"), values(paper=(("lightweight-openpose", 256),)))
def test_pose(timed_inference, framework, precision, network, resolution, stride):
    model = build(network, resolution)
    timed_inference.study(TRINH_2023_POSE, series=series(framework, precision), x=stride, label=f"stride {stride}")
    finish = partial(NETWORKS[network].postprocess(resolution, SHAPE), stride=stride)
    measure(timed_inference, framework.load(model, precision=precision), network, resolution, finish)


@pytest.mark.trinh_2023
@pytest.mark.timed_inference
@pytest.mark.parametrize(("network", "resolution"), values(paper=(("lraspp-mobilenetv3-large", 520),)))
def test_segmentation(timed_inference, framework, precision, network, resolution):
    model = build(network, resolution)
    timed_inference.study(
        TRINH_2023_SEGMENTATION,
        series=series(framework, precision),
        x=model.parameters["flops"] / 1e9,
        label=label_of(network),
    )
    finish = NETWORKS[network].postprocess(resolution, SHAPE)
    measure(timed_inference, framework.load(model, precision=precision), network, resolution, finish)


def series(framework, precision):
    return framework.name if precision == "fp32" else f"{framework.name} {precision}"


def measure(timed_inference, engine, network, resolution, postprocess):
    timed_inference(
        engine,
        Inputs.of(photographs(4)),
        preprocess=partial(NETWORKS[network].prepare, resolution=resolution),
        postprocess=postprocess,
    )
