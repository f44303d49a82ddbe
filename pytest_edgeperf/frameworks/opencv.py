"""OpenCV's DNN module on the CPU."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import mmap
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

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
from pytest_edgeperf.frameworks.onnx_files import (
    digests_of,
    inputs_of,
    load,
    quantise,
    size_mib_of,
    with_fixed_shapes,
)
from pytest_edgeperf.frameworks.sources import best_source, existing, file_of, missing_source, obtain

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

#: They all bring the one package cv2, and lie over one another where several are installed.
DISTRIBUTIONS = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)
ONNX_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
UNKNOWN = "unknown build"
PROVIDER = "DNN_BACKEND_OPENCV/DNN_TARGET_CPU"
#: The formats in two files that it reads before release 5, in the order in which they are preferred to ONNX.
IN_TWO_FILES = ("darknet", "caffe")
CONVERTED = "model.onnx"
#: A layer of OpenCV 4's graph that the graphs of release 5's own engine do not have.
CLASSIC_MARK = "__NetInputLayer__"
#: Layers that take nearly all the time, and whose names end in "Int8" where OpenCV computes them so.
HEAVY = ("Conv", "InnerProduct", "MatMul", "Gemm")
#: How the shared library that an extension module needs tells its release: "4.5", or "406" for 4.6.
SONAME = re.compile(rb"libopencv_core\.so\.(\d+)(?:\.(\d+))?")
BUILT_IN = re.compile(rb"General configuration for OpenCV (\d+\.\d+\.\d+)")


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
    DNN_TARGET_CPU_FP16 and computes in fp32. Releases before 4.7 lack layers, most of all of int8 networks, and say so
    when they read or first infer one.
    """

    name = "opencv"
    install_advice = "pip install 'pytest-edgeperf[opencv]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install 'opencv-python-headless<5' onnx onnxruntime==1.19.2 (on Python 3.8; CPU)",
        "jetpack-5": "pip install 'opencv-python-headless<5' onnx onnxruntime==1.19.2 (CPU; JetPack's own cv2 is found "
        "as well, an older release)",
    }
    precisions = ("fp32", "int8")

    def version(self) -> Optional[str]:
        """The version that cv2's own files tell, its distribution's, or ``"unknown build"``; imports nothing."""
        try:
            spec = importlib.util.find_spec("cv2")
        except ValueError:
            # a module that was put in place without a specification
            spec = None
        if spec is None or not spec.origin:
            return None
        return _version_at(spec.origin)

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision here, or ``None``; an unknown precision is an error."""
        reason = super().unable(precision)
        if precision == "fp16":
            return (
                "opencv has no fp16 on a CPU under Linux: it accepts the target DNN_TARGET_CPU_FP16, says CPU_FP16, "
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
            return missing_source(model, "onnx")
        if source in IN_TWO_FILES:
            return None
        if version_of("onnx") is None:
            return "opencv needs the package onnx for an ONNX file's inputs and outputs: pip install onnx"
        if precision == "int8" and source == "onnx" and _onnxruntime() is None:
            return "quantising a model to int8 for opencv needs ONNX Runtime's tool: pip install onnxruntime"
        return None

    def providers(self) -> Sequence[str]:
        """The targets of OpenCV's own backend in this build, by its names; engines use the CPU."""
        cv2 = self._runtime()
        names = {getattr(cv2.dnn, name): name for name in dir(cv2.dnn) if name.startswith("DNN_TARGET_")}
        targets = cv2.dnn.getAvailableTargets(cv2.dnn.DNN_BACKEND_OPENCV)
        return tuple(f"DNN_BACKEND_OPENCV/{names.get(int(target), target)}" for target in targets)

    def load(self, model: Model, *, precision: str = "fp32", threads: int = 1) -> Engine:
        """Read the model's files, and set the process's number of threads.

        OpenCV has one number of threads for the process: it holds for all its engines.

        Raises:
            FrameworkError: not installed, unsupported, the files cannot be read or are not those of each other or of
                ``model.inputs``, the layers are not in the precision, or OpenCV did not take the number of threads.
        """
        reason = self.unsupported(model, precision)
        if reason is not None:
            raise FrameworkError(reason)
        require_threads(threads)
        cv2 = self._runtime()
        if PROVIDER not in self.providers():
            raise FrameworkError(f"opencv {self.version()} was asked for {PROVIDER} and has {self.providers()}")
        source = self._source(model, precision)
        assert source is not None
        # before reading, which computes as well
        _set_threads(cv2, threads)
        try:
            if source in IN_TWO_FILES:
                network = self._in_two_files(cv2, model, source)
            else:
                network = self._onnx(cv2, model, source, precision)
            network.net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
            if network.engine != "new":
                # the new engine has the CPU only, and warns when it is told so
                network.net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
        except cv2.error as error:
            raise FrameworkError(f"opencv {self.version()} cannot load model {model.name!r}: {_said(error)}") from error
        _require_precision_of_layers(network, precision)
        return OpenCvEngine(cv2, network, model, precision, str(self.version()), source)

    def _source(self, model: Model, precision: str) -> Optional[str]:
        """The key of the source to take, or ``None``."""
        if precision == "fp32" and not self._is_after_4():
            kind = next((kind for kind in IN_TWO_FILES if kind in model.sources), None)
            if kind is not None:
                return kind
        return best_source(model, "onnx", precision)

    def _is_after_4(self) -> bool:
        release = _release(str(self.version()))
        return bool(release) and release[0] > 4

    def _has_no_reader(self, model: Model, kind: str) -> str:
        return (
            f"opencv {self.version()} cannot read model {model.name!r}: release 5 has no reader for the files of "
            f"{kind.capitalize()} any more; pip install 'opencv-python-headless<5', or add the source 'onnx'"
        )

    def _in_two_files(self, cv2: Any, model: Model, kind: str) -> _Network:
        found = obtain(model, kind)
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise FrameworkError(
                f"model {model.name!r}: sources[{kind!r}] gave {found!r}, not the paths of its two files"
            )
        files = tuple(existing(str(path), model) for path in found)
        reader = getattr(cv2.dnn, {"darknet": "readNetFromDarknet", "caffe": "readNetFromCaffe"}[kind], None)
        if reader is None:
            raise FrameworkError(self._has_no_reader(model, kind))
        inputs = _inputs_in_text(files[0], model, {"darknet": _darknet_inputs, "caffe": _caffe_inputs}[kind])
        try:
            net = reader(*files)
        except cv2.error as error:
            raise FrameworkError(
                f"opencv {self.version()} cannot load {files[0]} with {files[1]}: {_said(error)}"
            ) from error
        if kind == "darknet":
            _require_all_weights(net, inputs, files)
        # getUnconnectedOutLayersNames() has another order
        outputs = [net.getLayer(int(number)).name for number in sorted(_flat(net.getUnconnectedOutLayers()))]
        return _Network(net, "classic", files, inputs, outputs, {}, None)

    def _onnx(self, cv2: Any, model: Model, source: str, precision: str) -> _Network:
        path = file_of(model, source)
        inputs = inputs_of(path, model)
        for spec in inputs:
            if spec.dtype != "float32":
                raise FrameworkError(f"input {spec.name!r} of {path} is {spec.dtype}; opencv's inputs are float32")
        path = with_fixed_shapes(path, model, inputs)
        made: Optional[Built] = None
        if precision == "int8" and source == "onnx":
            made = built(
                f"{__name__}:build_int8",
                model,
                precision,
                tools={"onnx": version_of("onnx"), "onnxruntime": _onnxruntime()},
                arguments={"inputs": [spec.name for spec in inputs]},
                files={"onnx": path},
                source=digests_of(path),
                calibration=calibration_of(model, inputs),
            )
            path = str(made.folder / CONVERTED)
        path = _with_output_shapes(path, model)
        asked = [cv2.dnn.ENGINE_NEW] if hasattr(cv2.dnn, "ENGINE_NEW") else []
        try:
            net = cv2.dnn.readNetFromONNX(path, *asked)
        except cv2.error as error:
            raise FrameworkError(f"opencv {self.version()} cannot load {path}: {_said(error)}") from error
        engine = "classic" if CLASSIC_MARK in net.getLayerTypes() else "new"
        if asked and engine != "new":
            raise FrameworkError(
                f"opencv {self.version()} was asked for its new engine for {path} and gave the old one"
            )
        shapes = {value.name: _declared_shape(value) for value in load(path).graph.output}
        # release 4 gives a vector as a column, and a number as a matrix
        restored = {i: shape for i, shape in enumerate(shapes.values()) if shape is not None and len(shape) < 2}
        return _Network(net, engine, (path,), inputs, list(shapes), restored, made)

    def _runtime(self) -> Any:
        cv2 = self.imported("cv2", "reinstall it (opencv-python-headless needs no libGL)")
        if not hasattr(cv2, "dnn"):
            raise FrameworkError(f"opencv {self.version()} was built without its DNN module; {self.install_advice}")
        told = str(self.version())
        if told != UNKNOWN and _release(told) != _release(cv2.__version__):
            raise FrameworkError(
                f"the files of opencv say {told}, but the cv2 that is imported says {cv2.__version__}: several "
                f"distributions lie over one another; uninstall {', '.join(DISTRIBUTIONS)} and install one of them"
            )
        return cv2


