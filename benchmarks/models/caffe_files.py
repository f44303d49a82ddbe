"""Writes a torch network as Caffe's two files, ``.prototxt`` and ``.caffemodel``, with its weights. Needs torch.

A ``.caffemodel`` is a protocol buffer, of which a network needs few fields: in the ``NetParameter`` layers (100), in a
layer its name (1), type (2) and blobs (7), in a blob data (5) and shape (7). They are written here, so that nothing of
Caffe is needed. What is 16 bits or channels last has no place in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np
from torch import nn

from models import layers as kinds
from models.layers import Layer, Layers, layers_of
from pytest_edgeperf import FrameworkError

LAYER, NAME, TYPE, BLOBS, DATA, SHAPE = 100, 1, 2, 7, 5, 7
#: What the wire format calls a field that begins with its length.
WITH_LENGTH = 2


def caffe_files(network: nn.Module, shape: Tuple[int, ...], prototxt: Path, caffemodel: Path) -> Tuple[str, str]:
    """Write the network for one input ``images`` of that shape; outputs come in the order of their layers.

    Returns:
        the paths of the two files.

    Raises:
        FrameworkError: Caffe has none of the network's operations, or would give its outputs in another order.
    """
    layers = layers_of(network, shape)
    layers.require_ascending_outputs("Caffe")
    writer = _Writer(layers)
    prototxt.write_text(writer.text(), "utf-8")
    caffemodel.write_bytes(writer.binary())
    return str(prototxt), str(caffemodel)


class _Writer:
    """Caffe's layers as they are appended: each a block of text, those with weights also a message."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._text: List[str] = []
        self._messages: List[bytes] = []
        #: Layer of the network -> the blob of Caffe's that is its output.
        self._blobs: Dict[str, str] = {}
        for layer in layers.layers:
            if layer.kind == kinds.INPUT:
                self._blobs[layer.name] = "images"
                dims = " ".join(f"dim: {side}" for side in layer.shape)
                self._text.append(f'input: "images"\ninput_shape {{ {dims} }}')
                continue
            if layer.kind not in _WRITERS:
                raise FrameworkError(f"Caffe has no layer for {layer.kind} ({layer.name})")
            self._blobs[layer.name] = layer.name
            _WRITERS[layer.kind](self, layer)

    def text(self) -> str:
        """The ``.prototxt``."""
        return "\n".join(["# written from a network of PyTorch", *self._text, ""])

    def binary(self) -> bytes:
        """The ``.caffemodel``."""
        return b"".join(self._messages)

    def shape_of(self, layer: Layer) -> Tuple[int, ...]:
        """Of a layer's first input."""
        return self._layers[layer.inputs[0]].shape

    def blob_of(self, name: str) -> str:
        """The blob of Caffe's that a layer's output is."""
        return self._blobs[name]

    def append(
        self,
        layer: Layer,
        kind: str,
        settings: str = "",
        arrays: Sequence[np.ndarray] = (),
        *,
        bottoms: Sequence[str] = (),
        top: str = "",
    ) -> str:
        """Add a layer of Caffe's, fed by the layer's inputs unless ``bottoms`` says otherwise; its blob's name."""
        top = top or layer.name
        given = bottoms or [self._blobs[name] for name in layer.inputs]
        fed = " ".join(f'bottom: "{name}"' for name in given)
        self._text.append(f'layer {{ name: "{top}" type: "{kind}" {fed} top: "{top}" {settings} }}')
        if arrays:
            blobs = b"".join(_field(BLOBS, _blob(array)) for array in arrays)
            self._messages.append(_field(LAYER, _field(NAME, top.encode()) + _field(TYPE, kind.encode()) + blobs))
        return top


def _varint(number: int) -> bytes:
    content = b""
    while number > 0x7F:
        content += bytes([number & 0x7F | 0x80])
        number >>= 7
    return content + bytes([number])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | WITH_LENGTH) + _varint(len(content)) + content


def _blob(array: np.ndarray) -> bytes:
    shape = _field(1, b"".join(map(_varint, array.shape)))
    return _field(DATA, array.astype("<f4").tobytes()) + _field(SHAPE, shape)


def _convolution(writer: _Writer, layer: Layer) -> None:
    settings, weight, bias = layer.settings, layer.weights["weight"], layer.weights.get("bias")
    if settings["dilation"][0] != settings["dilation"][1]:
        raise FrameworkError("Caffe's convolution has one dilation")
    text = (
        f"convolution_param {{ num_output: {weight.shape[0]} bias_term: {_bool(bias is not None)} "
        f"{_sides('kernel', weight.shape[2:])} {_sides('stride', settings['stride'])} "
        f"{_sides('pad', settings['padding'])} dilation: {settings['dilation'][0]} group: {settings['groups']} }}"
    )
    writer.append(layer, "Convolution", text, [weight] if bias is None else [weight, bias])


def _norm(writer: _Writer, layer: Layer) -> None:
    weights = layer.weights
    statistics = [weights["mean"], weights["variance"], np.ones(1, np.float32)]
    settings = f"batch_norm_param {{ use_global_stats: true eps: {layer.settings['epsilon']:g} }}"
    normed = writer.append(layer, "BatchNorm", settings, statistics, top=f"{layer.name}_normed")
    scale = [weights["weight"], weights["bias"]]
    writer.append(layer, "Scale", "scale_param { bias_term: true }", scale, bottoms=[normed])


def _rectifier(writer: _Writer, layer: Layer) -> None:
    if layer.settings["most"] is None:
        writer.append(layer, "ReLU", f"relu_param {{ negative_slope: {layer.settings['slope']:g} }}")
    elif layer.settings["most"] == 6:
        writer.append(layer, "ReLU6")
    else:
        raise FrameworkError(f"Caffe has no rectifier up to {layer.settings['most']:g}")


