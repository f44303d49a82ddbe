"""The first inferences: how much slower the first is, and how long it takes until they no longer get faster.

Reproduces the warm-up experiment of Trinh, "On the evaluation of neural network deployment options" (2023), sections
3.4 and 4.1: classifiers measured with and without a warm-up of 100 inputs (figures 4.3 to 4.10). There: spikes at the
beginning without warm-up, large for inception_v3 and densenet121 on a Jetson Xavier, and a Raspberry Pi 3 that needs
more than 100 inputs. Here, each fresh process reports its cold first inference (``first_inference``), the length of its
warm-up (``warm_up``: until the second half of it is no faster than the first) and the warm latency; over the rounds
of a session these are distributions of cold and of warm inferences. The study reads them over the networks'
complexity, a series per framework; a table shows how the first hundred go on.
"""

from __future__ import annotations

import pytest
from models import build
from models.networks import NETWORKS
from studies import TRINH_2023_WARM_UP
from suites import values
from tasks.classification import crop, five_best
from tasks.images import photographs

from pytest_edgeperf import Inputs

#: That the paper warms up with.
INFERENCES = 100
#: Of the smallest differences there and of the largest, one each, then another of each.
IN_SUITE = ("mobilenetv2", "inception-v3")
OTHERS = ("resnet18", "densenet121")


def native(names):
    return [(name, NETWORKS[name].native) for name in names]


@pytest.mark.trinh_2023
@pytest.mark.timed_inference(budget=0.6)
@pytest.mark.parametrize(("network", "resolution"), values(paper=native(IN_SUITE), full=native(OTHERS)))
def test_first_inferences(timed_inference, framework, precision, network, resolution):
    model = build(network, resolution=resolution)
    engine = framework.load(model, precision=precision)
    timed_inference.study(
        TRINH_2023_WARM_UP,
        series=f"{framework.name} {precision}",
        x=model.parameters["flops"] / 1e9,
        label=network,
    )
    timed_inference(
        engine,
        Inputs.of(photographs(4)),
        preprocess=lambda photo: crop(photo, resolution=resolution),
        postprocess=five_best,
        first_inferences=INFERENCES,
    )
