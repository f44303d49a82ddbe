"""TensorFlow Lite (LiteRT) on the CPU, or on a GPU by a delegate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, file_digest, version_of
from pytest_edgeperf.frameworks.formats import SourceFormat
from pytest_edgeperf.frameworks.interface import (
    Engine,
    EngineConfiguration,
    EngineDescription,
    Framework,
    FrameworkError,
    Model,
    NoPlacement,
    TensorSpec,
    closed,
)
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, NoProfile, OperatorProfile
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source
from pytest_edgeperf.frameworks.stages import READ, stage
from pytest_edgeperf.frameworks.tflite.conversion import CONVERTED, converted, missing_tool, quantised
from pytest_edgeperf.frameworks.tflite.graph import (
    Tensor,
    activations_of,
    delegated,
    dequantiser,
    in_order,
    inputs_of,
    kind_of,
    quantiser,
    signature_of,
    taken_operations,
    tensors_of,
)
from pytest_edgeperf.frameworks.tflite.profiler import profiled
from pytest_edgeperf.frameworks.torch.torchscript import TORCH

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

#: The variant, and the environment variable with the path of the GPU delegate's library.
ON_GPU = "gpu"
DELEGATE_VARIABLE = "EDGEPERF_TFLITE_GPU_DELEGATE"
#: What computes the operations that no delegate takes.
OWN_KERNELS = "built-in kernels"
DISTRIBUTIONS = ("ai-edge-litert", "tflite-runtime")


TFLITE = SourceFormat(
    "tflite", (".tflite",), remedy="convert it and add a function that returns the .tflite file's path"
)


class TfLite(Framework):
    """TensorFlow Lite on the CPU: ``ai-edge-litert``, or the older ``tflite-runtime`` where that is installed.

    A ``.tflite`` file is the source ``tflite``; without one, the source ``torch`` is converted by litert-torch, with
    inputs as the module has them (NCHW). fp16 is the file with weights stored in float16, which the CPU turns into
    float32 when it loads them; int8 is a static quantisation of weights (per channel) and activations, which keeps
    float32 inputs and outputs. Both are made from a float file by ai-edge-quantizer. These tools pin packages that
    others break on, so the environment variable ``EDGEPERF_LITERT_TORCH_PYTHON`` names the Python of an environment of
    theirs. A file that is in the precision already, as ``tflite`` or as ``tflite:int8``, is taken as it is; where its
    inputs and outputs are integers, the engine quantises and dequantises within the inference.

    As ``tflite:gpu`` the network is given to the GPU delegate, in fp32. No wheel for Linux contains it: the environment
    variable ``EDGEPERF_TFLITE_GPU_DELEGATE`` names its library, built from TensorFlow's sources
    (``libtensorflowlite_gpu_delegate.so``). What the delegate does not take runs on the CPU, without XNNPACK; a network
    of which it takes less than half is an error.

    The interpreter does not report its number of threads.
    """

    name = "tflite"
    install_advice = "pip install 'pytest-edgeperf[tflite]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install tflite-runtime==2.13.0 (for Python 3.8; ai-edge-litert has no wheel for it)",
        "jetpack-5": "pip install tflite-runtime==2.13.0 (for Python 3.8; ai-edge-litert has no wheel for it)",
        "jetpack-6": "pip install ai-edge-litert",
        "jetpack-7": "pip install ai-edge-litert",
        "raspberry-pi": "pip install ai-edge-litert (64-bit system; tflite-runtime==2.13.0 with Python 3.8)",
    }
    variants = (ON_GPU,)
    precisions = ("fp32", "fp16", "int8")
    formats = (TFLITE, TORCH)

    @property
    def processor(self) -> str:
        """``gpu`` as ``tflite:gpu``."""
        return "gpu" if self.variant == ON_GPU else "cpu"

    @property
    def offered(self) -> Tuple[str, ...]:
        """On a GPU fp32 only: the delegate computes so unless it is allowed to lose precision."""
        return ("fp32",) if self.variant == ON_GPU else self.precisions

    def unable(self, precision: str) -> Optional[str]:
        """Also ``tflite:gpu`` without the delegate's library."""
        reason = super().unable(precision)
        if reason is not None or self.variant != ON_GPU:
            return reason
        library = os.environ.get(DELEGATE_VARIABLE)
        if not library:
            return (
                "tflite:gpu needs the GPU delegate, which no wheel for Linux contains: build "
                f"libtensorflowlite_gpu_delegate.so from TensorFlow's sources, and set {DELEGATE_VARIABLE} to its path"
            )
        return None if os.path.isfile(library) else f"{DELEGATE_VARIABLE} names {library}, which is no file"

    def version(self) -> Optional[str]:
        """The installed version of ``ai-edge-litert`` or ``tflite-runtime``, read without importing it."""
        return next((version for version in map(version_of, DISTRIBUTIONS) if version is not None), None)

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error.

        A ``.tflite`` file is not opened, so whether it has to be quantised is only known when it is loaded.
        """
        reason = self.unable(precision)
        if reason is not None:
            return reason
        if best_source(model, "tflite", precision) is not None:
            return None
        if "torch" not in model.sources:
            return missing_source(model, TFLITE)
        missing = missing_tool("litert_torch")
        return f"converting model {model.name!r} from torch {missing}" if missing else None

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Load the model's file into an interpreter of so many threads, with XNNPACK where the build has it.

        Raises:
            FrameworkError: the conversion fails, the file cannot be loaded, is not in the precision, or has other
                inputs than ``model.inputs``.
        """
        model, precision = configuration.model, configuration.precision
        runtime = self._runtime()
        path, made = self._file(runtime, model, precision)
        interpreter = self._open(runtime, path, configuration.threads)
        kind = kind_of(interpreter)
        if kind != precision:
            raise FrameworkError(
                f"model {model.name!r} should be loaded as {precision}, but the tensors of {path} are {kind}"
            )
        pairs = inputs_of(interpreter, model, path)
        try:
            for tensor, spec in pairs:
                if tensor.shape != spec.shape:
                    interpreter.resize_tensor_input(tensor.index, list(spec.shape), strict=True)
            interpreter.allocate_tensors()
        except Exception as error:
            raise FrameworkError(f"{self._runtime_name()} cannot prepare {path}: {error}") from error
        if self.variant == ON_GPU:
            _require_on_gpu(interpreter, model, path)
        return TfLiteEngine(configuration, interpreter, path, pairs, made)

    def _file(self, runtime: Any, model: Model, precision: str) -> Tuple[str, Optional[Built]]:
        """The file to load, and how it was built if it was."""
        source = best_source(model, "tflite", precision)
        made: Optional[Built] = None
        if source is None:
            made = converted(model)
            path = str(made.folder / CONVERTED)
        else:
            path = file_of(model, source)
        if precision == "fp32" or source not in (None, "tflite"):
            return path, made
        interpreter = self._open(runtime, path, 1)
        if kind_of(interpreter) != "fp32":
            return path, made
        made = quantised(interpreter, model, precision, path)
        return str(made.folder / CONVERTED), made

    def _open(self, runtime: Any, path: str, threads: int) -> Any:
        delegation = self._delegation(runtime)
        try:
            with stage(READ):
                return runtime.Interpreter(model_path=path, num_threads=threads, **delegation)
        except Exception as error:
            raise FrameworkError(f"{self._runtime_name()} cannot load {path}: {error}") from error

    def _delegation(self, runtime: Any) -> Mapping[str, Any]:
        """How the interpreter gets the GPU delegate, and no other, so that what it took can be told."""
        if self.variant != ON_GPU:
            return {}
        library = os.environ[DELEGATE_VARIABLE]
        try:
            delegate = runtime.load_delegate(library)
        except (OSError, ValueError) as error:
            raise FrameworkError(
                f"{self._runtime_name()} cannot load the GPU delegate {library} ({error}); build it from the sources "
                "of this version, and check that OpenCL or OpenGL works on the GPU"
            ) from error
        alone = runtime.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        return {"experimental_delegates": [delegate], "experimental_op_resolver_type": alone}

    def _runtime_name(self) -> str:
        return f"{distribution()} {self.version()}"

    def _runtime(self) -> Any:
        package = "tflite_runtime" if distribution() == "tflite-runtime" else "ai_edge_litert"
        return self.imported(f"{package}.interpreter")


