"""TensorRT by its program ``trtexec``: every JetPack has it, also those whose Python bindings no Python of today loads.

An engine is built once, in another process, and kept. Each inference and each block of timed ones is a run of
``trtexec`` with that engine; what it timed is read from the file that it exports.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.caches import build_number, cache_folder, clear_place, is_private, locked, make_private
from pytest_edgeperf.frameworks.building import Built, built, calibration_of, file_digest, version_of
from pytest_edgeperf.frameworks.interface import (
    FrameworkError,
    Model,
    SelfTimed,
    TensorSpec,
    closed,
    require_precision,
)
from pytest_edgeperf.frameworks.onnx_files import digests_of, load, quantise
from pytest_edgeperf.frameworks.sources import best_source
from pytest_edgeperf.frameworks.trtexec_program import Program, find, follow_parent, gpu_name, last_words, missing
from pytest_edgeperf.scratch import scratch

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

ENGINE = "engine.plan"
FACTS = "facts.json"
CONVERTED = "converted.onnx"
TIMES = "times.json"
OUTPUTS = "outputs.json"
TIMING_CACHE = "timing.cache"

#: Names of ``Model.parameters``.
PROFILE = "tensorrt.profile"
DLA_CORE = "tensorrt.dla_core"
WORKSPACE = "tensorrt.workspace_mib"
OPTIMISATION_LEVEL = "tensorrt.builder_optimization_level"
OUTPUT_NAMES = "tensorrt.outputs"

#: Where ``trtexec`` has an option for it, its default is 16 MiB, too little for many layers' fast tactics; later
#: releases limit nothing.
WORKSPACE_MIB = 1024
#: Seconds that a build may take: on a small board an hour is not rare.
BUILD_LIMIT_VARIABLE = "EDGEPERF_TRTEXEC_BUILD_S"
BUILD_LIMIT_S = 7200.0
#: Seconds that it may need beside the timed ones: its libraries and the engine are read, the network warms up.
START_LIMIT_S = 300.0
WARM_UP_MS = 200
#: What it is asked for at least, however slow the network; the first of them may have begun during the warm-up.
ITERATIONS = 5
FEWEST = 3
#: The same on every release, whose defaults differ: inputs and outputs are copied, one inference ends before the next
#: begins, no CUDA graph. No spinning: the times are the device's own, which waiting does not change, and on a board
#: the spinning core takes power from the GPU.
MODE = ("--exposeDMA", "--includeDataTransfers", "--noCudaGraph", "--noSpinWait")
#: How it says in which mode it ran.
READ_BACK = {"ExposeDMA": "Enabled", "Data transfers": "Enabled", "CUDA Graph": "Disabled", "Spin-wait": "Disabled"}
#: Metric -> its key in the exported times.
PHASES = {"latency": "latencyMs", "device_copy_in": "h2dMs", "device_infer": "computeMs", "device_copy_out": "d2hMs"}
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
            f"{__name__}:build",
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


class TrtExecEngine(SelfTimed):
    """A serialised engine and the program that runs it."""

    framework = "tensorrt"
    #: How it was built, if it was.
    made: Optional[Built] = None

    def __init__(
        self,
        program: Program,
        model: Model,
        precision: str,
        path: Path,
        specs: Tuple[TensorSpec, ...],
        facts: Mapping[str, Any],
    ) -> None:
        self.model = model
        self.precision = precision
        self.inputs = specs
        self.size_mib = os.path.getsize(str(path)) / 2**20
        self._program = program
        self._path = path
        self._facts = facts
        self._run = self._execute

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Start ``trtexec`` for one inference; its outputs as it writes them, float32 with six digits.

        Raises:
            FrameworkError: arrays of another shape or type, a run that fails, outputs that are missing, or that are
                no numbers.
        """
        arguments = [*self._timed(0, 0, 1), f"--exportOutput={OUTPUTS}"]
        text = self._run("infer", arguments, OUTPUTS, START_LIMIT_S, arrays)
        return _read_outputs(text, self._facts.get("outputs"), f"{self._program.path} with {self._path}")

    def run_for(self, seconds: float, *arrays: Array) -> Mapping[str, Sequence[float]]:
        """Start ``trtexec`` to infer for ``seconds``, rounded up to whole ones (8.0 and 8.2 know no others).

        ``latency`` is its ``latencyMs``: copying in, computing and copying out by the device's events, without the
        pauses between them and without the host's work before and after. The starts and ends that it exports as well
        have six digits since the program began, too few to tell the pauses.

        Raises:
            FrameworkError: as for :meth:`infer`, or it exported no times that can be read, or too few.
        """
        arguments = [*self._timed(WARM_UP_MS, math.ceil(seconds), ITERATIONS), f"--exportTimes={TIMES}"]
        text = self._run("time", arguments, TIMES, START_LIMIT_S + 3 * seconds, arrays)
        return _read_times(text, f"{self._program.path} with {self._path}")

    def describe(self) -> Dict[str, Any]:
        """The program, how it was built and how it is run; files in the commands are named without their folders."""
        gpu = gpu_name()
        core = self.model.parameters.get(DLA_CORE)
        told = {
            "framework": self.framework,
            "driver": "trtexec",
            "version": self._program.version,
            "precision": self.precision,
            "provider": f"DLA {core}" if core is not None else self._facts.get("device") or gpu or "gpu",
            "gpu": gpu or "neither nvidia-smi nor a device tree tells it",
            "threads": 1,
            "spinning": False,
            "cuda_graph": False,
            "data_transfers": True,
            "overlapping_inferences": False,
            "command": _line(
                [*self._arguments(ENGINE), *self._timed(WARM_UP_MS, "SECONDS", ITERATIONS), f"--exportTimes={TIMES}"]
            ),
        }
        if self.made is None:
            return {**told, "engine_sha256": file_digest(str(self._path))[:12]}
        return {**told, "build_command": _line(self._facts["command"]), **self.made.describe()}

    def close(self) -> None:
        """It cannot infer afterwards; no program of it is running."""
        self._run = closed

    def _arguments(self, engine: str) -> List[str]:
        """What every run has: the engine, its inputs and the mode."""
        inputs = ",".join(f"{spec.name}:input_{index}" for index, spec in enumerate(self.inputs))
        dynamic = [(spec.name, spec.shape) for spec in self.inputs if spec.name in self._facts["dynamic"]]
        core = self.model.parameters.get(DLA_CORE)
        return [
            f"--loadEngine={engine}",
            f"--loadInputs={inputs}",
            *([f"--shapes={_shapes(dynamic)}"] if dynamic else []),
            *([f"--useDLACore={core}"] if core is not None else []),
            *self._program.with_offered(*MODE),
        ]

    @staticmethod
    def _timed(warm_up_ms: int, seconds: Any, iterations: int) -> List[str]:
        return [f"--warmUp={warm_up_ms}", f"--duration={seconds}", f"--iterations={iterations}"]

    def _execute(
        self, what: str, arguments: Sequence[str], exported: str, limit_s: float, arrays: Tuple[Array, ...]
    ) -> str:
        """Run the engine on the arrays in a folder of their own; the text of the file that it exported."""
        what = f"{what} {self.model.name!r} ({self._path})"
        with scratch("edgeperf-trtexec-") as folder:
            for index, data in enumerate(_raw(arrays, self.inputs, self._program)):
                (folder / f"input_{index}").write_bytes(data)
            command = [*self._arguments(str(self._path)), *arguments]
            printed = self._program.run(command, folder, limit_s, what)
            _require_mode(printed, self._program)
            try:
                return (folder / exported).read_text("utf-8", "replace")
            except FileNotFoundError:
                raise FrameworkError(
                    f"trtexec {self._program.version} was to {what} and ended well, but wrote no {exported}:\n"
                    f"{last_words(printed)}"
                ) from None


