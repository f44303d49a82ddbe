"""TensorRT by its program ``trtexec``: every JetPack has it, also those whose Python bindings no Python of today loads.

An engine is built once, in another process, and kept. Each inference and each block of timed ones is a run of
``trtexec`` with that engine; what it timed is read from the file that it exports.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import built, file_digest
from pytest_edgeperf.frameworks.interface import (
    EngineConfiguration,
    FrameworkError,
    Model,
    TensorSpec,
    require_precision,
)
from pytest_edgeperf.frameworks.onnx_files import digests_of
from pytest_edgeperf.frameworks.tensorrt.files import (
    ENGINE,
    built_from,
    converted,
    converted_path,
    is_given,
    missing_converter,
    timing_cache,
)
from pytest_edgeperf.frameworks.tensorrt.options import (
    DLA_CORE,
    OPTIMISATION_LEVEL,
    OUTPUTS,
    PROFILE,
    WORKSPACE_MIB,
    WORKSPACE_MIB_DEFAULT,
    require_within,
)
from pytest_edgeperf.frameworks.tensorrt.trtexec_build import BUILD, FACTS
from pytest_edgeperf.frameworks.tensorrt.trtexec_engine import TrtExecEngine, command_line
from pytest_edgeperf.frameworks.tensorrt.trtexec_program import Program, find, gpu_name, missing

DTYPES = ("float32", "float16", "int32", "int64", "int8", "uint8", "bool")


class TrtExec:
    """TensorRT's engines, built and run by ``trtexec``.

    A precision is an option of the build (``--fp16``, ``--int8``, ``--bf16``; fp32 is ``--noTF32``, tf32 its absence);
    layers that TensorRT has in fp32 only, or faster, stay in it. int8 is a copy of the file with symmetric quantise
    and dequantise nodes, made from the calibration set. Releases without these options (11) take the types from the
    file: fp16 is a converted copy. A source ``onnx:fp16`` or ``onnx:int8`` is taken as it is.
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

    def unsupported(self, model: Model, precision: str, options: Mapping[str, Any]) -> Optional[str]:
        """Why it cannot run this model at the precision, or ``None``; of its sources only the formats are looked at."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        if options[DLA_CORE] is not None and precision == "int8":
            return (
                "a DLA takes no quantise and dequantise nodes, so all of an int8 network would fall to the GPU; leave "
                f"out the option tensorrt.{DLA_CORE}, or run it in fp16"
            )
        return missing_converter(precision) if _converts(find(), model, precision) else None

    def load(self, configuration: EngineConfiguration, onnx: str, specs: Tuple[TensorSpec, ...]) -> TrtExecEngine:
        """The engine of an ONNX file: from the cache, or built now in another process.

        Args:
            configuration: of the engine.
            onnx: path of the file, the model's best source for the precision.
            specs: its inputs, of fixed sizes.

        Raises:
            FrameworkError: it cannot be built, or the model's options do not fit.
        """
        model, precision, profile = configuration.model, configuration.precision, configuration.options[PROFILE]
        program = find()
        _require_inputs(model, specs)
        require_within(profile, specs)
        conversion = converted(model, precision, onnx, specs) if _converts(program, model, precision) else None
        path = onnx if conversion is None else converted_path(conversion)
        gpu = gpu_name()
        made = built(
            BUILD,
            model,
            precision,
            tools={"trtexec": program.version, "gpu": gpu},
            arguments={
                "precision": precision,
                "options": _build_options(program, configuration),
                "shapes": {spec.name: list(spec.shape) for spec in specs},
                "profile": profile,
            },
            source=digests_of(path),
            files={"onnx": path, "timing": str(timing_cache("trtexec", program.version, gpu))},
        )
        facts = json.loads((made.folder / FACTS).read_text("utf-8"))
        details = {"build_command": command_line(facts["command"]), **built_from(conversion, made)}
        facts["onnx"] = path
        return TrtExecEngine(configuration, program, made.folder / ENGINE, specs, facts, details)

    def load_engine(self, configuration: EngineConfiguration, engine: str) -> TrtExecEngine:
        """A serialised engine of the user's own, taken as it is, and tried once with zeros.

        ``trtexec`` does not say in which precision an engine computes: that is the model's word. The option ``outputs``
        names its outputs in order where there are several, and ``profile`` the inputs whose sizes are free.

        Raises:
            FrameworkError: there is no ``trtexec``, or it cannot run this engine on the model's inputs.
        """
        import numpy as np

        program = find()
        model, options = configuration.model, configuration.options
        specs = tuple(model.inputs)
        if not specs:
            raise FrameworkError(
                f"model {model.name!r}: trtexec does not report the inputs of the engine {engine}; give them with "
                "Model(inputs=...)"
            )
        _require_inputs(model, specs)
        require_within(options[PROFILE], specs)
        facts = {"outputs": options[OUTPUTS], "dynamic": sorted(options[PROFILE])}
        details = {"engine_sha256": file_digest(engine)[:12]}
        loaded = TrtExecEngine(configuration, program, Path(engine).absolute(), specs, facts, details)
        loaded.infer(*(np.zeros(spec.shape, spec.dtype) for spec in specs))
        return loaded


def _converts(program: Program, model: Model, precision: str) -> bool:
    """Whether the ONNX file has to be converted before it is built."""
    if is_given(model, precision):
        return False
    return precision == "int8" or (precision == "fp16" and program.strongly_typed)


def _build_options(program: Program, configuration: EngineConfiguration) -> List[str]:
    precision, options = configuration.precision, configuration.options
    arguments = []
    if precision == "fp32":
        arguments.append("--noTF32")
    elif precision != "tf32":
        arguments += program.with_offered(f"--{precision}")
    workspace_mib = options[WORKSPACE_MIB]
    if "--memPoolSize" not in program.options:
        arguments.append(f"--workspace={workspace_mib or WORKSPACE_MIB_DEFAULT}")
    elif workspace_mib is not None:
        arguments.append(f"--memPoolSize=workspace:{workspace_mib}")
    level = options[OPTIMISATION_LEVEL]
    if level is not None:
        offered = program.with_offered(f"--builderOptimizationLevel={level}")
        if not offered:
            raise FrameworkError(
                f"trtexec {program.version} has no --builderOptimizationLevel; leave out the option "
                f"tensorrt.{OPTIMISATION_LEVEL}"
            )
        arguments += offered
    core = options[DLA_CORE]
    if core is not None:
        arguments += [f"--useDLACore={core}", "--allowGPUFallback"]
    return [*arguments, *program.with_offered("--skipInference", "--buildOnly")[:1]]


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