class TfLiteEngine(Engine):
    """An interpreter with its tensors allocated."""

    def __init__(
        self,
        configuration: EngineConfiguration,
        interpreter: Any,
        path: str,
        pairs: Sequence[Tuple[Tensor, TensorSpec]],
        made: Optional[Built],
    ) -> None:
        super().__init__(configuration)
        self.size_mib = os.path.getsize(path) / 2**20
        self.inputs = tuple(spec for _, spec in pairs)
        outputs = in_order(tensors_of(interpreter, "output"))
        self._path = path
        self._signature, _, _ = signature_of(interpreter)
        self._names = [tensor.names for tensor, _ in pairs]
        self._feeds = [(tensor.index, quantiser(tensor, spec)) for tensor, spec in pairs]
        self._fetches = [(tensor.index, dequantiser(tensor)) for tensor in outputs]
        self._interpreter = interpreter
        self._set_tensor = interpreter.set_tensor
        self._get_tensor = interpreter.get_tensor
        self._invoke = interpreter.invoke
        on_gpu = configuration.framework == f"{TfLite.name}:{ON_GPU}"
        self._on_gpu = on_gpu
        self._delegate = "GPU" if on_gpu else "XNNPACK"
        self._description = configuration.description(
            "gpu" if on_gpu else "cpu",
            configuration.threads,
            runtime=distribution(),
            **delegated(interpreter, self._delegate),
            activations=activations_of(interpreter),
            inputs=[tensor.dtype for tensor, _ in pairs],
            outputs=[tensor.dtype for tensor in outputs],
            quantised_by_adapter=any(convert is not None for _, convert in self._feeds),
            model_sha256=file_digest(path)[:12],
            **(made.describe() if made is not None else {}),
        )

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; the interpreter checks shapes and types."""
        if len(arrays) != len(self._feeds):
            raise FrameworkError(f"{len(arrays)} arrays for the inputs {', '.join(spec.name for spec in self.inputs)}")
        for (index, quantise), array in zip(self._feeds, arrays):
            self._set_tensor(index, array if quantise is None else quantise(array))
        self._invoke()
        return tuple(
            self._get_tensor(index) if dequantise is None else dequantise(self._get_tensor(index))
            for index, dequantise in self._fetches
        )

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """The operators of the same file in LiteRT's C library, with XNNPACK and as many threads.

        Python's interpreter has no profiler. An operator is called as XNNPACK calls its kernel, and timed in whole
        microseconds.

        Raises:
            NoProfile: on a GPU, or the installed package has no such library.
        """
        if self._interpreter is None:
            closed()
        if self._on_gpu:
            raise NoProfile(
                "tflite:gpu reports no operator times: no GPU delegate gives them to Python; its own profiling is in "
                "TensorFlow Lite's benchmark_model"
            )
        raw = [
            [
                (names, (array if quantise is None else quantise(array)).tobytes())
                for names, (_, quantise), array in zip(self._names, self._feeds, arrays)
            ]
            for arrays in inputs
        ]
        return profiled(self._path, self._signature, raw, self.configuration.threads, repetitions, calls)

    def describe(self) -> EngineDescription:
        """What the interpreter says; ``threads`` is what was asked for, which it does not report.

        ``delegated`` says how much of the graph XNNPACK took; ``activations`` the types that operations compute.
        """
        return self._description

    def placement(self) -> Mapping[str, int]:
        """The delegate, and the interpreter's own kernels -> how many operations of the graph each computes.

        Raises:
            NoPlacement: the interpreter of this release does not list them.
        """
        if self._interpreter is None:
            closed()
        taken, own = taken_operations(self._interpreter)
        if not own:
            raise NoPlacement(f"{distribution()} {self.configuration.version} does not list the graph's operations")
        counts = {self._delegate: taken, OWN_KERNELS: own - taken}
        return {name: operations for name, operations in counts.items() if operations}

    def close(self) -> None:
        """Free the interpreter; the engine cannot infer afterwards."""
        self._interpreter = None
        self._set_tensor = self._get_tensor = self._invoke = closed


def _require_on_gpu(interpreter: Any, model: Model, path: str) -> None:
    taken, own = taken_operations(interpreter)
    if 2 * taken < own or not taken:
        raise FrameworkError(
            f"model {model.name!r}: the GPU delegate took {taken} of the {own} operations of {path}; the others would "
            "run on the CPU"
        )


def distribution() -> str:
    """The installed distribution that brings the runtime."""
    return next((name for name in DISTRIBUTIONS if version_of(name) is not None), DISTRIBUTIONS[0])
