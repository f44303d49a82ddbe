"""Several engines at once: what they do together, and what each inference then takes.

Reproduces the third method of experiment 3 of Suo et al., "Feasibility analysis of machine learning optimization on
GPU-based low-cost edges" (2021), sections III-C and IV-B: throughput of YOLOv3 over the number of models that run in
parallel, per input resolution (figure 10), and the largest number that fits into memory, there three models of
TensorRT in 16 bits on a Jetson Nano. Its observation 7: running in parallel pays, the more so below 480 pixels, as one
model's post-processing on the CPU fills the time of another's forward pass. Here: YOLOv3-tiny with its pre- and
post-processing, each engine with one thread in a process of its own, so that one for which there is no memory ends
itself and not the session; a number that does not fit is skipped with the reason. With ``--suite=full`` also YOLOv3 at
the paper's resolutions, and more engines.

``test_most_engines`` starts engine after engine until there is no memory for another, and records how many there are as
``engine_count``, up to a limit; ``test_combined`` measures the optimisations of experiment 3 one after the other and
all together on 16:9 photographs: 32 bits and a square input (there 3.9 frames per second and 1027 MB at 320x320), 16
bits and an input of 16:9 (10.5 and 779 MB at 320x192), and several of these engines (13.1 with three, the headline).
Whether that is real-time is a question of the checklist.
"""

from __future__ import annotations

from functools import partial

import pytest
from models import build
from papers.suo_2021 import BEFORE, MOST_STARTED, OPTIMISED
from studies import SUO_2021_COMBINED, SUO_2021_EXPERIMENT_3_PARALLEL
from suites import values
from tasks.detection import YOLOV3, YOLOV3_TINY, detect, letterbox
from tasks.framed import photographs_of
from tasks.images import HEIGHT, WIDTH, photographs
from tasks.proportions import input_size

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


#: Bits and proportions of the input, each and both, then engines: (precision, scaling, engines).
LONGER, FULL, SQUARE = BEFORE
_, HALF, WIDE = OPTIMISED
STEPS = ((FULL, SQUARE, 1), (HALF, SQUARE, 1), (FULL, WIDE, 1), (HALF, WIDE, 1), (HALF, WIDE, 2), (HALF, WIDE, 3))
HEADS = {"yolov3": YOLOV3, "yolov3-tiny": YOLOV3_TINY}


def combined():
    """Parametrise over the steps, and give each engine a processor where there are enough."""
    chosen = []
    for network, suite in (("yolov3-tiny", "paper"), ("yolov3", "full")):
        for precision, scaling, n in STEPS:
            (made,) = values(**{suite: [(network, precision, LONGER, WIDE, scaling, n)]})
            mark = pytest.mark.timed_inference(threads=n, budget=1.5 if suite == "paper" else 10)
            chosen.append(pytest.param(*made.values, marks=[mark, *made.marks]))
    return pytest.mark.parametrize(("network", "precision", "longer", "photo", "scaling", "n"), chosen)


@pytest.mark.suo_2021
@combined()
def test_combined(timed_inference, framework, network, precision, longer, photo, scaling, n):
    size = input_size(longer, scaling)
    series = f"{network} {framework.name}"
    step = f"{precision} {scaling}" + (f" {n} engines" if n > 1 else "")
    timed_inference.study(SUO_2021_COMBINED, series=series, x=STEPS.index((precision, scaling, n)), label=step)
    measure_sized(network, timed_inference, framework, precision, size, photo, n)


@pytest.mark.suo_2021
@pytest.mark.timed_inference(threads=2, budget=1.5, timeout=1200)
@pytest.mark.parametrize(
    ("network", "precision", "scaling"), values(paper=[("yolov3-tiny", HALF, WIDE)], full=[("yolov3", HALF, WIDE)])
)
def test_most_engines(timed_inference, framework, network, precision, scaling):
    size = input_size(LONGER, scaling)
    measure_sized(network, timed_inference, framework, precision, size, WIDE, MOST_STARTED, fitting=True)


def measure_sized(network, timed_inference, framework, precision, size, photo, n, fitting=False):
    model = build(network, size if size[0] != size[1] else size[0])
    photos = photographs_of(photo)
    with_reason_where_none_fits(
        timed_inference,
        lambda: framework.load(model, precision=precision, threads=1),
        n,
        Inputs.of(photos),
        fitting=fitting,
        preprocess=partial(letterbox, resolution=size),
        postprocess=partial(detect, heads=HEADS[network], resolution=size, photo_shape=photos[0].shape),
    )


def measure(network, heads, timed_inference, framework, precision, resolution, n):
    model = build(network, resolution=resolution)
    timed_inference.study(
        SUO_2021_EXPERIMENT_3_PARALLEL, series=f"{network} {resolution} {framework.name} {precision}", x=n
    )
    with_reason_where_none_fits(
        timed_inference,
        lambda: framework.load(model, precision=precision, threads=1),
        n,
        Inputs.of(photographs(4)),
        preprocess=partial(letterbox, resolution=resolution),
        postprocess=partial(detect, heads=heads, resolution=resolution, photo_shape=(HEIGHT, WIDTH)),
    )


def with_reason_where_none_fits(timed_inference, make_engine, n, inputs, **others):
    try:
        timed_inference.parallel(make_engine, n, inputs, mode="processes", **others)
    except EngineFailed as error:
        if not error.out_of_memory:
            raise
        pytest.skip(f"{n} engines do not fit: {error}")
