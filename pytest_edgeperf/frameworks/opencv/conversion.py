"""ONNX files made fit for OpenCV: quantised in QLinear operators, or with the shapes of their outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, built, calibration_of, version_of
from pytest_edgeperf.frameworks.onnx_files import digests_of, load, onnxruntime_version, quantise

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_edgeperf.frameworks.interface import Model, TensorSpec

CONVERTED = "model.onnx"


def quantised(model: Model, path: str, inputs: Sequence[TensorSpec]) -> Built:
    """The ONNX file quantised to 8 bits: from the cache, or built now in another process."""
    return built(
        f"{__name__}:build_int8",
        model,
        "int8",
        tools={"onnx": version_of("onnx"), "onnxruntime": onnxruntime_version()},
        arguments={"inputs": [spec.name for spec in inputs]},
        files={"onnx": path},
        source=digests_of(path),
        calibration=calibration_of(model, inputs),
    )


def build_int8(folder: Path, onnx: str, inputs: Sequence[str], calibration: str) -> None:
    """Write the model quantised to 8 bits in ONNX's QLinear operators, the only ones that OpenCV computes in int8.

    ``inputs`` names those of an example, in its order.
    """
    quantise(onnx, folder, CONVERTED, inputs, calibration, "QOperator")


def build_shaped(folder: Path, onnx: str) -> None:
    """Write the model with the shapes of its outputs, as they follow from its inputs'."""
    import onnx as package

    package.save(package.shape_inference.infer_shapes(package.load(onnx)), str(folder / CONVERTED))


def with_output_shapes(path: str, model: Model) -> str:
    """The file itself, or a copy whose outputs have the shapes without which OpenCV 4 does not read it; cached."""
    if all(value.type.tensor_type.HasField("shape") for value in load(path).graph.output):
        return path
    made = built(
        f"{__name__}:build_shaped",
        model,
        "fp32",
        tools={"onnx": version_of("onnx")},
        arguments={},
        files={"onnx": path},
        source=digests_of(path),
    )
    return str(made.folder / CONVERTED)


def declared_shape(value: Any) -> Optional[Tuple[int, ...]]:
    """An ONNX output's shape, or ``None`` where it is not known in full."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    shape = tuple(dimension.dim_value for dimension in tensor.shape.dim)
    return shape if all(size > 0 for size in shape) else None
