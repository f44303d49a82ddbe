"""TensorFlow Lite (LiteRT) on the CPU."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import (
    Built,
    built,
    calibration_of,
    file_digest,
    make,
    read_calibration,
    recipe_of,
    source_of_recipe,
    version_of,
)
from pytest_edgeperf.frameworks.interface import (
    Engine,
    Framework,
    FrameworkError,
    Model,
    TensorSpec,
    closed,
    require_threads,
)
from pytest_edgeperf.frameworks.signatures import fitting, matched, numbered
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_edgeperf.frameworks.interface import Array

DISTRIBUTIONS = ("ai-edge-litert", "tflite-runtime")
#: The Python of the environment that has the converter and the quantiser.
PYTHON_VARIABLE = "EDGEPERF_LITERT_TORCH_PYTHON"
#: What decides the converted file, besides the model.
TOOLS = ("ai-edge-litert", "ai-edge-quantizer", "litert-converter", "litert-torch", "torch")
TOOLS_ADVICE = (
    "python3 -m venv litert-torch; litert-torch/bin/pip install litert-torch ai-edge-quantizer; "
    f'export {PYTHON_VARIABLE}="$PWD/litert-torch/bin/python"'
)
CONVERTED = "model.tflite"
#: Types of weights and activations; others are those of shapes and indices.
FLOATS = ("float32", "float16")
INTEGERS = ("int8", "uint8", "int16")
#: They change a tensor's type and compute nothing.
CASTS = ("QUANTIZE", "DEQUANTIZE", "CAST")
#: What the graph calls its parts that a delegate took; none but XNNPACK is ever asked for.
DELEGATES = ("DELEGATE", "TfLiteXNNPackDelegate")


class TfLite(Framework):
    """TensorFlow Lite on the CPU: ``ai-edge-litert``, or the older ``tflite-runtime`` where that is installed.

    A ``.tflite`` file is the source ``tflite``; without one, the source ``torch`` is converted by litert-torch, with
    inputs as the module has them (NCHW). fp16 is the file with weights stored in float16, which the CPU turns into
    float32 when it loads them; int8 is a static quantisation of weights (per channel) and activations, which keeps
    float32 inputs and outputs. Both are made from a float file by ai-edge-quantizer. These tools pin packages that
    others break on, so the environment variable ``EDGEPERF_LITERT_TORCH_PYTHON`` names the Python of an environment of
    theirs. A file that is in the precision already, as ``tflite`` or as ``tflite:int8``, is taken as it is; where its
    inputs and outputs are integers, the engine quantises and dequantises within the inference.

    The interpreter does not tell its number of threads.
    """

    name = "tflite"
    install_advice = "pip install 'pytest-edgeperf[tflite]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install tflite-runtime==2.13.0 (for Python 3.8; ai-edge-litert has no wheel for it)",
        "jetpack-5": "pip install tflite-runtime==2.13.0 (for Python 3.8; ai-edge-litert has no wheel for it)",
        "jetpack-6": "pip install ai-edge-litert",
        "jetpack-7": "pip install ai-edge-litert",
        "raspberry-pi": "pip install ai-edge-litert (64-bit system; tflite-runtime==2.13.0 with Python 3.8)",
    }
    precisions = ("fp32", "fp16", "int8")

    def version(self) -> Optional[str]:
        """The installed version of ``ai-edge-litert`` or ``tflite-runtime``, read without importing it."""
        return next((version for version in map(version_of, DISTRIBUTIONS) if version is not None), None)

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error.

        A ``.tflite`` file is not opened, so whether it has to be quantised is only known when it is loaded.
        """
        reason = self.unable(precision)
        if reason is not None:
            return reason
        if best_source(model, "tflite", precision) is not None:
            return None
        if "torch" not in model.sources:
            return missing_source(model, "tflite")
        missing = _missing_tool("litert_torch")
        return f"converting model {model.name!r} from torch {missing}" if missing else None

    def load(self, model: Model, *, precision: str = "fp32", threads: int = 1) -> Engine:
        """Load the model's file into an interpreter of ``threads`` threads, with XNNPACK where the build has it.

        Raises:
            FrameworkError: not installed, unsupported, the conversion fails, the file cannot be loaded, is not in
                the precision, or has other inputs than ``model.inputs``.
        """
        reason = self.unsupported(model, precision)
        if reason is not None:
            raise FrameworkError(reason)
        require_threads(threads)
        runtime = self._runtime()
        path, made = self._file(runtime, model, precision)
        interpreter = self._open(runtime, path, threads)
        kind = _kind(interpreter)
        if kind != precision:
            raise FrameworkError(
                f"model {model.name!r} was to be loaded as {precision}, but the tensors of {path} are {kind}"
            )
        pairs = _inputs(interpreter, model, path)
        try:
            for tensor, spec in pairs:
                if tensor.shape != spec.shape:
                    interpreter.resize_tensor_input(tensor.index, list(spec.shape), strict=True)
            interpreter.allocate_tensors()
        except Exception as error:
            raise FrameworkError(f"{self._runtime_name()} cannot prepare {path}: {error}") from error
        return TfLiteEngine(interpreter, model, precision, threads, path, pairs, str(self.version()), made)

    def _file(self, runtime: Any, model: Model, precision: str) -> Tuple[str, Optional[Built]]:
        """The file to load, and how it was built if it was."""
        source = best_source(model, "tflite", precision)
        made: Optional[Built] = None
        if source is None:
            made = _converted(model)
            path = str(made.folder / CONVERTED)
        else:
            path = file_of(model, source)
        if precision == "fp32" or source not in (None, "tflite"):
            return path, made
        interpreter = self._open(runtime, path, 1)
        if _kind(interpreter) != "fp32":
            return path, made
        made = _quantised(interpreter, model, precision, path)
        return str(made.folder / CONVERTED), made

    def _open(self, runtime: Any, path: str, threads: int) -> Any:
        try:
            return runtime.Interpreter(model_path=path, num_threads=threads)
        except Exception as error:
            raise FrameworkError(f"{self._runtime_name()} cannot load {path}: {error}") from error

    def _runtime_name(self) -> str:
        return f"{_distribution()} {self.version()}"

    def _runtime(self) -> Any:
        package = "tflite_runtime" if _distribution() == "tflite-runtime" else "ai_edge_litert"
        return self.imported(f"{package}.interpreter")