def build(
    folder: Path,
    onnx: str,
    timing: str,
    precision: str,
    options: Sequence[str],
    shapes: Mapping[str, Sequence[int]],
    profile: Mapping[str, Sequence[Sequence[int]]],
    conversion: Optional[str],
    calibration: str = "",
) -> None:
    """Write the engine of an ONNX file, and what is to be known of it.

    Args:
        folder: for the files.
        onnx: path of the file.
        timing: path of what TensorRT remembers of its tactics' times, which is read and replaced.
        precision: that the engine is to have.
        options: of ``trtexec``, without those that name files and shapes.
        shapes: input -> its shape, in the order of a calibration example.
        profile: input -> its least, best and largest shape, for some of those whose sizes are free.
        conversion: ``int8``, ``fp16`` or none.
        calibration: path of the examples for int8.
    """
    follow_parent()
    program = find()
    graph = load(onnx).graph
    weights = {weight.name for weight in graph.initializer}
    dynamic = [
        value.name
        for value in graph.input
        if value.name not in weights and not all(one.dim_value > 0 for one in value.type.tensor_type.shape.dim)
    ]
    fixed = sorted(set(profile) - set(dynamic))
    if fixed:
        raise FrameworkError(f"Model.parameters[{PROFILE!r}]: {', '.join(fixed)} of {onnx} has fixed sizes")
    path = _convert(onnx, folder, conversion, list(shapes), calibration) if conversion is not None else onnx
    _require_types(path, precision, program)
    ranges = {name: profile.get(name) or [shapes[name]] * 3 for name in dynamic}
    named = [
        f"--{kind}Shapes={_shapes([(name, sizes[index]) for name, sizes in ranges.items()])}"
        for index, kind in enumerate(("min", "opt", "max"))
        if ranges
    ]
    command = [*named, *options]
    limit_s = _build_limit_s()
    with scratch("edgeperf-trtexec-") as work, _timing(timing, work, program) as cache:
        files = [f"--onnx={path}", f"--saveEngine={ENGINE}"]
        printed = program.run([*files, *command, *cache], work, limit_s, f"build an engine of {path}")
        made = work / ENGINE
        if not made.is_file() or made.stat().st_size == 0:
            what = "an empty file" if made.is_file() else "no file"
            raise FrameworkError(
                f"trtexec {program.version} was to build an engine of {path} and ended well, but wrote {what}:\n"
                f"{last_words(printed)}"
            )
        _require_precision(printed, precision, program)
        shutil.copyfile(str(made), str(folder / ENGINE))
    if conversion is not None:
        os.unlink(path)
    device = re.search(r"Selected Device: (.+)", printed)
    facts = {
        "outputs": [output.name for output in graph.output],
        "dynamic": dynamic,
        "device": device.group(1).strip() if device else None,
        "command": [f"--onnx={os.path.basename(path)}", f"--saveEngine={ENGINE}", *command, *cache],
    }
    (folder / FACTS).write_text(json.dumps(facts), "utf-8")


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
    workspace_mib = model.parameters.get(WORKSPACE)
    if "--memPoolSize" not in program.options:
        options.append(f"--workspace={workspace_mib or WORKSPACE_MIB}")
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


