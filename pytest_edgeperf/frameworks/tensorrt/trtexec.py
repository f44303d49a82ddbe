"""TensorRT by its program ``trtexec``: every JetPack has it, also those whose Python bindings no Python of today loads.

An engine is built once, in another process, and kept. Each inference and each block of timed ones is a run of
``trtexec`` with that engine; what it timed is read from the file that it exports.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Optional, Sequence, Tuple

from pytest_edgeperf.caches import build_number, cache_folder
from pytest_edgeperf.frameworks.building import built, calibration_of, version_of
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec, require_precision
from pytest_edgeperf.frameworks.onnx_files import digests_of
from pytest_edgeperf.frameworks.sources import best_source
from pytest_edgeperf.frameworks.tensorrt.options import (
    DLA_CORE,
    OPTIMISATION_LEVEL,
    PROFILE,
    WORKSPACE_MIB,
    WORKSPACE_MIB_DEFAULT,
)
from pytest_edgeperf.frameworks.tensorrt.trtexec_build import BUILD, ENGINE, FACTS
from pytest_edgeperf.frameworks.tensorrt.trtexec_engine import TrtExecEngine
from pytest_edgeperf.frameworks.tensorrt.trtexec_files import OUTPUT_NAMES
from pytest_edgeperf.frameworks.tensorrt.trtexec_program import Program, find, gpu_name, missing

if TYPE_CHECKING:
    pass


DTYPES = ("float32", "float16", "int32", "int64", "int8", "uint8", "bool")


class TrtExec:
    """TensorRT's engines, built and run by ``trtexec``.

    A precision is an option of the build (``--fp16``, ``--int8``, ``--bf16``; fp32 is ``--noTF32``, tf32 its absence);
    layers that TensorRT has in fp32 only, or faster, stay in it. int8 is a copy of the file with symmetric quantise
    and dequantise nodes, made from the calibration set. Releases without these options (11) take the types from the
    file: fp16 is a converted copy. A source ``onnx:fp16`` or ``onnx:int8`` is taken as it is.

    ``Model.parameters`` may hold ``tensorrt.profile`` (input -> its least, best and largest shape),
    ``tensorrt.dla_core`` (a number; what the DLA cannot do falls to the GPU), ``tensorrt.workspace_mib``,
    ``tensorrt.builder_optimization_level``, and for an engine of the user's own ``tensorrt.outputs`` (their names in
    order).
    """

    def version(self) -> Optional[str]:
        """TensorRT's version by the program's own word, or ``None`` where there is none; see :meth:`missing`."""
        try:
            return find().version
        except FrameworkError:
            return None

    def missing(self) -> Optional[str]:
        """Why there is no ``trtexec`` to be used here, with the remedy; ``None`` when there is."""
        return missing()

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision on this machine, or ``None``; an unknown precision is an error."""
        require_precision(precision)
        reason = missing()
        if reason is not None:
            return reason
        program = find()
        if precision in ("fp32", "tf32") or f"--{precision}" in program.options:
            return None
        if program.strongly_typed:
            if precision == "bf16":
                return (
                    f"trtexec {program.version} takes the types from the ONNX file and has no --bf16, and there is no "
                    "converter to bf16"
                )
            return None
        return f"trtexec {program.version} has no --{precision}"

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why it cannot run this model at the precision, or ``None``; of its sources only the formats are looked at."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        if _conversion(find(), model, precision) is not None:
            absent = [name for name in ("onnx", "onnxruntime") if version_of(name) is None]
            if absent:
                return f"converting a model to {precision} needs {' and '.join(absent)}: pip install {' '.join(absent)}"
        if model.parameters.get(DLA_CORE) is not None:
            if precision not in ("fp16", "int8"):
                return f"a DLA has no {precision}, only fp16; leave out Model.parameters[{DLA_CORE!r}]"
            if precision == "int8":
                return (
                    "a DLA takes no quantise and dequantise nodes, so all of an int8 network would fall to the GPU; "
                    f"leave out Model.parameters[{DLA_CORE!r}], or run it in fp16"
                )
        return None

    def load(self, model: Model, precision: str, onnx: str, specs: Tuple[TensorSpec, ...]) -> TrtExecEngine:
        """The engine of an ONNX file: from the cache, or built now in another process.

        Args:
            model: for its name, parameters and calibration set.
            precision: one that :meth:`unsupported` does not decline.
            onnx: path of the file, the model's best source for the precision.
            specs: its inputs, of fixed sizes.

        Raises:
            FrameworkError: it cannot be built, or the model's parameters do not fit.
        """
        reason = self.unsupported(model, precision)
        if reason is not None:
            raise FrameworkError(reason)
        program = find()
        _require_inputs(model, specs)
        conversion = _conversion(program, model, precision)
        converters = {name: version_of(name) for name in ("onnx", "onnxruntime")} if conversion is not None else {}
        gpu = gpu_name()
        made = built(
            BUILD,
            model,
            precision,
            tools={"trtexec": program.version, "gpu": gpu, **converters},
            arguments={
                "precision": precision,
                "options": _build_options(program, model, precision),
                "shapes": {spec.name: list(spec.shape) for spec in specs},
                "profile": _profile(model, specs),
                "conversion": conversion,
            },
            source=digests_of(onnx),
            files={"onnx": onnx, "timing": _timing_cache(program, gpu)},
            calibration=calibration_of(model, specs) if conversion == "int8" else None,
        )
        facts = json.loads((made.folder / FACTS).read_text("utf-8"))
        engine = TrtExecEngine(program, model, precision, made.folder / ENGINE, specs, facts)
        engine.made = made
        return engine

    def load_engine(self, model: Model, precision: str, engine: str, specs: Tuple[TensorSpec, ...]) -> TrtExecEngine:
        """A serialised engine of the user's own, taken as it is, and tried once with zeros.

        ``trtexec`` does not tell in which precision an engine computes: that is the model's word.

        Args:
            model: ``parameters["tensorrt.outputs"]`` names its outputs in order where there are several,
                ``parameters["tensorrt.profile"]`` the inputs whose sizes are free.
            precision: what it was built for.
            engine: path of the file.
            specs: its inputs.

        Raises:
            FrameworkError: there is no ``trtexec``, or it cannot run this engine on these inputs.
        """
        import numpy as np

        require_precision(precision)
        program = find()
        if not specs:
            raise FrameworkError(
                f"model {model.name!r}: trtexec does not tell the inputs of the engine {engine}; say them with "
                "Model(inputs=...)"
            )
        _require_inputs(model, specs)
        facts = {
            "outputs": model.parameters.get(OUTPUT_NAMES),
            "dynamic": sorted(_profile(model, specs)),
        }
        loaded = TrtExecEngine(program, model, precision, Path(engine).absolute(), specs, facts)
        loaded.infer(*(np.zeros(spec.shape, spec.dtype) for spec in specs))
        return loaded


