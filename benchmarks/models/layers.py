"""A torch network as a list of layers with their weights, for writers of other tools' formats. Needs torch 2.5.

``torch.export`` gives the operations of one inference, with all sizes; what has no effect on it (dropout) is left out.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from pytest_edgeperf import FrameworkError

#: Whose ``torch.export`` gives operations as they are called.
OLDEST_TORCH = (2, 5)
INPUT = "input"
CONVOLUTION = "convolution"
NORM = "norm"
RECTIFIER = "rectifier"
MAXIMUM = "maximum"
AVERAGE = "average"
GLOBAL_AVERAGE = "global average"
ADAPTIVE_AVERAGE = "adaptive average"
LINEAR = "linear"
ADD = "add"
CONCATENATE = "concatenate"
RESHAPE = "reshape"
PERMUTE = "permute"
UPSAMPLE = "upsample"
SLICE = "slice"
RESPONSE_NORM = "response norm"
SOFTMAX = "softmax"
SIGMOID = "sigmoid"


@dataclass(frozen=True)
class Layer:
    """One operation: what it is given (names of layers), its output's shape as in torch, its settings and weights.

    Settings by kind: ``stride``, ``padding``, ``dilation`` (pairs) and ``groups`` of a convolution; ``kernel``,
    ``stride``, ``padding`` of a pool (``None``: as much on the right and below as keeps the size), and of a padded
    average whether it ``counts_padding``; ``slope`` below zero and ``most`` of a rectifier; ``epsilon`` of a norm;
    ``size``, ``alpha``, ``beta`` and ``k`` of a local response norm as in torch;
    ``axis``; ``order`` of a permutation; ``scale`` of an upsampling; ``axis`` and ``start`` of a slice to the end.
    """

    kind: str
    name: str
    inputs: Tuple[str, ...]
    shape: Tuple[int, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Layers:
    """A network's layers in the order of computation, the input first, and the names of those that are its outputs."""

    layers: Tuple[Layer, ...]
    outputs: Tuple[str, ...]

    def __getitem__(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    def users(self, name: str) -> List[Layer]:
        """The layers that are given another's output."""
        return [layer for layer in self.layers if name in layer.inputs]

    def only_user(self, name: str, kind: str) -> Optional[Layer]:
        """The one layer that is given it where there is one, of that kind, and the network does not give it itself."""
        users = self.users(name)
        return users[0] if len(users) == 1 and users[0].kind == kind and name not in self.outputs else None

    def require_ascending_outputs(self, tool: str) -> None:
        """Raise FrameworkError unless the outputs are computed in their order, in which some tools give them."""
        places = [[layer.name for layer in self.layers].index(name) for name in self.outputs]
        if places != sorted(places) or any(self.users(name) for name in self.outputs):
            raise FrameworkError(f"{tool} would give the outputs of this network in another order, or not all of them")


def layers_of(network: nn.Module, shape: Tuple[int, ...]) -> Layers:
    """The layers of a network in evaluation mode for one input of that shape.

    Raises:
        FrameworkError: an operation of it is none of these kinds, or torch is older than 2.5.
    """
    if tuple(int(number) for number in torch.__version__.split(".")[:2]) < OLDEST_TORCH:
        raise FrameworkError(
            f"converting a network needs torch {'.'.join(map(str, OLDEST_TORCH))} or newer, not {torch.__version__}; "
            "convert it on another machine and copy the cache folder"
        )
    with torch.no_grad(), _response_norms_kept():
        exported = torch.export.export(network.eval(), (torch.zeros(shape),), strict=False)
    return _with_pools_in_place(_Reader(exported).read())


def _response_norm(x: torch.Tensor, size: int, alpha: float, beta: float, k: float) -> torch.Tensor:
    return _TORCHS_RESPONSE_NORM(x, size, alpha, beta, k)


_TORCHS_RESPONSE_NORM = functional.local_response_norm


@lru_cache(maxsize=None)
def _one_operation() -> Any:
    schema = "(Tensor x, int size, float alpha, float beta, float k) -> Tensor"
    kept = torch.library.custom_op("models_layers::response_norm", _response_norm, mutates_args=(), schema=schema)
    kept.register_fake(lambda x, size, alpha, beta, k: torch.empty_like(x))
    return kept


@contextmanager
def _response_norms_kept() -> Iterator[None]:
    """Have a local response norm exported as one operation, which torch itself makes of several."""
    functional.local_response_norm = _one_operation()
    try:
        yield
    finally:
        functional.local_response_norm = _TORCHS_RESPONSE_NORM


def _read_response_norm(given: _Given) -> _Read:
    return RESPONSE_NORM, {name: given[name] for name in ("size", "alpha", "beta", "k")}, {}


class _Reader:
    """Reads an exported program, node by node."""

    def __init__(self, exported: Any) -> None:
        signature = exported.graph_signature
        named = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        constants = getattr(signature, "inputs_to_lifted_tensor_constants", {})
        tensors = {**exported.state_dict, **exported.constants}
        self._nodes = exported.graph.nodes
        #: Name of a placeholder -> the weight behind it.
        self._weights = {node: tensors[name] for node, name in {**named, **constants}.items()}
        self._layers: List[Layer] = []
        #: Name of a node -> the layer whose output it is.
        self._layer_of: Dict[str, str] = {}

    def read(self) -> Layers:
        """All of it."""
        outputs: Tuple[str, ...] = ()
        for node in self._nodes:
            if node.op == "placeholder":
                if node.name not in self._weights:
                    self._append(Layer(INPUT, node.name, (), _shape(node)), node)
            elif node.op == "call_function":
                self._operation(node)
            elif node.op == "output":
                outputs = tuple(self._layer_of[given.name] for given in node.args[0])
        return Layers(tuple(self._layers), outputs)

    def _operation(self, node: Any) -> None:
        operation = str(node.target).split(".")[1].rstrip("_")
        if operation not in _READERS:
            raise FrameworkError(f"the operation {node.target} of torch cannot be written in another format")
        given = _Given(node, self._weights)
        read = _READERS[operation](given)
        inputs = tuple(self._layer_of[name] for name in given.inputs)
        if read is None:
            self._layer_of[node.name] = inputs[0]
            return
        kind, settings, weights = read
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in weights.items() if tensor is not None}
        self._append(Layer(kind, node.name, inputs, _shape(node), settings, arrays), node)

    def _append(self, layer: Layer, node: Any) -> None:
        self._layers.append(layer)
        self._layer_of[node.name] = layer.name


