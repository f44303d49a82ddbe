"""TensorRT by its Python bindings: 8.0 to 8.4 by numbered bindings, 8.5 and newer by named tensors."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from importlib import util
from pathlib import Path
from time import perf_counter_ns
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.caches import build_number, cache_folder
from pytest_edgeperf.frameworks.building import (
    Built,
    Calibration,
    built,
    calibration_of,
    file_digest,
    version_of,
)
from pytest_edgeperf.frameworks.cuda import Cuda, open_cuda
from pytest_edgeperf.frameworks.interface import DeviceTimed, Engine, FrameworkError, Model, TensorSpec, closed
from pytest_edgeperf.frameworks.mps import mps_active
from pytest_edgeperf.frameworks.onnx_files import digests_of
from pytest_edgeperf.frameworks.sources import best_source
from pytest_edgeperf.frameworks.tensorrt_building import ENGINE, QUANTISED, TOLD, dtype_of, import_tensorrt

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

#: Distributions whose version is that of the module ``tensorrt``; JetPack's packages are the first.
DISTRIBUTIONS = ("tensorrt", "tensorrt-cu13", "tensorrt-cu12", "tensorrt-cu11")
BUILDING = "pytest_edgeperf.frameworks.tensorrt_building"
#: Keys of ``Model.parameters``.
DLA_CORE = "tensorrt.dla_core"
PROFILE = "tensorrt.profile"
OPTIMISATION_LEVEL = "tensorrt.builder_optimization_level"
WORKSPACE_MIB = "tensorrt.workspace_mib"
WORKSPACE_MIB_DEFAULT = 1024
#: From this compute capability on a GPU has bf16 and tf32.
AMPERE = (8, 0)
L4T = Path("/etc/nv_tegra_release")
#: What numpy can hold of what an engine takes and gives.
_NUMPY = ("float32", "float16", "int8", "int32", "int64", "bool", "uint8")


class Gpu(NamedTuple):
    """What an engine is built for; another GPU or another system does not load it."""

    name: str
    compute_capability: Tuple[int, int]
    l4t: Optional[str]

    @classmethod
    def of(cls, cuda: Cuda) -> Gpu:
        """The device's, and the release of Jetson's system where this is one."""
        return cls(cuda.device_name(), cuda.compute_capability(), l4t_release())

    def key(self) -> Dict[str, Any]:
        """For an engine's hash."""
        return {"gpu": self.name, "compute_capability": "{}.{}".format(*self.compute_capability), "l4t": self.l4t}