class _Network(NamedTuple):
    """What was read: the net, by which of its engines, from which files, and its inputs and outputs."""

    net: Any
    engine: str
    files: Tuple[str, ...]
    inputs: Tuple[TensorSpec, ...]
    outputs: List[str]
    #: Position of an output -> the shape that it has in the model and not in OpenCV.
    restored: Mapping[int, Tuple[int, ...]]
    made: Optional[Built]

    @property
    def size_mib(self) -> float:
        """What its files take, an ONNX file's weight files included."""
        if len(self.files) == 1:
            return size_mib_of(self.files[0])
        return sum(map(os.path.getsize, self.files)) / 2**20


class OpenCvEngine(Engine):
    """A net of OpenCV's DNN module."""

    framework = OpenCv.name

    def __init__(self, cv2: Any, network: _Network, model: Model, precision: str, version: str, source: str) -> None:
        import numpy as np

        self.model = model
        self.precision = precision
        self.inputs = network.inputs
        self.size_mib = network.size_mib
        self._cv2 = cv2
        self._about = {
            "engine": network.engine,
            "source": source,
            "model_sha256": _digest(network.files),
            **_layers_of(network.net),
            **(network.made.describe() if network.made is not None else {}),
        }
        self._version = version
        self._float32 = np.dtype(np.float32)
        # Without a name it is the only input: Darknet's has no name of its own.
        named = len(network.inputs) > 1
        self._feeds = [(spec.name if named else "", tuple(spec.shape)) for spec in network.inputs]
        self._outputs = network.outputs
        self._restored = network.restored
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

    def describe(self) -> Dict[str, Any]:
        """What OpenCV says now of its threads and the processor; ``model_sha256`` (12 digits) is of all files."""
        return {
            "framework": self.framework,
            "version": self._version,
            "precision": self.precision,
            "provider": PROVIDER,
            "threads": self._cv2.getNumThreads(),
            "parallel": _parallel_framework(self._cv2),
            "optimised": self._cv2.useOptimized(),
            "cpu_features": self._cv2.getCPUFeaturesLine(),
            **self._about,
        }

    def close(self) -> None:
        """Free the net; the engine cannot infer afterwards."""
        self._set_input = closed
        self._forward = closed


