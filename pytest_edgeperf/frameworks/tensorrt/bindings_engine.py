"""An engine of TensorRT in this process."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.cuda import Cuda
from pytest_edgeperf.frameworks.interface import (
    DeviceTimed,
    EngineConfiguration,
    EngineDescription,
    FrameworkError,
    NoPlacement,
    TensorSpec,
    closed,
)
from pytest_edgeperf.frameworks.profiling import (
    CALLS,
    REPETITIONS,
    WARM_UP_CALLS,
    NoProfile,
    OperatorProfile,
    in_turn,
    per_inference,
)
from pytest_edgeperf.frameworks.stages import READ, stage
from pytest_edgeperf.frameworks.tensorrt.bindings_build import import_tensorrt
from pytest_edgeperf.frameworks.tensorrt.bindings_profile import information, profiled_context
from pytest_edgeperf.frameworks.tensorrt.bindings_tensors import Tensors, tensors_of
from pytest_edgeperf.frameworks.tensorrt.layers import Layers
from pytest_edgeperf.frameworks.tensorrt.options import DLA_CORE, PROFILE

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

#: What numpy can hold of what an engine takes and gives.
_NUMPY = ("float32", "float16", "int8", "int32", "int64", "bool", "uint8")


class TensorRtEngine(DeviceTimed):
    """An engine with a context, a stream and buffers of its own; every inference copies in, runs and copies out."""

    #: How many layers run on the DLA and on the GPU, where who built the engine knows.
    placed: Optional[Mapping[str, int]] = None

    def __init__(
        self,
        configuration: EngineConfiguration,
        cuda: Cuda,
        path: str,
        specs: Tuple[TensorSpec, ...],
        outputs: Optional[Mapping[str, str]],
        description: EngineDescription,
        onnx: Optional[str] = None,
    ) -> None:
        """Load the engine's file, make its context and take its memory.

        ``description`` is what is known of it beforehand, ``onnx`` the path of the file that it was built from.

        Raises:
            FrameworkError: one of these fails, or its inputs and outputs are not as asked; nothing is then held.
        """
        super().__init__(configuration)
        self.size_mib = os.path.getsize(path) / 2**20
        self._path = path
        self._onnx = onnx
        self._cuda = cuda
        self._held = ExitStack()
        try:
            self._open(path, specs, outputs)
        except BaseException as error:
            self._held.close()
            # Its frames would keep the context, and so its memory of the device.
            clear_frames(error.__traceback__)
            raise
        details = {
            **description.details,
            "api": self._tensors.api,
            "inputs": {spec.name: f"{spec.dtype} {list(spec.shape)}" for spec in self.inputs},
            "outputs": {name: f"{host.dtype} {list(host.shape)}" for name, _, host in self._outputs},
        }
        self._description = replace(description, details=details)

    def _open(self, path: str, specs: Tuple[TensorSpec, ...], outputs: Optional[Mapping[str, str]]) -> None:
        import numpy as np

        trt = import_tensorrt()
        self._stream = self._cuda.stream()
        self._held.callback(self._cuda.destroy_stream, self._stream)
        self._runtime, engine = self._deserialised(trt, path)
        self._held.callback(self.__dict__.pop, "_runtime", None)
        start_ns = perf_counter_ns()
        context = engine.create_execution_context()
        if context is None:
            free_mib, total_mib = self._cuda.memory_mib()
            raise FrameworkError(
                f"TensorRT {trt.__version__} cannot make a context for {path}: {free_mib:.0f} of {total_mib:.0f} MiB "
                "of the device's memory are free; its messages are on standard error"
            )
        context_ns = perf_counter_ns() - start_ns
        self.layers = int(engine.num_layers)
        tensors = tensors_of(trt, engine, context)
        self._tensors = tensors
        # All of TensorRT's objects live in it; they go before the stream.
        self._held.callback(self.__dict__.pop, "_tensors", None)
        self.inputs = specs or _specs_of(tensors, path)
        self._require_inputs(tensors, path)
        self._require_outputs(tensors, path, outputs)
        start_ns = perf_counter_ns()
        self._inputs = [self._buffers(spec.name) for spec in self.inputs]
        self._outputs = [self._buffers(name) for name in tensors.outputs]
        allocation_ns = perf_counter_ns() - start_ns
        self.load_ms = {"engine_context": context_ns / 1e6, "engine_allocation": allocation_ns / 1e6}
        self._forms = tuple((spec.shape, np.dtype(spec.dtype)) for spec in self.inputs)
        self._take = self._taken
        self._events: List[Any] = []

    def _deserialised(self, trt: Any, path: str) -> Tuple[Any, Any]:
        """A runtime and the engine of the file; the engine does not keep it."""
        logger = trt.Logger(trt.Logger.WARNING)
        trt.init_libnvinfer_plugins(logger, "")
        runtime = trt.Runtime(logger)
        core = self.configuration.options[DLA_CORE]
        if core is not None:
            runtime.DLA_core = core
        with stage(READ):
            engine = runtime.deserialize_cuda_engine(Path(path).read_bytes())
        if engine is None:
            raise FrameworkError(
                f"TensorRT {trt.__version__} cannot load {path}: it is not an engine, or one of another version or for "
                "another GPU; its messages are on standard error"
            )
        return runtime, engine

    def _buffers(self, name: str) -> Tuple[str, int, Array]:
        """A tensor's name, its address on the device and its array in page-locked memory."""
        shape, dtype = self._tensors.shape(name), self._tensors.dtype(name)
        host = self._cuda.page_locked(shape, dtype)
        self._held.callback(self._cuda.free_page_locked, host)
        address = self._cuda.allocate(max(1, host.nbytes))
        self._held.callback(self._cuda.free, address)
        if not self._tensors.bind(name, address):
            raise FrameworkError(f"tensorrt does not accept an address for {name!r}")
        return name, address, host

    def _require_inputs(self, tensors: Tensors, path: str) -> None:
        if sorted(spec.name for spec in self.inputs) != sorted(tensors.inputs):
            raise FrameworkError(
                f"model {self.model.name!r} names the inputs {', '.join(spec.name for spec in self.inputs)}, but the "
                f"engine {path} has {', '.join(tensors.inputs)}"
            )
        for spec in self.inputs:
            declared, dtype = tensors.declared(spec.name), tensors.dtype(spec.name)
            fits = len(declared) == len(spec.shape) and all(a in (-1, b) for a, b in zip(declared, spec.shape))
            if not fits or dtype != spec.dtype:
                raise FrameworkError(
                    f"input {spec.name!r}: the model says {spec.dtype} {list(spec.shape)}, but the engine takes "
                    f"{dtype} {list(declared)}"
                )
            if -1 in declared and not tensors.set_shape(spec.name, spec.shape):
                raise FrameworkError(
                    f"input {spec.name!r}: the engine does not accept the shape {list(spec.shape)}; its profile says "
                    f"which it takes (tensorrt.{PROFILE})"
                )

    def _require_outputs(self, tensors: Tensors, path: str, outputs: Optional[Mapping[str, str]]) -> None:
        for name in tensors.outputs:
            dtype, shape = tensors.dtype(name), tensors.shape(name)
            if outputs is not None and outputs.get(name) != dtype:
                raise FrameworkError(
                    f"output {name!r}: the network that was built has {outputs.get(name)}, but the engine gives {dtype}"
                )
            if dtype not in _NUMPY:
                raise FrameworkError(f"output {name!r} of {path} is {dtype}, which numpy cannot hold")
            if dtype == "float16" and self.precision in ("fp32", "tf32"):
                raise FrameworkError(
                    f"model {self.model.name!r} should be loaded as {self.precision}, but its output {name!r} is "
                    "float16"
                )
            if any(size < 0 for size in shape):
                raise FrameworkError(f"output {name!r} of {path} has a size that only its data decide: {list(shape)}")

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Copy the arrays in, infer, copy the outputs out and wait for them; float16 comes back as float32."""
        self._take(arrays)
        cuda, stream = self._cuda, self._stream
        for _, address, host in self._inputs:
            cuda.copy_in(address, host, stream)
        self._enqueue()
        for _, address, host in self._outputs:
            cuda.copy_out(host, address, stream)
        cuda.synchronise(stream)
        return tuple(host.astype("float32" if host.dtype == "float16" else host.dtype) for _, _, host in self._outputs)

    def infer_timed(self, *arrays: Array) -> Mapping[str, float]:
        """As :meth:`infer`, with an event between the phases, and the wait for the device by the host's clock."""
        self._take(arrays)
        cuda, stream = self._cuda, self._stream
        while len(self._events) < 4:
            self._events.append(cuda.event())
            self._held.callback(cuda.destroy_event, self._events[-1])
        begin, copied_in, inferred, end = self._events
        cuda.record(begin, stream)
        for _, address, host in self._inputs:
            cuda.copy_in(address, host, stream)
        cuda.record(copied_in, stream)
        self._enqueue()
        cuda.record(inferred, stream)
        for _, address, host in self._outputs:
            cuda.copy_out(host, address, stream)
        cuda.record(end, stream)
        start_ns = perf_counter_ns()
        cuda.synchronise(stream)
        waited_ns = perf_counter_ns() - start_ns
        return {
            "device_latency": cuda.elapsed_ms(begin, end),
            "device_copy_in": cuda.elapsed_ms(begin, copied_in),
            "device_infer": cuda.elapsed_ms(copied_in, inferred),
            "device_copy_out": cuda.elapsed_ms(inferred, end),
            "synchronise": waited_ns / 1e6,
        }

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """The layers of the engine, which is loaded a second time: up to 8.6 a profile of shapes has one context.

        Types and outputs are the inspector's where the engine was built with detailed verbosity, else those of the ONNX
        nodes that a layer is named after.

        Raises:
            NoProfile: there is no memory for a second engine, or TensorRT reports no layer.
        """
        self._take(next(in_turn(inputs, 1)))
        trt = import_tensorrt()
        runtime, engine = self._deserialised(trt, self._path)
        context, times_ms = profiled_context(trt, engine, self.model.name)
        tensors = tensors_of(trt, engine, context)
        for spec in self.inputs:
            if -1 in tensors.declared(spec.name):
                tensors.set_shape(spec.name, spec.shape)
        for name, address, _ in (*self._inputs, *self._outputs):
            tensors.bind(name, address)
        # What is loaded and chosen once is in none of the repetitions.
        for arrays in in_turn(inputs, WARM_UP_CALLS):
            self._execute(tensors, arrays)
        if not times_ms:
            raise NoProfile(f"TensorRT {trt.__version__} reports no layer of model {self.model.name!r} to its profiler")
        layers = Layers(information(trt, engine), self._onnx)
        measured = []
        for _ in range(repetitions):
            times_ms.clear()
            for arrays in in_turn(inputs, calls):
                self._execute(tensors, arrays)
            measured.append(per_inference(layers.operators(times_ms), calls))
        # In this order: what is made of an engine goes before it, and it before its runtime.
        del tensors, context, engine, runtime
        return OperatorProfile(tuple(measured), "TensorRT's IProfiler")

    def _execute(self, tensors: Tensors, arrays: Sequence[Array]) -> None:
        """One inference that ends before this returns, in the context of ``tensors``."""
        self._take(arrays)
        for _, address, host in self._inputs:
            self._cuda.copy_in(address, host, self._stream)
        self._cuda.synchronise(self._stream)
        self._require_run(tensors.execute())

    def _enqueue(self) -> None:
        self._require_run(self._tensors.enqueue(self._stream))

    def _require_run(self, was_run: bool) -> None:
        if not was_run:
            raise FrameworkError(
                f"tensorrt could not start an inference of model {self.model.name!r}; its messages are on standard "
                "error"
            )

    def _taken(self, arrays: Sequence[Array]) -> None:
        import numpy as np

        if tuple((array.shape, array.dtype) for array in arrays) != self._forms:
            given = ", ".join(f"{array.dtype} {list(array.shape)}" for array in arrays) or "nothing"
            wanted = ", ".join(f"{spec.name!r} {spec.dtype} {list(spec.shape)}" for spec in self.inputs)
            raise FrameworkError(f"model {self.model.name!r} takes {wanted}, but was given {given}")
        for (_, _, host), array in zip(self._inputs, arrays):
            np.copyto(host, array)

    def describe(self) -> EngineDescription:
        """What the builder and the engine said of themselves."""
        return self._description

    def placement(self) -> Optional[Mapping[str, int]]:
        """``GPU`` -> how many layers the engine has; with a DLA also ``DLA`` -> how many groups of layers run there.

        ``None`` of an engine file of the user's own.

        Raises:
            NoPlacement: the engine uses a DLA, and what built it did not say for which layers.
        """
        if self.placed is None and self.configuration.options[DLA_CORE] is not None:
            raise NoPlacement(
                f"the builder of TensorRT {self.configuration.version} did not say which layers run on the DLA"
            )
        return self.placed

    def close(self) -> None:
        """Free the context, the engine, all memory and the stream; the engine cannot infer afterwards."""
        self._take = closed
        self._held.close()
        self._inputs, self._outputs = [], []


def _specs_of(tensors: Tensors, path: str) -> Tuple[TensorSpec, ...]:
    """The engine's inputs, a free first size being a batch of one."""
    specs = []
    for name in tensors.inputs:
        first, *others = tensors.declared(name) or (1,)
        if any(size < 0 for size in others):
            raise FrameworkError(
                f"input {name!r} of {path} has free sizes: {[first, *others]}; give them with "
                f"Model(inputs=[TensorSpec({name!r}, shape=(...))])"
            )
        shape = (1 if first < 0 else first, *others) if tensors.declared(name) else ()
        specs.append(TensorSpec(name, shape, tensors.dtype(name)))
    return tuple(specs)
