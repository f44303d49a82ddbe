"""Converted networks against the ones that they were converted from: 20 photographs and a random input.

Reproduces the check of Trinh, "On the evaluation of neural network deployment options" (2023), chapter 4: after the
conversion to ONNX, a function compares the result with PyTorch's for a randomly generated input and for 20 test images;
accuracy was not measured there. Here, each runtime and numeric format is compared with the network in torch, eager, in
fp32, image by image: ``cosine`` of the angle between the first outputs (in percent; 100 is the same direction), and of
classifiers whether the class is ``same_class``. A check compares them with the baseline's in pairs, so that a runtime
that converts worse than before fails.
"""

from __future__ import annotations

import numpy as np
import pytest
from metrics.fidelity import cosine_similarity
from models import build
from suites import values
from tasks.classification import crop
from tasks.detection import letterbox
from tasks.images import photographs

from pytest_edgeperf import Inputs

PHOTOGRAPHS = 20
#: Other photographs than those that are measured, or that a quantisation is calibrated with.
SEED = 21
NETWORKS = {"mobilenetv2": crop, "resnet18": crop, "yolov3-tiny": letterbox}
CLASSIFIERS = ("mobilenetv2", "resnet18")


@pytest.mark.trinh_2023
@pytest.mark.timed_inference
@pytest.mark.parametrize("network", values(paper=sorted(NETWORKS)))
@pytest.mark.parametrize("precision", values(paper=("fp32",), full=("fp16", "int8")))
@pytest.mark.resolutions(paper=(224,))
def test_outputs(timed_inference, framework, precision, network, resolution):
    pytest.importorskip("torch", reason="the reference is the network in torch")
    model = build(network, resolution)
    engine = framework.load(model, precision=precision)
    inputs = [NETWORKS[network](photo, resolution) for photo in photographs(PHOTOGRAPHS, seed=SEED)]
    timed_inference(engine, Inputs.of(inputs[:4]))
    inputs.append(np.random.default_rng(SEED).random(inputs[0].shape, np.float32))
    names = [*(f"photograph {number}" for number in range(PHOTOGRAPHS)), "random"]
    outputs, right = (np.concatenate(arrays) for arrays in zip(*answers(engine, model, inputs)))
    timed_inference.accuracy("cosine", cosine_similarity(outputs, right).clip(0, 1), example_ids=names)
    if network in CLASSIFIERS:
        timed_inference.accuracy("same_class", outputs.argmax(axis=1) == right.argmax(axis=1), example_ids=names)


def answers(engine, model, inputs):
    """The first output of both, input by input."""
    import torch

    reference = model.sources["torch"]()
    torch.set_num_threads(1)
    for array in inputs:
        with torch.inference_mode():
            right = reference(torch.from_numpy(array))
        yield engine.infer(array)[0], (right[0] if isinstance(right, tuple) else right).numpy()
