"""ExecuTorch on the CPU, with XNNPACK."""

from __future__ import annotations

import gc
import os
import warnings
import weakref
from typing import TYPE_CHECKING, Any, ClassVar, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, file_digest, version_of
from pytest_edgeperf.frameworks.executorch.etdump import profiled
from pytest_edgeperf.frameworks.executorch.lowering import PROGRAM, lowered
from pytest_edgeperf.frameworks.executorch.program import METHOD, inspected, read_content
from pytest_edgeperf.frameworks.formats import SourceFormat
from pytest_edgeperf.frameworks.interface import (
    Engine,
    EngineConfiguration,
    EngineDescription,
    Framework,
    FrameworkError,
    Model,
    TensorSpec,
    closed,
)
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, OperatorProfile
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source
from pytest_edgeperf.frameworks.stages import READ, stage
from pytest_edgeperf.frameworks.torch.torchscript import TORCH

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

PORTABLE = "portable kernels"
#: The numbers by which a program gives the types of its inputs.
DTYPES = {
    0: "uint8",
    1: "int8",
    2: "int16",
    3: "int32",
    4: "int64",
    5: "float16",
    6: "float32",
    7: "float64",
    11: "bool",
}

#: Engines that are loaded in this process: they share one pool of threads.
_loaded: weakref.WeakSet[ExecuTorchEngine] = weakref.WeakSet()


