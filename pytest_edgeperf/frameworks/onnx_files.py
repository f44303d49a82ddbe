"""What runtimes that read ONNX share: the inputs of a file, and a copy of it with fixed shapes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, built, file_digest, read_calibration, version_of
from pytest_edgeperf.frameworks.files_read import note_model
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.stages import UNCOUNTED, stage

if TYPE_CHECKING:
    from pathlib import Path

#: Distributions that bring ONNX Runtime.
ONNX_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
FIXED = "fixed.onnx"
#: Folds a zero Pad into a MaxPool that pads with minus infinity, which is wrong (seen in 1.31, not in 1.19 and 1.32).
WRONG_OPTIMIZERS = ("Pad_Fusion",)
#: Operators that are most of a network's work.
HEAVY = ("Conv", "ConvTranspose", "Gemm", "MatMul")
#: Options of ONNX Runtime's quantiser for TensorRT, which takes no zero points and no biases of 32 bits.
SYMMETRIC: Mapping[str, Any] = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "AddQDQPairToWeight": True,
    "DedicatedQDQPair": True,
    "QuantizeBias": False,
    "OpTypesToExcludeOutputQuantization": HEAVY,
}
#: How an ONNX file says that weights lie in another file: a field ``key`` with this text.
EXTERNAL = b"\x0a\x08location"


def onnxruntime_version() -> Optional[str]:
    """The version of whichever build of ONNX Runtime is installed, or ``None``."""
    return next(filter(None, map(version_of, ONNX_RUNTIMES)), None)


@stage(UNCOUNTED)
def inputs_of(path: str, model: Model) -> Tuple[TensorSpec, ...]:
    """The inputs of an ONNX file, all of fixed size: the model's own in the model's order, else the file's.

    A free first dimension is a batch of one.

    Raises:
        FrameworkError: a file that cannot be read, another free dimension, or inputs that are not the model's.
    """
    declared = _declared(path)
    if not model.inputs:
        return tuple(_fixed(name, shape, dtype, path) for name, shape, dtype in declared)
    given = {spec.name: spec for spec in model.inputs}
    if sorted(given) != sorted(name for name, _, _ in declared):
        raise FrameworkError(
            f"model {model.name!r} names the inputs {', '.join(given)}, but {path} has "
            f"{', '.join(name for name, _, _ in declared)}"
        )
    for name, shape, dtype in declared:
        spec = given[name]
        fits = len(shape) == len(spec.shape) and all(
            not isinstance(size, int) or size <= 0 or size == own for size, own in zip(shape, spec.shape)
        )
        if not fits or dtype != spec.dtype:
            raise FrameworkError(
                f"input {name!r}: the model says {spec.dtype} {list(spec.shape)}, but {path} has {dtype} {list(shape)}"
            )
    return tuple(model.inputs)


@stage(UNCOUNTED)
def files_of(path: str) -> List[str]:
    """The ONNX file and those beside it that hold its weights.

    It is parsed only where there are any, and then it is small: a measured process must not hold a large one.
    """
    if not _mentions(path, EXTERNAL):
        return [path]
    folder = os.path.dirname(path)
    names = {
        entry.value
        for weight in load(path).graph.initializer
        for entry in weight.external_data
        if entry.key == "location"
    }
    weights = [os.path.join(folder, name) for name in sorted(names)]
    note_model(weights)
    return [path, *weights]


def digests_of(path: str) -> Dict[str, str]:
    """What stands for an ONNX file in an engine's key: its and its weight files' names and SHA-256."""
    return {os.path.basename(file): file_digest(file) for file in files_of(path)}


def size_mib_of(path: str) -> float:
    """What an ONNX file and its weight files take."""
    return sum(map(os.path.getsize, files_of(path))) / 2**20


def input_names(path: str) -> List[str]:
    """The names of an ONNX file's inputs, in its order, without its weights."""
    return [name for name, _, _ in _declared(path)]


def output_names(path: str) -> List[str]:
    """The names of an ONNX file's outputs, in its order."""
    return [output.name for output in load(path).graph.output]


@stage(UNCOUNTED)
def with_fixed_shapes(path: str, model: Model, specs: Sequence[TensorSpec]) -> str:
    """The file itself where all its inputs have fixed sizes, else a copy that has them, its shapes folded; cached.

    Runtimes that read only static networks need it. The copy is made by ONNX Runtime's basic optimisations, without
    those that are known to be wrong.
    """
    free = any(not isinstance(size, int) or size <= 0 for _, shape, _ in _declared(path) for size in shape)
    if not free:
        return path
    made: Built = built(
        f"{__name__}:build_fixed",
        model,
        "fp32",
        tools={"onnx": version_of("onnx"), "onnxruntime": onnxruntime_version()},
        arguments={"shapes": {spec.name: list(spec.shape) for spec in specs}},
        files={"onnx": path},
        source=digests_of(path),
    )
    return str(made.folder / FIXED)


