"""Post-processing in its parts: which of them the end-to-end time is spent on, and what their placement changes.

Reproduces experiment 2 of Suo et al., "Feasibility analysis of machine learning optimization on GPU-based low-cost
edges" (2021), sections III-B and IV-A, figures 6 and 7: the post-processing of YOLOv3 in PyTorch on a Jetson Nano.
Table I there: 62 ms forward and 728 ms post-processing at 320 pixels, 61 and 1444 ms at 480. Observation 4, at 480
pixels: post-processing is 95.95 % of the end-to-end time, filtering 99.35 % of the post-processing with
``torch.where``, and with ``numpy.where`` the copy to the CPU that it needs is 98.67 %.

Here the parts are timed in turns in one process, each on what the one before gave: ``latency`` is end to end without
pre-processing; ``forward`` the network; ``yolo_layer`` the decoding of all cells; ``torch_where`` and ``numpy_where``
the two ways of filtering; ``to_cpu`` the copy; ``nms`` the suppression. ``torch_where`` and ``to_cpu`` are PyTorch's
and are left out for other frameworks. Each part ends with the GPU's work: a GPU works on while Python goes on, so that
where nothing waits for it the next part that looks at a result is charged with the forward pass, which is what the
paper's forward time that does not grow with the resolution suggests. On a CPU the copy copies nothing. There: YOLOv3
at ten resolutions; here YOLOv3-tiny, and YOLOv3 with ``--suite=full``.

``test_yolo_layer_inside`` is PyTorch's program of table I and figure 8: the YOLO layer is part of the forward pass, and
its predictions stay on the processor that computed them until they are filtered there. ``infer`` and ``postprocess``
are phases, and timed twice: ``synchronised``, each ending with the GPU's work, and ``unsynchronised``, where nothing
waits before the filter does, as in the paper's table; on a CPU there is nothing to wait for. Read the results of a
board and a PC together for figure 8, post-processing over forward.

``test_ssd_boxes`` is levels 1 and 2 of Mishra, "Performance analysis and optimization on edge AI devices" (2021),
section 2.2.2, for the post-processing alone: an SSD's boxes picked class by class and box by box from tensors where
the network left them (there 1.09 frames per second for the whole pipeline), from tensors that were moved to the CPU
first (1.53), and with whole tensors where they are (2.27, with the pre-processing). On a CPU there is no moving.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from models import build
from papers.suo_2021 import TABLE_1_BFLOPS
from processors import CUDA, synchronise, torch_device
from studies import MISHRA_2021_POSTPROCESSING, SUO_2021_EXPERIMENT_2, SUO_2021_TABLE_1_INSIDE
from suites import values
from tasks.detection import YOLOV3, YOLOV3_TINY, letterbox
from tasks.images import HEIGHT, WIDTH, photographs
from tasks.scaling import squeeze
from tasks.ssd_boxes import SIDE, SSD300, SSD_MOBILENET, default_boxes, pick, pick_in_loops
from tasks.yolo_parts import nms, where_numpy, where_torch, yolo_layer

from pytest_edgeperf import Inputs

PHOTOGRAPHS = 3
SYNCHRONISED, UNSYNCHRONISED = "synchronised", "unsynchronised"
HEADS = {"yolov3": YOLOV3, "yolov3-tiny": YOLOV3_TINY}
#: Of a prediction, as a share of the largest.
LARGEST_ERROR = {"fp32": 1e-3, "fp16": 5e-2, "bf16": 2e-1}


@pytest.mark.suo_2021
@pytest.mark.timed_inference
@pytest.mark.resolutions(default=(320,), paper=(256, 416))
def test_yolov3_tiny(timed_inference, framework, precision, resolution):
    measure("yolov3-tiny", YOLOV3_TINY, timed_inference, framework, precision, resolution)


@pytest.mark.suo_2021
@pytest.mark.timed_inference(budget=20)
@pytest.mark.resolutions(full=tuple(TABLE_1_BFLOPS))
def test_yolov3(timed_inference, framework, precision, resolution):
    measure("yolov3", YOLOV3, timed_inference, framework, precision, resolution)


def measure(network, heads, timed_inference, framework, precision, resolution):
    model = build(network, resolution)
    engine = framework.load(model, precision=precision)
    series = framework.name if precision == "fp32" else f"{framework.name} {precision}"
    timed_inference.study(SUO_2021_EXPERIMENT_2, series=series, x=model.parameters["flops"] / 1e9)
    device = torch_device(framework)
    parts = numpy_parts(engine, heads) if device is None else torch_parts(engine, heads, device)
    inputs = [letterbox(photo, resolution) for photo in photographs(PHOTOGRAPHS)]
    entries = Inputs([given_to_parts(engine, heads, images, device) for images in inputs])
    timed_inference.compare(entries, **parts)


def given_to_parts(engine, heads, images, device):
    """What each part is given, from one image: arrays of the network's input and output, and all in between."""
    outputs = engine.infer(images)
    predictions = yolo_layer(outputs, heads)
    tensor = None
    if device is not None:
        import torch

        tensor = torch.from_numpy(predictions).to(device)
    return images, outputs, predictions, tensor, where_numpy(predictions)