class ExecuTorch(Framework):
    """ExecuTorch's runtime with what XNNPACK takes delegated to it.

    It reads the source ``torch``, which has to be a function of a module, or a ``functools.partial`` of one, because
    the program is built in another process: exported, lowered to XNNPACK and written to a ``.pte`` file. int8 is a
    static quantisation (PT2E, symmetric, weights per channel) from a calibration set; fp16 has weights and activations
    in half precision, with fp32 inputs and outputs. A program whose convolutions or linear layers XNNPACK did not take
    is refused, for the portable kernels are hundreds of times slower. A user's own ``.pte`` file is taken as it is; it
    must be in the precision asked for. ``describe`` lists what the program really holds.

    The runtime has one pool of threads for the process. It can be changed only while no engine is loaded.
    """

    name = "executorch"
    install_advice = "pip install 'pytest-edgeperf[executorch]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "not available: ExecuTorch needs Python 3.10, and JetPack 4 has 3.6",
        "jetpack-5": "not available: ExecuTorch needs Python 3.10, and JetPack 5 has 3.8",
    }
    precisions = ("fp32", "fp16", "int8")
    formats = (SourceFormat("executorch", (".pte",)), TORCH)

    def version(self) -> Optional[str]:
        """The installed version, read without importing it."""
        return version_of("executorch")

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        source = _source(model, precision)
        if source is None:
            return missing_source(model, TORCH)
        if source == "torch":
            if not model.inputs:
                return (
                    f"model {model.name!r}: a torch module does not know the shapes of its inputs; "
                    "give them with Model(inputs=[TensorSpec(name, shape=(...))])"
                )
            if precision == "int8" and version_of("torchao") is None:
                return "quantising a model for executorch needs the package torchao: pip install torchao"
        return None

    def providers(self) -> Sequence[str]:
        """The backends in this build of the runtime, whether they work here or not, and its own kernels."""
        runtime, _ = self._runtime()
        return (*runtime.backend_registry.registered_backend_names, PORTABLE)

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Load the model's program, built first where it must be, and set the size of the process's pool of threads.

        Raises:
            FrameworkError: the program cannot be built or loaded or is not in the precision, or other engines are
                loaded with another number of threads.
        """
        model, precision = configuration.model, configuration.precision
        path, content, made = self._program(model, precision)
        _require_precision_of(content, precision, path)
        runtime, bindings = self._runtime()
        missing = set(content["delegates"]) - set(runtime.backend_registry.registered_backend_names)
        if missing:
            raise FrameworkError(
                f"{path} is made for {', '.join(sorted(missing))}, which executorch {self.version()} lacks here"
            )
        _set_threads(bindings, configuration.threads)
        try:
            with stage(READ):
                program = runtime.load_program(path)
            if METHOD not in program.method_names:
                raise FrameworkError(
                    f"{path} has no method {METHOD!r}, only: {', '.join(sorted(program.method_names))}"
                )
            method = program.load_method(METHOD)
        except RuntimeError as error:
            raise FrameworkError(f"executorch {self.version()} cannot load {path}: {error}") from error
        return ExecuTorchEngine(configuration, bindings, method, path, content, made)

    def _program(self, model: Model, precision: str) -> Tuple[str, Mapping[str, Any], Optional[Built]]:
        """The program to load, what is in it, and how it was built if it was."""
        source = _source(model, precision)
        assert source is not None
        if source != "torch":
            path = file_of(model, source)
            return path, inspected(model, precision, path, self.version()), None
        made = lowered(model, precision)
        return str(made.folder / PROGRAM), read_content(made), made

    def _runtime(self) -> Tuple[Any, Any]:
        with warnings.catch_warnings():
            # It calls itself experimental; where warnings are errors, it could not be imported.
            warnings.simplefilter("ignore")
            bindings = self.imported("executorch.extension.pybindings.portable_lib")
            return self.imported("executorch.runtime").Runtime.get(), bindings


class ExecuTorchEngine(Engine):
    """A method of a program."""

    def __init__(
        self,
        configuration: EngineConfiguration,
        bindings: Any,
        method: Any,
        path: str,
        content: Mapping[str, Any],
        made: Optional[Built],
    ) -> None:
        import numpy as np
        import torch

        super().__init__(configuration)
        self.size_mib = os.path.getsize(path) / 2**20
        self.inputs = _resolve_inputs(method.metadata, self.model, path)
        self._output_dtypes = [dtype.replace("float16", "float32") for dtype in _outputs_of(method.metadata, path)]
        self._bindings = bindings
        self._path = path
        self._model_sha256 = file_digest(path)[:12]
        self._content = content
        self._made = made
        # The public method.execute copies the outputs with PyTorch, large ones on threads of PyTorch's own.
        self._execute = method._method
        self._from_numpy = torch.from_numpy
        self._contiguous = np.ascontiguousarray
        _loaded.add(self)

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; ExecuTorch checks their shapes and types.

        It silently reads an array whose channels lie last in memory as if they lay first, so that such an array is
        copied here.
        """
        try:
            outputs = self._execute(self._tensors(arrays), clone_outputs=False)
        except RuntimeError as error:
            raise FrameworkError(
                f"executorch cannot run {self.model.name!r} on {_listed(arrays)} (it takes {_listed(self.inputs)}): "
                f"{error}"
            ) from error
        # They lie in the runtime's own buffers; float16 comes back as float32.
        return tuple(tensor.numpy().astype(dtype) for tensor, dtype in zip(outputs, self._output_dtypes))

    def _tensors(self, arrays: Sequence[Array]) -> List[Any]:
        return [self._from_numpy(self._contiguous(array)) for array in arrays]

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """ExecuTorch's kernels and XNNPACK's operators, from the same program loaded with ETDump.

        Raises:
            NoProfile: this build of ExecuTorch records no events.
        """
        if self._execute is closed:
            closed()
        return profiled(self._bindings, self._path, self._tensors, inputs, repetitions, calls)

    def describe(self) -> EngineDescription:
        """What the program holds and the size of the pool of threads now; layers are counted by their precision."""
        return self.configuration.description(
            ", ".join(sorted(self._content["delegates"])) or PORTABLE,
            self._bindings._threadpool_get_thread_count(),
            delegates=sum(self._content["delegates"].values()),
            delegated_layers=dict(self._content["layers"]),
            portable_operators=dict(self._content["portable"]),
            model_sha256=self._model_sha256,
            **(self._made.describe() if self._made is not None else {}),
        )

    def placement(self) -> Mapping[str, int]:
        """Backend -> how many of its parts an inference calls, beside how many operators run on portable kernels."""
        portable = sum(self._content["portable"].values())
        return {**self._content["delegates"], **({PORTABLE: portable} if portable else {})}

    def close(self) -> None:
        """Free the program; the engine cannot infer afterwards."""
        self._execute = closed
        _loaded.discard(self)


