"""Networks of action recognition end to end, in clips a second: pre-processing, inference and the best class.

Reproduces the second half of table 1 of Swaminathan et al., "Benchmarking deep learning models on NVIDIA Jetson Nano
for real-time systems" (2024): three networks for clips of UCF50 with four classes, in PyTorch and in TensorRT.

    network        parameters   multiply-accumulates   PyTorch     TensorRT    speed-up
    3D-CNN         20,333,956        116,551,168       0.3431 s    0.0928 s      3.70
    autoencoder       332,807         22,434,944       0.7435 s    0.2420 s      3.07
    DenseNet          109,386         27,681,924       3.1619 s    0.3718 s      8.50

The paper prints neither their layers nor the size of a clip: the networks here are stand-ins of the printed size, for
20 frames of 64x64 pixels, with four classes. What the paper calls inference time is the phase ``infer``. And C3D (Tran
et al., 2015), of Hadidi et al., "Characterizing the deployment of deep neural networks on commercial edge devices"
(2019), for clips of 12 frames of 112x112 pixels: of their 16 networks that with the most FLOPs per parameter. It takes
seconds on two cores: ``--suite=full`` has it.

``test_batch`` infers several clips at once, as section 3.3 of Swaminathan et al. exports with a free batch: all sizes
from one ONNX file, in TensorRT from one engine whose profile has them (``tensorrt.profile``).

Clips are seeded, of photographs that a camera pans over, in frames of UCF50's 320x240 pixels.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from models import build
from models.networks import NETWORKS
from papers.measured import label_of
from studies import HADIDI_2019_CLIPS, SWAMINATHAN_2024_ACTION, SWAMINATHAN_2024_BATCHES, coordinate
from suites import values
from tasks.clips import HEIGHT, WIDTH

from pytest_edgeperf import Inputs

#: Different ones of a run.
CLIPS = 3
#: Clips at once: the least, the usual and the largest number of an engine are among them.
BATCHES = (1, 4, 8)
#: Timed seconds of a run of C3D, whose inference takes one on two cores.
C3D_BUDGET_S = 6.0


@pytest.mark.swaminathan_2024
@pytest.mark.timed_inference
@pytest.mark.parametrize("network", values(paper=("3d-cnn", "autoencoder", "densenet-action-recognition")))
def test_clip(timed_inference, framework, precision, network):
    measure(SWAMINATHAN_2024_ACTION, timed_inference, framework, precision, network)


@pytest.mark.swaminathan_2024
@pytest.mark.timed_inference
@pytest.mark.parametrize("batch", values(paper=(1, 4), full=(8,)))
@pytest.mark.parametrize("network", values(paper=("autoencoder",), full=("3d-cnn", "densenet-action-recognition")))
def test_batch(timed_inference, framework, precision, network, batch):
    described = NETWORKS[network]
    resolution = described.native
    engine = framework.load(build(network, resolution, batch, BATCHES), precision=precision)
    series = f"{network} {framework.name}" if precision == "fp32" else f"{network} {framework.name} {precision}"
    timed_inference.study(SWAMINATHAN_2024_BATCHES, series=series, x=batch)
    inputs = [described.prepare(clip, resolution) for clip in described.images(batch, 0)]
    timed_inference(engine, np.concatenate(inputs), images=batch)


@pytest.mark.hadidi_2019
@pytest.mark.timed_inference(budget=C3D_BUDGET_S)
@pytest.mark.parametrize("network", values(full=("c3d",)))
def test_c3d(timed_inference, framework, precision, network):
    measure(HADIDI_2019_CLIPS, timed_inference, framework, precision, network)


def measure(study, timed_inference, framework, precision, network):
    described = NETWORKS[network]
    resolution = described.native
    model = build(network, resolution)
    engine = framework.load(model, precision=precision)
    timed_inference.study(
        study,
        series=framework.name if precision == "fp32" else f"{framework.name} {precision}",
        x=coordinate(study, model.parameters),
        label=label_of(network),
    )
    timed_inference(
        engine,
        Inputs.of(described.images(CLIPS, 0)),
        preprocess=partial(described.prepare, resolution=resolution),
        postprocess=described.postprocess(resolution, (HEIGHT, WIDTH)),
    )