class Bindings:
    """A driver of TensorRT: see :class:`tensorrt.Driver`."""

    def version(self) -> Optional[str]:
        """The version of the module ``tensorrt``, or ``None`` where there is none.

        Read from its metadata or its files. Only where neither tells is it imported, once, in a child process.
        """
        spec = util.find_spec("tensorrt")
        if spec is None or spec.origin is None:
            return None
        return next(filter(None, map(version_of, DISTRIBUTIONS)), None) or _version_in(spec.origin)

    def providers(self) -> Sequence[str]:
        """The GPU's name."""
        return (open_cuda().device_name(),)

    def unable(self, precision: str) -> Optional[str]:
        """Why no engine of the precision runs here, as CUDA and TensorRT's builder say; the latter in a child, once."""
        try:
            gpu, told = self._device()
        except FrameworkError as error:
            return f"tensorrt cannot run here: {error}"
        if not told["fast"].get(precision, True):
            return f"TensorRT {self.version()} says that {gpu.name} has no fast {precision}"
        if precision in ("tf32", "bf16") and gpu.compute_capability < AMPERE:
            return f"{gpu.name} has no {precision} (compute capability {gpu.key()['compute_capability']}; from 8.0)"
        if precision == "bf16" and not told["strongly_typed"] and "BF16" not in told["flags"]:
            return f"TensorRT {self.version()} has no bf16: its builder has no flag for it"
        return None

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why an ONNX source of the model cannot be built in a precision that runs here, or ``None``."""
        if best_source(model, "onnx", precision) == f"onnx:{precision}" or precision in ("fp32", "tf32"):
            return None
        _, told = self._device()
        if not _converts(told, precision):
            return None
        if precision == "bf16":
            return (
                f"TensorRT {self.version()} computes in the types of the file, and nothing here converts a file to bf16"
                "; export it in bf16: Model(sources={'onnx:bf16': ...})"
            )
        if _onnxruntime() is None:
            return (
                f"TensorRT {self.version()} computes in the types of the file, and ONNX Runtime, which converts it to "
                f"{precision}, is not installed: pip install onnxruntime"
            )
        return None

    def load(self, model: Model, precision: str, onnx: str, specs: Tuple[TensorSpec, ...]) -> Engine:
        """Build the engine of an ONNX file where the cache does not hold it, and load it.

        Raises:
            FrameworkError: it cannot be built or loaded, or is not what was asked for.
        """
        cuda = open_cuda()
        gpu, told = self._device(cuda)
        profile = _profile_of(model)
        if not model.inputs:
            specs = tuple(TensorSpec(s.name, _usual(profile, s), s.dtype) for s in specs)
        _require_within(profile, specs)
        path, converted, calibration = self._prepared(model, precision, onnx, specs, told)
        # What the cache of an earlier build holds would decide the tactics of the next.
        timed = _plain(self.version(), *map(str, gpu), *(["build", str(build_number())] if build_number() else []))
        timing_cache = cache_folder("tensorrt") / f"timing-{timed}.bin"
        made = built(
            f"{BUILDING}:build",
            model,
            precision,
            tools={"tensorrt": self.version()},
            arguments={
                "precision": precision,
                "inputs": [[spec.name, list(spec.shape), spec.dtype] for spec in specs],
                "profile": profile,
                "dla_core": _whole(model, DLA_CORE, None),
                "optimisation_level": _whole(model, OPTIMISATION_LEVEL, None),
                "workspace_mib": _whole(model, WORKSPACE_MIB, WORKSPACE_MIB_DEFAULT),
            },
            files={"onnx": path, "timing_cache": str(timing_cache)},
            source={**digests_of(path), **gpu.key()},
            calibration=calibration,
        )
        told = json.loads((made.folder / TOLD).read_text("utf-8"))
        described = {
            **(converted.describe() if converted is not None else {}),
            **made.describe(),
            "model_sha256": file_digest(onnx)[:12],
            "strongly_typed": told["strongly_typed"],
            "builder_flags": sorted(name for name, is_set in told["flags"].items() if is_set),
            "device_type": told["device_type"],
            "dla_core": told.get("dla_core"),
            "calibrator": told.get("calibrator"),
            "timing_cache": told["timing_cache"],
        }
        if "builder_optimization_level" in told:
            described["builder_optimization_level"] = told["builder_optimization_level"]
        return self._open(cuda, gpu, model, precision, str(made.folder / ENGINE), specs, described, told["outputs"])

    def missing(self) -> Optional[str]:
        """That there is no module ``tensorrt`` for this Python, or ``None``."""
        return None if self.version() is not None else "TensorRT's bindings are not installed for this Python"

    def load_engine(self, model: Model, precision: str, engine: str, specs: Tuple[TensorSpec, ...]) -> Engine:
        """Load an engine that the user built; its precision is the user's word, since an engine does not tell it.

        Without ``specs`` its inputs are those that it tells, a free first size being a batch of one.

        Raises:
            FrameworkError: this version on this GPU does not take it, or its inputs are not the model's.
        """
        cuda = open_cuda()
        described = {"engine_sha256": file_digest(engine)[:12], "precision_told_by": "the model"}
        return self._open(cuda, Gpu.of(cuda), model, precision, engine, specs, described, None)

    def _open(
        self,
        cuda: Cuda,
        gpu: Gpu,
        model: Model,
        precision: str,
        path: str,
        specs: Tuple[TensorSpec, ...],
        described: Mapping[str, Any],
        outputs: Optional[Mapping[str, str]],
    ) -> Engine:
        told = {
            "version": self.version(),
            "driver": "bindings",
            "precision": precision,
            "provider": gpu.name,
            "compute_capability": gpu.key()["compute_capability"],
            "cuda": f"{cuda.package} {cuda.version}",
            "threads": 1,
            "mps": mps_active(),
            **described,
        }
        return TensorRtEngine(cuda, path, model, precision, specs, outputs, told)

    def _device(self, cuda: Optional[Cuda] = None) -> Tuple[Gpu, Mapping[str, Any]]:
        """The GPU, and what the builder says of it."""
        gpu = Gpu.of(cuda or open_cuda())
        made = built(
            f"{BUILDING}:build_device",
            Model("tensorrt-device", {}),
            "any",
            tools={"tensorrt": self.version()},
            arguments={},
            source=gpu.key(),
        )
        told: Mapping[str, Any] = json.loads((made.folder / TOLD).read_text("utf-8"))
        return gpu, told

    def _prepared(
        self, model: Model, precision: str, onnx: str, specs: Tuple[TensorSpec, ...], told: Mapping[str, Any]
    ) -> Tuple[str, Optional[Built], Optional[Calibration]]:
        """The file to build from, how it was converted if it was, and what the builder is to calibrate with."""
        if best_source(model, "onnx", precision) == f"onnx:{precision}" or precision not in ("fp16", "int8"):
            return onnx, None, None
        examples = calibration_of(model, specs) if precision == "int8" else None
        if not _converts(told, precision):
            return onnx, None, examples
        tools = {"onnx": version_of("onnx"), "onnxruntime": _onnxruntime()}
        if precision == "fp16":
            converter = "pytest_edgeperf.frameworks.onnxruntime:build_fp16"
        else:
            converter = f"{BUILDING}:build_qdq"
        made = built(
            converter,
            model,
            precision,
            tools=tools,
            arguments={"inputs": [spec.name for spec in specs]} if precision == "int8" else {},
            files={"onnx": onnx},
            source=digests_of(onnx),
            calibration=examples,
        )
        return str(made.folder / QUANTISED), made, None


class _Tensors:
    """The inputs and outputs of an engine by name (8.5 and newer)."""

    api = "tensors"

    def __init__(self, trt: Any, engine: Any, context: Any) -> None:
        self._dims = trt.Dims
        self._engine = engine
        self._context = context
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        self.inputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
        self.outputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT]

    def dtype(self, name: str) -> str:
        return dtype_of(self._engine.get_tensor_dtype(name))

    def declared(self, name: str) -> Tuple[int, ...]:
        return tuple(self._engine.get_tensor_shape(name))

    def shape(self, name: str) -> Tuple[int, ...]:
        return tuple(self._context.get_tensor_shape(name))

    def set_shape(self, name: str, shape: Sequence[int]) -> bool:
        return bool(self._context.set_input_shape(name, self._dims(list(shape))))

    def bind(self, name: str, address: int) -> bool:
        return bool(self._context.set_tensor_address(name, address))

    def enqueue(self, stream: int) -> bool:
        return bool(self._context.execute_async_v3(stream))


class _NumberedBindings:
    """The inputs and outputs of an engine by number (8.0 to 8.4)."""

    api = "bindings"

    def __init__(self, trt: Any, engine: Any, context: Any) -> None:
        self._dims = trt.Dims
        self._engine = engine
        self._context = context
        # Each profile has all of them again; a context begins with the first.
        count = engine.num_bindings // max(1, engine.num_optimization_profiles)
        self._numbers = {engine.get_binding_name(number): number for number in range(count)}
        self._addresses = [0] * engine.num_bindings
        self.inputs = [name for name, number in self._numbers.items() if engine.binding_is_input(number)]
        self.outputs = [name for name in self._numbers if name not in self.inputs]

    def dtype(self, name: str) -> str:
        return dtype_of(self._engine.get_binding_dtype(self._numbers[name]))

    def declared(self, name: str) -> Tuple[int, ...]:
        return tuple(self._engine.get_binding_shape(self._numbers[name]))

    def shape(self, name: str) -> Tuple[int, ...]:
        return tuple(self._context.get_binding_shape(self._numbers[name]))

    def set_shape(self, name: str, shape: Sequence[int]) -> bool:
        return bool(self._context.set_binding_shape(self._numbers[name], self._dims(list(shape))))

    def bind(self, name: str, address: int) -> bool:
        self._addresses[self._numbers[name]] = address
        return True

    def enqueue(self, stream: int) -> bool:
        return bool(self._context.execute_async_v2(self._addresses, stream))


class TensorRtEngine(DeviceTimed):
    """An engine with a context, a stream and buffers of its own; every inference copies in, runs and copies out."""

    framework = "tensorrt"

    def __init__(
        self,
        cuda: Cuda,
        path: str,
        model: Model,
        precision: str,
        specs: Tuple[TensorSpec, ...],
        outputs: Optional[Mapping[str, str]],
        described: Mapping[str, Any],
    ) -> None:
        """Load the engine's file, make its context and take its memory.

        Raises:
            FrameworkError: one of these fails, or its inputs and outputs are not as asked; nothing is then held.
        """
        self.model = model
        self.precision = precision
        self.size_mib = os.path.getsize(path) / 2**20
        self._cuda = cuda
        self._held = ExitStack()
        try:
            self._open(path, specs, outputs)
        except BaseException as error:
            self._held.close()
            # Its frames would keep the context, and so its memory of the device.
            clear_frames(error.__traceback__)
            raise
        self._described = {
            "framework": self.framework,
            **described,
            "api": self._tensors.api,
            "inputs": {spec.name: f"{spec.dtype} {list(spec.shape)}" for spec in self.inputs},
            "outputs": {name: f"{host.dtype} {list(host.shape)}" for name, _, host in self._outputs},
        }

    def _open(self, path: str, specs: Tuple[TensorSpec, ...], outputs: Optional[Mapping[str, str]]) -> None:
        import numpy as np

        trt = import_tensorrt()
        logger = trt.Logger(trt.Logger.WARNING)
        trt.init_libnvinfer_plugins(logger, "")
        self._stream = self._cuda.stream()
        self._held.callback(self._cuda.destroy_stream, self._stream)
        engine = self._deserialised(trt, logger, path)
        start_ns = perf_counter_ns()
        context = engine.create_execution_context()
        if context is None:
            free_mib, total_mib = self._cuda.memory_mib()
            raise FrameworkError(
                f"TensorRT {trt.__version__} cannot make a context for {path}: {free_mib:.0f} of {total_mib:.0f} MiB "
                "of the device's memory are free; its own words are on standard error"
            )
        context_ns = perf_counter_ns() - start_ns
        tensors: Any = (_Tensors if hasattr(engine, "num_io_tensors") else _NumberedBindings)(trt, engine, context)
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

    def _deserialised(self, trt: Any, logger: Any, path: str) -> Any:
        runtime = trt.Runtime(logger)
        core = _whole(self.model, DLA_CORE, None)
        if core is not None:
            runtime.DLA_core = core
        engine = runtime.deserialize_cuda_engine(Path(path).read_bytes())
        if engine is None:
            raise FrameworkError(
                f"TensorRT {trt.__version__} cannot load {path}: it is no engine, or one of another version or for "
                "another GPU; its own words are on standard error"
            )
        # The engine does not keep it.
        self._runtime = runtime
        self._held.callback(self.__dict__.pop, "_runtime", None)
        return engine

    def _buffers(self, name: str) -> Tuple[str, int, Array]:
        """A tensor's name, its address on the device and its array in page-locked memory."""
        shape, dtype = self._tensors.shape(name), self._tensors.dtype(name)
        host = self._cuda.page_locked(shape, dtype)
        self._held.callback(self._cuda.free_page_locked, host)
        address = self._cuda.allocate(max(1, host.nbytes))
        self._held.callback(self._cuda.free, address)
        if not self._tensors.bind(name, address):
            raise FrameworkError(f"tensorrt does not take an address for {name!r}")
        return name, address, host

    def _require_inputs(self, tensors: Any, path: str) -> None:
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
                    f"input {spec.name!r}: the engine does not take the shape {list(spec.shape)}; its profile says "
                    f"which it takes ({PROFILE})"
                )

    def _require_outputs(self, tensors: Any, path: str, outputs: Optional[Mapping[str, str]]) -> None:
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
                    f"model {self.model.name!r} was to be loaded as {self.precision}, but its output {name!r} is "
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

    def _enqueue(self) -> None:
        if not self._tensors.enqueue(self._stream):
            raise FrameworkError(
                f"tensorrt could not start an inference of model {self.model.name!r}; its own words are on standard "
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

    def describe(self) -> Dict[str, Any]:
        """What the builder and the engine said of themselves."""
        return {**self._described, "framework": self.framework}

    def close(self) -> None:
        """Free the context, the engine, all memory and the stream; the engine cannot infer afterwards."""
        self._take = closed
        self._held.close()
        self._inputs, self._outputs = [], []


def l4t_release() -> Optional[str]:
    """The release of Jetson's system, such as ``35.4.1``, or ``None`` elsewhere."""
    try:
        text = L4T.read_text("utf-8", "replace")
    except OSError:
        return None
    found = re.search(r"R(\d+)[^,]*,\s*REVISION:\s*([\d.]+)", text)
    return f"{found.group(1)}.{found.group(2)}" if found else text.strip()[:40]


def _version_in(origin: str) -> Optional[str]:
    """The version of a module without metadata: from its text, else from an import in a child process."""
    for name in ("version.py", "_version.py", "__init__.py"):
        try:
            text = Path(origin).with_name(name).read_text("utf-8", "replace")
        except OSError:
            continue
        found = re.search(r"^__version__\s*=\s*[\"']([^\"']+)", text, re.MULTILINE)
        if found:
            return found.group(1)
    return _imported_version(origin)


@functools.lru_cache(maxsize=None)
def _imported_version(origin: str) -> Optional[str]:
    child = subprocess.run(
        [sys.executable, "-c", "import tensorrt; print(tensorrt.__version__)"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return child.stdout.strip() or None if child.returncode == 0 else None


def _onnxruntime() -> Optional[str]:
    return next(filter(None, map(version_of, ("onnxruntime", "onnxruntime-gpu"))), None)


def _converts(told: Mapping[str, Any], precision: str) -> bool:
    """Whether the file has to be converted, since the builder cannot be told the precision."""
    return bool(told["strongly_typed"]) or (precision == "int8" and not told["calibrates"])


def _whole(model: Model, key: str, default: Optional[int]) -> Optional[int]:
    value = model.parameters.get(key, default)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise FrameworkError(f"model {model.name!r}: {key} must be a whole number from 0, not {value!r}")
    return value


def _profile_of(model: Model) -> Dict[str, List[List[int]]]:
    """The model's least, usual and largest shape of each input of free size."""
    given = model.parameters.get(PROFILE, {})
    try:
        profile = {str(name): [[int(size) for size in shape] for shape in shapes] for name, shapes in given.items()}
    except (AttributeError, TypeError, ValueError):
        profile = {"": []}
    for shapes in profile.values():
        ordered = len(shapes) == 3 and len({len(shape) for shape in shapes}) == 1
        if not ordered or any(not 0 < least <= usual <= largest for least, usual, largest in zip(*shapes)):
            raise FrameworkError(
                f"model {model.name!r}: {PROFILE} must be {{input: (least, usual, largest) shapes}}, not {given!r}"
            )
    return profile


def _usual(profile: Mapping[str, Sequence[Sequence[int]]], spec: TensorSpec) -> Tuple[int, ...]:
    return tuple(profile[spec.name][1]) if spec.name in profile else spec.shape


def _require_within(profile: Mapping[str, Sequence[Sequence[int]]], specs: Sequence[TensorSpec]) -> None:
    for spec in specs:
        least, _, largest = profile.get(spec.name, [spec.shape] * 3)
        if len(least) != len(spec.shape) or any(not a <= b <= c for a, b, c in zip(least, spec.shape, largest)):
            raise FrameworkError(
                f"input {spec.name!r}: the shape {list(spec.shape)} is not between {list(least)} and {list(largest)} "
                f"of {PROFILE}"
            )


def _specs_of(tensors: Any, path: str) -> Tuple[TensorSpec, ...]:
    """The engine's inputs, a free first size being a batch of one."""
    found = []
    for name in tensors.inputs:
        first, *others = tensors.declared(name) or (1,)
        if any(size < 0 for size in others):
            raise FrameworkError(
                f"input {name!r} of {path} has free sizes: {[first, *others]}; say them with "
                f"Model(inputs=[TensorSpec({name!r}, shape=(...))])"
            )
        shape = (1 if first < 0 else first, *others) if tensors.declared(name) else ()
        found.append(TensorSpec(name, shape, tensors.dtype(name)))
    return tuple(found)


def _plain(*parts: Any) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(str(part) for part in parts))
