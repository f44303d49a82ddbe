"""Writes a torch network as a SavedModel of TensorFlow, with its weights. Needs TensorFlow and torch.

Images come in torch's order [n, channels, height, width] and are transposed once to TensorFlow's, in which its
operations on the CPU compute; outputs are transposed back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Tuple

import numpy as np
from torch import nn

from models import layers as kinds
from models.layers import Layer, Layers, layers_of
from pytest_edgeperf import FrameworkError

CHANNELS_LAST = (0, 2, 3, 1)
CHANNELS_FIRST = (0, 3, 1, 2)


class _Value(NamedTuple):
    """A tensor, and whether its channels are last though they are second in torch."""

    tensor: Any
    channels_last: bool


def saved_model(network: nn.Module, shape: Tuple[int, ...], path: Path) -> str:
    """Write the network for one input ``images`` of that shape; outputs are called ``output_0``, ``output_1``, ….

    Returns:
        the path of its folder, as text.

    Raises:
        FrameworkError: an operation of the network cannot be written.
    """
    import tensorflow as tf

    holder = tf.Module()
    layers = layers_of(network, shape)
    # what is saved is what the module holds
    holder.variables_of_layers = {
        layer.name: {name: tf.Variable(array) for name, array in _arrays(layer).items()}
        for layer in layers.layers
        if layer.weights
    }
    images = tf.TensorSpec(shape, tf.float32, name="images")

    def infer(images: Any) -> Dict[str, Any]:
        return _infer(tf, layers, holder.variables_of_layers, images)

    function = tf.function(infer, input_signature=[images], autograph=False)
    tf.saved_model.save(holder, str(path), signatures={"serving_default": function.get_concrete_function()})
    return str(path)


def _arrays(layer: Layer) -> Mapping[str, np.ndarray]:
    """A layer's weights in TensorFlow's order."""
    arrays = dict(layer.weights)
    if layer.kind == kinds.CONVOLUTION:
        kernel = np.ascontiguousarray(arrays["weight"].transpose(2, 3, 1, 0))
        if _is_depthwise(layer):
            # [height, width, channels, multiplier]
            kernel = kernel.reshape(*kernel.shape[:2], layer.settings["groups"], -1)
        arrays["weight"] = kernel
    if layer.kind == kinds.LINEAR:
        arrays["weight"] = np.ascontiguousarray(arrays["weight"].T)
    return arrays


def _is_depthwise(layer: Layer) -> bool:
    return int(layer.settings["groups"]) > 1 and layer.weights["weight"].shape[1] == 1


def _infer(tf: Any, layers: Layers, variables: Mapping[str, Any], images: Any) -> Dict[str, Any]:
    values: Dict[str, _Value] = {}
    for layer in layers.layers:
        if layer.kind == kinds.INPUT:
            values[layer.name] = _Value(images, channels_last=False)
            continue
        given = [values[name] for name in layer.inputs]
        values[layer.name] = _WRITERS[layer.kind](tf, layer, given, variables.get(layer.name, {}))
    return {f"output_{place}": _first(tf, values[name]) for place, name in enumerate(layers.outputs)}


def _last(tf: Any, value: _Value) -> Any:
    return value.tensor if value.channels_last else tf.transpose(value.tensor, CHANNELS_LAST)


def _first(tf: Any, value: _Value) -> Any:
    return tf.transpose(value.tensor, CHANNELS_FIRST) if value.channels_last else value.tensor


def _explicit(layer: Layer, height: int, width: int) -> List[List[int]]:
    return [[0, 0], [layer.settings["padding"][0], height], [layer.settings["padding"][1], width], [0, 0]]


def _convolution(tf: Any, layer: Layer, given: List[_Value], weights: Mapping[str, Any]) -> _Value:
    x = _last(tf, given[0])
    settings = layer.settings
    padding = _explicit(layer, *settings["padding"])
    if _is_depthwise(layer):
        strides = [1, *settings["stride"], 1]
        made = tf.nn.depthwise_conv2d(x, weights["weight"], strides, padding, dilations=settings["dilation"])
    else:
        parts = tf.split(x, settings["groups"], axis=3) if settings["groups"] > 1 else [x]
        kernels = tf.split(weights["weight"], settings["groups"], axis=3) if len(parts) > 1 else [weights["weight"]]
        results = [
            tf.nn.conv2d(part, kernel, settings["stride"], padding, dilations=settings["dilation"])
            for part, kernel in zip(parts, kernels)
        ]
        made = tf.concat(results, axis=3) if len(results) > 1 else results[0]
    if "bias" in weights:
        made = tf.nn.bias_add(made, weights["bias"])
    return _Value(made, channels_last=True)


def _norm(tf: Any, layer: Layer, given: List[_Value], weights: Mapping[str, Any]) -> _Value:
    made, _, _ = tf.compat.v1.nn.fused_batch_norm(
        _last(tf, given[0]),
        weights["weight"],
        weights["bias"],
        weights["mean"],
        weights["variance"],
        epsilon=layer.settings["epsilon"],
        is_training=False,
    )
    return _Value(made, channels_last=True)


def _rectifier(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    (x, channels_last), settings = given[0], layer.settings
    if settings["most"] == 6:
        return _Value(tf.nn.relu6(x), channels_last)
    made = tf.nn.leaky_relu(x, settings["slope"]) if settings["slope"] else tf.nn.relu(x)
    return _Value(made if settings["most"] is None else tf.minimum(made, settings["most"]), channels_last)


def _maximum(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    x, settings = _last(tf, given[0]), layer.settings
    if settings["padding"] is None:
        return _Value(tf.nn.max_pool2d(x, settings["kernel"], settings["stride"], "SAME"), channels_last=True)
    padding = _explicit(layer, *_end_padding(layer, x.shape[1:3]))
    return _Value(tf.nn.max_pool2d(x, settings["kernel"], settings["stride"], padding), channels_last=True)


def _end_padding(layer: Layer, sides: Any) -> List[int]:
    """On the right and below: as torch's, or more where it rounds the number of cells up."""
    settings = layer.settings
    return [
        max(before, (cells - 1) * stride + kernel - side - before)
        for before, cells, stride, kernel, side in zip(
            settings["padding"], layer.shape[2:], settings["stride"], settings["kernel"], sides
        )
    ]


