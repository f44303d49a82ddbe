"""Energy per inference, time against power, and temperature, over the networks of a study of devices.

Reproduces sections VI-E and VI-F of Hadidi et al., "Characterizing the deployment of deep neural networks on commercial
edge devices" (2019): the energy of an inference (figure 11), execution time against power (figure 12) and temperatures
while networks run (figure 14), each device with its best framework. The figures have no numbers; tables have average
power (Raspberry Pi 3 2.73 W, Jetson Nano 4.58 W, Jetson TX2 9.65 W), idle power (1.33, 1.25, 1.90 W) and idle
temperatures (43.3, 35.2, 32.4 degC). Boards with a GPU take 5 times less energy than an HPC GPU, the slides conclude.

``test_energy`` reads the power while the inference is repeated, apart from the timing, and before the process begins
(``power_idle``); ``energy_above_idle`` is what the inference itself takes. The study has the benchmarks that give the
most inferences a second for their power, and the most operations a second, also over several devices.
``test_temperature`` reads the temperature over minutes of load (20 seconds with ``--suite=hadidi-2019``), and before
them (``temperature_idle``): what a device has between the runs of a session, not after hours. These sensors are in the
chip; the slides do not say where theirs were. Skipped, with the reason, where no sensor is. Read several devices
together by ``edgeperf report nano.json tx2.json --checklist hadidi-2019``.
"""

from __future__ import annotations

from functools import partial

import pytest
from models import build
from models.networks import NETWORKS, known
from papers import measured
from studies import HADIDI_2019_ENERGY, HADIDI_2019_TEMPERATURE
from suites import values
from tasks.images import HEIGHT, WIDTH

from pytest_edgeperf import Inputs

IN_SUITE = ("resnet18", "mobilenetv2", "yolov3-tiny")
OTHERS = tuple(name for name in measured.NETWORKS["hadidi-2019"] if name in NETWORKS and name not in IN_SUITE)
#: Too short for a board to get warm: what a run of minutes is like.
SHORT_S = 20
LONG_S = 180
LOADS = [
    pytest.param(*load.values, marks=[pytest.mark.timed_inference(budget=load.values[1], curve=True), *load.marks])
    for load in values(paper=[("mobilenetv2", SHORT_S)], full=[(name, LONG_S) for name in (*IN_SUITE, *OTHERS)])
]
IMAGES = 4
SEED = 5

pytestmark = pytest.mark.hadidi_2019


@pytest.mark.timed_inference(timeout=1200)
@pytest.mark.parametrize("network", values(paper=IN_SUITE, full=OTHERS))
def test_energy(timed_inference, device, framework, precision, network):
    reason = device.without_power()
    if reason is not None:
        pytest.skip(f"the energy of an inference cannot be measured on this machine: {reason}")
    measure(HADIDI_2019_ENERGY, timed_inference, framework, precision, network, label=network)


@pytest.mark.parametrize(("network", "seconds"), LOADS)
def test_temperature(timed_inference, device, framework, precision, network, seconds):
    reason = device.without_temperature()
    if reason is not None:
        pytest.skip(f"the temperature cannot be measured on this machine: {reason}")
    label = network if seconds == LONG_S else f"{network}, {seconds} s"
    measure(HADIDI_2019_TEMPERATURE, timed_inference, framework, precision, network, label)


def measure(study, timed_inference, framework, precision, network, label):
    described = known(network)
    model = build(network, described.native)
    engine = framework.load(model, precision=precision)
    timed_inference.study(study, series=f"{framework.name} {precision}", x=model.parameters["flops"] / 1e9, label=label)
    timed_inference(
        engine,
        Inputs.of(described.images(IMAGES, SEED)),
        preprocess=partial(described.prepare, resolution=described.native),
        postprocess=described.postprocess(described.native, (HEIGHT, WIDTH)),
    )
