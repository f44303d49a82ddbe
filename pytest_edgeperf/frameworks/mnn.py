"""MNN on the CPU, from ONNX files that its converter converts."""

from __future__ import annotations

import json
import os
import re
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, built, file_digest, version_of
from pytest_edgeperf.frameworks.interface import (
    Engine,
    Framework,
    FrameworkError,
    Model,
    TensorSpec,
    closed,
    require_threads,
)
from pytest_edgeperf.frameworks.onnx_files import digests_of, inputs_of, output_names, with_fixed_shapes
from pytest_edgeperf.frameworks.probing import image_and_kernel, not_computed, tell_whether_different
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

CONVERTED, WEIGHTS = "model.mnn", "weights.json"
#: Precision -> MNN's own word for it.
MODES = {"fp32": "high", "fp16": "low", "bf16": "low_bf16", "int8": "high"}
PROBED_PRECISIONS = ("fp16", "bf16")
#: MNN's numbers for what a session computes with.
BACKENDS = {0: "CPU", 13: "CPU_EXTENSION"}
#: What Interpreter.getSessionInfo is asked for.
INFO_BACKEND, INFO_RESIZE_STATUS, INFO_THREADS = 2, 3, 4
#: The hint about how much memory Winograd's convolutions may take. MNN's own default is 3, whose large tiles are less
#: exact than fp32 should be: an error of over 1e-3 of the largest output of YOLOv3-tiny at 416 pixels.
HINT_WINOGRAD, WINOGRAD_LEVELS, WINOGRAD_DEFAULT = 3, (0, 1, 2, 3), 1
WINOGRAD = "mnn.winograd_memory_level"
#: One line for each array of weights in MNN's dump of a file as text, by how they are stored.
FLOAT_WEIGHTS = ', "weight":'
STORED = re.compile(r'^, "type": (\d+), "useInt32".*"aMaxOrBits": (\d+)')
STORED_FP16 = 3
INT8_ACTIVATIONS = ', "symmetricQuan":'


