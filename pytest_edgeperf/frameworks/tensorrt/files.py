"""The files that engines are built from and into, whichever way TensorRT is driven."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

from pytest_edgeperf.caches import build_number, cache_folder
from pytest_edgeperf.frameworks.building import Built, built, calibration_of, version_of
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.onnx_files import digests_of, load, onnxruntime_version, quantise
from pytest_edgeperf.frameworks.onnxruntime.conversion import CONVERTED
from pytest_edgeperf.frameworks.sources import best_source

if TYPE_CHECKING:
    from pathlib import Path

ENGINE = "engine.plan"
#: Precision -> the type of ONNX that the tensors of a file must show where its types decide.
TYPES = {"fp16": "FLOAT16", "bf16": "BFLOAT16"}
#: Precisions that the ONNX file can be converted to.
CONVERTIBLE = {
    "fp16": "pytest_edgeperf.frameworks.onnxruntime.conversion:build_fp16",
    "int8": f"{__name__}:build_qdq",
}


def is_given(model: Model, precision: str) -> bool:
    """Whether the model has an ONNX file in the precision, which is taken as it is."""
    return best_source(model, "onnx", precision) == f"onnx:{precision}"


def missing_converter(precision: str) -> Optional[str]:
    """What is not installed of the tools that convert an ONNX file, with the remedy, or ``None``."""
    installed = {"onnx": version_of("onnx"), "onnxruntime": onnxruntime_version()}
    absent = [name for name, version in installed.items() if version is None]
    if not absent:
        return None
    return f"converting a model to {precision} needs {' and '.join(absent)}: pip install {' '.join(absent)}"


def converted(model: Model, precision: str, onnx: str, specs: Sequence[TensorSpec]) -> Built:
    """The ONNX file in fp16, or quantised with nodes (QDQ): from the cache, or built now in another process."""
    calibrated = precision == "int8"
    return built(
        CONVERTIBLE[precision],
        model,
        precision,
        tools={"onnx": version_of("onnx"), "onnxruntime": onnxruntime_version()},
        arguments={"inputs": [spec.name for spec in specs]} if calibrated else {},
        files={"onnx": onnx},
        source=digests_of(onnx),
        calibration=calibration_of(model, specs) if calibrated else None,
    )


def converted_path(made: Built) -> str:
    """Where :func:`converted` left the file."""
    return str(made.folder / CONVERTED)


def build_qdq(folder: Path, onnx: str, inputs: Sequence[str], calibration: str) -> None:
    """Write the file quantised to 8 bits as TensorRT takes it: quantise and dequantise nodes, symmetric.

    ``inputs`` names the arrays of an example, in its order.
    """
    quantise(onnx, folder, CONVERTED, inputs, calibration, "QDQ", symmetric=True)


def require_types(path: str, precision: str, *, typed: bool) -> None:
    """Check that a file is in the precision for which it is built, or it would be measured under a wrong name.

    Args:
        path: of the ONNX file.
        precision: that the engine is to have.
        typed: the builder has no precisions of its own, and the file's types decide.

    Raises:
        FrameworkError: it is not.
    """
    graph = load(path).graph
    name = os.path.basename(path)
    if precision == "int8":
        if not any(node.op_type == "DequantizeLinear" for node in graph.node):
            raise FrameworkError(f"{name} should be int8, but has no quantise and dequantise nodes")
        return
    if not typed:
        return
    import onnx

    tensors = [*graph.initializer, *(a.t for node in graph.node for a in node.attribute if a.HasField("t"))]
    types = {onnx.TensorProto.DataType.Name(tensor.data_type) for tensor in tensors}
    wanted = TYPES.get(precision)
    wrong = types & set(TYPES.values()) if wanted is None else set() if wanted in types else types or {"no type"}
    if wrong:
        raise FrameworkError(
            f"{name} should be {precision}, and this version of TensorRT computes in the types of the file, but its "
            f"tensors are {', '.join(sorted(wrong))}"
        )


def timing_cache(*parts: Any) -> Path:
    """Where the times of tactics are kept: engines of one release, GPU and build share them, and choose alike."""
    # What the cache of an earlier build holds would decide the tactics of the next.
    named: List[Any] = [*parts, *(["build", build_number()] if build_number() else [])]
    name = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(map(str, named)))
    return cache_folder("tensorrt") / f"timing-{name}.bin"


def built_from(conversion: Optional[Built], engine: Built) -> Dict[str, Any]:
    """For a run's environment: the engine's hash, the tools of conversion and build, and the calibration."""
    if conversion is None:
        return engine.describe()
    first, second = conversion.describe(), engine.describe()
    return {**first, **second, "built_with": {**first["built_with"], **second["built_with"]}}