def _require_types(path: str, precision: str, program: Program) -> None:
    """A file whose own types decide must have them, or it would be measured under a wrong name."""
    graph = load(path).graph
    if precision == "int8" and not any(node.op_type == "DequantizeLinear" for node in graph.node):
        raise FrameworkError(f"{path} was to be int8, but has no quantise and dequantise nodes")
    if precision == "fp16" and program.strongly_typed:
        import onnx

        if not any(weight.data_type == onnx.TensorProto.FLOAT16 for weight in graph.initializer):
            raise FrameworkError(f"{path} was to be fp16, but has no float16 weights")


def _convert(onnx: str, folder: Path, conversion: str, inputs: Sequence[str], calibration: str) -> str:
    if conversion == "int8":
        quantise(onnx, folder, CONVERTED, inputs, calibration, "QDQ", symmetric=True)
        return str(folder / CONVERTED)
    from pytest_edgeperf.frameworks import onnxruntime

    onnxruntime.build_fp16(folder, onnx)
    os.rename(str(folder / onnxruntime.CONVERTED), str(folder / CONVERTED))
    return str(folder / CONVERTED)


def _timing_cache(program: Program, gpu: Optional[str]) -> str:
    """Where the times of tactics are kept: engines of one release, GPU and build share them, and choose alike."""
    build = f"\n{build_number()}" if build_number() else ""
    name = hashlib.sha256(f"{program.version}\n{gpu}{build}".encode()).hexdigest()[:16]
    return str(cache_folder("tensorrt") / f"{name}.timing")


@contextmanager
def _timing(kept: str, folder: Path, program: Program) -> Iterator[List[str]]:
    """The options for a copy of the cache, which replaces the cache if the build ends well."""
    options = program.with_offered(f"--timingCacheFile={TIMING_CACHE}")
    if not options:
        yield []
        return
    copy = folder / TIMING_CACHE
    # A build that is killed while it writes would leave half of it, and two at once would mix theirs.
    with locked(Path(f"{kept}.lock")):
        if is_private(Path(kept)):
            shutil.copyfile(kept, str(copy))
        yield options
        if copy.is_file() and copy.stat().st_size:
            clear_place(Path(f"{kept}.new"))
            shutil.copyfile(str(copy), f"{kept}.new")
            make_private(Path(f"{kept}.new"))
            os.replace(f"{kept}.new", kept)


def _build_limit_s() -> float:
    text = os.environ.get(BUILD_LIMIT_VARIABLE)
    if not text:
        return BUILD_LIMIT_S
    try:
        limit_s = float(text)
    except ValueError:
        limit_s = math.nan
    if not 0 < limit_s < math.inf:
        raise FrameworkError(f"{BUILD_LIMIT_VARIABLE} must be a number of seconds, not {text!r}")
    return limit_s


def _shapes(named: Sequence[Tuple[str, Sequence[int]]]) -> str:
    return ",".join(f"{name}:{'x'.join(map(str, shape))}" for name, shape in named)


def _line(arguments: Sequence[str]) -> str:
    return " ".join(["trtexec", *arguments])


