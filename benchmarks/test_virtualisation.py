"""Networks in a container against bare metal, in lock-step.

Reproduces section VI-D of Hadidi et al., "Characterizing the deployment of deep neural networks on commercial edge
devices" (2019), which asks whether virtualisation costs time, and how much: there TensorFlow in Docker and bare on a
Raspberry Pi. Here the same process is started by a command and without it, and both take turns on the same processors,
so that a difference of about a percent is seen:

    pytest benchmarks/test_virtualisation.py --suite=hadidi-2019 --framework=tensorflow --against-python=python3
        --against-command="docker run --rm -i --user {uid}:{gid} -v {root}:{root} -v {cache}:{cache} IMAGE {python}"

Where no container engine is, ``unshare --mount --pid --fork --mount-proc {python}`` has what a container is made of but
for its file system and limits. ``docs/containers.md`` has images and what boards need. Without ``--against-command``
nothing is measured: ``test_model_zoo.py`` has the times on bare metal. The checklist of ``--suite=hadidi-2019`` reads
the pairs of both sides.
"""

from __future__ import annotations

from functools import partial

import pytest
from models import build
from models.networks import NETWORKS
from suites import values
from tasks.images import HEIGHT, WIDTH, photographs

from pytest_edgeperf import Inputs

#: The ini key of the option, and where pytest keeps what was typed.
COMMAND = "edgeperf_against_command"


@pytest.mark.hadidi_2019
@pytest.mark.timed_inference
@pytest.mark.parametrize(
    "network", values(paper=("resnet18", "mobilenetv2"), full=("resnet50", "inception-v4", "yolov3-tiny"))
)
def test_container(request, timed_inference, framework, precision, network):
    if not (request.config.getoption(COMMAND) or request.config.getini(COMMAND)):
        pytest.skip("measured beside a container only: give --against-command 'docker run …' (docs/containers.md)")
    described = NETWORKS[network]
    resolution = described.native
    engine = framework.load(build(network, resolution), precision=precision)
    timed_inference(
        engine,
        Inputs.of(photographs(4)),
        preprocess=partial(described.prepare, resolution=resolution),
        postprocess=described.postprocess(resolution, (HEIGHT, WIDTH)),
    )