class Mnn(Framework):
    """MNN, its CPU backend.

    An ONNX file is converted by MNN's converter in another process. MNN ignores a precision that the CPU lacks without
    a word (``low`` and ``low_bf16`` on most x86): a small convolution tells whether it does. int8 stores only the
    weights in 8 bits, per channel, and computes in fp32 (MNN's static quantiser, tried in 3.6.1, gave wrong outputs or
    crashed). The sources ``"mnn"`` and ``"mnn:int8"`` give the path of an ``.mnn`` file, taken as it is. Winograd's
    convolutions make fp32 less exact; ``Model.parameters["mnn.winograd_memory_level"]`` may be 0 (without), 1 (the
    default here), 2 or 3 (MNN's own default).
    """

    name = "mnn"
    install_advice = "pip install 'pytest-edgeperf[mnn]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install onnx onnxruntime==1.19.2 MNN (Python 3.8; CPU)",
        "jetpack-5": "pip install onnx onnxruntime==1.19.2 MNN (Python 3.8; CPU)",
    }
    precisions = ("fp32", "fp16", "bf16", "int8")

    def version(self) -> Optional[str]:
        """The installed version, read without importing it."""
        return version_of("MNN")

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision here; for fp16 and bf16 a child process tries a convolution."""
        reason = super().unable(precision)
        if reason is not None or precision not in PROBED_PRECISIONS or self.version() is None:
            return reason
        return not_computed(self, f"{__name__}:build_probe", precision)

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None or _own_source(model, precision) is not None:
            return reason
        if "onnx" not in model.sources:
            return missing_source(model, "onnx")
        return None if version_of("onnx") else "converting a model for MNN needs the package onnx: pip install onnx"

    def load(self, model: Model, *, precision: str = "fp32", threads: int = 1) -> Engine:
        """Convert the model where needed and make a session of it with ``threads`` threads.

        Raises:
            FrameworkError: not installed, unsupported, the file cannot be converted or loaded, its inputs or weights
                are not what was asked for, or the session has another backend or number of threads.
        """
        reason = self.unsupported(model, precision)
        if reason is not None:
            raise FrameworkError(reason)
        require_threads(threads)
        level = model.parameters.get(WINOGRAD, WINOGRAD_DEFAULT)
        if level not in WINOGRAD_LEVELS:
            raise FrameworkError(f"model {model.name!r}: {WINOGRAD} must be 0, 1, 2 or 3, not {level!r}")
        mnn = self.imported("MNN")
        file = self._file(model, precision)
        config = {
            "backend": "CPU",
            "numThread": threads,
            "precision": MODES[precision],
            "memory": "normal",
            "power": "normal",
        }
        try:
            interpreter = mnn.Interpreter(file.path)
            interpreter.setSessionHint(HINT_WINOGRAD, level)
            session = interpreter.createSession(config)
        except Exception as error:
            raise FrameworkError(
                f"MNN {self.version()} cannot load {file.path}: {error}; its own words are on standard output"
            ) from error
        _require_as_asked(interpreter, session, file.path, threads)
        return MnnEngine(mnn, interpreter, session, model, precision, file, str(self.version()))

    def _file(self, model: Model, precision: str) -> _File:
        """The file to load and what is known of it."""
        source = _own_source(model, precision)
        path = file_of(model, source or "onnx")
        if source is not None:
            # Only the description of its weights is built: a file may be quantised without saying so.
            try:
                scanned = self._built("build_scan", model, precision, {}, {"mnn": path})
            except FrameworkError as error:
                raise FrameworkError(f"MNN cannot read {path}: {error}") from error
            stored = json.loads((scanned.folder / WEIGHTS).read_text("utf-8"))
            _require_weights(stored, precision, path)
            return _File(path, tuple(model.inputs), _quantisation(stored))
        specs = inputs_of(path, model)
        fixed = with_fixed_shapes(path, model, specs)
        bits = 8 if precision == "int8" else 0
        # MNN takes the other precisions when it makes the session, of the same file.
        made = self._built("build", model, "int8" if bits else "fp32", {"weight_bits": bits}, {"onnx": fixed})
        told = "weights only" if bits else None
        return _File(str(made.folder / CONVERTED), specs, told, output_names(fixed), made)

    def _built(
        self, function: str, model: Model, precision: str, arguments: Mapping[str, Any], files: Mapping[str, str]
    ) -> Built:
        return built(
            f"{__name__}:{function}",
            model,
            precision,
            tools={"MNN": self.version()},
            arguments=arguments,
            files=files,
            source={name: digests_of(path) if name == "onnx" else file_digest(path) for name, path in files.items()},
        )


class _File(NamedTuple):
    """An ``.mnn`` file: its inputs, what is quantised, the order of its outputs if known, and how it was built."""

    path: str
    specs: Tuple[TensorSpec, ...]
    quantisation: Optional[str]
    outputs: Sequence[str] = ()
    made: Optional[Built] = None


class MnnEngine(Engine):
    """A session of MNN's interpreter."""

    framework = Mnn.name

    def __init__(
        self,
        mnn: Any,
        interpreter: Any,
        session: Any,
        model: Model,
        precision: str,
        file: _File,
        version: str,
    ) -> None:
        self.model = model
        self.precision = precision
        self.size_mib = os.path.getsize(file.path) / 2**20
        self._mnn = mnn
        self._interpreter = interpreter
        self._session = session
        self._file = file
        self._version = version
        declared = interpreter.getSessionInputAll(session)
        self.inputs = _resolve_inputs(mnn, declared, file.specs, file.path)
        self._bound = [(declared[spec.name], spec, _type(mnn, spec)) for spec in self.inputs]
        given = interpreter.getSessionOutputAll(session)
        missing = sorted(set(file.outputs) - set(given))
        if missing:
            raise FrameworkError(f"MNN's {file.path} has no output {', '.join(missing)}, only {', '.join(given)}")
        # The host's copies are made once; each inference fills them anew.
        self._outputs = [
            (given[name], mnn.Tensor(given[name], mnn.Tensor_DimensionType_Caffe)) for name in file.outputs or given
        ]
        self._threads = _info(interpreter, session, INFO_THREADS)
        self._backend = BACKENDS[interpreter.getSessionInfo(session, INFO_BACKEND)]

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; shapes are checked here, as MNN does not."""
        if self._session is None:
            closed()
        if len(arrays) != len(self._bound):
            raise FrameworkError(f"{len(arrays)} arrays for the inputs {', '.join(spec.name for spec in self.inputs)}")
        mnn = self._mnn
        for array, (tensor, spec, kind) in zip(arrays, self._bound):
            if array.shape != spec.shape or array.dtype != spec.dtype:
                raise FrameworkError(
                    f"input {spec.name!r} is {spec.dtype} {list(spec.shape)}, not {array.dtype} {list(array.shape)}"
                )
            tensor.copyFrom(mnn.Tensor(spec.shape, kind, array, mnn.Tensor_DimensionType_Caffe))
        status = self._interpreter.runSession(self._session)
        if status != 0:
            raise FrameworkError(f"MNN failed ({status}) to infer model {self.model.name!r}")
        outputs = []
        for tensor, host in self._outputs:
            tensor.copyToHostTensor(host)
            # The array is a view of the host tensor's memory.
            outputs.append(host.getNumpyData().copy())
        return tuple(outputs)

    def describe(self) -> Dict[str, Any]:
        """What the session said of itself when it was made; MNN's threads do not spin between calls."""
        told = {
            "framework": self.framework,
            "version": self._version,
            "precision": self.precision,
            "mode": MODES[self.precision],
            "provider": self._backend,
            "threads": self._threads,
            "winograd_memory_level": self.model.parameters.get(WINOGRAD, WINOGRAD_DEFAULT),
            "model_sha256": file_digest(self._file.path)[:12],
            **(self._file.made.describe() if self._file.made is not None else {}),
        }
        if self._file.quantisation is not None:
            told["quantisation"] = self._file.quantisation
        return told

    def close(self) -> None:
        """Free the session and the file's copy in memory; the engine cannot infer afterwards."""
        self._bound, self._outputs = [], []
        self._session = self._interpreter = None