def _raw(arrays: Tuple[Array, ...], specs: Sequence[TensorSpec], program: Program) -> Iterator[bytes]:
    """What is written for each input, checked: ``trtexec`` reads whatever it is given."""
    import numpy as np

    if len(arrays) != len(specs):
        raise FrameworkError(f"{len(arrays)} arrays for the inputs {', '.join(spec.name for spec in specs)}")
    for array, spec in zip(arrays, specs):
        if not isinstance(array, np.ndarray) or array.shape != spec.shape or str(array.dtype) != spec.dtype:
            got = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else type(array).__name__
            raise FrameworkError(f"input {spec.name!r} is {spec.dtype} {list(spec.shape)}, not {got}")
        # Before 10 TensorRT has no int64: it computes such a network with int32.
        narrow = spec.dtype == "int64" and int(program.version.partition(".")[0]) < 10
        yield np.ascontiguousarray(array, "int32" if narrow else None).tobytes()


def _require_mode(printed: str, program: Program) -> None:
    """It says what it does; that must be what it was asked for, or runs of two releases would not compare."""
    for what, asked in READ_BACK.items():
        found = re.search(rf"{re.escape(what)}: (\w+)", printed)
        if found is None or found.group(1) != asked:
            raise FrameworkError(
                f"trtexec {program.version} was asked for {what}: {asked}, and says "
                f"{found.group(1) if found else 'nothing of it'}"
            )


def _require_precision(printed: str, precision: str, program: Program) -> None:
    """It says which precisions it lets the builder choose from."""
    asked = f"FP32+{precision.upper()}" if f"--{precision}" in program.options else "FP32"
    asked = "Strongly Typed" if program.strongly_typed else asked
    found = re.search(r"\bPrecision: (.+)", printed)
    if found is None or found.group(1).strip() != asked:
        raise FrameworkError(
            f"trtexec {program.version} was asked for the precisions {asked}, and says "
            f"{found.group(1).strip() if found else 'nothing of them'}"
        )


def _entries(text: str, where: str, what: str) -> List[Mapping[str, Any]]:
    """The list of objects that an exported file must be, and not an empty one."""
    try:
        entries = json.loads(text)
    except ValueError as error:
        if re.search(r"[\s\[:]-?(?:nan|inf)\b", text):
            raise FrameworkError(f"{where} wrote {what} that are no numbers (nan or inf)") from None
        raise FrameworkError(f"{where} wrote {what} that are no JSON: {error}; was it stopped?") from None
    except RecursionError:
        raise FrameworkError(f"{where} wrote {what} that are nested too deeply") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FrameworkError(f"{where} wrote {what} that are no list of objects")
    if not entries:
        raise FrameworkError(f"{where} wrote an empty list of {what}")
    return entries


def _read_outputs(text: str, names: Optional[Sequence[str]], where: str) -> Tuple[Array, ...]:
    """The arrays in the order of ``names``; ``trtexec`` writes them in an order of its own."""
    import numpy as np

    found: Dict[str, Array] = {}
    for entry in _entries(text, where, "outputs"):
        try:
            shape = [int(size) for size in re.findall(r"-?\d+", str(entry["dimensions"]))]
            found[str(entry["name"])] = np.array(entry["values"], np.float32).reshape(shape)
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise FrameworkError(f"{where} wrote an output that cannot be read: {error}") from None
    if names is None and len(found) > 1:
        raise FrameworkError(
            f"{where} has the outputs {', '.join(sorted(found))}, in no order that trtexec tells; say it with "
            f"Model.parameters[{OUTPUT_NAMES!r}]"
        )
    names = list(found) if names is None else names
    if sorted(names) != sorted(found):
        raise FrameworkError(f"{where} wrote the outputs {', '.join(sorted(found))}, not {', '.join(names)}")
    for name in names:
        if not np.isfinite(found[name]).all():
            raise FrameworkError(f"{where} wrote the output {name!r} with values that are no numbers (nan or inf)")
    return tuple(found[name] for name in names)


def _read_times(text: str, where: str) -> Dict[str, List[float]]:
    """Metric -> how long each inference after the warm-up took, in ms."""
    found: Dict[str, List[float]] = {metric: [] for metric in PHASES}
    for entry in _entries(text, where, "times"):
        try:
            started_ms = float(entry["startComputeMs"])
            values = {metric: float(entry[key]) for metric, key in PHASES.items()}
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise FrameworkError(f"{where} wrote times that cannot be read: {type(error).__name__}: {error}") from None
        if not all(0 <= value < math.inf for value in values.values()) or values["latency"] == 0:
            raise FrameworkError(f"{where} wrote times that cannot be: {values}")
        # Releases before 8.5 export those of the warm-up as well.
        if started_ms >= WARM_UP_MS:
            for metric, value in values.items():
                found[metric].append(value)
    if len(found["latency"]) < FEWEST:
        raise FrameworkError(
            f"{where} timed {len(found['latency'])} inferences after the warm-up, and {ITERATIONS} were asked for"
        )
    return found