class TfLiteEngine(Engine):
    """An interpreter with its tensors allocated."""

    framework = TfLite.name

    def __init__(
        self,
        interpreter: Any,
        model: Model,
        precision: str,
        threads: int,
        path: str,
        pairs: Sequence[Tuple[Tensor, TensorSpec]],
        version: str,
        made: Optional[Built],
    ) -> None:
        self.model = model
        self.precision = precision
        self.size_mib = os.path.getsize(path) / 2**20
        self.inputs = tuple(spec for _, spec in pairs)
        outputs = _in_order(_tensors(interpreter, "output"))
        self._feeds = [(tensor.index, _quantiser(tensor, spec)) for tensor, spec in pairs]
        self._fetches = [(tensor.index, _dequantiser(tensor)) for tensor in outputs]
        self._interpreter = interpreter
        self._set_tensor = interpreter.set_tensor
        self._get_tensor = interpreter.get_tensor
        self._invoke = interpreter.invoke
        self._described = {
            "framework": self.framework,
            "version": version,
            "runtime": _distribution(),
            "precision": precision,
            "provider": "cpu",
            "threads": threads,
            **_delegated(interpreter),
            "activations": _activations(interpreter),
            "inputs": [tensor.dtype for tensor, _ in pairs],
            "outputs": [tensor.dtype for tensor in outputs],
            "quantised_by_adapter": any(convert is not None for _, convert in self._feeds),
            "model_sha256": file_digest(path)[:12],
            **(made.describe() if made is not None else {}),
        }

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; the interpreter checks shapes and types."""
        if len(arrays) != len(self._feeds):
            raise FrameworkError(f"{len(arrays)} arrays for the inputs {', '.join(one.name for one in self.inputs)}")
        for (index, quantise), array in zip(self._feeds, arrays):
            self._set_tensor(index, array if quantise is None else quantise(array))
        self._invoke()
        return tuple(
            self._get_tensor(index) if dequantise is None else dequantise(self._get_tensor(index))
            for index, dequantise in self._fetches
        )

    def describe(self) -> Dict[str, Any]:
        """What the interpreter tells; ``threads`` is what it was asked for, which it does not tell again.

        ``delegated`` says how much of the graph XNNPACK took; ``activations`` the types that operations compute.
        """
        return dict(self._described)

    def close(self) -> None:
        """Free the interpreter; the engine cannot infer afterwards."""
        self._interpreter = None
        self._set_tensor = self._get_tensor = self._invoke = closed


def _distribution() -> str:
    return next((name for name in DISTRIBUTIONS if version_of(name) is not None), DISTRIBUTIONS[0])


# Inputs and outputs.


@dataclass(frozen=True)
class Tensor:
    """An input or output of a file: all its names, its shape with -1 where it is free, and how it is quantised."""

    names: Tuple[str, ...]
    index: int
    shape: Tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


def _tensors(interpreter: Any, side: str) -> List[Tensor]:
    """Of the ``side`` ``input`` or ``output``, in the file's order, with the names of its signature first."""
    details = interpreter.get_input_details() if side == "input" else interpreter.get_output_details()
    _, fed, fetched = _signature(interpreter)
    signed = fed if side == "input" else fetched
    found = []
    for detail in details:
        index = int(detail["index"])
        free = [int(size) for size in detail.get("shape_signature", ())]
        scale, zero_point = detail["quantization"]
        found.append(
            Tensor(
                (*(name for name, one in signed.items() if one == index), str(detail["name"])),
                index,
                tuple(free or (int(size) for size in detail["shape"])),
                _type_name(detail),
                float(scale),
                int(zero_point),
            )
        )
    return found