class _Given:
    """What an operation is given: its arguments by name, weights among them as tensors."""

    def __init__(self, node: Any, weights: Mapping[str, Any]) -> None:
        self.shape = _shape(node)
        self._values: Dict[str, Any] = {}
        self.inputs: List[str] = []
        self._shapes: List[Tuple[int, ...]] = []
        for place, argument in enumerate(node.target._schema.arguments):
            if place < len(node.args):
                value = node.args[place]
            else:
                value = node.kwargs.get(argument.name, argument.default_value)
            for member in value if isinstance(value, (list, tuple)) else [value]:
                if hasattr(member, "op") and member.name not in weights:
                    self.inputs.append(member.name)
                    self._shapes.append(_shape(member))
            self._values[argument.name] = weights.get(value.name, value) if hasattr(value, "op") else value

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    @property
    def input_shape(self) -> Tuple[int, ...]:
        """Of the first input."""
        return self._shapes[0]

    def pair(self, name: str) -> Tuple[int, int]:
        """A setting that is a number for both sides, or one for each; the kernel's where it is empty."""
        value = self[name]
        if isinstance(value, str):
            raise FrameworkError(f"a {name} called {value!r} cannot be written in another format")
        if isinstance(value, int):
            return value, value
        values = list(value) or list(self.pair("kernel_size"))
        return (values[0], values[-1])


_Read = Optional[Tuple[str, Mapping[str, Any], Mapping[str, Any]]]


def _shape(node: Any) -> Tuple[int, ...]:
    return tuple(int(side) for side in node.meta["val"].shape)


def _convolution(given: _Given) -> _Read:
    settings = {name: given.pair(name) for name in ("stride", "padding", "dilation")}
    return CONVOLUTION, {**settings, "groups": given["groups"]}, {"weight": given["weight"], "bias": given["bias"]}


def _norm(given: _Given) -> _Read:
    weights = {name: given[name] for name in ("weight", "bias")}
    statistics = {"mean": given["running_mean"], "variance": given["running_var"]}
    return NORM, {"epsilon": given["eps"]}, {**weights, **statistics}


def _rectifier(slope: float = 0.0, most: Optional[float] = None) -> _Read:
    return RECTIFIER, {"slope": slope, "most": most}, {}


def _hardtanh(given: _Given) -> _Read:
    if given["min_val"] != 0:
        raise FrameworkError("a hard tangent that is no rectifier cannot be written in another format")
    return _rectifier(most=float(given["max_val"]))


POOL = ("kernel", "stride", "padding")


def _pool(kind: str) -> Callable[[_Given], _Read]:
    def read(given: _Given) -> _Read:
        settings: Dict[str, Any] = {name: given.pair(f"{name}_size" if name == "kernel" else name) for name in POOL}
        if kind == AVERAGE and settings["padding"] != (0, 0):
            settings["counts_padding"] = given["count_include_pad"]
        return kind, settings, {}

    return read


