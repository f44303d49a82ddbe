"""The converter and the quantiser of .tflite files, in an environment of their own."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

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
from pytest_edgeperf.frameworks.interface import FrameworkError, Model
from pytest_edgeperf.frameworks.tflite.graph import inputs_of, signature_of

if TYPE_CHECKING:
    from pathlib import Path

#: The Python of the environment that has the converter and the quantiser.
PYTHON_VARIABLE = "EDGEPERF_LITERT_TORCH_PYTHON"
#: What decides the converted file, besides the model.
TOOLS = ("ai-edge-litert", "ai-edge-quantizer", "litert-converter", "litert-torch", "torch")
TOOLS_ADVICE = (
    "python3 -m venv litert-torch; litert-torch/bin/pip install litert-torch ai-edge-quantizer; "
    f'export {PYTHON_VARIABLE}="$PWD/litert-torch/bin/python"'
)
CONVERTED = "model.tflite"


def missing_tool(module: str) -> Optional[str]:
    """Why no Python has the tool, as part of a sentence, or ``None``; asks no other Python."""
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
    missing = missing_tool(module)
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
        "installed = {d.metadata['Name'].lower().replace('_', '-'): d.version for d in metadata.distributions()}\n"
        "print(json.dumps({name: installed.get(name) for name in sys.argv[1:]}))"
    )
    try:
        child = subprocess.run([python, "-I", "-c", code, *TOOLS], capture_output=True, text=True, check=True)
        return dict(json.loads(child.stdout))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        message = (getattr(error, "stderr", "") or str(error)).strip()
        raise FrameworkError(
            f"{PYTHON_VARIABLE} names {python}, which does not list its packages: {message}"
        ) from error


def converted(model: Model) -> Built:
    """The model's torch source as a float file."""
    if not model.inputs:
        raise FrameworkError(
            f"model {model.name!r}: a torch module does not know the shapes of its inputs; "
            "give them with Model(inputs=[TensorSpec(name, shape=(...))])"
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


def quantised(interpreter: Any, model: Model, precision: str, path: str) -> Built:
    """The float file ``path``, loaded in ``interpreter``, in another precision."""
    python, tools = _tools(model, "ai_edge_quantizer", "ai-edge-quantizer")
    arguments: Dict[str, Any] = {}
    calibration = None
    if precision == "int8":
        signature, names, _ = signature_of(interpreter)
        if signature is None:
            raise FrameworkError(
                f"model {model.name!r}: {path} has no signature, by which the quantiser would feed it; "
                "convert it with a newer converter, or give a file in int8: Model(sources={'tflite:int8': ...})"
            )
        pairs = inputs_of(interpreter, model, path)
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
