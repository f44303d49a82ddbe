"""ONNX Runtime on the CPU, or on a GPU by its CUDA or TensorRT provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import (
    Built,
    built,
    calibration_of,
    file_digest,
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
from pytest_edgeperf.frameworks.onnx_files import digests_of, inputs_of, load, quantise, size_mib_of
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_edgeperf.frameworks.interface import Array

DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu")
CPU_PROVIDER = "CPUExecutionProvider"
CUDA, TENSORRT = "cuda", "tensorrt"
#: Variant -> the provider that must then compute; ``None`` is the plain name.
PROVIDERS = {None: CPU_PROVIDER, CUDA: "CUDAExecutionProvider", TENSORRT: "TensorrtExecutionProvider"}
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


CONVERTED = "model.onnx"
#: Types of weights that show what a file was made to be.
MARKS = {"fp16": ("FLOAT16",), "int8": ("INT8", "UINT8")}


class OnnxRuntime(Framework):
    """ONNX Runtime with its CPU provider; as ``onnxruntime:cuda`` or ``onnxruntime:tensorrt`` with that and no other.

    On a GPU, a node that would run on the CPU is an error unless ``Model.parameters["onnxruntime.cpu_nodes"]`` allows
    it. With the TensorRT provider, nodes that TensorRT lacks run with CUDA; its engines are built in another process.

    fp16 is the file converted by ONNX Runtime's own tool, with fp32 inputs and outputs; most CPUs compute it in fp32
    between casts. int8 is a static quantisation with quantise and dequantise nodes (QDQ), per channel, from a
    calibration set. Both are built once, in another process. A source ``onnx:fp16`` or ``onnx:int8`` is taken as
    it is. A model may switch off graph optimisers by name with
    ``Model.parameters["onnxruntime.disabled_optimizers"]``, a sequence such as ``["Pad_Fusion"]``
    (which in some releases gives wrong outputs for a zero ``Pad`` before a ``MaxPool``). ONNX Runtime ignores unknown
    names without a word, so they cannot be verified.
    """

    name = "onnxruntime"
    install_advice = "pip install 'pytest-edgeperf[onnxruntime]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install onnx onnxruntime==1.19.2 (the last for Python 3.8; CPU)",
        "jetpack-5": "pip install onnx onnxruntime==1.19.2 (the last for Python 3.8; CPU)",
    }
    variants = (CUDA, TENSORRT)
    precisions = ("fp32", "fp16", "int8")

    @property
    def processor(self) -> str:
        """``gpu`` with the CUDA and the TensorRT provider."""
        return "gpu" if self.variant is not None else "cpu"

    def version(self) -> Optional[str]:
        """The installed version of ``onnxruntime`` or ``onnxruntime-gpu``, read without importing it."""
        return next((version for version in map(version_of, DISTRIBUTIONS) if version is not None), None)

    @property
    def offered(self) -> Tuple[str, ...]:
        """On a GPU also tf32, and int8 by TensorRT alone."""
        own = {CUDA: ("fp32", "tf32", "fp16"), TENSORRT: ("fp32", "tf32", "fp16", "int8")}
        return own.get(str(self.variant), self.precisions)

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision; CUDA's provider would compute int8 in fp32."""
        if precision == "int8" and self.variant == CUDA:
            return (
                f"{self.full_name} has no int8: ONNX Runtime's CUDA provider computes quantised models in fp32; "
                f"onnxruntime:{TENSORRT} has it"
            )
        return super().unable(precision)

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        source = best_source(model, "onnx", precision)
        if source is None:
            return missing_source(model, "onnx")
        if source == "onnx" and precision != "fp32" and version_of("onnx") is None:
            return f"converting a model to {precision} needs the package onnx: pip install onnx"
        return None

    def providers(self) -> Sequence[str]:
        """What this build of ONNX Runtime has, whether it works here or not."""
        return tuple(self.imported("onnxruntime").get_available_providers())

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
        ort = self.imported("onnxruntime")
        provider = PROVIDERS[self.variant]
        self._require_provider(ort, provider)
        # TensorRT chooses fp16 itself, from the file in fp32.
        path, made = self._file(model, "fp32" if self.variant == TENSORRT and precision == "fp16" else precision)
        loading = Loading(ort, model, precision, path, str(self.version()), made)
        if self.variant is None:
            return OnnxRuntimeEngine(loading, loading.session(threads, [provider]))
        from pytest_edgeperf.frameworks import onnxruntime_gpu

        return onnxruntime_gpu.load(loading, self.variant, threads)

    def _require_provider(self, ort: Any, provider: str) -> None:
        available = ort.get_available_providers()
        if provider not in available:
            raise FrameworkError(
                f"{self.full_name} was asked for, but this build of ONNX Runtime {self.version()} has no {provider}, "
                f"only {', '.join(available)}; install onnxruntime-gpu in place of onnxruntime, never beside it"
            )

    def _file(self, model: Model, precision: str) -> Tuple[str, Optional[Built]]:
        """The ONNX file to load, and how it was built if it was."""
        source = best_source(model, "onnx", precision)
        assert source is not None
        path = file_of(model, source)
        if precision in ("fp32", "tf32"):
            return path, None
        if source != "onnx":
            _require_marks(path, precision)
            return path, None
        specs = inputs_of(path, model) if precision == "int8" else ()
        made = built(
            f"{__name__}:build_{precision}",
            model,
            precision,
            tools={"onnx": version_of("onnx"), "onnxruntime": self.version()},
            arguments={
                **({"inputs": [spec.name for spec in specs]} if specs else {}),
                **({"symmetric": True} if specs and self.variant == TENSORRT else {}),
            },
            files={"onnx": path},
            source=digests_of(path),
            calibration=calibration_of(model, specs) if specs else None,
        )
        return str(made.folder / CONVERTED), made