def _own_source(model: Model, precision: str) -> Optional[str]:
    """The key of an ``.mnn`` file to take as it is; int8 is made from ONNX rather than of one that is not int8."""
    source = best_source(model, "mnn", precision)
    return None if source == "mnn" and precision == "int8" and "onnx" in model.sources else source


def _require_as_asked(interpreter: Any, session: Any, path: str, threads: int) -> None:
    """The session's own account of itself."""
    backend = interpreter.getSessionInfo(session, INFO_BACKEND)
    if backend not in BACKENDS:
        raise FrameworkError(f"MNN was asked for the backend CPU and gave number {backend!r}")
    if _info(interpreter, session, INFO_RESIZE_STATUS) != 0:
        raise FrameworkError(f"MNN could not prepare a session of {path}; its own words are on standard output")
    given = _info(interpreter, session, INFO_THREADS)
    if given != threads:
        raise FrameworkError(
            f"MNN was asked for {threads} threads and gave {given}: a process has one pool of threads, of the size "
            "that its first session of several threads asked for (32 at most); load this first or in another process"
        )


def _info(interpreter: Any, session: Any, what: int) -> int:
    """A whole number that MNN's Python hands out as the float of the same bits."""
    return int(struct.unpack("<i", struct.pack("<f", interpreter.getSessionInfo(session, what)))[0])


def _resolve_inputs(
    mnn: Any, declared: Mapping[str, Any], specs: Sequence[TensorSpec], path: str
) -> Tuple[TensorSpec, ...]:
    """The model's inputs, which must be the file's; without any, the file's own."""
    if specs and sorted(declared) != sorted(spec.name for spec in specs):
        raise FrameworkError(
            f"the model names the inputs {', '.join(spec.name for spec in specs)}, but {path} has {', '.join(declared)}"
        )
    resolved = tuple(specs) or tuple(
        TensorSpec(
            name, tuple(tensor.getShape()), "int32" if tensor.getDataType() == mnn.Halide_Type_Int else "float32"
        )
        for name, tensor in declared.items()
    )
    for spec in resolved:
        shape = tuple(declared[spec.name].getShape())
        if shape != spec.shape or min(shape, default=1) < 1:
            raise FrameworkError(
                f"input {spec.name!r}: the model says {list(spec.shape)}, but {path} has {list(shape)}"
            )
        if declared[spec.name].getDataType() != _type(mnn, spec):
            raise FrameworkError(f"input {spec.name!r}: the model says {spec.dtype}, but {path} has another type")
    return resolved


def _type(mnn: Any, spec: TensorSpec) -> Any:
    types = {"float32": mnn.Halide_Type_Float, "int32": mnn.Halide_Type_Int}
    if spec.dtype not in types:
        raise FrameworkError(f"input {spec.name!r} is {spec.dtype}; MNN's inputs are float32 or int32")
    return types[spec.dtype]


