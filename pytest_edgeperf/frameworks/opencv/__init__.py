"""OpenCV's DNN module on the CPU."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from typing import TYPE_CHECKING, Any, ClassVar, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, file_digest, version_of
from pytest_edgeperf.frameworks.formats import ONNX, SourceFormat
from pytest_edgeperf.frameworks.interface import (
    Engine,
    EngineConfiguration,
    EngineDescription,
    Framework,
    FrameworkError,
    Model,
    closed,
)
from pytest_edgeperf.frameworks.onnx_files import inputs_of, load, onnxruntime_version, with_fixed_shapes
from pytest_edgeperf.frameworks.opencv.conversion import CONVERTED, declared_shape, quantised, with_output_shapes
from pytest_edgeperf.frameworks.opencv.installed import DISTRIBUTIONS, UNKNOWN, release, version_at
from pytest_edgeperf.frameworks.opencv.layers import outputs_of, profile
from pytest_edgeperf.frameworks.opencv.network import Network, layers_of, require_precision_of_layers
from pytest_edgeperf.frameworks.opencv.two_files import (
    caffe_inputs,
    darknet_inputs,
    inputs_in_text,
    require_all_weights,
)
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, NoProfile, OperatorProfile
from pytest_edgeperf.frameworks.sources import best_source, existing, file_of, missing_source, obtain
from pytest_edgeperf.frameworks.stages import READ, stage

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

PROVIDER = "DNN_BACKEND_OPENCV/DNN_TARGET_CPU"
#: The formats in two files that it reads before release 5, in the order in which they are preferred to ONNX.
IN_TWO_FILES = {
    "darknet": SourceFormat("darknet", (".cfg",), companion=".weights"),
    "caffe": SourceFormat("caffe", (".prototxt",), companion=".caffemodel"),
}
#: A layer of OpenCV 4's graph that the graphs of release 5's own engine do not have.
CLASSIC_MARK = "__NetInputLayer__"


class OpenCv(Framework):
    """OpenCV's DNN module: its own backend on the CPU.

    It reads Darknet's ``.cfg`` and ``.weights`` (source ``darknet``) and Caffe's ``.prototxt`` and ``.caffemodel``
    (source ``caffe``, each a function that returns the two paths), before release 5, and ONNX. Outputs of the former
    come in the order of their layers in the file. Release 5 reads ONNX with its new engine, never with the old one
    in its place.

    int8 is a static quantisation by ONNX Runtime's tool into ONNX's QLinear operators, per channel, from a calibration
    set, built once in another process. OpenCV's own ``Net.quantize`` cannot be saved, so it would quantise in the
    process that is measured. Of a file with quantise and dequantise nodes (QDQ) OpenCV computes the layers in fp32,
    so a source ``onnx:int8`` of that kind is refused. There is no fp16: OpenCV for Linux accepts the target
    DNN_TARGET_CPU_FP16 and computes in fp32. Releases before 4.7 lack layers, mostly of int8 networks, and fail when
    they read or first run such a network.
    """

    name = "opencv"
    install_advice = "pip install 'pytest-edgeperf[opencv]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install 'opencv-python-headless<5' onnx onnxruntime==1.19.2 (on Python 3.8; CPU)",
        "jetpack-5": "pip install 'opencv-python-headless<5' onnx onnxruntime==1.19.2 (CPU; JetPack's own cv2 is found "
        "as well, an older release)",
    }
    precisions = ("fp32", "int8")
    formats = (ONNX, *IN_TWO_FILES.values())

    def version(self) -> Optional[str]:
        """The version in cv2's own files, its distribution's, or ``"unknown build"``; imports nothing."""
        try:
            spec = importlib.util.find_spec("cv2")
        except ValueError:
            # a module that was put in place without a specification
            spec = None
        if spec is None or not spec.origin:
            return None
        return version_at(spec.origin)

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision here, or ``None``; an unknown precision is an error."""
        reason = super().unable(precision)
        if precision == "fp16":
            return (
                "opencv has no fp16 on a CPU under Linux: it accepts the target DNN_TARGET_CPU_FP16, reports CPU_FP16, "
                "and computes in fp32"
            )
        return reason

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        source = self._source(model, precision)
        if source is None:
            given = [kind for kind in IN_TWO_FILES if kind in model.sources]
            if precision == "fp32" and given:
                return self._has_no_reader(model, given[0])
            return missing_source(model, ONNX)
        if source in IN_TWO_FILES:
            return None
        if version_of("onnx") is None:
            return "opencv needs the package onnx for an ONNX file's inputs and outputs: pip install onnx"
        if precision == "int8" and source == "onnx" and onnxruntime_version() is None:
            return "quantising a model to int8 for opencv needs ONNX Runtime's tool: pip install onnxruntime"
        return None

    def providers(self) -> Sequence[str]:
        """The targets of OpenCV's own backend in this build, by its names; engines use the CPU."""
        cv2 = self._runtime()
        names = {getattr(cv2.dnn, name): name for name in dir(cv2.dnn) if name.startswith("DNN_TARGET_")}
        targets = cv2.dnn.getAvailableTargets(cv2.dnn.DNN_BACKEND_OPENCV)
        return tuple(f"DNN_BACKEND_OPENCV/{names.get(int(target), target)}" for target in targets)

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Read the model's files, and set the process's number of threads.

        OpenCV has one number of threads for the process: it holds for all its engines.

        Raises:
            FrameworkError: the files cannot be read or are not those of each other or of ``model.inputs``, the layers
                are not in the precision, or OpenCV did not take the number of threads.
        """
        model, precision = configuration.model, configuration.precision
        cv2 = self._runtime()
        if PROVIDER not in self.providers():
            raise FrameworkError(f"opencv {self.version()} was asked for {PROVIDER} and has {self.providers()}")
        source = self._source(model, precision)
        assert source is not None
        # before reading, which computes as well
        set_threads(cv2, configuration.threads)
        try:
            if source in IN_TWO_FILES:
                network = self._in_two_files(cv2, model, source)
            else:
                network = self._onnx(cv2, model, source, precision)
            network.net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
            if network.engine != "new":
                # the new engine has the CPU only, and warns when a target is set
                network.net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
        except cv2.error as error:
            raise FrameworkError(
                f"opencv {self.version()} cannot load model {model.name!r}: {_message(error)}"
            ) from error
        require_precision_of_layers(network, precision)
        return OpenCvEngine(configuration, cv2, network, source)

    def _source(self, model: Model, precision: str) -> Optional[str]:
        """The key of the source to take, or ``None``."""
        if precision == "fp32" and not self._is_after_4():
            kind = next((kind for kind in IN_TWO_FILES if kind in model.sources), None)
            if kind is not None:
                return kind
        return best_source(model, "onnx", precision)

    def _is_after_4(self) -> bool:
        numbers = release(str(self.version()))
        return bool(numbers) and numbers[0] > 4

    def _has_no_reader(self, model: Model, kind: str) -> str:
        return (
            f"opencv {self.version()} cannot read model {model.name!r}: release 5 has no reader for the files of "
            f"{kind.capitalize()} any more; pip install 'opencv-python-headless<5', or add the source 'onnx'"
        )

    def _in_two_files(self, cv2: Any, model: Model, kind: str) -> Network:
        paths = obtain(model, kind)
        if not isinstance(paths, (tuple, list)) or len(paths) != 2:
            raise FrameworkError(
                f"model {model.name!r}: sources[{kind!r}] gave {paths!r}, not the paths of its two files"
            )
        files = tuple(existing(str(path), model) for path in paths)
        reader = getattr(cv2.dnn, {"darknet": "readNetFromDarknet", "caffe": "readNetFromCaffe"}[kind], None)
        if reader is None:
            raise FrameworkError(self._has_no_reader(model, kind))
        inputs = inputs_in_text(files[0], model, {"darknet": darknet_inputs, "caffe": caffe_inputs}[kind])
        try:
            with stage(READ):
                net = reader(*files)
        except cv2.error as error:
            raise FrameworkError(
                f"opencv {self.version()} cannot load {files[0]} with {files[1]}: {_message(error)}"
            ) from error
        if kind == "darknet":
            require_all_weights(net, inputs, files)
        # getUnconnectedOutLayersNames() has another order
        outputs = [net.getLayer(int(number)).name for number in sorted(_flat(net.getUnconnectedOutLayers()))]
        return Network(net, "classic", files, inputs, outputs, {}, None)

    def _onnx(self, cv2: Any, model: Model, source: str, precision: str) -> Network:
        path = file_of(model, source)
        inputs = inputs_of(path, model)
        for spec in inputs:
            if spec.dtype != "float32":
                raise FrameworkError(f"input {spec.name!r} of {path} is {spec.dtype}; opencv's inputs are float32")
        path = with_fixed_shapes(path, model, inputs)
        made: Optional[Built] = None
        if precision == "int8" and source == "onnx":
            made = quantised(model, path, inputs)
            path = str(made.folder / CONVERTED)
        path = with_output_shapes(path, model)
        asked = [cv2.dnn.ENGINE_NEW] if hasattr(cv2.dnn, "ENGINE_NEW") else []
        try:
            with stage(READ):
                net = cv2.dnn.readNetFromONNX(path, *asked)
        except cv2.error as error:
            raise FrameworkError(f"opencv {self.version()} cannot load {path}: {_message(error)}") from error
        engine = "classic" if CLASSIC_MARK in net.getLayerTypes() else "new"
        if asked and engine != "new":
            raise FrameworkError(
                f"opencv {self.version()} was asked for its new engine for {path} and gave the old one"
            )
        shapes = {value.name: declared_shape(value) for value in load(path).graph.output}
        # release 4 gives a vector as a column, and a number as a matrix
        restored = {i: shape for i, shape in enumerate(shapes.values()) if shape is not None and len(shape) < 2}
        return Network(net, engine, (path,), inputs, list(shapes), restored, made)

    def _runtime(self) -> Any:
        cv2 = self.imported("cv2", "reinstall it (opencv-python-headless needs no libGL)")
        if not hasattr(cv2, "dnn"):
            raise FrameworkError(f"opencv {self.version()} was built without its DNN module; {self.install_advice}")
        expected = str(self.version())
        if expected != UNKNOWN and release(expected) != release(cv2.__version__):
            raise FrameworkError(
                f"the files of opencv are of {expected}, but the imported cv2 is {cv2.__version__}: several "
                f"distributions overwrite each other; uninstall {', '.join(DISTRIBUTIONS)} and install one of them"
            )
        return cv2


class OpenCvEngine(Engine):
    """A net of OpenCV's DNN module."""

    def __init__(self, configuration: EngineConfiguration, cv2: Any, network: Network, source: str) -> None:
        import numpy as np

        super().__init__(configuration)
        self.inputs = network.inputs
        self.size_mib = network.size_mib
        self._cv2 = cv2
        self._about = {
            "engine": network.engine,
            "source": source,
            "model_sha256": _digest(network.files),
            **layers_of(network.net),
            **(network.made.describe() if network.made is not None else {}),
        }
        self._layers = sum(network.net.getLayersCount(kind) for kind in network.net.getLayerTypes())
        self._float32 = np.dtype(np.float32)
        # Without a name it is the only input: Darknet's has no name of its own.
        named = len(network.inputs) > 1
        self._feeds = [(spec.name if named else "", tuple(spec.shape)) for spec in network.inputs]
        self._outputs = network.outputs
        self._restored = network.restored
        self._net = network.net
        self._path = network.files[0] if source not in IN_TWO_FILES else None
        self._set_input = network.net.setInput
        self._forward = network.net.forward

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; the outputs are copies of OpenCV's buffers."""
        if len(arrays) != len(self._feeds):
            raise FrameworkError(f"{len(arrays)} arrays for the inputs {', '.join(spec.name for spec in self.inputs)}")
        for (name, shape), array in zip(self._feeds, arrays):
            # OpenCV would adapt the network to another size, and take integers for what they are not
            if array.shape != shape or array.dtype != self._float32:
                raise FrameworkError(
                    f"model {self.model.name!r} takes float32 {list(shape)}, not {array.dtype} {list(array.shape)}"
                )
            self._set_input(array, name)
        outputs = self._forward(self._outputs)
        if self._restored:
            return tuple(
                output.reshape(self._restored[i]) if i in self._restored else output for i, output in enumerate(outputs)
            )
        return tuple(outputs)

    def describe(self) -> EngineDescription:
        """What OpenCV says now of its threads and the processor; ``model_sha256`` (12 digits) is of all files."""
        return self.configuration.description(
            PROVIDER,
            self._cv2.getNumThreads(),
            parallel=_parallel_framework(self._cv2),
            optimised=self._cv2.useOptimized(),
            cpu_features=self._cv2.getCPUFeaturesLine(),
            **self._about,
        )

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """What the layers take, which OpenCV measures in every inference.

        Raises:
            NoProfile: the new engine of OpenCV 5 computed them, which does not.
        """
        if self._forward is closed:
            closed()
        if self._about["engine"] == "new":
            raise NoProfile(
                f"the new engine of opencv {self.configuration.version} does not report what each layer takes; "
                "OpenCV 4 does"
            )
        outputs = outputs_of(self._path) if self._path is not None else {}
        return profile(self, self._net, self._cv2.getTickFrequency() / 1e3, outputs, inputs, repetitions, calls)

    def placement(self) -> Mapping[str, int]:
        """The only backend and target -> how many layers the net has."""
        return {PROVIDER: self._layers}

    def close(self) -> None:
        """Free the net; the engine cannot infer afterwards."""
        self._net = None
        self._set_input = closed
        self._forward = closed


def set_threads(cv2: Any, threads: int) -> None:
    """Set the process's number of threads; raise FrameworkError where OpenCV has another then."""
    cv2.setNumThreads(threads)
    if cv2.getNumThreads() != threads:
        raise FrameworkError(
            f"opencv was asked for {threads} threads and gave {cv2.getNumThreads()}; "
            f"it was built with {_parallel_framework(cv2)} for threads"
        )


def _parallel_framework(cv2: Any) -> str:
    match = re.search(r"Parallel framework:\s*(\S.*)", cv2.getBuildInformation())
    return match.group(1).strip() if match else "none"


def _message(error: Exception) -> str:
    return " ".join(str(error).split())


def _flat(numbers: Any) -> List[int]:
    """Older releases give the numbers as a column."""
    import numpy as np

    return [int(number) for number in np.asarray(numbers).ravel()]


def _digest(files: Sequence[str]) -> str:
    if len(files) == 1:
        return file_digest(files[0])[:12]
    return hashlib.sha256("".join(map(file_digest, files)).encode()).hexdigest()[:12]
