"""ONNX Runtime on an NVIDIA GPU: what ``onnxruntime:cuda`` and ``onnxruntime:tensorrt`` load."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from pytest_edgeperf.frameworks.building import Built, built, version_of
from pytest_edgeperf.frameworks.cuda import Cuda, open_cuda
from pytest_edgeperf.frameworks.interface import (
    DeviceTimed,
    EngineConfiguration,
    EngineDescription,
    FrameworkError,
    Model,
    closed,
)
from pytest_edgeperf.frameworks.mps import mps_active
from pytest_edgeperf.frameworks.onnx_files import digests_of, inputs_of, onnxruntime_version
from pytest_edgeperf.frameworks.onnxruntime.session import (
    CPU_NODES,
    CUDA,
    PROVIDERS,
    TENSORRT,
    Loading,
    OnnxRuntimeEngine,
)
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, NoProfile, OperatorProfile

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

#: Where ONNX Runtime's buffers lie.
DEVICE = "cuda"
#: Of NVIDIA's libraries, read when they are first used in a process: 0 forbids them TF32.
TF32_VARIABLE = "NVIDIA_TF32_OVERRIDE"
#: An error if a node was given to the CPU.
ONLY_GPU = "session__disable_cpu_ep_fallback"
#: Of a run: it returns when all was put into the stream.
NOT_WAITED_FOR = "disable_synchronize_execution_providers"


def load(loading: Loading, variant: str) -> OnnxRuntimeEngine:
    """A session with the variant's provider, which must be the one that computes.

    With cuda-bindings or PyCUDA, the session works in a stream of ours, where events time it.

    Raises:
        FrameworkError: the provider does not work here, a node would run on the CPU, TF32 is not available or cannot be
            switched off, or TensorRT's engine cannot be built in another process.
    """
    configuration = loading.configuration
    precision = configuration.precision
    _choose_tf32(precision)
    try:
        cuda: Optional[Cuda] = open_cuda()
        without = None
    except FrameworkError as error:
        cuda, without = None, str(error)
    if precision == "tf32":
        _require_tf32(cuda, without)
    engine: Optional[Built] = None
    entries = _entries(configuration)
    if variant == TENSORRT:
        engine = _engine(loading, cuda, entries)
        loading = replace(loading, made=loading.made or engine)
    stream = cuda.stream() if cuda is not None else None
    before = _files(engine)
    try:
        session = loading.session(_providers(variant, precision, engine, stream), **entries)
    except FrameworkError as error:
        if cuda is not None and stream is not None:
            cuda.destroy_stream(stream)
        if "CPU EP" not in str(error):
            raise
        raise FrameworkError(
            f"{error}; the option onnxruntime.{CPU_NODES}: True allows such nodes on the CPU, and the run records it"
        ) from error
    if _files(engine) != before:
        raise FrameworkError(
            f"TensorRT did not accept the engine built for model {configuration.model.name!r}, and built another in "
            f"the measured process; remove {engine.folder if engine else ''} and try again"
        )
    _require_options(session, variant, precision, str(configuration.version))
    if cuda is None or stream is None:
        return GpuEngine(loading, session, variant, {"device_times": f"not available: {without}"})
    return TimedGpuEngine(loading, session, variant, cuda, stream)


class GpuEngine(OnnxRuntimeEngine):
    """A session on a GPU; ONNX Runtime copies inputs and outputs in every inference."""

    def __init__(self, loading: Loading, session: Any, variant: str, details: Mapping[str, Any]) -> None:
        super().__init__(loading, session)
        self._variant = variant
        self._gpu = PROVIDERS[variant]
        self._details = dict(details)
        if variant == TENSORRT and loading.made is not None:
            self.size_mib = loading.made.size_mib

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """What the kernels of each node take, where this build of ONNX Runtime records them.

        Raises:
            NoProfile: it does not, or TensorRT computes the network as a few nodes.
        """
        if self._variant == TENSORRT:
            raise NoProfile(
                f"{self.framework} computes the network as a few nodes of TensorRT's and knows nothing of what is in "
                "them; the framework tensorrt reports its layers"
            )
        return super().profile_operators(inputs, repetitions, calls)

    def _open(self, change: Callable[[Any], None]) -> Any:
        providers = _providers(self._variant, self.precision, None, None)
        return replace(self._loading, change=change).session(providers, **_entries(self.configuration))

    def describe(self) -> EngineDescription:
        """What the session says of itself, its provider's settings, and what may compute nodes that TensorRT lacks."""
        options = self._session.get_provider_options()[PROVIDERS[self._variant]]
        own = {"use_tf32", "cudnn_conv_algo_search", "trt_fp16_enable", "trt_int8_enable"}
        described = super().describe()
        details = {
            **described.details,
            "providers": self._session.get_providers(),
            "provider_options": {name: value for name, value in sorted(options.items()) if name in own},
            TF32_VARIABLE: os.environ.get(TF32_VARIABLE, "default"),
            "mps": mps_active(),
            "cpu_nodes": "allowed" if self.configuration.options.get(CPU_NODES) else "none",
            **self._details,
        }
        return replace(described, details=details)