def _require_weights(stored: Mapping[str, int], precision: str, path: str) -> None:
    """The file's weights must be in the precision, or it would be measured under a wrong name."""
    told = ", ".join(f"{count} arrays of {kind}" for kind, count in stored.items() if count) or "none"
    if precision == "int8":
        if not stored.get("int8"):
            raise FrameworkError(f"{path} was to be int8, but its weights are: {told}")
    elif any(count for kind, count in stored.items() if kind not in ("fp32", precision)):
        raise FrameworkError(f"{path} was to be {precision}, but its weights are: {told}")


def _quantisation(stored: Mapping[str, int]) -> Optional[str]:
    if not stored.get("int8"):
        return None
    return "weights and activations" if stored.get("int8 activations") else "weights only"


def build_probe(folder: Path, precision: str) -> None:
    """Write whether a small convolution gives other outputs at the precision than in fp32."""
    import MNN
    import numpy as np
    from MNN import expr

    image, kernel = image_and_kernel()
    channels = kernel.shape[0]
    asked = expr.placeholder(list(image.shape), expr.NCHW, expr.float)
    asked.name = "image"
    convolved = expr.conv2d(
        expr.convert(asked, expr.NC4HW4),
        expr.const(kernel, list(kernel.shape), expr.NCHW),
        expr.const(np.zeros(channels, np.float32), [channels], expr.NCHW),
    )
    answer = expr.convert(convolved, expr.NCHW)
    answer.name = "answer"
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, CONVERTED)
        expr.save([answer], path)

        def output(tried: str) -> Array:
            interpreter = MNN.Interpreter(path)
            session = interpreter.createSession({"backend": "CPU", "numThread": 1, "precision": MODES[tried]})
            kind, order = MNN.Halide_Type_Float, MNN.Tensor_DimensionType_Caffe
            interpreter.getSessionInput(session, "image").copyFrom(MNN.Tensor(image.shape, kind, image, order))
            interpreter.runSession(session)
            given = interpreter.getSessionOutput(session, "answer")
            host = MNN.Tensor(given, order)
            given.copyToHostTensor(host)
            return np.array(host.getNumpyData())

        tell_whether_different(folder, precision, output)


def build(folder: Path, onnx: str, weight_bits: int) -> None:
    """Write an ONNX file of fixed shapes as MNN's, its weights in ``weight_bits`` bits, or as they are if that is 0."""
    quantised = ["--weightQuantBits", str(weight_bits)] if weight_bits else []
    _convert("-f", "ONNX", "--modelFile", onnx, "--MNNModel", str(folder / CONVERTED), *quantised)
    if not (folder / CONVERTED).is_file():
        raise FrameworkError(f"MNN's converter cannot convert {onnx}; its own words are above")
    if weight_bits:
        _require_weights(_stored(str(folder / CONVERTED)), "int8", onnx)


def build_scan(folder: Path, mnn: str) -> None:
    """Write how many arrays of weights a file of MNN's has, by type."""
    (folder / WEIGHTS).write_text(json.dumps(_stored(mnn)) + "\n", "utf-8")


def _convert(*arguments: str) -> None:
    """Run MNN's converter, which says that it succeeded even where it wrote nothing."""
    # The module behind ``mnnconvert``: that command itself installs a package and sends a report over the network.
    import _tools

    _tools.mnnconvert(["mnnconvert", "--bizCode", "edgeperf", *arguments])


def _stored(path: str) -> Dict[str, int]:
    """How many arrays of weights a file has, by type; it is read as the text that MNN's converter makes of it."""
    found = {"fp32": 0, "fp16": 0, "int8": 0, "int8 activations": 0}
    with tempfile.TemporaryDirectory() as work:
        dump = os.path.join(work, "dump.json")
        _convert("-f", "MNN", "--modelFile", path, "--JsonFile", dump)
        if not os.path.isfile(dump):
            raise FrameworkError(f"{path} is no file of MNN's; the converter's own words are above")
        with open(dump, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                stored = STORED.match(line)
                if stored is not None:
                    kind = "fp16" if int(stored.group(1)) == STORED_FP16 else f"int{stored.group(2)}"
                    found[kind] = found.get(kind, 0) + 1
                elif line.startswith(FLOAT_WEIGHTS):
                    found["fp32"] += 1
                elif line.startswith(INT8_ACTIVATIONS):
                    found["int8 activations"] += 1
    return found
