"""Writes a torch network as Darknet's own two files, ``.cfg`` and ``.weights``, with its weights. Needs torch.

A norm and an activation after a convolution are part of its section, as Darknet has them. The heads of detectors are
the plain convolutions that our networks end in: there are no ``[yolo]`` layers, which would decode the boxes inside
the network and so change its outputs.

Darknet's readers add 1e-6 to a variance where torch adds 1e-5; the files hold variances that make up for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from torch import nn

from models import layers as kinds
from models.layers import Layer, Layers, layers_of
from pytest_edgeperf import FrameworkError

#: Readers of Darknet's files add this to a variance.
DARKNET_EPSILON = 1e-6
#: Major, minor and revision of the format: as of 0.2.0 the count of images seen, which follows, has 64 bits.
VERSION = (0, 2, 0)
#: The slope of Darknet's leaky rectifier.
LEAKY_SLOPE = 0.1


def darknet_files(network: nn.Module, shape: Tuple[int, ...], cfg: Path, weights: Path) -> Tuple[str, str]:
    """Write the network for one image of that shape; outputs come in the order of their layers.

    Returns:
        the paths of the two files.

    Raises:
        FrameworkError: Darknet has none of the network's operations, or would give its outputs in another order.
    """
    layers = layers_of(network, shape)
    layers.require_ascending_outputs("Darknet")
    writer = _Writer(layers)
    cfg.write_text(writer.text(), "utf-8")
    weights.write_bytes(writer.binary())
    return str(cfg), str(weights)


class _Writer:
    """The layers of a network as they are appended, each a section of the ``.cfg`` and floats of the ``.weights``."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._sections: List[str] = []
        self._floats: List[np.ndarray] = []
        #: Layer of the network -> number of the section whose output it is, from 0; the image is before the first.
        self._numbers: Dict[str, int] = {}
        for layer in layers.layers:
            if layer.kind == kinds.INPUT:
                _, channels, height, width = layer.shape
                self._net = f"[net]\nbatch=1\nwidth={width}\nheight={height}\nchannels={channels}\n"
                self._numbers[layer.name] = -1
            elif layer.name not in self._numbers:
                if layer.kind not in _WRITERS:
                    raise FrameworkError(f"Darknet has no layer for {layer.kind} ({layer.name}) at this place")
                _WRITERS[layer.kind](self, layer)

    def text(self) -> str:
        """The ``.cfg``."""
        return "\n".join([self._net, *self._sections])

    def binary(self) -> bytes:
        """The ``.weights``."""
        header = np.array(VERSION, "<i4").tobytes() + np.array([0], "<i8").tobytes()
        return header + b"".join(array.tobytes() for array in self._floats)

    def section(self, kind: str, *lines: str, covers: Sequence[Layer] = ()) -> None:
        """Append a section whose output is that of the last layer that it covers."""
        self._sections.append("\n".join([f"[{kind}]", *lines, ""]))
        self._numbers.update({layer.name: len(self._sections) - 1 for layer in covers})

    def cover(self, layer: Layer) -> None:
        """Have a layer's output be its input."""
        self._numbers[layer.name] = self._numbers[layer.inputs[0]]

    def floats(self, *arrays: np.ndarray) -> None:
        """Append weights."""
        self._floats.extend(array.astype("<f4") for array in arrays)

    def number(self, name: str) -> int:
        """Of the section whose output a layer's is."""
        return self._numbers[name]

    def feed(self, layer: Layer) -> None:
        """Go back to the layer's first input, where that is not what the last section gave."""
        number = self._numbers[layer.inputs[0]]
        if number != len(self._sections) - 1:
            self.section("route", f"layers={number}")

    def after(self, layer: Layer, kind: str) -> Optional[Layer]:
        """The layer of a kind that alone takes what this one gives."""
        return self._layers.only_user(layer.name, kind)

    def activation(self, layer: Layer) -> Tuple[str, List[Layer]]:
        """Darknet's name of the activation after a layer, and the layers that it stands for."""
        rectifier = self.after(layer, kinds.RECTIFIER)
        if rectifier is not None and rectifier.settings["most"] is None:
            if rectifier.settings["slope"] == 0:
                return "relu", [rectifier]
            if rectifier.settings["slope"] == LEAKY_SLOPE:
                return "leaky", [rectifier]
        return "linear", []