def _signature(interpreter: Any) -> Tuple[Optional[str], Dict[str, int], Dict[str, int]]:
    """The name of the signature that the file's inputs belong to, and its names with the indices of tensors."""
    indices = {int(detail["index"]) for detail in interpreter.get_input_details()}
    for name in interpreter.get_signature_list():
        # Let go at the end: while one is held, the interpreter refuses to allocate its tensors.
        runner = interpreter.get_signature_runner(name)
        inputs = {key: int(detail["index"]) for key, detail in runner.get_input_details().items()}
        if set(inputs.values()) == indices:
            return name, inputs, {key: int(detail["index"]) for key, detail in runner.get_output_details().items()}
    return None, {}, {}


def _in_order(tensors: Sequence[Tensor]) -> List[Tensor]:
    """As their names number them (``output_0``, ``output_1``), else as they come."""
    places = numbered([tensor.names[0] for tensor in tensors])
    return [tensors[place] for place in places] if places is not None else list(tensors)


def _inputs(interpreter: Any, model: Model, path: str) -> List[Tuple[Tensor, TensorSpec]]:
    """The inputs in the model's order with what they are fed.

    Raises:
        FrameworkError: another number of inputs, names that do not tell which is which, other shapes or types.
    """
    tensors = _tensors(interpreter, "input")
    ordered = _in_order(tensors)
    places = matched(model, [tensor.names for tensor in ordered], path, len(tensors) == 1 or _are_numbered(ordered))
    pairs = []
    for place, tensor in enumerate(ordered[place] for place in places):
        # Integers with a scale stand for real numbers, which are what a model is given unless it says otherwise.
        dtypes = ("float32", tensor.dtype) if tensor.scale else (tensor.dtype,)
        spec = model.inputs[place] if model.inputs else None
        pairs.append((tensor, fitting(spec, tensor.names[0], tensor.shape, dtypes, path)))
    return pairs


def _are_numbered(tensors: Sequence[Tensor]) -> bool:
    return numbered([tensor.names[0] for tensor in tensors]) is not None


def _quantiser(tensor: Tensor, spec: TensorSpec) -> Optional[Callable[[Any], Any]]:
    import numpy as np

    if spec.dtype == tensor.dtype:
        return None
    scale, zero_point, dtype = np.float32(tensor.scale), np.float32(tensor.zero_point), np.dtype(tensor.dtype)
    lowest, highest = np.iinfo(dtype).min, np.iinfo(dtype).max

    def quantise(array: Any) -> Any:
        return np.clip(np.rint(array / scale) + zero_point, lowest, highest).astype(dtype)

    return quantise


def _dequantiser(tensor: Tensor) -> Optional[Callable[[Any], Any]]:
    import numpy as np

    if tensor.dtype == "float16":
        return lambda array: array.astype(np.float32)
    if not tensor.scale:
        return None
    scale, zero_point = np.float32(tensor.scale), np.float32(tensor.zero_point)
    return lambda array: (array.astype(np.float32) - zero_point) * scale


