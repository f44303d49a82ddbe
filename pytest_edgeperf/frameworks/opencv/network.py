"""A network that OpenCV has read, and what its layers compute in."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from pytest_edgeperf.frameworks.building import Built
from pytest_edgeperf.frameworks.interface import FrameworkError, TensorSpec
from pytest_edgeperf.frameworks.onnx_files import size_mib_of

#: Layers that take nearly all the time, and whose names end in "Int8" where OpenCV computes them so.
HEAVY = ("Conv", "InnerProduct", "MatMul", "Gemm")


class Network(NamedTuple):
    """What was read: the net, by which of its engines, from which files, and its inputs and outputs."""

    net: Any
    engine: str
    files: Tuple[str, ...]
    inputs: Tuple[TensorSpec, ...]
    outputs: List[str]
    #: Position of an output -> the shape that it has in the model and not in OpenCV.
    restored: Mapping[int, Tuple[int, ...]]
    made: Optional[Built]

    @property
    def size_mib(self) -> float:
        """What its files take, an ONNX file's weight files included."""
        if len(self.files) == 1:
            return size_mib_of(self.files[0])
        return sum(map(os.path.getsize, self.files)) / 2**20


def layers_of(net: Any) -> Dict[str, int]:
    """How many layers take most of the time, and how many of these OpenCV computes in int8."""
    heavy = {kind: net.getLayersCount(kind) for kind in net.getLayerTypes() if kind.startswith(HEAVY)}
    return {
        "heavy_layers": sum(heavy.values()),
        "int8_layers": sum(count for kind, count in heavy.items() if kind.endswith("Int8")),
    }


def require_precision_of_layers(network: Network, precision: str) -> None:
    """Raise FrameworkError unless OpenCV computes the network's heavy layers in the precision."""
    counts = layers_of(network.net)
    path = network.files[0]
    if precision == "int8" and not counts["int8_layers"]:
        raise FrameworkError(
            f"{path} should be int8, but opencv computes none of its {counts['heavy_layers']} convolutions and matrix "
            "products so: of a file with QuantizeLinear and DequantizeLinear around them it computes them in fp32; "
            "give one in QLinear operators (QuantFormat.QOperator), or only the source 'onnx', which is then quantised"
        )
    if precision == "fp32" and counts["int8_layers"]:
        raise FrameworkError(
            f"{path} should be fp32, but opencv computes {counts['int8_layers']} of its layers in int8: the file is "
            "quantised; ask for int8"
        )