class TimedGpuEngine(GpuEngine, DeviceTimed):
    """A session in a stream of ours, with buffers of ours for the inferences that events time."""

    def __init__(self, loading: Loading, session: Any, variant: str, cuda: Cuda, stream: int) -> None:
        major, minor = cuda.compute_capability()
        details = {"gpu": cuda.device_name(), "compute_capability": f"{major}.{minor}", "cuda_package": cuda.package}
        super().__init__(loading, session, variant, details)
        self._cuda = cuda
        self._stream = stream
        self._buffers: Optional[_Buffers] = None

    def infer_timed(self, *arrays: Array) -> Mapping[str, float]:
        """One inference in our stream with events between copying in, the network and copying out (ms)."""
        cuda, stream = self._cuda, self._stream
        if self._buffers is None:
            self._buffers = _Buffers(
                self._loading.ort, self._session, cuda, self._input_names, arrays, self.infer(*arrays)
            )
        buffers = self._buffers
        events = [cuda.event() for _ in range(4)]
        cuda.record(events[0], stream)
        for (address, host), array in zip(buffers.inputs, arrays):
            host[...] = array
            cuda.copy_in(address, host, stream)
        cuda.record(events[1], stream)
        buffers.run()
        cuda.record(events[2], stream)
        for address, host in buffers.outputs:
            cuda.copy_out(host, address, stream)
        cuda.record(events[3], stream)
        asked_ns = perf_counter_ns()
        cuda.synchronise(stream)
        waited_ms = (perf_counter_ns() - asked_ns) / 1e6
        steps = [cuda.elapsed_ms(start, end) for start, end in zip(events, events[1:])]
        times = dict(zip(("device_copy_in", "device_infer", "device_copy_out"), steps))
        times["device_latency"] = cuda.elapsed_ms(events[0], events[3])
        times["synchronise"] = waited_ms
        for event in events:
            cuda.destroy_event(event)
        return times

    def close(self) -> None:
        """Free the session, the buffers and the stream; the engine cannot infer afterwards."""
        if self._run is closed:
            return
        super().close()
        if self._buffers is not None:
            self._buffers.free()
            self._buffers = None
        self._cuda.destroy_stream(self._stream)


class _Buffers:
    """The device's and the host's memory for one inference, bound to a session."""

    def __init__(
        self,
        ort: Any,
        session: Any,
        cuda: Cuda,
        names: Tuple[str, ...],
        inputs: Tuple[Array, ...],
        outputs: Tuple[Array, ...],
    ) -> None:
        self._session = session
        self._cuda = cuda
        self._binding = session.io_binding()
        self._options = ort.RunOptions()
        self._options.add_run_config_entry(NOT_WAITED_FOR, "1")
        self.inputs = [self._pair(array) for array in inputs]
        self.outputs = [self._pair(array) for array in outputs]
        for name, array, (address, _) in zip(names, inputs, self.inputs):
            self._binding.bind_input(name, DEVICE, 0, array.dtype.type, array.shape, address)
        for output, array, (address, _) in zip(session.get_outputs(), outputs, self.outputs):
            self._binding.bind_output(output.name, DEVICE, 0, array.dtype.type, array.shape, address)

    def run(self) -> None:
        """Put an inference into the stream."""
        self._session.run_with_iobinding(self._binding, self._options)

    def free(self) -> None:
        """Give everything back."""
        self._binding = self._session = None
        for address, host in (*self.inputs, *self.outputs):
            self._cuda.free(address)
            self._cuda.free_page_locked(host)

    def _pair(self, array: Array) -> Tuple[int, Array]:
        return self._cuda.allocate(array.nbytes), self._cuda.page_locked(array.shape, array.dtype.name)