def build_int8(folder: Path, onnx: str, inputs: Sequence[str], calibration: str) -> None:
    """Write the model quantised to 8 bits in ONNX's QLinear operators, the only ones that OpenCV computes in int8.

    ``inputs`` names those of an example, in its order.
    """
    quantise(onnx, folder, CONVERTED, inputs, calibration, "QOperator")


def build_shaped(folder: Path, onnx: str) -> None:
    """Write the model with the shapes of its outputs, as they follow from its inputs'."""
    import onnx as package

    package.save(package.shape_inference.infer_shapes(package.load(onnx)), str(folder / CONVERTED))


def _with_output_shapes(path: str, model: Model) -> str:
    """The file itself, or a copy whose outputs have the shapes without which OpenCV 4 does not read it; cached."""
    if all(value.type.tensor_type.HasField("shape") for value in load(path).graph.output):
        return path
    made = built(
        f"{__name__}:build_shaped",
        model,
        "fp32",
        tools={"onnx": version_of("onnx")},
        arguments={},
        files={"onnx": path},
        source=digests_of(path),
    )
    return str(made.folder / CONVERTED)


def _declared_shape(value: Any) -> Optional[Tuple[int, ...]]:
    """An ONNX output's shape, or ``None`` where it is not known in full."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    shape = tuple(dimension.dim_value for dimension in tensor.shape.dim)
    return shape if all(size > 0 for size in shape) else None


def _inputs_in_text(path: str, model: Model, read: Any) -> Tuple[TensorSpec, ...]:
    """The inputs that Darknet's or Caffe's description names; they must fit the model's own."""
    with open(path, encoding="utf-8", errors="replace") as file:
        found: Tuple[TensorSpec, ...] = read(file.read())
    if not found and not model.inputs:
        raise FrameworkError(
            f"{path} does not tell the size of its inputs; say it with Model(inputs=[TensorSpec(name, shape=(...))])"
        )
    if not found or not model.inputs:
        return tuple(model.inputs) or found
    # The only input is set without its name; several are set by theirs, in the model's order.
    wanted = {spec.name if len(found) > 1 else "": (tuple(spec.shape), spec.dtype) for spec in model.inputs}
    if wanted != {spec.name if len(found) > 1 else "": (spec.shape, spec.dtype) for spec in found}:
        raise FrameworkError(
            f"model {model.name!r} has the inputs {_shapes(model.inputs)}, but {path} has {_shapes(found)}"
        )
    return tuple(model.inputs)


