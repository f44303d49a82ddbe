"""MNN on the CPU, from ONNX files that its converter converts."""

from __future__ import annotations

import os
import struct
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ClassVar, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, file_digest, version_of
from pytest_edgeperf.frameworks.formats import ONNX, SourceFormat
from pytest_edgeperf.frameworks.interface import (
    Engine,
    EngineConfiguration,
    EngineDescription,
    FrameworkError,
    Model,
    TensorSpec,
    closed,
)
from pytest_edgeperf.frameworks.mnn.conversion import (
    CONVERTED,
    MODES,
    PROBE,
    converted,
    require_weights,
    stored_weights,
)
from pytest_edgeperf.frameworks.onnx_files import inputs_of, output_names, with_fixed_shapes
from pytest_edgeperf.frameworks.options import Option, one_of
from pytest_edgeperf.frameworks.probing import ProbedFramework
from pytest_edgeperf.frameworks.profiling import (
    CALLS,
    REPETITIONS,
    NoProfile,
    OperatorProfile,
    OperatorTime,
    in_turn,
    per_inference,
)
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source
from pytest_edgeperf.frameworks.stages import READ, stage

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

#: MNN's numbers for what a session computes with.
BACKENDS = {0: "CPU", 13: "CPU_EXTENSION"}
#: What Interpreter.getSessionInfo is asked for.
INFO_BACKEND, INFO_RESIZE_STATUS, INFO_THREADS = 2, 3, 4
#: The hint about how much memory Winograd's convolutions may take. MNN's own default is 3, whose large tiles are less
#: exact than fp32 should be: an error of over 1e-3 of the largest output of YOLOv3-tiny at 416 pixels.
HINT_WINOGRAD, WINOGRAD_LEVELS, WINOGRAD_DEFAULT = 3, (0, 1, 2, 3), 1
#: The name of an option.
WINOGRAD = "winograd_memory_level"


