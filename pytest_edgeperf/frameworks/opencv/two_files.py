"""Darknet's and Caffe's networks in two files: the inputs that the first describes, the weights in the second."""

from __future__ import annotations

import os
import re
from typing import Any, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec


def inputs_in_text(path: str, model: Model, read: Any) -> Tuple[TensorSpec, ...]:
    """The inputs that Darknet's or Caffe's description names; they must fit the model's own."""
    with open(path, encoding="utf-8", errors="replace") as file:
        described: Tuple[TensorSpec, ...] = read(file.read())
    if not described and not model.inputs:
        raise FrameworkError(
            f"{path} does not contain the size of its inputs; give it with "
            "Model(inputs=[TensorSpec(name, shape=(...))])"
        )
    if not described or not model.inputs:
        return tuple(model.inputs) or described
    # The only input is set without its name; several are set by theirs, in the model's order.
    wanted = {spec.name if len(described) > 1 else "": (tuple(spec.shape), spec.dtype) for spec in model.inputs}
    if wanted != {spec.name if len(described) > 1 else "": (spec.shape, spec.dtype) for spec in described}:
        raise FrameworkError(
            f"model {model.name!r} has the inputs {_shapes(model.inputs)}, but {path} has {_shapes(described)}"
        )
    return tuple(model.inputs)


def _shapes(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{spec.name} {spec.dtype} {list(spec.shape)}" for spec in specs)


def darknet_inputs(text: str) -> Tuple[TensorSpec, ...]:
    """One image of the size in the ``[net]`` section."""
    section = re.search(r"^\s*\[net(?:work)?\]([^\[]*)", text, re.MULTILINE)
    sizes = dict(re.findall(r"^\s*(channels|height|width)\s*=\s*(\d+)", section.group(1) if section else "", re.M))
    if len(sizes) < 3:
        return ()
    return (TensorSpec("images", (1, int(sizes["channels"]), int(sizes["height"]), int(sizes["width"]))),)


def caffe_inputs(text: str) -> Tuple[TensorSpec, ...]:
    """The ``input`` fields or ``Input`` layers with their shapes."""
    text = re.sub(r"#[^\n]*", "", text)
    names = re.findall(r'^\s*input\s*:\s*"([^"]+)"', text, re.MULTILINE)
    if not names:
        layers = re.split(r"\blayer\s*\{", text)[1:]
        tops = [
            re.search(r'\btop\s*:\s*"([^"]+)"', layer) for layer in layers if re.search(r"type\s*:\s*\"Input\"", layer)
        ]
        names = [top.group(1) for top in tops if top is not None]
    blocks = re.findall(r"\binput_(?:shape|param)\s*:?\s*\{([^{}]*(?:\{[^{}]*\})?[^{}]*)\}", text)
    shapes = [tuple(int(size) for size in re.findall(r"\bdim\s*:\s*(\d+)", block)) for block in blocks]
    if not shapes:
        sizes = [int(size) for size in re.findall(r"\binput_dim\s*:\s*(\d+)", text)]
        shapes = [tuple(sizes[start : start + 4]) for start in range(0, len(sizes), 4)]
    if len(names) != len(shapes) or not all(shapes):
        return ()
    return tuple(TensorSpec(name, shape) for name, shape in zip(names, shapes))


def require_all_weights(net: Any, inputs: Sequence[TensorSpec], files: Tuple[str, ...]) -> None:
    """OpenCV reads arbitrary memory for weights that a file lacks, and ignores the rest of a longer file."""
    cfg, path = files
    with open(path, "rb") as file:
        start = file.read(8)
    major, minor = (int.from_bytes(start[i : i + 4], "little", signed=True) for i in (0, 4))
    header = 20 if major * 10 + minor >= 2 else 16
    needed, _ = net.getMemoryConsumption(list(inputs[0].shape))
    # the anchors of [yolo] and [region] come from the .cfg
    for number in range(1, len(net.getLayerNames()) + 1):
        layer = net.getLayer(number)
        if layer.type == "Region":
            needed -= sum(blob.nbytes for blob in layer.blobs)
    there = os.path.getsize(path)
    if there != header + needed:
        raise FrameworkError(
            f"{path} has {there} bytes, but {cfg} describes {header + needed}: it is not whole, or another network's"
        )