def _shapes(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{spec.name} {spec.dtype} {list(spec.shape)}" for spec in specs)


def _darknet_inputs(text: str) -> Tuple[TensorSpec, ...]:
    """One image of the size in the ``[net]`` section."""
    section = re.search(r"^\s*\[net(?:work)?\]([^\[]*)", text, re.MULTILINE)
    sizes = dict(re.findall(r"^\s*(channels|height|width)\s*=\s*(\d+)", section.group(1) if section else "", re.M))
    if len(sizes) < 3:
        return ()
    return (TensorSpec("images", (1, int(sizes["channels"]), int(sizes["height"]), int(sizes["width"]))),)


def _caffe_inputs(text: str) -> Tuple[TensorSpec, ...]:
    """The ``input`` fields or ``Input`` layers with their shapes."""
    text = re.sub(r"#[^\n]*", "", text)
    names = re.findall(r'^\s*input\s*:\s*"([^"]+)"', text, re.MULTILINE)
    if not names:
        layers = re.split(r"\blayer\s*\{", text)[1:]
        tops = [re.search(r'\btop\s*:\s*"([^"]+)"', one) for one in layers if re.search(r'type\s*:\s*"Input"', one)]
        names = [top.group(1) for top in tops if top is not None]
    blocks = re.findall(r"\binput_(?:shape|param)\s*:?\s*\{([^{}]*(?:\{[^{}]*\})?[^{}]*)\}", text)
    shapes = [tuple(int(size) for size in re.findall(r"\bdim\s*:\s*(\d+)", block)) for block in blocks]
    if not shapes:
        sizes = [int(size) for size in re.findall(r"\binput_dim\s*:\s*(\d+)", text)]
        shapes = [tuple(sizes[start : start + 4]) for start in range(0, len(sizes), 4)]
    if len(names) != len(shapes) or not all(shapes):
        return ()
    return tuple(TensorSpec(name, shape) for name, shape in zip(names, shapes))


def _require_all_weights(net: Any, inputs: Sequence[TensorSpec], files: Tuple[str, ...]) -> None:
    """OpenCV takes whatever memory holds for the weights that a file lacks, and leaves the rest of a longer one."""
    cfg, path = files
    with open(path, "rb") as file:
        start = file.read(8)
    major, minor = (int.from_bytes(start[i : i + 4], "little", signed=True) for i in (0, 4))
    header = 20 if major * 10 + minor >= 2 else 16
    needed, _ = net.getMemoryConsumption(list(inputs[0].shape))
    # the anchors of [yolo] and [region] come from the .cfg
    for number in range(1, len(net.getLayerNames()) + 1):
        layer = net.getLayer(number)
        if layer.type == "Region":
            needed -= sum(blob.nbytes for blob in layer.blobs)
    there = os.path.getsize(path)
    if there != header + needed:
        raise FrameworkError(
            f"{path} has {there} bytes, but {cfg} describes {header + needed}: it is not whole, or another network's"
        )


def _layers_of(net: Any) -> Dict[str, int]:
    """How many layers take most of the time, and how many of these OpenCV computes in int8."""
    heavy = {kind: net.getLayersCount(kind) for kind in net.getLayerTypes() if kind.startswith(HEAVY)}
    return {
        "heavy_layers": sum(heavy.values()),
        "int8_layers": sum(count for kind, count in heavy.items() if kind.endswith("Int8")),
    }


def _require_precision_of_layers(network: _Network, precision: str) -> None:
    told = _layers_of(network.net)
    path = network.files[0]
    if precision == "int8" and not told["int8_layers"]:
        raise FrameworkError(
            f"{path} was to be int8, but opencv computes none of its {told['heavy_layers']} convolutions and matrix "
            "products so: of a file with QuantizeLinear and DequantizeLinear around them it computes them in fp32; "
            "give one in QLinear operators (QuantFormat.QOperator), or only the source 'onnx', which is then quantised"
        )
    if precision == "fp32" and told["int8_layers"]:
        raise FrameworkError(
            f"{path} was to be fp32, but opencv computes {told['int8_layers']} of its layers in int8: the file is "
            "quantised; ask for int8"
        )


def _set_threads(cv2: Any, threads: int) -> None:
    cv2.setNumThreads(threads)
    if cv2.getNumThreads() != threads:
        raise FrameworkError(
            f"opencv was asked for {threads} threads and gave {cv2.getNumThreads()}; "
            f"it was built with {_parallel_framework(cv2)} for threads"
        )


def _parallel_framework(cv2: Any) -> str:
    found = re.search(r"Parallel framework:\s*(\S.*)", cv2.getBuildInformation())
    return found.group(1).strip() if found else "none"


def _said(error: Exception) -> str:
    return " ".join(str(error).split())


def _flat(numbers: Any) -> List[int]:
    """Older releases give the numbers as a column."""
    import numpy as np

    return [int(number) for number in np.asarray(numbers).ravel()]


def _digest(files: Sequence[str]) -> str:
    if len(files) == 1:
        return file_digest(files[0])[:12]
    return hashlib.sha256("".join(map(file_digest, files)).encode()).hexdigest()[:12]


def _onnxruntime() -> Optional[str]:
    return next((version for version in map(version_of, ONNX_RUNTIMES) if version is not None), None)


def _release(version: str) -> Tuple[int, ...]:
    """Major and minor number; nothing of an unknown build."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


@functools.lru_cache(maxsize=None)
def _version_at(origin: str) -> str:
    """The version of the cv2 whose module is at ``origin``.

    From the version file of the wheels; else from a distribution's metadata; else from what the extension module (of a
    system's package, such as JetPack's, or of one's own build) has built in or links to, which may lack the patch.
    """
    path = Path(origin)
    folder = next((parent for parent in path.parents if parent.name == "cv2"), None)
    if folder is not None and (folder / "version.py").is_file():
        told = re.search(r"opencv_version\s*=\s*[\"']([^\"']+)", (folder / "version.py").read_text("utf-8"))
        if told is not None:
            return told.group(1)
    modules = [path] if path.suffix == ".so" else sorted((folder or path.parent).rglob("cv2*.so"))
    for module in modules:
        version = _version_in(module)
        if version is not None:
            return version
    return next((version for version in map(version_of, DISTRIBUTIONS) if version is not None), UNKNOWN)


def _version_in(module: Path) -> Optional[str]:
    with module.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        whole = BUILT_IN.search(content)
        if whole is not None:
            return whole.group(1).decode()
        linked = SONAME.search(content)
        if linked is None:
            return None
        first, second = (number.decode() if number else "" for number in linked.groups())
        # "406" is 4.6, as Debian and newer releases number it
        return f"{first}.{second}" if second else f"{int(first) // 100}.{int(first) % 100}"