def build_fixed(folder: Path, onnx: str, shapes: Mapping[str, Sequence[int]]) -> None:
    """Write a copy of the file whose inputs have these shapes, with everything folded that follows from them."""
    import onnx as package

    model = package.load(onnx)
    for value in model.graph.input:
        for dimension, size in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ())):
            dimension.dim_value = size
    for value in model.graph.output:
        # They follow from the inputs'.
        value.type.tensor_type.ClearField("shape")
    work = folder / "work.onnx"
    package.save(model, str(work))
    try:
        fold(str(work), str(folder / FIXED))
        # Some runtimes need every shape in the file.
        package.save(package.shape_inference.infer_shapes(package.load(str(folder / FIXED))), str(folder / FIXED))
    finally:
        work.unlink()


def fold(path: str, target: str) -> None:
    """Write the file with what is constant computed, by ONNX Runtime's basic optimisations without the wrong ones."""
    try:
        import onnxruntime
    except ImportError as error:
        raise FrameworkError(
            "an ONNX file with free dimensions is fixed with the help of ONNX Runtime: pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = target
    options.log_severity_level = 3
    onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"], disabled_optimizers=list(WRONG_OPTIMIZERS)
    )


def quantise(
    path: str,
    folder: Path,
    name: str,
    inputs: Sequence[str],
    calibration: str,
    operators: str,
    *,
    symmetric: bool = False,
) -> None:
    """Write the file quantised to 8 bits as ``name`` into the folder, by ONNX Runtime's static quantiser.

    Weights per channel, ranges by the calibration set's extremes.

    Args:
        path: the file in fp32.
        folder: where it is written, and what comes between for a while.
        name: of what is written.
        inputs: names of the arrays of an example, in its order.
        calibration: path of the examples (see :func:`building.read_calibration`).
        operators: ``QDQ``, quantise and dequantise nodes around those of fp32, or ``QOperator``, operators on integers.
        symmetric: as TensorRT takes it: signed, without zero points, only what goes into :data:`HEAVY` operators,
            weights in fp32 before a pair of nodes of their own, biases left alone.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    folded, prepared = folder / "folded.onnx", folder / "prepared.onnx"
    try:
        # Its own optimisation would include those that are wrong.
        fold(path, str(folded))
        # The symbolic one gives up where a size is computed from a free one.
        quant_pre_process(str(folded), str(prepared), skip_optimization=True, skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(folder / name),
            Examples(calibration, inputs),
            quant_format=QuantFormat[operators],
            per_channel=True,
            activation_type=QuantType.QInt8 if symmetric else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            **({"op_types_to_quantize": list(HEAVY), "extra_options": dict(SYMMETRIC)} if symmetric else {}),
        )
    finally:
        for temporary in (folded, prepared):
            if temporary.exists():
                temporary.unlink()


class Examples:
    """A calibration set as ONNX Runtime's quantiser reads it."""

    def __init__(self, path: str, inputs: Sequence[str]) -> None:
        self._examples = iter([dict(zip(inputs, example)) for example in read_calibration(path)])

    def get_next(self) -> Optional[Mapping[str, Any]]:
        """The next example's inputs by name; ``None`` after the last."""
        return next(self._examples, None)


@stage(UNCOUNTED)
def load(path: str) -> Any:
    """The parsed file without weights that lie in files beside it.

    Raises:
        FrameworkError: the package onnx is not installed, or the file is not an ONNX file.
    """
    try:
        import onnx
    except ImportError as error:
        raise FrameworkError(f"{path}: reading ONNX files needs the package onnx: pip install onnx") from error
    try:
        return onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's own errors differ from release to release
        raise FrameworkError(f"{path} is not an ONNX file: {type(error).__name__}: {error}") from error


def _declared(path: str) -> List[Tuple[str, Tuple[Any, ...], str]]:
    """Name, shape (a free dimension as its name or ``?``) and numpy dtype of each input that is no weight."""
    graph = load(path).graph
    import onnx

    weights = {tensor.name for tensor in graph.initializer}
    inputs = []
    for value in graph.input:
        if value.name in weights:
            continue
        tensor = value.type.tensor_type
        shape = tuple(
            dimension.dim_value if dimension.HasField("dim_value") else dimension.dim_param or "?"
            for dimension in tensor.shape.dim
        )
        inputs.append((value.name, shape, str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))))
    return inputs


def _mentions(path: str, text: bytes) -> bool:
    with open(path, "rb") as file:
        end = b""
        for block in iter(lambda: file.read(1 << 20), b""):
            if text in end + block:
                return True
            end = block[1 - len(text) :]
    return False


def _fixed(name: str, shape: Tuple[Any, ...], dtype: str, path: str) -> TensorSpec:
    sizes = []
    for position, size in enumerate(shape):
        if isinstance(size, int) and size > 0:
            sizes.append(size)
        elif position == 0:
            sizes.append(1)
        else:
            raise FrameworkError(
                f"input {name!r} of {path}: dimension {position} is dynamic ({size!r}); "
                f"give its size with Model(inputs=[TensorSpec({name!r}, shape=(...))])"
            )
    return TensorSpec(name, tuple(sizes), dtype)
