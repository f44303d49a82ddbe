"""A video pipeline around an SSD for 300 pixels, optimised level by level.

Reproduces Mishra, "Performance analysis and optimization on edge AI devices" (2021), section 2.2.2, figure 3: NVIDIA's
SSD300 in PyTorch on a Jetson Nano with four parts, ``buffer_to_image_tensor`` (a video frame's bytes to a tensor),
``preprocess`` (0..255 to -1..1), ``detector`` and ``postprocess`` (to boxes). Frames per second there:

    0  baseline                                                   1.09
    1  tensors moved to the CPU before the post-processing        1.53
    2  pre- and post-processing on the GPU                        2.27
    3  frames in batches                                          2.57
    4  half precision                                             1.20

(In its words, levels 1 to 3 gain 40, 48 and 13 %, and 68 % in all; 2.57 over 1.09 are 136 %.) Each level keeps those
before it. Here every benchmark works on a clip of four frames of 640x480, so that frames per second are four over the
latency whether they are taken one by one or at once, and the phases are ``preprocess`` (the first two parts),
``infer`` and ``postprocess``. The baseline picks boxes class by class and box by box, as NVIDIA's program; levels 2
to 4 do with whole tensors. With PyTorch all parts are its tensors' operations, on the framework's processor; for other
frameworks pre- and post-processing are numpy's around the engine. Where the framework runs on the CPU, level 1 is
skipped, as its tensors are there already, and level 2 is the whole-tensor operations alone. A MobileNetV2 SSD; with
``--suite=full`` SSD300 on ResNet-50 as the paper's.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from models import build
from processors import CUDA, synchronise, torch_device
from studies import MISHRA_2021_LEVELS
from suites import values
from tasks.images import HEIGHT, WIDTH, photographs
from tasks.scaling import squeeze
from tasks.ssd_boxes import SIDE, SSD300, SSD_MOBILENET, pick, pick_in_loops

from pytest_edgeperf import Inputs

FRAMES = 4
SHAPE = (HEIGHT, WIDTH)
BASELINE, CPU_FIRST, ON_PROCESSOR, BATCHES, HALF = range(5)
LEVELS = {
    "baseline": BASELINE,
    "cpu-postprocessing": CPU_FIRST,
    "whole-tensors": ON_PROCESSOR,
    "batches": BATCHES,
    "half": HALF,
}
#: Of an output, as a share of the largest.
LARGEST_ERROR = {"fp32": 1e-3, "fp16": 5e-2}
TORCH_TYPES = {"fp32": "float32", "fp16": "float16"}
NETWORKS = {"ssd-mobilenetv2": SSD_MOBILENET, "ssd300": SSD300}


@pytest.mark.mishra_2021
@pytest.mark.timed_inference(budget=2)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("network", values(paper=("ssd-mobilenetv2",), full=("ssd300",)))
def test_video(timed_inference, framework, network, level):
    number, layers = LEVELS[level], NETWORKS[network]
    device = torch_device(framework)
    if number == CPU_FIRST and device != CUDA:
        pytest.skip(
            f"level 1 moves the outputs from the GPU to the CPU, and those of {framework.name} are on the CPU: "
            "it needs --framework=torch:cuda"
        )
    model = build(network, SIDE, batch=FRAMES if number >= BATCHES else 1)
    precision = "fp16" if number == HALF else "fp32"
    if device is None:
        preprocess, infer, postprocess = around(framework.load(model, precision=precision), number, layers)
    else:
        module = model.sources["torch"]()
        # records the version, and skips what cannot be run here
        framework.load(replace(model, sources={"torch": module}), precision=precision).close()
        preprocess, infer, postprocess = in_torch(module, number, layers, device)
    require_agreement(infer, model, precision, device)
    timed_inference.study(MISHRA_2021_LEVELS, series=f"{network} {framework.name}", x=number)
    timed_inference(
        infer,
        Inputs.of(clips()),
        preprocess=preprocess,
        postprocess=postprocess,
        check=has_boxes_in_every_frame,
        images=FRAMES,
    )


def require_agreement(infer, model, precision, device):
    """What is timed is no engine that would be compared with its reference, so it is compared here."""
    reference = model.reference()
    for (images,), expected in zip(reference.inputs, reference.outputs):
        (outputs,) = infer(given_to(device, images, precision))
        for output, right in zip(outputs, expected):
            output = output if device is None else output.float().cpu().numpy()
            error = float(np.abs(output - right).max() / np.abs(right).max())
            assert error <= LARGEST_ERROR[precision], f"{model.name} returns wrong outputs at {precision}: {error:.3g}"


def given_to(device, images, precision):
    if device is None:
        return images
    import torch

    return torch.from_numpy(images).to(device=device, dtype=getattr(torch, TORCH_TYPES[precision]))


def has_boxes_in_every_frame(frames):
    return len(frames) == FRAMES and all(len(detections.boxes) for detections in frames)


def clips():
    """Two clips, each of four buffers of RGBA pixels, as a video decoder gives them."""
    opaque = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    buffers = [np.concatenate([photo, opaque], axis=2).tobytes() for photo in photographs(2 * FRAMES)]
    return [buffers[:FRAMES], buffers[FRAMES:]]


def around(engine, number, layers):
    """The parts in numpy around an engine of any framework."""
    picked = partial(pick_in_loops if number == BASELINE else pick, levels=layers, photo_shape=SHAPE)

    def preprocess(clip):
        images = [np.frombuffer(frame, np.uint8).reshape(HEIGHT, WIDTH, 4)[:, :, :3] for frame in clip]
        tensors = [squeeze(image, SIDE) for image in images]
        return (np.concatenate(tensors),) if number >= BATCHES else tuple(tensors)

    def infer(*tensors):
        return [engine.infer(tensor) for tensor in tensors]

    def postprocess(outputs):
        return [detections for output in outputs for detections in picked(output)]

    return preprocess, infer, postprocess


def in_torch(module, number, layers, device):
    """The parts in torch, where the framework computes."""
    import torch
    from tasks import ssd_tensors

    dtype = getattr(torch, TORCH_TYPES["fp16" if number == HALF else "fp32"])
    module = module.to(device=device, dtype=dtype).eval()
    # below level 2 the pre-processing is on the CPU
    prepared_on = device if number >= ON_PROCESSOR else "cpu"
    way = ssd_tensors.pick_in_loops if number < ON_PROCESSOR else ssd_tensors.pick
    picked = partial(way, levels=layers, photo_shape=SHAPE)

    def preprocess(clip):
        images = [ssd_tensors.image_tensor(frame, HEIGHT, WIDTH) for frame in clip]
        groups = [images] if number >= BATCHES else [[image] for image in images]
        return tuple(ssd_tensors.squeeze(group, prepared_on, dtype).to(device) for group in groups)

    def infer(*tensors):
        with torch.inference_mode():
            outputs = [module(tensor) for tensor in tensors]
        synchronise(device)
        return outputs

    def postprocess(outputs):
        if number == CPU_FIRST:
            outputs = [[tensor.cpu() for tensor in output] for output in outputs]
        return [detections for output in outputs for detections in picked(output)]

    return preprocess, infer, postprocess
