"""The software stack: what a framework does before its first inference, and how much of a cold start that is.

Reproduces section VI-B, figure 5, of Hadidi et al., "Characterizing the deployment of deep neural networks on
commercial edge devices" (2019): profiles of PyTorch and TensorFlow on a Raspberry Pi and a Jetson TX2, in parts by
function. The slides print their legends (``<built-in import>``, ``conv2d``, ``model.__init__``, library loading,
layers and weights, session) and no numbers.

Here each fresh process tells ``import_time``, ``load_time`` (the network's definition, and the reading of its weights
from a file), ``build_time``, the ``first_inference`` and the steady ``latency``; the study has them as shares of
``cold_start``, all but the last together, and how many inferences would have taken as long. The parts within an
inference (``conv2d``, ``batch_norm``) are not here: each runtime's own profiler tells them, slows what it looks at, and
counts other things than the next one's.
"""

from __future__ import annotations

import pytest
from models import build
from models.networks import NETWORKS, known
from papers import measured
from studies import HADIDI_2019_SOFTWARE_STACK
from suites import values

from pytest_edgeperf import Inputs

IN_SUITE = ("resnet18", "mobilenetv2")
OTHERS = tuple(name for name in measured.NETWORKS["hadidi-2019"] if name in NETWORKS and name not in IN_SUITE)
IMAGES = 4
SEED = 5

pytestmark = pytest.mark.hadidi_2019


@pytest.mark.timed_inference(stack=True, timeout=1200)
@pytest.mark.parametrize("network", values(paper=IN_SUITE, full=OTHERS))
def test_cold_start(timed_inference, framework, precision, network):
    # imports what only making files needs
    from models.state_files import on_disk

    described = known(network)
    model = on_disk(build(network, described.native), described, framework.name)
    engine = framework.load(model, precision=precision)
    timed_inference.study(
        HADIDI_2019_SOFTWARE_STACK,
        series=f"{framework.name} {precision}",
        x=model.parameters["flops"] / 1e9,
        label=network,
    )
    prepared = [(described.prepare(image, described.native),) for image in described.images(IMAGES, SEED)]
    timed_inference(engine, Inputs(prepared))