# What the interpreter tells of its graph.


def _type_name(detail: Mapping[str, Any]) -> str:
    import numpy as np

    return str(np.dtype(detail["dtype"]).name)


def _kind(interpreter: Any) -> str:
    """The precision that the types of the graph's tensors show: weights and activations, whichever is smaller."""
    details = interpreter.get_tensor_details()
    if any(_type_name(one) in ("int8", "uint8") and len(one["quantization_parameters"]["scales"]) for one in details):
        return "int8"
    return "fp16" if any(_type_name(one) == "float16" for one in details) else "fp32"


def _operations(interpreter: Any) -> List[Mapping[str, Any]]:
    # No public method tells them; a release without this one leaves them untold.
    return list(getattr(interpreter, "_get_ops_details", list)())


def _activations(interpreter: Any) -> str:
    """The types of what operations compute, such as ``float32`` where only weights are stored in int8."""
    types = {int(one["index"]): _type_name(one) for one in interpreter.get_tensor_details()}
    computed = {
        types.get(int(output), "")
        for operation in _operations(interpreter)
        if operation["op_name"] not in (*CASTS, *DELEGATES)
        for output in operation["outputs"]
    }
    return ", ".join(sorted(computed & {*FLOATS, *INTEGERS})) or "not told"


def _delegated(interpreter: Any) -> Dict[str, str]:
    """How many operations XNNPACK took: those between the inputs and the outputs of its nodes."""
    operations = _operations(interpreter)
    own = [one for one in operations if one["op_name"] not in DELEGATES]
    maker = {int(tensor): place for place, one in enumerate(own) for tensor in one["outputs"]}
    taken = set()
    for node in operations:
        if node["op_name"] not in DELEGATES:
            continue
        given = {int(tensor) for tensor in node["inputs"]}
        left = [int(tensor) for tensor in node["outputs"]]
        while left:
            place = maker.get(left.pop())
            if place is not None and place not in taken:
                taken.add(place)
                left.extend(int(tensor) for tensor in own[place]["inputs"] if int(tensor) not in given)
    if not operations:
        return {"delegate": "not told"}
    return {"delegate": "XNNPACK" if taken else "none", "delegated": f"{len(taken)} of {len(own)} operations"}


# The converter and the quantiser, in an environment of their own.


def _missing_tool(module: str) -> Optional[str]:
    """What is to be said where no Python has the tool, or ``None``; asks no other Python."""
    python = os.environ.get(PYTHON_VARIABLE)
    if python:
        return None if shutil.which(python) else f"needs {PYTHON_VARIABLE}, which names {python}: no such program"
    if importlib.util.find_spec(module) is not None:
        return None
    return f"needs litert-torch and ai-edge-quantizer in an environment of their own: {TOOLS_ADVICE}"


def _tools(model: Model, module: str, distribution: str) -> Tuple[str, Dict[str, Optional[str]]]:
    """The Python that has the tool, and the versions of all tools there.

    Raises:
        FrameworkError: there is none.
    """
    missing = _missing_tool(module)
    if missing:
        raise FrameworkError(f"converting model {model.name!r} {missing}")
    python = os.environ.get(PYTHON_VARIABLE)
    versions = _versions(python) if python else {name: version_of(name) for name in TOOLS}
    if versions[distribution] is None:
        raise FrameworkError(
            f"converting model {model.name!r} needs {distribution}, which {python or sys.executable} has not: "
            f"{python or sys.executable} -m pip install {distribution}"
        )
    return python or sys.executable, versions


@lru_cache(maxsize=None)
def _versions(python: str) -> Dict[str, Optional[str]]:
    code = (
        "import json, sys\n"
        "from importlib import metadata\n"
        "found = {d.metadata['Name'].lower().replace('_', '-'): d.version for d in metadata.distributions()}\n"
        "print(json.dumps({name: found.get(name) for name in sys.argv[1:]}))"
    )
    try:
        child = subprocess.run([python, "-I", "-c", code, *TOOLS], capture_output=True, text=True, check=True)
        return dict(json.loads(child.stdout))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        told = (getattr(error, "stderr", "") or str(error)).strip()
        raise FrameworkError(f"{PYTHON_VARIABLE} names {python}, which does not tell its packages: {told}") from error


