"""Classifiers and detectors end to end in every framework: phases, frames per second, spread, and gains by a runtime.

Reproduces three studies on the networks that each measured (``models/catalogue``, ``papers/measured.py``):

Swaminathan et al., "Benchmarking deep learning models on NVIDIA Jetson Nano for real-time systems" (2024), table 1:
eight classifiers in PyTorch and in TensorRT, with FLOPs and parameters; there 2.72 to 16.7 times faster.
Trinh, "On the evaluation of neural network deployment options" (2023), tables 4.1 to 4.18: pre-processing, inference,
post-processing and frames per second of 15 classifiers and nine detectors on five devices, by ONNX Runtime on the CPU
and by CUDA, and by TensorRT; the standard deviation of the times (figures 4.1, 4.2, 4.12, 4.13); and the speed-ups of
20 classifiers over their layers (table 4.10). YOLOv5 is not here, as its licence does not allow it: YOLOX is nearest.
Hadidi et al., "Characterizing the deployment of deep neural networks on commercial edge devices" (2019), sections VI-A
to VI-C: the time per inference of 16 networks over frameworks and devices, and each device's best framework.

A paper's suite has its networks, each at its own resolution; what is large, for trinh-2023 and hadidi-2019, at half of
it. ``--suite=full`` has all at their own, and at the inputs that hadidi-2019 prints. ``test_photographs`` times a
network over the photographs of ``--data``, each read from its file, as trinh-2023 does over 5000 of COCO. Read several
devices together by ``edgeperf report nano.json tx2.json``: figures 4.14 and 4.16, and the best framework of each.
``test_source`` runs networks from Caffe's and Darknet's files, two frameworks of hadidi-2019 that OpenCV stands for: it
reads them before release 5. ``test_own_network`` measures networks of your own, which ``--networks FILE`` names, in
every suite.
"""

from __future__ import annotations

from functools import partial

import pytest
from models import build, build_from
from models.networks import NETWORKS
from models.sources import FORMATS
from network_suites import configurations
from papers import measured
from papers.measured import label_of
from studies import HADIDI_2019_SOURCES, coordinate, zoo_study
from suites import READERS, values
from tasks.images import HEIGHT, WIDTH, photographs

from pytest_edgeperf import Inputs

SOURCES_IN_SUITE = (
    ("resnet18", "caffe"),
    ("mobilenetv2", "caffe"),
    ("resnet18", "darknet"),
    ("yolov3-tiny", "darknet"),
)
OTHER_SOURCES = tuple(
    (network, source)
    for source in READERS
    for network in FORMATS[source]
    if network in measured.NETWORKS["hadidi-2019"] and (network, source) not in SOURCES_IN_SUITE
)


@pytest.mark.parametrize(("network", "resolution"), configurations("classification"))
def test_classifier(request, timed_inference, framework, precision, network, resolution):
    study = zoo_study(request.config.getoption("suite"), "classification")
    measure(study, timed_inference, framework, precision, network, resolution)


@pytest.mark.parametrize(("network", "resolution"), configurations("detection"))
def test_detector(request, timed_inference, framework, precision, network, resolution):
    study = zoo_study(request.config.getoption("suite"), "detection")
    measure(study, timed_inference, framework, precision, network, resolution)


@pytest.mark.trinh_2023
@pytest.mark.timed_inference
@pytest.mark.parametrize("network", values(paper=("mobilenetv2", "yolov3-tiny")))
def test_photographs(timed_inference, framework, precision, network, data):
    described = NETWORKS[network]
    model = build(network, described.native)
    timed_inference.study(
        zoo_study("trinh-2023", "photographs"),
        series=series_of(framework, precision),
        x=model.parameters["flops"] / 1e9,
        label=network,
    )
    timed_inference(
        framework.load(model, precision=precision),
        Inputs.of([image.read for image in data.images]),
        preprocess=lambda read: described.prepare(read(), described.native),
        # the sizes of photographs differ, and what an answer takes does not depend on them
        postprocess=described.postprocess(described.native, (HEIGHT, WIDTH)),
    )


@pytest.mark.hadidi_2019
@pytest.mark.timed_inference
@pytest.mark.parametrize(("network", "source"), values(paper=SOURCES_IN_SUITE, full=OTHER_SOURCES))
def test_source(timed_inference, framework, precision, network, source):
    described = NETWORKS[network]
    model = build_from(source, network, described.native)
    engine = framework.load(model, precision=precision)
    x = coordinate(HADIDI_2019_SOURCES, model.parameters)
    timed_inference.study(HADIDI_2019_SOURCES, series=f"{framework.name}, {source}", x=x, label=network)
    infer(timed_inference, engine, described, described.native)


# its parameters are those of --networks
@pytest.mark.timed_inference
def test_own_network(request, timed_inference, framework, precision, network, resolution, own_networks):
    own = own_networks[network]
    if own.gflops is not None:
        study = zoo_study(request.config.getoption("suite"), own.like.task)
        timed_inference.study(study, series=series_of(framework, precision), x=own.gflops, label=network)
    infer(timed_inference, framework.load(own.model(), precision=precision), own.like, resolution)


def measure(study, timed_inference, framework, precision, network, resolution):
    described = NETWORKS[network]
    model = build(network, resolution)
    engine = framework.load(model, precision=precision)
    label = label_of(network, None if resolution == described.native else resolution)
    x = coordinate(study, model.parameters)
    timed_inference.study(study, series=series_of(framework, precision), x=x, label=label)
    infer(timed_inference, engine, described, resolution)


def infer(timed_inference, engine, described, resolution):
    timed_inference(
        engine,
        Inputs.of(photographs(4)),
        preprocess=partial(described.prepare, resolution=resolution),
        postprocess=described.postprocess(resolution, (HEIGHT, WIDTH)),
    )


def series_of(framework, precision):
    return framework.name if precision == "fp32" else f"{framework.name} {precision}"