@dataclass(frozen=True)
class Loading:
    """A file to load, and what it is to become."""

    ort: Any
    model: Model
    precision: str
    path: str
    version: str
    made: Optional[Built]

    @property
    def disabled_optimizers(self) -> Tuple[str, ...]:
        """Graph optimisers that the model switches off."""
        return tuple(self.model.parameters.get("onnxruntime.disabled_optimizers", ()))

    def session(self, threads: int, providers: Sequence[Any], **entries: str) -> Any:
        """A session of ``threads`` threads that do not spin, computing with the first of the providers.

        ``entries`` are settings of the session, their dots as two underscores.

        Raises:
            FrameworkError: the file cannot be loaded, or the session is not as it was asked for.
        """
        options = self.ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        for key, value in (*((key, "0") for key in SPINNING), *entries.items()):
            options.add_session_config_entry(key.replace("__", "."), value)
        try:
            session = self.ort.InferenceSession(
                self.path,
                options,
                providers=list(providers),
                disabled_optimizers=list(self.disabled_optimizers) or None,
            )
        except Exception as error:
            raise FrameworkError(f"onnxruntime {self.version} cannot load {self.path}: {error}") from error
        first = providers[0]
        _require_as_asked(session, threads, first if isinstance(first, str) else first[0])
        return session


class OnnxRuntimeEngine(Engine):
    """A session of ONNX Runtime."""

    framework = OnnxRuntime.name

    def __init__(self, loading: Loading, session: Any) -> None:
        self.model = model = loading.model
        self.precision = precision = loading.precision
        path = loading.path
        self.size_mib = size_mib_of(path)
        self.inputs = _resolve_inputs(session.get_inputs(), model, path)
        self._session = session
        self._loading = loading
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
            "version": self._loading.version,
            "precision": self.precision,
            "provider": self._session.get_providers()[0],
            "threads": options.intra_op_num_threads,
            "spinning": options.get_session_config_entry(SPINNING[0]) != "0",
            "graph_optimization_level": options.graph_optimization_level.name,
            "disabled_optimizers": list(self._loading.disabled_optimizers),
            "model_sha256": file_digest(self._loading.path)[:12],
            **(self._loading.made.describe() if self._loading.made is not None else {}),
        }

    def close(self) -> None:
        """Free the session; the engine cannot infer afterwards."""
        self._session = None
        self._run = closed


def _require_as_asked(session: Any, threads: int, provider: str) -> None:
    options = session.get_session_options()
    asked_and_got = {
        "provider": (provider, session.get_providers()[0]),
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


def build_fp16(folder: Path, onnx: str) -> None:
    """Write the model with weights and computations in float16, and inputs and outputs as they were."""
    import onnx as package
    from onnxruntime.transformers.float16 import convert_float_to_float16

    converted = convert_float_to_float16(package.load(onnx), keep_io_types=True)
    package.save(converted, str(folder / CONVERTED))
    _require_marks(str(folder / CONVERTED), "fp16")


def build_int8(folder: Path, onnx: str, inputs: Sequence[str], calibration: str, symmetric: bool = False) -> None:
    """Write the model quantised to 8 bits: QDQ, weights per channel, ranges by the calibration set's extremes.

    ``inputs`` names those of an example, in its order; ``symmetric`` is as TensorRT takes it.
    """
    quantise(onnx, folder, CONVERTED, inputs, calibration, "QDQ", symmetric=symmetric)
    _require_marks(str(folder / CONVERTED), "int8")


def _require_marks(path: str, precision: str) -> None:
    """The file's weights must be in the precision, or it would be measured under a wrong name."""
    model = load(path)
    import onnx

    types = {onnx.TensorProto.DataType.Name(weight.data_type) for weight in model.graph.initializer}
    if not types & set(MARKS[precision]):
        raise FrameworkError(f"{path} was to be {precision}, but its weights are {', '.join(sorted(types)) or 'none'}")
