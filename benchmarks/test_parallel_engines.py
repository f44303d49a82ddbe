"""Several engines at once: what they do together, and what each inference then takes.

Reproduces the third method of experiment 3 of Suo et al., "Feasibility analysis of machine learning optimization on
GPU-based low-cost edges" (2021), sections III-C and IV-B: throughput of YOLOv3 over the number of models that run in
parallel, per input resolution (figure 10), and the largest number that fits into memory, there three models of
TensorRT in 16 bits on a Jetson Nano. Its observation 7: running in parallel pays, the more so below 480 pixels, as one
model's post-processing on the CPU fills the time of another's forward pass. Here: YOLOv3-tiny with its pre- and
post-processing, each engine with one thread in a process of its own, so that one for which there is no memory ends
itself and not the session; it is skipped with the reason, and so the largest number that runs is the largest that fits.
With ``--suite=full`` also YOLOv3 at the paper's resolutions, and more engines.
"""

from __future__ import annotations

from functools import partial

import pytest
from models import build
from studies import SUO_2021_EXPERIMENT_3_PARALLEL
from suites import values
from tasks.detection import YOLOV3, YOLOV3_TINY, detect, letterbox
from tasks.images import HEIGHT, WIDTH, photographs

from pytest_edgeperf import EngineFailed, Inputs


def engines(**numbers):
    """Parametrise over the number of engines, by suite; each has a processor where there are enough."""
    chosen = [
        pytest.param(n.values[0], marks=[pytest.mark.timed_inference(threads=n.values[0], budget=1.5), *n.marks])
        for n in values(**numbers)
    ]
    return pytest.mark.parametrize("n", chosen)


@pytest.mark.suo_2021
@engines(default=(2,), paper=(1, 3), full=(4, 6, 8))
@pytest.mark.resolutions(default=(256,), paper=(512,), full=(416,))
def test_yolov3_tiny(timed_inference, framework, precision, resolution, n):
    measure("yolov3-tiny", YOLOV3_TINY, timed_inference, framework, precision, resolution, n)


@pytest.mark.suo_2021
@engines(full=(1, 2, 3, 4))
@pytest.mark.resolutions(full=(320, 416, 480, 608))
def test_yolov3(timed_inference, framework, precision, resolution, n):
    measure("yolov3", YOLOV3, timed_inference, framework, precision, resolution, n)


def measure(network, heads, timed_inference, framework, precision, resolution, n):
    model = build(network, resolution=resolution)
    timed_inference.study(
        SUO_2021_EXPERIMENT_3_PARALLEL, series=f"{network} {resolution} {framework.name} {precision}", x=n
    )
    try:
        timed_inference.parallel(
            lambda: framework.load(model, precision=precision, threads=1),
            n,
            Inputs.of(photographs(4)),
            mode="processes",
            preprocess=partial(letterbox, resolution=resolution),
            postprocess=partial(detect, heads=heads, resolution=resolution, photo_shape=(HEIGHT, WIDTH)),
        )
    except EngineFailed as error:
        if "memory" not in str(error).lower():
            raise
        pytest.skip(f"{n} engines do not fit: {error}")
