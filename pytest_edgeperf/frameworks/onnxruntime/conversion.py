"""ONNX files in other precisions, made by ONNX Runtime's own tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Sequence

from pytest_edgeperf.frameworks.building import Built, built, calibration_of, version_of
from pytest_edgeperf.frameworks.interface import FrameworkError, Model
from pytest_edgeperf.frameworks.onnx_files import digests_of, inputs_of, load, quantise

if TYPE_CHECKING:
    from pathlib import Path

CONVERTED = "model.onnx"
#: Types of weights that show what a file was made to be.
MARKS = {"fp16": ("FLOAT16",), "int8": ("INT8", "UINT8")}


def converted(model: Model, precision: str, path: str, version: Optional[str], *, symmetric: bool) -> Built:
    """The ONNX file in ``fp16`` or ``int8``: from the cache, or built now in another process.

    Args:
        model: for its name, inputs and calibration set.
        precision: ``fp16`` or ``int8``.
        path: the file in fp32.
        version: of ONNX Runtime.
        symmetric: int8 as TensorRT takes it.
    """
    specs = inputs_of(path, model) if precision == "int8" else ()
    return built(
        f"{__name__}:build_{precision}",
        model,
        precision,
        tools={"onnx": version_of("onnx"), "onnxruntime": version},
        arguments={
            **({"inputs": [spec.name for spec in specs]} if specs else {}),
            **({"symmetric": True} if specs and symmetric else {}),
        },
        files={"onnx": path},
        source=digests_of(path),
        calibration=calibration_of(model, specs) if specs else None,
    )


def build_fp16(folder: Path, onnx: str) -> None:
    """Write the model with weights and computations in float16, and inputs and outputs as they were."""
    import onnx as package
    from onnxruntime.transformers.float16 import convert_float_to_float16

    converted = convert_float_to_float16(package.load(onnx), keep_io_types=True)
    package.save(converted, str(folder / CONVERTED))
    require_marks(str(folder / CONVERTED), "fp16")


def build_int8(folder: Path, onnx: str, inputs: Sequence[str], calibration: str, symmetric: bool = False) -> None:
    """Write the model quantised to 8 bits: QDQ, weights per channel, ranges by the calibration set's extremes.

    ``inputs`` names those of an example, in its order; ``symmetric`` is as TensorRT takes it.
    """
    quantise(onnx, folder, CONVERTED, inputs, calibration, "QDQ", symmetric=symmetric)
    require_marks(str(folder / CONVERTED), "int8")


def require_marks(path: str, precision: str) -> None:
    """The file's weights must be in the precision, or it would be measured under a wrong name."""
    model = load(path)
    import onnx

    types = {onnx.TensorProto.DataType.Name(weight.data_type) for weight in model.graph.initializer}
    if not types & set(MARKS[precision]):
        raise FrameworkError(f"{path} should be {precision}, but its weights are {', '.join(sorted(types)) or 'none'}")
