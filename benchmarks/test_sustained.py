"""Minutes of load: what the latency, the clocks and the temperature become, and when the device slows itself down.

Follows Trinh, "On the evaluation of neural network deployment options" (2023), section 4.1: figures 4.10 and 4.11 show
inference times of mobile networks on Jetson Xavier and TX2 that go up and down in steps, which the thesis puts down to
thermal throttling without a measurement of it ("one possible explanation"), as it does a Raspberry Pi 3's beside a
Raspberry Pi 4. Here each run lasts three minutes, timed in 120 blocks, between which temperature, clocks and what
slows the device down are read. A lasting step of the latency is reported with its time, and is called throttling only
where a clock fell with it or the device says that it slowed itself down. ``latency_start`` and ``latency_sustained``
are judged like any metric where the marker gates them; the study reads the sustained latency over the complexity.

Minutes only with ``--suite=full``: a benchmark takes ten; with ``--suite=trinh-2023`` 20 seconds. The device should be
as cold as it is in use, so the cool-down before each run matters here: see ``--edgeperf-no-cooldown``.
"""

from __future__ import annotations

import pytest
from models import build
from studies import TRINH_2023_SUSTAINED
from suites import values
from tasks.classification import crop, five_best
from tasks.images import photographs

from pytest_edgeperf import Inputs

#: Too short for a board to get warm: what a run of minutes is like.
SHORT_S = 20
LONG_S = 180
#: Mobile networks, whose times the paper sees go in steps, and one that is none.
NETWORKS = ("mobilenetv2", "mobilenetv3-large", "mnasnet1-0", "resnet18")
LOADS = [
    pytest.param(*load.values, marks=[pytest.mark.timed_inference(budget=load.values[1], curve=True), *load.marks])
    for load in values(paper=(("mobilenetv2", SHORT_S),), full=[(name, LONG_S) for name in NETWORKS])
]


@pytest.mark.trinh_2023
@pytest.mark.parametrize(("network", "seconds"), LOADS)
@pytest.mark.resolutions(paper=(224,))
def test_minutes_of_load(timed_inference, framework, precision, network, seconds, resolution):
    model = build(network, resolution=resolution)
    engine = framework.load(model, precision=precision)
    timed_inference.study(
        TRINH_2023_SUSTAINED,
        series=f"{framework.name} {precision}",
        x=model.parameters["flops"] / 1e9,
        label=network if seconds == LONG_S else f"{network}, {seconds} s",
    )
    timed_inference(
        engine,
        Inputs.of(photographs(4)),
        preprocess=lambda photo: crop(photo, resolution=resolution),
        postprocess=five_best,
    )
