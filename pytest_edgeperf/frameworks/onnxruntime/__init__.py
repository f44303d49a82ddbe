"""ONNX Runtime on the CPU, or on a GPU by its CUDA or TensorRT provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, version_of
from pytest_edgeperf.frameworks.formats import ONNX
from pytest_edgeperf.frameworks.interface import Engine, EngineConfiguration, Framework, FrameworkError, Model
from pytest_edgeperf.frameworks.onnxruntime.conversion import CONVERTED, converted, require_marks
from pytest_edgeperf.frameworks.onnxruntime.session import (
    CPU_NODES,
    CUDA,
    DISABLED_OPTIMIZERS,
    PROVIDERS,
    TENSORRT,
    Loading,
    OnnxRuntimeEngine,
)
from pytest_edgeperf.frameworks.options import Option, names, true_or_false
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source

if TYPE_CHECKING:
    pass

DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu")


class OnnxRuntime(Framework):
    """ONNX Runtime with its CPU provider; as ``onnxruntime:cuda`` or ``onnxruntime:tensorrt`` with that and no other.

    On a GPU, a node that would run on the CPU is an error unless the option ``onnxruntime.cpu_nodes`` allows it.
    With the TensorRT provider, nodes that TensorRT lacks run with CUDA; its engines are built in another process.

    fp16 is the file converted by ONNX Runtime's own tool, with fp32 inputs and outputs; most CPUs compute it in fp32
    between casts. int8 is a static quantisation with quantise and dequantise nodes (QDQ), per channel, from a
    calibration set. Both are built once, in another process. A source ``onnx:fp16`` or ``onnx:int8`` is taken as
    it is. The option ``onnxruntime.disabled_optimizers`` switches off graph optimisers by name, such as
    ``["Pad_Fusion"]`` (which in some releases gives wrong outputs for a zero ``Pad`` before a ``MaxPool``). ONNX
    Runtime silently ignores names that it does not know, so they cannot be verified.
    """

    name = "onnxruntime"
    install_advice = "pip install 'pytest-edgeperf[onnxruntime]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install onnx onnxruntime==1.19.2 (the last for Python 3.8; CPU)",
        "jetpack-5": "pip install onnx onnxruntime==1.19.2 (the last for Python 3.8; CPU)",
    }
    variants = (CUDA, TENSORRT)
    precisions = ("fp32", "fp16", "int8")
    formats = (ONNX,)
    options = (
        Option(DISABLED_OPTIMIZERS, "graph optimisers to switch off, by their names", names, ()),
        Option(CPU_NODES, "whether nodes may run on the CPU beside a GPU", true_or_false, False),
    )

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
            return missing_source(model, ONNX)
        if source == "onnx" and precision != "fp32" and version_of("onnx") is None:
            return f"converting a model to {precision} needs the package onnx: pip install onnx"
        return None

    def providers(self) -> Sequence[str]:
        """What this build of ONNX Runtime has, whether it works here or not."""
        return tuple(self.imported("onnxruntime").get_available_providers())

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Load the model's ONNX file into a session of so many threads that do not spin between calls.

        Raises:
            FrameworkError: the file cannot be loaded, its inputs are not those of ``model.inputs`` or stay dynamic, or
                the session is not as it was asked for.
        """
        ort = self.imported("onnxruntime")
        provider = PROVIDERS[self.variant]
        self._require_provider(ort, provider)
        # TensorRT chooses fp16 itself, from the file in fp32.
        precision = configuration.precision
        file_precision = "fp32" if self.variant == TENSORRT and precision == "fp16" else precision
        path, made = self.file(configuration.model, file_precision)
        loading = Loading(ort, configuration, path, made)
        if self.variant is None:
            return OnnxRuntimeEngine(loading, loading.session([provider]))
        from pytest_edgeperf.frameworks.onnxruntime import gpu

        return gpu.load(loading, self.variant)

    def _require_provider(self, ort: Any, provider: str) -> None:
        available = ort.get_available_providers()
        if provider not in available:
            raise FrameworkError(
                f"{self.full_name} was asked for, but this build of ONNX Runtime {self.version()} has no {provider}, "
                f"only {', '.join(available)}; install onnxruntime-gpu in place of onnxruntime, never beside it"
            )

    def file(self, model: Model, precision: str) -> Tuple[str, Optional[Built]]:
        """The ONNX file to load, and how it was built if it was."""
        source = best_source(model, "onnx", precision)
        assert source is not None
        path = file_of(model, source)
        if precision in ("fp32", "tf32"):
            return path, None
        if source != "onnx":
            require_marks(path, precision)
            return path, None
        made = converted(model, precision, path, self.version(), symmetric=self.variant == TENSORRT)
        return str(made.folder / CONVERTED), made