def _conversion(program: Program, model: Model, precision: str) -> Optional[str]:
    """What has to be made of the ONNX file before it is built."""
    if best_source(model, "onnx", precision) != "onnx":
        return None
    if precision == "int8" or (precision == "fp16" and program.strongly_typed):
        return precision
    return None


def _build_options(program: Program, model: Model, precision: str) -> List[str]:
    options = []
    if precision == "fp32":
        options.append("--noTF32")
    elif precision != "tf32":
        options += program.with_offered(f"--{precision}")
    workspace_mib = model.parameters.get(WORKSPACE_MIB)
    if "--memPoolSize" not in program.options:
        options.append(f"--workspace={workspace_mib or WORKSPACE_MIB_DEFAULT}")
    elif workspace_mib is not None:
        options.append(f"--memPoolSize=workspace:{workspace_mib}")
    level = model.parameters.get(OPTIMISATION_LEVEL)
    if level is not None:
        offered = program.with_offered(f"--builderOptimizationLevel={level}")
        if not offered:
            raise FrameworkError(
                f"trtexec {program.version} has no --builderOptimizationLevel; leave out "
                f"Model.parameters[{OPTIMISATION_LEVEL!r}]"
            )
        options += offered
    core = model.parameters.get(DLA_CORE)
    if core is not None:
        options += [f"--useDLACore={core}", "--allowGPUFallback"]
    return [*options, *program.with_offered("--skipInference", "--buildOnly")[:1]]


def _profile(model: Model, specs: Sequence[TensorSpec]) -> Dict[str, List[List[int]]]:
    """The model's ranges of shapes, which must hold the shapes that are measured."""
    given = model.parameters.get(PROFILE) or {}
    shapes = {spec.name: spec.shape for spec in specs}
    found = {}
    for name, ranges in given.items():
        where = f"model {model.name!r}, parameters[{PROFILE!r}][{name!r}]"
        if name not in shapes:
            raise FrameworkError(f"{where}: there is no such input, only {', '.join(shapes)}")
        least, best, largest = ranges if len(ranges) == 3 else ((), (), ())
        lengths = {len(shape) for shape in (least, best, largest, shapes[name])}
        if len(lengths) != 1:
            raise FrameworkError(f"{where} must be three shapes like {list(shapes[name])}: least, best, largest")
        for shape in (best, shapes[name]):
            if not all(low <= size <= high for low, size, high in zip(least, shape, largest)):
                raise FrameworkError(f"{where}: {list(shape)} is not between {list(least)} and {list(largest)}")
        found[name] = [list(least), list(best), list(largest)]
    return found


def _require_inputs(model: Model, specs: Sequence[TensorSpec]) -> None:
    for spec in specs:
        if any(letter in spec.name for letter in ",'"):
            raise FrameworkError(
                f"model {model.name!r}: trtexec cannot be given the input {spec.name!r}, whose name has a comma or a "
                "quotation mark; rename it"
            )
        if spec.dtype not in DTYPES:
            raise FrameworkError(
                f"model {model.name!r}: the input {spec.name!r} is {spec.dtype}, which TensorRT does not have; "
                f"it has {', '.join(DTYPES)}"
            )


def _timing_cache(program: Program, gpu: Optional[str]) -> str:
    """Where the times of tactics are kept: engines of one release, GPU and build share them, and choose alike."""
    build = f"\n{build_number()}" if build_number() else ""
    name = hashlib.sha256(f"{program.version}\n{gpu}{build}".encode()).hexdigest()[:16]
    return str(cache_folder("tensorrt") / f"{name}.timing")
