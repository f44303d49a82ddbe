"""TensorRT, by its Python bindings or by trtexec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Mapping, Optional, Protocol, Sequence, Tuple

from pytest_edgeperf.frameworks.building import version_of
from pytest_edgeperf.frameworks.formats import ONNX, SourceFormat
from pytest_edgeperf.frameworks.interface import EngineConfiguration, Framework
from pytest_edgeperf.frameworks.onnx_files import inputs_of
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source
from pytest_edgeperf.frameworks.tensorrt.bindings import Bindings
from pytest_edgeperf.frameworks.tensorrt.options import OPTIONS, dla_refusal

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Engine, Model, TensorSpec

TRTEXEC = "trtexec"
#: The source that is an engine of the user's.
ENGINE_FILE = "tensorrt"


class Driver(Protocol):
    """A way to build and run engines of TensorRT."""

    def version(self) -> Optional[str]:
        """TensorRT's version, or ``None`` where this way is not open; imports nothing heavy."""

    def missing(self) -> Optional[str]:
        """Why this way is not open, with the remedy, or ``None`` where it is."""

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision on this machine, or ``None``."""

    def unsupported(self, model: Model, precision: str, options: Mapping[str, Any]) -> Optional[str]:
        """Why it can build no engine of this model's ONNX file at a precision that runs here, or ``None``."""

    def load(self, configuration: EngineConfiguration, onnx: str, specs: Tuple[TensorSpec, ...]) -> Engine:
        """Build the engine of an ONNX file where the cache does not hold it, and load it."""

    def load_engine(self, configuration: EngineConfiguration, engine: str) -> Engine:
        """Load an engine of the user's, whose inputs are the model's, or are asked of the engine where it can be."""


class TensorRt(Framework):
    """TensorRT on an NVIDIA GPU or DLA: by its Python bindings where they are, else by ``trtexec``.

    ``tensorrt:trtexec`` takes trtexec in any case. Engines are built once, in another process, and kept under a key
    with TensorRT's version, the GPU and Jetson's release. Up to TensorRT 10 the precision is a flag of the builder,
    read back, and int8 is calibrated by TensorRT; from 11 on the file's types decide, so the file is converted: to
    float16, or quantised with nodes (QDQ). A source ``onnx:fp16``, ``onnx:bf16`` or ``onnx:int8`` is taken as it is,
    and so is a source ``tensorrt``: an engine of the user's (``.engine``, ``.plan``), which does not report its
    precision.

    The options (:data:`options.OPTIONS`) are the same for both. Without ``tensorrt.profile``, an engine with inputs of
    free size is built for the model's shapes.
    """

    name = "tensorrt"
    install_advice = "pip install tensorrt cuda-bindings 'pytest-edgeperf[tensorrt]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "use tensorrt:trtexec (sudo apt install libnvinfer-bin); TensorRT's bindings are for Python 3.6",
        "jetpack-5": (
            "sudo apt install python3-libnvinfer, in a venv made with --system-site-packages by the system's Python "
            "3.8: pip install pycuda 'pytest-edgeperf[onnxruntime]'"
        ),
        "jetpack-6": (
            "sudo apt install python3-libnvinfer, in a venv made with --system-site-packages by the system's Python "
            "3.10: pip install cuda-bindings==12.* 'pytest-edgeperf[onnxruntime]'"
        ),
        "jetpack-7": (
            "sudo apt install python3-libnvinfer, in a venv made with --system-site-packages by the system's Python "
            "3.12: pip install cuda-bindings==13.* 'pytest-edgeperf[onnxruntime]'"
        ),
        "raspberry-pi": "not available: TensorRT needs an NVIDIA GPU",
    }
    variants = (TRTEXEC,)
    precisions = ("fp32", "tf32", "fp16", "bf16", "int8")
    formats = (ONNX, SourceFormat(ENGINE_FILE, (".engine", ".plan")))
    options = OPTIONS

    @property
    def processor(self) -> str:
        """``gpu``; a DLA is asked for by the model."""
        return "gpu"

    def version(self) -> Optional[str]:
        """TensorRT's version as the driver finds it, without importing it here."""
        return self._driver().version()

    def unable(self, precision: str) -> Optional[str]:
        """Also where TensorRT or CUDA reports that this machine cannot."""
        reason = super().unable(precision)
        if reason is not None:
            return reason
        driver = self._driver()
        return driver.unable(precision) if driver.version() is not None else None

    def missing(self) -> Optional[str]:
        """Why neither the bindings nor trtexec can be used here, with the remedy, or ``None``."""
        driver = self._driver()
        if driver.version() is not None:
            return None
        return (driver.missing() if self.variant == TRTEXEC else None) or super().missing()

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        options = self.option_values(model)
        if best_source(model, ENGINE_FILE, precision) is not None:
            return None
        if best_source(model, "onnx", precision) is None:
            return missing_source(model, ONNX)
        if version_of("onnx") is None:
            return "building an engine for tensorrt needs the package onnx: pip install onnx"
        refusal = dla_refusal(options, precision)
        if refusal is not None:
            return refusal
        driver = self._driver()
        return driver.unsupported(model, precision, options) if driver.version() is not None else None

    def providers(self) -> Sequence[str]:
        """The GPU's name where the bindings are; trtexec does not report it beforehand."""
        driver = self._driver()
        return driver.providers() if isinstance(driver, Bindings) else ("gpu",)

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Build the model's engine where the cache does not hold it, and load it; one thread of the host drives it.

        Raises:
            FrameworkError: it cannot be built or loaded, or it is not as asked for.
        """
        model, precision = configuration.model, configuration.precision
        driver = self._driver()
        own = best_source(model, ENGINE_FILE, precision)
        if own is not None:
            return driver.load_engine(configuration, file_of(model, own))
        path = file_of(model, str(best_source(model, "onnx", precision)))
        return driver.load(configuration, path, inputs_of(path, model))

    def _driver(self) -> Driver:
        """The bindings if they are here and were not declined, else trtexec, which may not be here either."""
        bindings = Bindings()
        if self.variant != TRTEXEC and bindings.version() is not None:
            return bindings
        from pytest_edgeperf.frameworks.tensorrt.trtexec import TrtExec

        return TrtExec()