def _average(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    x, (kernel, stride, before) = _last(tf, given[0]), (layer.settings[name] for name in kinds.POOL)
    if not layer.settings.get("counts_padding", True):
        if stride != (1, 1) or kernel != tuple(2 * side + 1 for side in before):
            raise FrameworkError("TensorFlow averages without the padding only where the size stays the same")
        return _Value(tf.nn.avg_pool2d(x, kernel, stride, "SAME"), channels_last=True)
    x = tf.pad(x, _explicit(layer, *before))
    return _Value(tf.nn.avg_pool2d(x, kernel, stride, "VALID"), channels_last=True)


def _global_average(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    keep = len(layer.shape) == 4
    return _Value(tf.reduce_mean(_last(tf, given[0]), [1, 2], keepdims=keep), channels_last=keep)


def _adaptive_average(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    """Of cells that overlap or repeat: a product with their weights along each side."""
    x = _last(tf, given[0])
    down, across = (shares(side, cells) for side, cells in zip(x.shape[1:3], layer.shape[2:]))
    return _Value(tf.einsum("nhwc,ih,jw->nijc", x, down, across), channels_last=True)


def shares(side: int, cells: int) -> np.ndarray:
    """[cells, side]: what each pixel counts in a cell, which begins and ends as torch's do."""
    shares = np.zeros((cells, side), np.float32)
    for cell in range(cells):
        start, end = cell * side // cells, -(-(cell + 1) * side // cells)
        shares[cell, start:end] = 1 / (end - start)
    return shares


def _response_norm(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    """TensorFlow's factor is of the sum, torch's of the mean."""
    size, alpha, beta, k = (layer.settings[name] for name in ("size", "alpha", "beta", "k"))
    if size % 2 == 0:
        raise FrameworkError("TensorFlow's response norm is of as many channels before as after")
    made = tf.nn.local_response_normalization(_last(tf, given[0]), size // 2, bias=k, alpha=alpha / size, beta=beta)
    return _Value(made, channels_last=True)


def _linear(tf: Any, layer: Layer, given: List[_Value], weights: Mapping[str, Any]) -> _Value:
    made = tf.matmul(_first(tf, given[0]), weights["weight"])
    return _Value(tf.nn.bias_add(made, weights["bias"]) if "bias" in weights else made, channels_last=False)


def _together(tf: Any, given: List[_Value]) -> Tuple[List[Any], bool]:
    channels_last = all(value.channels_last for value in given)
    return [value.tensor if channels_last else _first(tf, value) for value in given], channels_last


def _add(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    tensors, channels_last = _together(tf, given)
    return _Value(tf.add(*tensors), channels_last)


def _concatenate(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    tensors, channels_last = _together(tf, given)
    axis = CHANNELS_LAST.index(layer.settings["axis"]) if channels_last else layer.settings["axis"]
    return _Value(tf.concat(tensors, axis), channels_last)


def _reshape(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    return _Value(tf.reshape(_first(tf, given[0]), layer.shape), channels_last=False)


def _permute(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    if given[0].channels_last and layer.settings["order"] == CHANNELS_LAST:
        return _Value(given[0].tensor, channels_last=False)
    return _Value(tf.transpose(_first(tf, given[0]), layer.settings["order"]), channels_last=False)


def _upsample(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    made = tf.image.resize(_last(tf, given[0]), layer.shape[2:], method="nearest")
    return _Value(made, channels_last=True)


def _softmax(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    return _Value(tf.nn.softmax(_first(tf, given[0]), axis=layer.settings["axis"]), channels_last=False)


def _slice(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    begin = [layer.settings["start"] if axis == layer.settings["axis"] else 0 for axis in range(len(layer.shape))]
    return _Value(tf.slice(_first(tf, given[0]), begin, layer.shape), channels_last=False)


def _sigmoid(tf: Any, layer: Layer, given: List[_Value], _: Mapping[str, Any]) -> _Value:
    return _Value(tf.sigmoid(given[0].tensor), given[0].channels_last)


_Writer = Callable[[Any, Layer, List[_Value], Mapping[str, Any]], _Value]
_WRITERS: Mapping[str, _Writer] = {
    kinds.CONVOLUTION: _convolution,
    kinds.NORM: _norm,
    kinds.RECTIFIER: _rectifier,
    kinds.MAXIMUM: _maximum,
    kinds.AVERAGE: _average,
    kinds.GLOBAL_AVERAGE: _global_average,
    kinds.ADAPTIVE_AVERAGE: _adaptive_average,
    kinds.RESPONSE_NORM: _response_norm,
    kinds.LINEAR: _linear,
    kinds.ADD: _add,
    kinds.CONCATENATE: _concatenate,
    kinds.RESHAPE: _reshape,
    kinds.PERMUTE: _permute,
    kinds.UPSAMPLE: _upsample,
    kinds.SLICE: _slice,
    kinds.SOFTMAX: _softmax,
    kinds.SIGMOID: _sigmoid,
}
