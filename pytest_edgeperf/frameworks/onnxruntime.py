"""ONNX Runtime on the CPU."""

from __future__ import annotations

import hashlib
from importlib import metadata
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import (
    Engine,
    Framework,
    FrameworkError,
    Model,
    TensorSpec,
    require_precision,
    require_threads,
)
from pytest_edgeperf.frameworks.sources import missing_source, obtain

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu")
PROVIDER = "CPUExecutionProvider"
SPINNING = ("session.intra_op.allow_spinning", "session.inter_op.allow_spinning")
DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
}


class OnnxRuntime(Framework):
    """ONNX Runtime, CPU provider, fp32.

    A model may switch off graph optimisers by name with
    ``Model.parameters["onnxruntime.disabled_optimizers"]``, a sequence such as ``["Pad_Fusion"]``
    (which gives wrong outputs for a zero ``Pad`` before a ``MaxPool``). ONNX Runtime ignores unknown
    names without a word, so they cannot be verified.
    """

    name = "onnxruntime"
    install_advice = "pip install 'pytest-edgeperf[onnxruntime]'"

    def version(self) -> Optional[str]:
        """The installed version of ``onnxruntime`` or ``onnxruntime-gpu``, read without importing it."""
        for distribution in DISTRIBUTIONS:
            try:
                return metadata.version(distribution)
            except metadata.PackageNotFoundError:
                continue
        return None

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        require_precision(precision)
        if precision != "fp32":
            return f"onnxruntime runs a model as it is: {precision} comes with a model in that precision"
        if "onnx" not in model.sources:
            return missing_source(model, "onnx")
        return None

    def load(self, model: Model, *, precision: str = "fp32", threads: int = 1) -> Engine:
        """Load the model's ONNX file into a session of ``threads`` threads that do not spin between calls.

        Raises:
            FrameworkError: not installed, unsupported, the file cannot be loaded, its inputs are not those of
                ``model.inputs`` or stay dynamic, or the session is not as it was asked for.
        """
        reason = self.unsupported(model, precision)
        if reason is not None:
            raise FrameworkError(reason)
        require_threads(threads)
        ort = self._runtime()
        path = str(obtain(model, "onnx"))
        disabled = tuple(model.parameters.get("onnxruntime.disabled_optimizers", ()))
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        for key in SPINNING:
            options.add_session_config_entry(key, "0")
        try:
            session = ort.InferenceSession(
                path, options, providers=[PROVIDER], disabled_optimizers=list(disabled) or None
            )
        except Exception as error:
            raise FrameworkError(f"onnxruntime {self.version()} cannot load {path}: {error}") from error
        _require_as_asked(session, threads)
        return OnnxRuntimeEngine(session, model, precision, path, str(self.version()), disabled)

    def _runtime(self) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            if self.version() is None:
                raise FrameworkError(f"onnxruntime is not installed; {self.install_advice}") from error
            raise FrameworkError(
                f"onnxruntime {self.version()} is installed but cannot be imported: {error}; reinstall it"
            ) from error
        return onnxruntime


class OnnxRuntimeEngine(Engine):
    """A session of ONNX Runtime."""

    framework = OnnxRuntime.name

    def __init__(
        self,
        session: Any,
        model: Model,
        precision: str,
        path: str,
        version: str,
        disabled_optimizers: Tuple[str, ...],
    ) -> None:
        self.model = model
        self.precision = precision
        self.inputs = _resolve_inputs(session.get_inputs(), model, path)
        self._session = session
        self._path = path
        self._version = version
        self._disabled_optimizers = disabled_optimizers
        self._input_names = tuple(spec.name for spec in self.inputs)
        self._output_names = [output.name for output in session.get_outputs()]
        self._run = session.run
        for value in (*session.get_inputs(), *session.get_outputs()):
            if value.type == "tensor(float16)":
                raise FrameworkError(
                    f"model {model.name!r} was to be loaded as {precision}, but {value.name!r} of {path} is float16"
                )

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; ONNX Runtime checks shapes and types."""
        if len(arrays) != len(self._input_names):
            raise FrameworkError(f"{len(arrays)} arrays for the inputs {', '.join(self._input_names)}")
        return tuple(self._run(self._output_names, dict(zip(self._input_names, arrays))))

    def describe(self) -> Dict[str, Any]:
        """What the session says of itself; ``model_sha256`` (12 digits) leaves out external data files."""
        options = self._session.get_session_options()
        return {
            "framework": self.framework,
            "version": self._version,
            "precision": self.precision,
            "provider": self._session.get_providers()[0],
            "threads": options.intra_op_num_threads,
            "spinning": options.get_session_config_entry(SPINNING[0]) != "0",
            "graph_optimization_level": options.graph_optimization_level.name,
            "disabled_optimizers": list(self._disabled_optimizers),
            "model_sha256": _sha256(self._path)[:12],
        }

    def close(self) -> None:
        """Free the session; the engine cannot infer afterwards."""
        self._session = None
        self._run = _closed


def _closed(*_: Any) -> Any:
    raise FrameworkError("the engine is closed; load the model again")


def _require_as_asked(session: Any, threads: int) -> None:
    options = session.get_session_options()
    asked_and_got = {
        "providers": ([PROVIDER], list(session.get_providers())),
        "intra_op_num_threads": (threads, options.intra_op_num_threads),
        "inter_op_num_threads": (1, options.inter_op_num_threads),
        **{key: ("0", options.get_session_config_entry(key)) for key in SPINNING},
    }
    for what, (asked, got) in asked_and_got.items():
        if asked != got:
            raise FrameworkError(f"onnxruntime was asked for {what} {asked!r} and gave {got!r}")


def _resolve_inputs(declared: Sequence[Any], model: Model, path: str) -> Tuple[TensorSpec, ...]:
    if not model.inputs:
        return tuple(_default_spec(value, path) for value in declared)
    by_name = {value.name: value for value in declared}
    given = [spec.name for spec in model.inputs]
    if sorted(given) != sorted(by_name):
        raise FrameworkError(
            f"model {model.name!r} names the inputs {', '.join(given)}, but {path} has {', '.join(by_name)}"
        )
    for spec in model.inputs:
        _require_fitting(spec, by_name[spec.name], path)
    return tuple(model.inputs)


def _default_spec(value: Any, path: str) -> TensorSpec:
    shape: List[int] = []
    for position, dimension in enumerate(value.shape):
        if isinstance(dimension, int) and dimension > 0:
            shape.append(dimension)
        elif position == 0:
            shape.append(1)
        else:
            raise FrameworkError(
                f"input {value.name!r} of {path}: dimension {position} is dynamic ({dimension!r}); "
                f"say its size with Model(inputs=[TensorSpec({value.name!r}, shape=(...))])"
            )
    return TensorSpec(value.name, tuple(shape), _dtype(value, path))


def _require_fitting(spec: TensorSpec, value: Any, path: str) -> None:
    fits = len(spec.shape) == len(value.shape) and all(
        size == dimension or not isinstance(dimension, int) or dimension <= 0
        for size, dimension in zip(spec.shape, value.shape)
    )
    if not fits or spec.dtype != _dtype(value, path):
        raise FrameworkError(
            f"input {spec.name!r}: the model says {spec.dtype} {list(spec.shape)}, "
            f"but {path} has {_dtype(value, path)} {value.shape}"
        )


def _dtype(value: Any, path: str) -> str:
    if value.type not in DTYPES:
        raise FrameworkError(f"input {value.name!r} of {path} is a {value.type}, which numpy cannot hold")
    return DTYPES[value.type]


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