def _source(model: Model, precision: str) -> Optional[str]:
    """A program in the precision, else the module, else a program whose precision only its content shows."""
    key = best_source(model, "executorch", precision)
    if key == "executorch" and precision != "fp32" and "torch" in model.sources:
        return "torch"
    return key or ("torch" if "torch" in model.sources else None)


def _set_threads(bindings: Any, threads: int) -> None:
    if not hasattr(bindings, "_threadpool_get_thread_count"):
        raise FrameworkError(
            "this release of executorch cannot report how many threads it uses; "
            "upgrade it: pip install --upgrade executorch"
        )
    if bindings._threadpool_get_thread_count() == threads:
        return
    if _loaded:
        # Engines that nobody holds any more may wait for the collector.
        gc.collect()
    if _loaded:
        raise FrameworkError(
            f"executorch has one pool of threads for the process: {len(_loaded)} engine(s) are loaded with "
            f"{bindings._threadpool_get_thread_count()} and {threads} were asked for; close them first"
        )
    bindings._unsafe_reset_threadpool(threads)
    if bindings._threadpool_get_thread_count() != threads:
        raise FrameworkError(
            f"executorch was asked for {threads} threads and gave {bindings._threadpool_get_thread_count()}"
        )


def _resolve_inputs(metadata: Any, model: Model, path: str) -> Tuple[TensorSpec, ...]:
    """The program's inputs, by the model's names where it has them; a program knows no names."""
    declared = []
    for position in range(metadata.num_inputs()):
        tensor = metadata.input_tensor_meta(position)
        dtype = _dtype(tensor, f"input {position} of {path}")
        declared.append(TensorSpec(f"input_{position}", tuple(tensor.sizes()), dtype))
    if not model.inputs:
        return tuple(declared)
    if [(spec.shape, spec.dtype) for spec in model.inputs] != [(spec.shape, spec.dtype) for spec in declared]:
        raise FrameworkError(
            f"model {model.name!r} says its inputs are {_listed(model.inputs)}, {path} has {_listed(declared)}"
        )
    return tuple(model.inputs)


def _outputs_of(metadata: Any, path: str) -> List[str]:
    """The numpy dtype names of the program's outputs."""
    return [
        _dtype(metadata.output_tensor_meta(position), f"output {position} of {path}")
        for position in range(metadata.num_outputs())
    ]


def _dtype(tensor: Any, what: str) -> str:
    if tensor.dtype() not in DTYPES:
        raise FrameworkError(f"{what} is of torch's type number {tensor.dtype()}, which numpy cannot hold")
    return DTYPES[tensor.dtype()]


def _listed(tensors: Sequence[Any]) -> str:
    return ", ".join(f"{tensor.dtype} {list(tensor.shape)}" for tensor in tensors) or "nothing"


def _require_precision_of(content: Mapping[str, Any], precision: str, path: str) -> None:
    """The program must compute in the precision, or it would be measured under a wrong name.

    A quantised program may keep some layers in fp32; ``describe`` says how many.
    """
    held = content["layers"] or content["tensors"]
    # Without layers, what goes in and out may be in fp32 at every precision.
    mixed = precision == "int8" or (precision == "fp16" and not content["layers"])
    if precision not in held if mixed else set(held) != {precision}:
        raise FrameworkError(f"{path} should be {precision}, but it computes in {', '.join(sorted(held)) or 'nothing'}")