def _converted(model: Model) -> Built:
    """The model's torch source as a float file."""
    if not model.inputs:
        raise FrameworkError(
            f"model {model.name!r}: a torch module does not know the shapes of its inputs; "
            "say them with Model(inputs=[TensorSpec(name, shape=(...))])"
        )
    python, tools = _tools(model, "litert_torch", "litert-torch")
    recipe = recipe_of(model.sources["torch"], f"the torch source of model {model.name!r}")
    return built(
        f"{__name__}:build_fp32",
        model,
        "fp32",
        tools=tools,
        arguments={"recipe": recipe, "inputs": [[list(spec.shape), spec.dtype] for spec in model.inputs]},
        source=source_of_recipe(recipe),
        python=python,
    )


def _quantised(interpreter: Any, model: Model, precision: str, path: str) -> Built:
    """The float file ``path``, loaded in ``interpreter``, in another precision."""
    python, tools = _tools(model, "ai_edge_quantizer", "ai-edge-quantizer")
    arguments: Dict[str, Any] = {}
    calibration = None
    if precision == "int8":
        signature, names, _ = _signature(interpreter)
        if signature is None:
            raise FrameworkError(
                f"model {model.name!r}: {path} has no signature, by which the quantiser would feed it; "
                "convert it with a newer converter, or give a file in int8: Model(sources={'tflite:int8': ...})"
            )
        pairs = _inputs(interpreter, model, path)
        by_index = {index: name for name, index in names.items()}
        arguments["signature"] = signature
        arguments["names"] = [by_index[tensor.index] for tensor, _ in pairs]
        calibration = calibration_of(model, [spec for _, spec in pairs])
    return built(
        f"{__name__}:build_{precision}",
        model,
        precision,
        tools=tools,
        arguments=arguments,
        files={"tflite": path},
        source={"tflite": file_digest(path)},
        calibration=calibration,
        python=python,
    )


def build_fp32(folder: Path, recipe: Mapping[str, Any], inputs: Sequence[Sequence[Any]]) -> None:
    """Convert the module that the recipe makes, for inputs of these shapes and types."""
    import torch

    try:
        module = make(recipe)
    except ImportError as error:
        raise FrameworkError(
            f"{sys.executable} cannot import what {recipe['module']}.{recipe['name']} needs: {error}; install it "
            "there, or make the network in a module that imports less"
        ) from error
    import litert_torch

    if not isinstance(module, torch.nn.Module):
        raise FrameworkError(
            f"{recipe['module']}.{recipe['name']} gave a {type(module).__name__}, not an nn.Module, for 'torch'"
        )
    # The order of sums in what is folded depends on their number.
    torch.set_num_threads(1)
    examples = tuple(torch.zeros(tuple(shape), dtype=getattr(torch, dtype)) for shape, dtype in inputs)
    litert_torch.convert(module.eval(), examples).export(str(folder / CONVERTED))


def build_fp16(folder: Path, tflite: str) -> None:
    """Write the file with weights in float16; operations compute in the type of their other inputs."""
    from ai_edge_quantizer import qtyping, quantizer
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    made = quantizer.Quantizer(tflite)
    made.update_quantization_recipe(
        ".*",
        qtyping.TFLOperationName.ALL_SUPPORTED,
        qtyping.OpQuantizationConfig(weight_tensor_config=weights, compute_precision=qtyping.ComputePrecision.FLOAT),
        AlgorithmName.FLOAT_CASTING,
    )
    made.quantize(serialize_to_path=str(folder / CONVERTED))


def build_int8(folder: Path, tflite: str, signature: str, names: Sequence[str], calibration: str) -> None:
    """Write the file with weights and activations in int8, and inputs and outputs as they were."""
    from ai_edge_quantizer import qtyping, quantizer, recipe
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    examples: List[Dict[str, Any]] = [dict(zip(names, example)) for example in read_calibration(calibration)]
    made = quantizer.Quantizer(tflite)
    made.load_quantization_recipe(recipe.static_wi8_ai8())
    for side in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        made.update_quantization_recipe(".*", side, algorithm_key=AlgorithmName.NO_QUANTIZE)
    result = made.calibrate({signature: examples}, num_threads=1)
    made.quantize(result, serialize_to_path=str(folder / CONVERTED))
