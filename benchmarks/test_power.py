"""Power over resolution and precision, and how it fluctuates over a hundred inferences.

Reproduces experiment 4 of Suo et al., "Feasibility analysis of machine learning optimization on GPU-based low-cost
edges" (2021), sections III-D and IV-C, figures 11 and 12: the average power of YOLOv3 on a Jetson Nano in three
frameworks and in TensorRT at 16 bits over the resolution, and its fluctuation over a hundred inferences at 608x608.
Observation 8: PyTorch takes the least below 480x480, TensorRT at 16 bits above. Observation 9: TensorRT's power
fluctuates the most. On a Jetson Xavier NX TensorRT takes at most 15.73 W, TensorFlow 19.06 W and PyTorch 20.07 W.

Here the power is read while the inference is repeated, apart from the timing, until there were a hundred inferences or
the sensor had enough new values: of TensorFlow, PyTorch, TensorRT and whatever else is installed. ``power_mean``,
``power_sd``, ``power_p95`` and ``power_max`` (insight 5: the peaks are the same) are in W, ``energy_per_inference`` in
mJ; the readings themselves are kept in the run's ``quality.telemetry`` (``power_w`` in W at ``at_s``). A machine whose
power no sensor measures is skipped, with the reason. YOLOv3-tiny at two resolutions; with ``--suite=full`` YOLOv3 at
those of table I that the figures show.
"""

from __future__ import annotations

from functools import partial

import pytest
from models import build
from studies import SUO_2021_EXPERIMENT_4
from suites import values
from tasks.detection import YOLOV3, YOLOV3_TINY, detect, letterbox
from tasks.images import HEIGHT, WIDTH, photographs

from pytest_edgeperf import Inputs

INFERENCES = 100
PRECISIONS = ("fp32", "fp16")

pytestmark = pytest.mark.suo_2021


@pytest.mark.timed_inference(power_series=INFERENCES)
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("resolution", values(paper=(256, 416)))
def test_yolov3_tiny(timed_inference, device, framework, precision, resolution):
    measure("yolov3-tiny", YOLOV3_TINY, timed_inference, device, framework, precision, resolution)


@pytest.mark.timed_inference(power_series=INFERENCES, budget=10, timeout=1200)
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("resolution", values(full=(320, 416, 480, 544, 608)))
def test_yolov3(timed_inference, device, framework, precision, resolution):
    measure("yolov3", YOLOV3, timed_inference, device, framework, precision, resolution)


def measure(network, heads, timed_inference, device, framework, precision, resolution):
    reason = device.without_power()
    if reason is not None:
        pytest.skip(f"the power of an inference cannot be measured on this machine: {reason}")
    model = build(network, resolution)
    engine = framework.load(model, precision=precision)
    timed_inference.study(
        SUO_2021_EXPERIMENT_4,
        series=f"{network} {framework.name} {precision}",
        x=model.parameters["flops"] / 1e9,
    )
    timed_inference(
        engine,
        Inputs.of(photographs(4)),
        preprocess=partial(letterbox, resolution=resolution),
        postprocess=partial(detect, heads=heads, resolution=resolution, photo_shape=(HEIGHT, WIDTH)),
    )