def _convolution(writer: _Writer, layer: Layer) -> None:
    settings, weight = layer.settings, layer.weights["weight"]
    _require_square(layer, weight.shape[2:], settings["stride"], settings["padding"])
    if settings["dilation"] != (1, 1):
        raise FrameworkError("Darknet's convolution has no dilation")
    writer.feed(layer)
    covers, lines = [layer], []
    norm = writer.after(layer, kinds.NORM) if "bias" not in layer.weights else None
    if norm is not None:
        covers.append(norm)
        lines.append("batch_normalize=1")
        values = norm.weights
        variance = values["variance"].astype(np.float64) + (norm.settings["epsilon"] - DARKNET_EPSILON)
        writer.floats(values["bias"], values["weight"], values["mean"], variance, weight)
    else:
        writer.floats(layer.weights.get("bias", np.zeros(len(weight))), weight)
    activation, activated = writer.activation(covers[-1])
    groups = [f"groups={settings['groups']}"] if settings["groups"] > 1 else []
    lines += [f"filters={len(weight)}", f"size={weight.shape[2]}", f"stride={settings['stride'][0]}"]
    lines += [f"padding={settings['padding'][0]}", *groups, f"activation={activation}"]
    writer.section("convolutional", *lines, covers=[*covers, *activated])


def _maximum(writer: _Writer, layer: Layer) -> None:
    """Darknet's padding is that of both sides together; outside is minus infinity."""
    settings = layer.settings
    size, stride = settings["kernel"][0], settings["stride"][0]
    padding = size - 1 if settings["padding"] is None else 2 * settings["padding"][0]
    _require_square(layer, settings["kernel"], settings["stride"], settings["padding"] or (0, 0))
    writer.feed(layer)
    writer.section("maxpool", f"size={size}", f"stride={stride}", f"padding={padding}", covers=[layer])


def _global_average(writer: _Writer, layer: Layer) -> None:
    writer.feed(layer)
    writer.section("avgpool", covers=[layer])


def _linear(writer: _Writer, layer: Layer) -> None:
    """After a flattening it needs none of its own: a connected layer takes all cells of all channels."""
    weight = layer.weights["weight"]
    writer.feed(layer)
    writer.floats(layer.weights.get("bias", np.zeros(len(weight))), weight)
    activation, activated = writer.activation(layer)
    writer.section("connected", f"output={len(weight)}", f"activation={activation}", covers=[layer, *activated])


def _add(writer: _Writer, layer: Layer) -> None:
    first, second = sorted(layer.inputs, key=writer.number)
    writer.feed(Layer(layer.kind, layer.name, (second,), layer.shape))
    activation, activated = writer.activation(layer)
    writer.section("shortcut", f"from={writer.number(first)}", f"activation={activation}", covers=[layer, *activated])


def _concatenate(writer: _Writer, layer: Layer) -> None:
    if layer.settings["axis"] != 1:
        raise FrameworkError("Darknet joins nothing but channels")
    numbers = ",".join(str(writer.number(name)) for name in layer.inputs)
    writer.section("route", f"layers={numbers}", covers=[layer])


def _upsample(writer: _Writer, layer: Layer) -> None:
    writer.feed(layer)
    writer.section("upsample", f"stride={layer.settings['scale']}", covers=[layer])


def _flatten(writer: _Writer, layer: Layer) -> None:
    """Nothing, before a layer that is connected to all cells."""
    if writer.after(layer, kinds.LINEAR) is None:
        raise FrameworkError("Darknet has no layer for a change of shape")
    writer.cover(layer)


def _require_square(layer: Layer, *pairs: Sequence[int]) -> None:
    if any(len(set(pair)) > 1 for pair in pairs):
        raise FrameworkError(f"Darknet's {layer.kind} is the same in height and width")


_WRITERS: Mapping[str, Callable[[_Writer, Layer], Any]] = {
    kinds.CONVOLUTION: _convolution,
    kinds.MAXIMUM: _maximum,
    kinds.GLOBAL_AVERAGE: _global_average,
    kinds.LINEAR: _linear,
    kinds.ADD: _add,
    kinds.CONCATENATE: _concatenate,
    kinds.UPSAMPLE: _upsample,
    kinds.RESHAPE: _flatten,
}
