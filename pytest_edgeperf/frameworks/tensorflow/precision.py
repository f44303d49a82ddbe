"""What a graph of TensorFlow computes in."""

from __future__ import annotations

from typing import Any, Set

from pytest_edgeperf.frameworks.interface import FrameworkError, Model

#: Precision -> the type that operations compute in.
DTYPES = {"fp32": "float32", "tf32": "float32", "fp16": "float16", "bf16": "bfloat16"}
#: Operations whose type decides what precision a graph computes in.
COMPUTING = (
    "BatchMatMulV2",
    "BatchMatMulV3",
    "Conv2D",
    "Conv2DBackpropInput",
    "Conv3D",
    "DepthwiseConv2dNative",
    "Einsum",
    "MatMul",
)


def require_precision_of(tf: Any, function: Any, model: Model, precision: str) -> None:
    """What convolutions and matrix products compute in, or without any all operations, must be the precision.

    Raises:
        FrameworkError: it is not; with what they compute in.
    """
    types = _computed_in(tf, function)
    wanted = DTYPES[precision]
    if wanted not in types or (precision == "fp32" and len(types) > 1):
        raise FrameworkError(
            f"model {model.name!r} should be loaded as {precision}, but computes in "
            f"{', '.join(sorted(types)) or 'no floating-point type'}"
        )


def _computed_in(tf: Any, function: Any) -> Set[str]:
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    types = [(node.op, tf.as_dtype(node.attr["T"].type).name) for node in nodes if node.attr["T"].type]
    floats = [(operation, name) for operation, name in types if name in DTYPES.values()]
    return {name for operation, name in floats if operation in COMPUTING} or {name for _, name in floats}