def numpy_parts(engine, heads):
    def end_to_end(images, *_):
        return nms(*where_numpy(yolo_layer(engine.infer(images), heads)))

    return {
        "end_to_end": end_to_end,
        "forward": lambda images, *_: engine.infer(images),
        "yolo_layer": lambda images, outputs, *_: yolo_layer(outputs, heads),
        "numpy_where": lambda images, outputs, predictions, *_: where_numpy(predictions),
        "nms": lambda images, outputs, predictions, tensor, found: nms(*found),
    }


def torch_parts(engine, heads, device):
    import torch

    def end_to_end(images, *_):
        predictions = torch.from_numpy(yolo_layer(engine.infer(images), heads)).to(device)
        return nms(*(tensor.cpu().numpy() for tensor in where_torch(predictions)))

    def filtered(images, outputs, predictions, tensor, found):
        kept = where_torch(tensor)
        synchronise(device)
        return kept

    parts = numpy_parts(engine, heads)
    parts["end_to_end"] = end_to_end
    parts["torch_where"] = filtered
    parts["to_cpu"] = lambda images, outputs, predictions, tensor, found: tensor.cpu().numpy()
    return parts


@pytest.mark.suo_2021
@pytest.mark.timed_inference(budget=2)
@pytest.mark.parametrize("timing", [SYNCHRONISED, UNSYNCHRONISED])
@pytest.mark.parametrize(
    ("network", "resolution"),
    values(
        paper=[("yolov3-tiny", side) for side in (256, 320, 416)], full=[("yolov3", side) for side in TABLE_1_BFLOPS]
    ),
)
def test_yolo_layer_inside(timed_inference, framework, precision, network, resolution, timing):
    device = torch_device(framework)
    if device is None:
        pytest.skip(f"{framework.name} gives a network's outputs on the CPU: only PyTorch's stay where they are")
    if timing == UNSYNCHRONISED and device != CUDA:
        pytest.skip("on a CPU an inference leaves nothing to wait for")
    model = build(network, resolution)
    series = f"{network} {framework.name} {timing}"
    timed_inference.study(SUO_2021_TABLE_1_INSIDE, series=series, x=model.parameters["flops"] / 1e9)
    engine = with_yolo_layer(framework, model, precision, device, waits=timing == SYNCHRONISED)
    timed_inference(
        engine,
        Inputs.of(photographs(PHOTOGRAPHS)),
        preprocess=partial(letterbox, resolution=resolution),
        postprocess=filtered_where_they_are,
    )


def with_yolo_layer(framework, model, precision, device, waits):
    """The engine, which gives the same predictions as the network and the YOLO layer in numpy."""
    from models.on_device import OnDevice, WithYoloLayer

    heads = HEADS[model.parameters["network"]]
    module = model.sources["torch"]()
    loaded = framework.load(replace(model, sources={"torch": module}), precision=precision)
    engine = OnDevice(loaded, WithYoloLayer(module, heads), device, waits=waits)
    reference = model.reference()
    for (images,), outputs in zip(reference.inputs, reference.outputs):
        (predictions,) = engine.infer(images)
        right = yolo_layer(outputs, heads)
        error = float(np.abs(predictions.float().cpu().numpy() - right).max() / np.abs(right).max())
        assert error <= LARGEST_ERROR[precision], f"{model.name} with the YOLO layer inside is off by {error:.3g}"
    return engine


def filtered_where_they_are(outputs):
    return nms(*(tensor.float().cpu().numpy() for tensor in where_torch(outputs[0])))


@pytest.mark.mishra_2021
@pytest.mark.timed_inference(budget=2)
@pytest.mark.parametrize("network", values(paper=("ssd-mobilenetv2",), full=("ssd300",)))
def test_ssd_boxes(timed_inference, framework, network):
    levels = {"ssd-mobilenetv2": SSD_MOBILENET, "ssd300": SSD300}[network]
    engine = framework.load(build(network, SIDE))
    outputs = [engine.infer(squeeze(photo, SIDE)) for photo in photographs(PHOTOGRAPHS)]
    timed_inference.study(MISHRA_2021_POSTPROCESSING, series=framework.name, x=len(default_boxes(levels)))
    shape = (HEIGHT, WIDTH)
    device = torch_device(framework)
    if device is None:
        ways = {
            "box_by_box": partial(pick_in_loops, levels=levels, photo_shape=shape),
            "whole_tensors": partial(pick, levels=levels, photo_shape=shape),
        }
    else:
        outputs, ways = tensors_and_ways(outputs, levels, shape, device)
    timed_inference.compare(Inputs.of(outputs), **ways)


def tensors_and_ways(outputs, levels, shape, device):
    import torch
    from tasks import ssd_tensors

    in_loops = partial(ssd_tensors.pick_in_loops, levels=levels, photo_shape=shape)
    ways = {"box_by_box": in_loops}
    if device == CUDA:
        ways["to_cpu_first"] = lambda tensors: in_loops([tensor.cpu() for tensor in tensors])
    ways["whole_tensors"] = partial(ssd_tensors.pick, levels=levels, photo_shape=shape)
    return [[torch.from_numpy(array).to(device) for array in arrays] for arrays in outputs], ways