def _adaptive(given: _Given) -> _Read:
    """An average over cells of equal size, of all, or of single pixels; else one over cells that overlap."""
    before, after = given.input_shape[-2:], given.shape[-2:]
    if before == after:
        return None
    if after == (1, 1):
        return GLOBAL_AVERAGE, {}, {}
    if any(side % other for side, other in zip(before, after)):
        return ADAPTIVE_AVERAGE, {}, {}
    kernel = (before[0] // after[0], before[1] // after[1])
    return AVERAGE, {"kernel": kernel, "stride": kernel, "padding": (0, 0)}, {}


def _mean(given: _Given) -> _Read:
    if sorted(axis % 4 for axis in given["dim"]) != [2, 3] or len(given.input_shape) != 4:
        raise FrameworkError("a mean over other axes than height and width cannot be written in another format")
    return GLOBAL_AVERAGE, {}, {}


def _linear(given: _Given) -> _Read:
    return LINEAR, {}, {"weight": given["weight"], "bias": given["bias"]}


def _add(given: _Given) -> _Read:
    if len(given.inputs) != 2 or given["alpha"] != 1:
        raise FrameworkError("a sum with a constant cannot be written in another format")
    return ADD, {}, {}


def _concatenate(given: _Given) -> _Read:
    return CONCATENATE, {"axis": given["dim"] % len(given.shape)}, {}


def _upsample(given: _Given) -> _Read:
    return UPSAMPLE, {"scale": given.shape[2] // given.input_shape[2]}, {}


def _slice(given: _Given) -> _Read:
    axis, start = given["dim"], given["start"] or 0
    if given.shape == given.input_shape:
        return None
    if given["step"] != 1 or given.shape[axis] != given.input_shape[axis] - start:
        raise FrameworkError("a slice that does not go to the end cannot be written in another format")
    return SLICE, {"axis": axis, "start": start}, {}


def _reshape(given: _Given) -> _Read:
    return None if given.shape == given.input_shape else (RESHAPE, {}, {})


def _same(_: _Given) -> _Read:
    return None


_READERS: Mapping[str, Callable[[_Given], _Read]] = {
    "conv2d": _convolution,
    "batch_norm": _norm,
    "relu": lambda _: _rectifier(),
    "relu6": lambda _: _rectifier(most=6.0),
    "hardtanh": _hardtanh,
    "leaky_relu": lambda given: _rectifier(slope=float(given["negative_slope"])),
    "response_norm": _read_response_norm,
    "max_pool2d": _pool(MAXIMUM),
    "avg_pool2d": _pool(AVERAGE),
    "adaptive_avg_pool2d": _adaptive,
    "mean": _mean,
    "linear": _linear,
    "add": _add,
    "cat": _concatenate,
    "upsample_nearest2d": _upsample,
    "slice": _slice,
    "flatten": _reshape,
    "reshape": _reshape,
    "view": _reshape,
    "permute": lambda given: (PERMUTE, {"order": tuple(given["dims"])}, {}),
    "softmax": lambda given: (SOFTMAX, {"axis": given["dim"] % len(given.shape)}, {}),
    "sigmoid": lambda _: (SIGMOID, {}, {}),
    "dropout": _same,
    "contiguous": _same,
    "clone": _same,
    "alias": _same,
    "detach": _same,
}


def _with_pools_in_place(layers: Layers) -> Layers:
    """A maximum of 2x2 at stride 1 that is padded on all sides, without its first row and column, as one layer.

    It keeps its input's size, outside of whose right and lower edge is minus infinity; its padding is ``None``.
    """
    result: List[Layer] = []
    last_slices: Dict[str, str] = {}
    for layer in layers.layers:
        if layer.kind == MAXIMUM and layer.settings == {"kernel": (2, 2), "stride": (1, 1), "padding": (1, 1)}:
            slices = _first_cut(layers, layer)
            if slices:
                last_slices.update({one.name: layer.name for one in slices})
                settings = {**layer.settings, "padding": None}
                result.append(replace(layer, shape=slices[-1].shape, settings=settings))
                continue
        if layer.name not in last_slices:
            result.append(replace(layer, inputs=tuple(last_slices.get(name, name) for name in layer.inputs)))
    return Layers(tuple(result), tuple(last_slices.get(name, name) for name in layers.outputs))


def _first_cut(layers: Layers, layer: Layer) -> List[Layer]:
    """The two slices after a layer that leave out its first row and column, or nothing."""
    slices: List[Layer] = []
    while len(slices) < 2:
        user = layers.only_user(slices[-1].name if slices else layer.name, SLICE)
        if user is None or user.settings["start"] != 1:
            return []
        slices.append(user)
    return slices if sorted(one.settings["axis"] for one in slices) == [2, 3] else []