class Mnn(ProbedFramework):
    """MNN, its CPU backend.

    An ONNX file is converted by MNN's converter in another process. MNN silently ignores a precision that the CPU
    lacks (``low`` and ``low_bf16`` on most x86): a small convolution shows whether it does. int8 stores only the
    weights in 8 bits, per channel, and computes in fp32 (MNN's static quantiser, tried in 3.6.1, gave wrong outputs or
    crashed). The sources ``"mnn"`` and ``"mnn:int8"`` give the path of an ``.mnn`` file, taken as it is. Winograd's
    convolutions make fp32 less exact; the option ``mnn.winograd_memory_level`` may be 0 (without), 1 (the default
    here), 2 or 3 (MNN's own default).
    """

    name = "mnn"
    install_advice = "pip install 'pytest-edgeperf[mnn]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install onnx onnxruntime==1.19.2 MNN (Python 3.8; CPU)",
        "jetpack-5": "pip install onnx onnxruntime==1.19.2 MNN (Python 3.8; CPU)",
    }
    precisions = ("fp32", "fp16", "bf16", "int8")
    probe = PROBE
    formats = (SourceFormat("mnn", (".mnn",)), ONNX)
    options = (
        Option(
            WINOGRAD,
            "how much memory Winograd's convolutions may take: 0 (none of them) to 3",
            one_of(*WINOGRAD_LEVELS),
            WINOGRAD_DEFAULT,
        ),
    )

    def version(self) -> Optional[str]:
        """The installed version, read without importing it."""
        return version_of("MNN")

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None or _own_source(model, precision) is not None:
            return reason
        if "onnx" not in model.sources:
            return missing_source(model, ONNX)
        return None if version_of("onnx") else "converting a model for MNN needs the package onnx: pip install onnx"

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Convert the model where needed and make a session of it with so many threads.

        Raises:
            FrameworkError: the file cannot be converted or loaded, its inputs or weights are not what was asked for,
                or the session has another backend or number of threads.
        """
        mnn = self.imported("MNN")
        file = self._file(configuration.model, configuration.precision)
        config = {
            "backend": "CPU",
            "numThread": configuration.threads,
            "precision": MODES[configuration.precision],
            "memory": "normal",
            "power": "normal",
        }
        try:
            with stage(READ):
                interpreter = mnn.Interpreter(file.path)
            interpreter.setSessionHint(HINT_WINOGRAD, configuration.options[WINOGRAD])
            session = interpreter.createSession(config)
        except Exception as error:
            raise FrameworkError(
                f"MNN {self.version()} cannot load {file.path}: {error}; its messages are on standard output"
            ) from error
        _require_session(interpreter, session, file.path, configuration.threads)
        return MnnEngine(configuration, mnn, interpreter, session, file)

    def _file(self, model: Model, precision: str) -> _File:
        """The file to load and what is known of it."""
        source = _own_source(model, precision)
        path = file_of(model, source or "onnx")
        if source is not None:
            # Only the description of its weights is built: a file may be quantised without saying so.
            stored = stored_weights(model, precision, path)
            require_weights(stored, precision, path)
            return _File(path, tuple(model.inputs), _quantisation(stored))
        specs = inputs_of(path, model)
        fixed = with_fixed_shapes(path, model, specs)
        bits = 8 if precision == "int8" else 0
        # MNN takes the other precisions when it makes the session, of the same file.
        made = converted(model, fixed, bits)
        quantisation = "weights only" if bits else None
        return _File(str(made.folder / CONVERTED), specs, quantisation, output_names(fixed), made)


class _File(NamedTuple):
    """An ``.mnn`` file: its inputs, what is quantised, the order of its outputs if known, and how it was built."""

    path: str
    specs: Tuple[TensorSpec, ...]
    quantisation: Optional[str]
    outputs: Sequence[str] = ()
    made: Optional[Built] = None


class MnnEngine(Engine):
    """A session of MNN's interpreter."""

    def __init__(
        self, configuration: EngineConfiguration, mnn: Any, interpreter: Any, session: Any, file: _File
    ) -> None:
        super().__init__(configuration)
        self.size_mib = os.path.getsize(file.path) / 2**20
        self._mnn = mnn
        self._interpreter = interpreter
        self._session = session
        self._file = file
        self._model_sha256 = file_digest(file.path)[:12]
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
        self._feed(arrays)
        self._require_run(self._interpreter.runSession(self._session))
        outputs = []
        for tensor, host in self._outputs:
            tensor.copyToHostTensor(host)
            # The array is a view of the host tensor's memory.
            outputs.append(host.getNumpyData().copy())
        return tuple(outputs)

    def _feed(self, arrays: Sequence[Array]) -> None:
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

    def _require_run(self, status: int) -> None:
        if status != 0:
            raise FrameworkError(f"MNN failed ({status}) to infer model {self.model.name!r}")

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """The operators between MNN's callbacks before and after each, by the host's clock.

        Each has about a microsecond of the callbacks in it.

        Raises:
            NoProfile: MNN calls back for no operator.
        """
        started_ns = 0
        operators: List[OperatorTime] = []

        def before(tensors: Any, operator: Any) -> bool:
            nonlocal started_ns
            started_ns = perf_counter_ns()
            return True

        def after(tensors: Any, operator: Any) -> bool:
            taken_ns = perf_counter_ns() - started_ns
            kind = operator.getType()
            operators.append(OperatorTime(operator.getName() or kind, kind, taken_ns / 1e6))
            return True

        measured = []
        for _ in range(repetitions):
            operators.clear()
            for arrays in in_turn(inputs, calls):
                self._feed(arrays)
                self._require_run(self._interpreter.runSessionWithCallBackInfo(self._session, before, after))
            if not operators:
                raise NoProfile(f"MNN calls back for no operator of model {self.model.name!r}")
            measured.append(per_inference(operators, calls))
        return OperatorProfile(tuple(measured), "MNN's callbacks")

    def describe(self) -> EngineDescription:
        """What the session said of itself when it was made; MNN's threads do not spin between calls."""
        quantisation = self._file.quantisation
        return self.configuration.description(
            self._backend,
            self._threads,
            mode=MODES[self.precision],
            winograd_memory_level=self.configuration.options[WINOGRAD],
            model_sha256=self._model_sha256,
            **(self._file.made.describe() if self._file.made is not None else {}),
            **({} if quantisation is None else {"quantisation": quantisation}),
        )

    def close(self) -> None:
        """Free the session and the file's copy in memory; the engine cannot infer afterwards."""
        self._bound, self._outputs = [], []
        self._session = self._interpreter = None


def _own_source(model: Model, precision: str) -> Optional[str]:
    """The key of an ``.mnn`` file to take as it is; int8 is made from ONNX rather than of one that is not int8."""
    source = best_source(model, "mnn", precision)
    return None if source == "mnn" and precision == "int8" and "onnx" in model.sources else source


def _require_session(interpreter: Any, session: Any, path: str, threads: int) -> None:
    """The session's own account of itself."""
    backend = interpreter.getSessionInfo(session, INFO_BACKEND)
    if backend not in BACKENDS:
        raise FrameworkError(f"MNN was asked for the backend CPU and gave number {backend!r}")
    if _info(interpreter, session, INFO_RESIZE_STATUS) != 0:
        raise FrameworkError(f"MNN could not prepare a session of {path}; its messages are on standard output")
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


def _quantisation(stored: Mapping[str, int]) -> Optional[str]:
    if not stored.get("int8"):
        return None
    return "weights and activations" if stored.get("int8 activations") else "weights only"
