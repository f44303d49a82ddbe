"""Detectors ranked by speed: which one a board has time for.

Reproduces section 2.4 of Mishra, "Performance analysis and optimization on edge AI devices" (2021): for a robot that
watches a home a tiny YOLO was chosen after a comparison of networks, whose figures the paper does not print. Here the
small detectors of the table of networks run end to end, each at its own resolution, and the study ranks them by frames
per second, with an equals sign where the runs do not separate two. ``--suite=full`` has the larger ones too. How well
they detect is another question: weights are seeded here.
"""

from __future__ import annotations

from functools import partial

import pytest
from models import build
from models.networks import NETWORKS
from studies import MISHRA_2021_DETECTORS
from suites import values
from tasks.images import HEIGHT, WIDTH, photographs

from pytest_edgeperf import Inputs

SMALL = (
    ("ssd-mobilenetv2", 300),
    ("ssdlite320-mobilenetv3-large", 320),
    ("yolov2-tiny", 416),
    ("yolov3-tiny", 416),
    ("yolox-nano", 416),
)
LARGER = (("ssd-mobilenetv1", 300), ("ssd300", 300), ("yolox-tiny", 416), ("yolox-s", 640), ("yolov3", 416))


@pytest.mark.mishra_2021
@pytest.mark.timed_inference
@pytest.mark.parametrize(("network", "resolution"), values(paper=SMALL, full=LARGER))
def test_detector(timed_inference, framework, precision, network, resolution):
    described = NETWORKS[network]
    engine = framework.load(build(network, resolution), precision=precision)
    timed_inference.study(MISHRA_2021_DETECTORS, series=f"{network} {framework.name} {precision}", x=1)
    timed_inference(
        engine,
        Inputs.of(photographs(4)),
        preprocess=partial(described.prepare, resolution=resolution),
        postprocess=described.postprocess(resolution, (HEIGHT, WIDTH)),
    )
