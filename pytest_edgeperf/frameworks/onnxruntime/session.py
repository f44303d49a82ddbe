"""A session of ONNX Runtime and the engine that it is: what the CPU and the GPUs have in common."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, file_digest
from pytest_edgeperf.frameworks.interface import (
    Engine,
    EngineConfiguration,
    EngineDescription,
    FrameworkError,
    Model,
    NoPlacement,
    TensorSpec,
    closed,
)
from pytest_edgeperf.frameworks.onnx_files import size_mib_of
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, OperatorProfile

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

CPU_PROVIDER = "CPUExecutionProvider"
CUDA, TENSORRT = "cuda", "tensorrt"
#: Variant -> the provider that must then compute; ``None`` is the plain name.
PROVIDERS = {None: CPU_PROVIDER, CUDA: "CUDAExecutionProvider", TENSORRT: "TensorrtExecutionProvider"}
#: Names of options.
DISABLED_OPTIMIZERS, CPU_NODES = "disabled_optimizers", "cpu_nodes"
#: Setting of a session, from 1.24 on: it keeps which nodes each provider took.
RECORD_PLACEMENT = "session.record_ep_graph_assignment_info"
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


@dataclass(frozen=True)
class Loading:
    """A file to load, and the engine that it is to become."""

    ort: Any
    configuration: EngineConfiguration
    path: str
    #: How the file was built, if it was.
    made: Optional[Built] = None
    #: Changes the options of a session before it is made.
    change: Optional[Callable[[Any], None]] = None

    @property
    def disabled_optimizers(self) -> List[str]:
        """Graph optimisers that the model switches off."""
        return list(self.configuration.options.get(DISABLED_OPTIMIZERS, ()))

    def session(self, providers: Sequence[Any], **entries: str) -> Any:
        """A session whose threads do not spin, computing with the first of the providers.

        ``entries`` are settings of the session, their dots as two underscores.

        Raises:
            FrameworkError: the file cannot be loaded, or the session is not as it was asked for.
        """
        threads = self.configuration.threads
        options = self.ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Releases that do not know the setting ignore it.
        fixed = (*((key, "0") for key in SPINNING), (RECORD_PLACEMENT, "1"))
        for key, value in (*fixed, *entries.items()):
            options.add_session_config_entry(key.replace("__", "."), value)
        if self.change is not None:
            self.change(options)
        try:
            session = self.ort.InferenceSession(
                self.path,
                options,
                providers=list(providers),
                disabled_optimizers=self.disabled_optimizers or None,
            )
        except Exception as error:
            raise FrameworkError(
                f"onnxruntime {self.configuration.version} cannot load {self.path}: {error}"
            ) from error
        first = providers[0]
        require_as_asked(session, threads, first if isinstance(first, str) else first[0])
        return session


class OnnxRuntimeEngine(Engine):
    """A session of ONNX Runtime."""

    #: The provider that computes on a GPU, where one does.
    _gpu: Optional[str] = None

    def __init__(self, loading: Loading, session: Any) -> None:
        super().__init__(loading.configuration)
        path = loading.path
        self.size_mib = size_mib_of(path)
        self.inputs = _resolve_inputs(session.get_inputs(), self.model, path)
        self._session = session
        self._loading = loading
        self._model_sha256 = file_digest(path)[:12]
        self._input_names = tuple(spec.name for spec in self.inputs)
        self._output_names = [output.name for output in session.get_outputs()]
        self._run = session.run
        for value in (*session.get_inputs(), *session.get_outputs()):
            if value.type == "tensor(float16)":
                raise FrameworkError(
                    f"model {self.model.name!r} should be loaded as {self.precision}, but {value.name!r} of {path} is "
                    "float16"
                )

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; ONNX Runtime checks shapes and types."""
        if len(arrays) != len(self._input_names):
            raise FrameworkError(f"{len(arrays)} arrays for the inputs {', '.join(self._input_names)}")
        return tuple(self._run(self._output_names, dict(zip(self._input_names, arrays))))

    def describe(self) -> EngineDescription:
        """What the session says of itself; ``model_sha256`` (12 digits) leaves out external data files."""
        options = self._session.get_session_options()
        return self.configuration.description(
            self._session.get_providers()[0],
            options.intra_op_num_threads,
            spinning=options.get_session_config_entry(SPINNING[0]) != "0",
            graph_optimization_level=options.graph_optimization_level.name,
            disabled_optimizers=self._loading.disabled_optimizers,
            model_sha256=self._model_sha256,
            **(self._loading.made.describe() if self._loading.made is not None else {}),
        )

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """What the nodes of the optimised graph take, in a second session that is traced.

        Nodes of subgraphs are operators of their own. Outputs are known where the package onnx is installed.
        """
        if self._session is None:
            closed()
        from pytest_edgeperf.frameworks.onnxruntime.trace import profile

        feeds = [dict(zip(self._input_names, arrays)) for arrays in inputs]
        return profile(self._open, feeds, self._loading.path, repetitions, calls, self._gpu)

    def _open(self, change: Callable[[Any], None]) -> Any:
        """Another session like the engine's own, with changed options."""
        return replace(self._loading, change=change).session([CPU_PROVIDER])

    def placement(self) -> Mapping[str, int]:
        """Provider -> how many nodes the session gave it, counted before the last fusions of the graph.

        Raises:
            NoPlacement: this release does not report it.
        """
        if self._session is None:
            closed()
        if not hasattr(self._session, "get_provider_graph_assignment_info"):
            raise NoPlacement(
                f"onnxruntime {self.configuration.version} does not report which nodes its providers took; 1.24 and "
                "newer do"
            )
        nodes: Counter[str] = Counter()
        for part in self._session.get_provider_graph_assignment_info():
            nodes[part.ep_name] += len(part.get_nodes())
        return dict(nodes)

    def close(self) -> None:
        """Free the session; the engine cannot infer afterwards."""
        self._session = None
        self._run = closed


def require_as_asked(session: Any, threads: int, provider: str) -> None:
    """Raise FrameworkError unless the session has the provider, the threads and no spinning."""
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
                f"give its size with Model(inputs=[TensorSpec({value.name!r}, shape=(...))])"
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
