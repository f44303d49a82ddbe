"""What the layers of a net take, as OpenCV measures them in every inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, Mapping, Sequence, Tuple

from pytest_edgeperf.frameworks.onnx_files import load
from pytest_edgeperf.frameworks.profiling import (
    WARM_UP_CALLS,
    OperatorProfile,
    OperatorTime,
    in_turn,
    per_inference,
)

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Engine
    from pytest_edgeperf.frameworks.models import Array

#: How OpenCV names the layer of a node of an ONNX file: by the node's name, or where it has none by its output's.
BY_NODE, BY_OUTPUT = "onnx_node!", "onnx_node_output_0!"


def profile(
    engine: Engine,
    net: Any,
    ticks_per_ms: float,
    outputs: Mapping[str, Tuple[str, ...]],
    inputs: Sequence[Tuple[Array, ...]],
    repetitions: int,
    calls: int,
) -> OperatorProfile:
    """Infer with the engine, and ask its net after each inference.

    Args:
        engine: what infers.
        net: its net, of OpenCV's classic engine.
        ticks_per_ms: of OpenCV's clock.
        outputs: name of a layer -> the tensors that it gives.
        inputs: they take turns.
        repetitions: how many.
        calls: of each.
    """
    names = net.getLayerNames()
    kinds = {name: net.getLayer(net.getLayerId(name)).type for name in names}

    def infer(arrays: Tuple[Array, ...]) -> Iterator[OperatorTime]:
        engine.infer(*arrays)
        _, ticks = net.getPerfProfile()
        for name, taken in zip(names, ticks.ravel().tolist()):
            # A layer that another one computes takes nothing.
            if taken > 0:
                yield OperatorTime(name, kinds[name], taken / ticks_per_ms, outputs.get(name, ()))

    for arrays in in_turn(inputs, WARM_UP_CALLS):
        engine.infer(*arrays)
    made = tuple(
        per_inference((operator for arrays in in_turn(inputs, calls) for operator in infer(arrays)), calls)
        for _ in range(repetitions)
    )
    return OperatorProfile(made, "OpenCV's layer times")


def outputs_of(path: str) -> Dict[str, Tuple[str, ...]]:
    """Name of the layer of a node in an ONNX file -> the node's outputs."""
    outputs = {}
    for node in load(path).graph.node:
        given = tuple(name for name in node.output if name)
        if given:
            outputs[BY_NODE + node.name if node.name else BY_OUTPUT + given[0]] = given
    return outputs