def _pool(writer: _Writer, layer: Layer) -> None:
    kind = {kinds.MAXIMUM: "MAX", kinds.AVERAGE: "AVE"}[layer.kind]
    settings = layer.settings
    if not settings.get("counts_padding", True):
        raise FrameworkError("Caffe averages with the padding")
    in_place = settings["padding"] is None
    padding = (1, 1) if in_place else settings["padding"]
    text = (
        f"pooling_param {{ pool: {kind} {_sides('kernel', settings['kernel'])} {_sides('stride', settings['stride'])} "
        f"{_sides('pad', padding)} {_rounding(writer, layer, padding)} }}"
    )
    if not in_place:
        writer.append(layer, "Pooling", text)
        return
    # padded on all sides, then without the first row and column
    padded = writer.append(layer, "Pooling", text, top=f"{layer.name}_padded")
    like = [padded, writer.blob_of(layer.inputs[0])]
    writer.append(layer, "Crop", "crop_param { axis: 2 offset: 1 }", bottoms=like)


def _rounding(writer: _Writer, layer: Layer, padding: Tuple[int, int]) -> str:
    """How the number of cells is rounded: up, as is Caffe's habit, or down."""
    if layer.settings["padding"] is None:
        return ROUNDED_DOWN
    sides = writer.shape_of(layer)[2:]
    up = all(
        cells == -(-(side + 2 * before - kernel) // stride) + 1
        for cells, side, before, kernel, stride in zip(
            layer.shape[2:], sides, padding, layer.settings["kernel"], layer.settings["stride"]
        )
    )
    return "" if up else ROUNDED_DOWN


#: As OpenCV's reader calls it; Caffe's own has rounded up always, or calls it ``round_mode``.
ROUNDED_DOWN = "ceil_mode: false"


def _global_average(writer: _Writer, layer: Layer) -> None:
    text = "pooling_param { pool: AVE global_pooling: true }"
    if len(layer.shape) == 4:
        writer.append(layer, "Pooling", text)
        return
    pooled = writer.append(layer, "Pooling", text, top=f"{layer.name}_pooled")
    writer.append(layer, "Flatten", bottoms=[pooled])


def _response_norm(writer: _Writer, layer: Layer) -> None:
    """With a ``k`` of 1, which OpenCV takes whatever is written, and what that leaves out as a factor."""
    size, alpha, beta, k = (layer.settings[name] for name in ("size", "alpha", "beta", "k"))
    text = f"lrn_param {{ local_size: {size} alpha: {alpha / k:g} beta: {beta:g} k: 1 }}"
    normed = writer.append(layer, "LRN", text, top=f"{layer.name}_normed")
    writer.append(layer, "Power", f"power_param {{ scale: {k**-beta:.9g} }}", bottoms=[normed])


def _linear(writer: _Writer, layer: Layer) -> None:
    weight, bias = layer.weights["weight"], layer.weights.get("bias")
    text = f"inner_product_param {{ num_output: {weight.shape[0]} bias_term: {_bool(bias is not None)} }}"
    writer.append(layer, "InnerProduct", text, [weight] if bias is None else [weight, bias])


def _upsample(writer: _Writer, layer: Layer) -> None:
    """Each cell repeated: a transposed convolution of each channel with ones."""
    channels, scale = layer.shape[1], layer.settings["scale"]
    text = (
        f"convolution_param {{ num_output: {channels} bias_term: false kernel_size: {scale} stride: {scale} "
        f"group: {channels} }}"
    )
    writer.append(layer, "Deconvolution", text, [np.ones((channels, 1, scale, scale), np.float32)])


def _reshape(writer: _Writer, layer: Layer) -> None:
    dims = " ".join(f"dim: {side}" for side in layer.shape)
    writer.append(layer, "Reshape", f"reshape_param {{ shape {{ {dims} }} }}")


def _permute(writer: _Writer, layer: Layer) -> None:
    order = " ".join(f"order: {axis}" for axis in layer.settings["order"])
    writer.append(layer, "Permute", f"permute_param {{ {order} }}")


def _sides(name: str, values: Sequence[int]) -> str:
    return f"{name}_h: {values[0]} {name}_w: {values[1]}"


def _bool(value: bool) -> str:
    return "true" if value else "false"


_WRITERS: Mapping[str, Callable[[_Writer, Layer], Any]] = {
    kinds.CONVOLUTION: _convolution,
    kinds.NORM: _norm,
    kinds.RECTIFIER: _rectifier,
    kinds.MAXIMUM: _pool,
    kinds.AVERAGE: _pool,
    kinds.GLOBAL_AVERAGE: _global_average,
    kinds.RESPONSE_NORM: _response_norm,
    kinds.LINEAR: _linear,
    kinds.ADD: lambda writer, layer: writer.append(layer, "Eltwise", "eltwise_param { operation: SUM }"),
    kinds.CONCATENATE: lambda writer, layer: writer.append(
        layer, "Concat", f"concat_param {{ axis: {layer.settings['axis']} }}"
    ),
    kinds.RESHAPE: _reshape,
    kinds.PERMUTE: _permute,
    kinds.UPSAMPLE: _upsample,
    kinds.SOFTMAX: lambda writer, layer: writer.append(
        layer, "Softmax", f"softmax_param {{ axis: {layer.settings['axis']} }}"
    ),
    kinds.SIGMOID: lambda writer, layer: writer.append(layer, "Sigmoid"),
}