def build_engine(
    folder: Path, onnx: str, precision: str, inputs: Sequence[Sequence[Any]], entries: Mapping[str, str]
) -> None:
    """Let TensorRT build its engines of the file into the folder, from which a session takes them.

    ``inputs`` are names, shapes and types.
    """
    import numpy as np
    import onnxruntime

    _choose_tf32(precision)
    configuration = EngineConfiguration("onnxruntime:tensorrt", onnxruntime_version(), Model("engine", {}), precision)
    session = Loading(onnxruntime, configuration, onnx).session(
        _providers(TENSORRT, precision, Built(folder, {}), None), **entries
    )
    # Engines are built when the shapes are known, which may be at the first inference.
    session.run(None, {name: np.zeros(shape, dtype) for name, shape, dtype in inputs})


def _engine(loading: Loading, cuda: Optional[Cuda], entries: Mapping[str, str]) -> Built:
    configuration = loading.configuration
    gpu = [cuda.device_name(), *cuda.compute_capability()] if cuda is not None else "unknown"
    inputs = [[spec.name, list(spec.shape), spec.dtype] for spec in inputs_of(loading.path, configuration.model)]
    return built(
        f"{__name__}:build_engine",
        configuration.model,
        configuration.precision,
        tools={"onnxruntime": configuration.version, "tensorrt": version_of("tensorrt")},
        arguments={"precision": configuration.precision, "inputs": inputs, "entries": dict(entries)},
        files={"onnx": loading.path},
        source={"onnx": digests_of(loading.path), "gpu": gpu},
    )


def _entries(configuration: EngineConfiguration) -> Dict[str, str]:
    return {} if configuration.options.get(CPU_NODES) else {ONLY_GPU: "1"}


def _providers(variant: str, precision: str, engine: Optional[Built], stream: Optional[int]) -> List[Any]:
    options: Dict[str, str] = {"device_id": "0"}
    if stream is not None:
        options["user_compute_stream"] = str(stream)
    if variant == CUDA:
        return [(PROVIDERS[CUDA], options)]
    own = {
        "trt_fp16_enable": str(int(precision == "fp16")),
        "trt_int8_enable": str(int(precision == "int8")),
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(engine.folder) if engine is not None else "",
    }
    return [(PROVIDERS[TENSORRT], {**options, **own}), (PROVIDERS[CUDA], options)]


def _files(engine: Optional[Built]) -> Set[Tuple[str, int]]:
    if engine is None:
        return set()
    return {(path.name, path.stat().st_mtime_ns) for path in engine.folder.iterdir()}


def _choose_tf32(precision: str) -> None:
    """Forbid TF32 to NVIDIA's libraries unless it was asked for."""
    given = os.environ.get(TF32_VARIABLE)
    if precision == "tf32":
        if given == "0":
            raise FrameworkError(
                f"tf32 was asked for, but {TF32_VARIABLE}=0 forbids it for the whole process; unset it, and "
                "measure fp32 and tf32 in benchmarks of their own"
            )
    elif given not in (None, "0"):
        raise FrameworkError(f"{precision} was asked for, but {TF32_VARIABLE}={given} uses tf32 for fp32; unset it")
    else:
        os.environ[TF32_VARIABLE] = "0"


def _require_tf32(cuda: Optional[Cuda], without: Optional[str]) -> None:
    if cuda is None:
        raise FrameworkError(f"cannot determine whether this GPU has tf32: {without}")
    major, minor = cuda.compute_capability()
    if major < 8:
        raise FrameworkError(
            f"{cuda.device_name()} has no tf32: its compute capability is {major}.{minor}, and tf32 needs 8.0"
        )


def _require_options(session: Any, variant: str, precision: str, version: str) -> None:
    """The provider's own account of its settings; releases that report fewer leave out what they do not know."""
    given = session.get_provider_options()[PROVIDERS[variant]]
    asked = {"use_tf32": "1"} if precision == "tf32" else {}
    if variant == TENSORRT:
        asked = {"trt_fp16_enable": str(int(precision == "fp16")), "trt_int8_enable": str(int(precision == "int8"))}
    for name, wanted in asked.items():
        if given.get(name, wanted) != wanted:
            raise FrameworkError(f"onnxruntime {version} was asked for {name}={wanted} and gave {given[name]}")
