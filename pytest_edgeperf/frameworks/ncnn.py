"""ncnn on the CPU, from ONNX files that pnnx converts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from importlib import metadata
from math import prod
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, built, file_digest, version_of
from pytest_edgeperf.frameworks.interface import (
    Engine,
    Framework,
    FrameworkError,
    Model,
    TensorSpec,
    closed,
    require_threads,
)
from pytest_edgeperf.frameworks.onnx_files import digests_of, inputs_of, with_fixed_shapes
from pytest_edgeperf.frameworks.probing import image_and_kernel, not_computed, tell_whether_different
from pytest_edgeperf.frameworks.sources import best_source, existing, file_of, missing_source, obtain

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

PARAM, BIN, OUTPUTS = "model.param", "model.bin", "outputs.json"
MAGIC = "7767517"
#: Switches of ncnn -> the precisions that switch them on; all are set, as their defaults differ between releases.
SWITCHES: Dict[str, Tuple[str, ...]] = {
    "use_fp16_packed": ("fp16",),
    "use_fp16_storage": ("fp16",),
    "use_fp16_arithmetic": ("fp16",),
    "use_bf16_packed": ("bf16",),
    "use_bf16_storage": ("bf16",),
    "use_int8_inference": ("int8",),
    "use_int8_packed": ("int8",),
    "use_int8_storage": ("int8",),
    "use_int8_arithmetic": ("int8",),
    "use_vulkan_compute": (),
    "use_packing_layout": ("fp32", "fp16", "bf16", "int8"),
    "use_winograd_convolution": ("fp32", "fp16", "bf16", "int8"),
    "use_sgemm_convolution": ("fp32", "fp16", "bf16", "int8"),
    "lightmode": ("fp32", "fp16", "bf16", "int8"),
}
#: What older releases do not have.
OPTIONAL_SWITCHES = ("use_bf16_packed",)
#: Precision -> what a layer says of itself when it can compute in it.
SUPPORT = {"fp16": "support_fp16_storage", "bf16": "support_bf16_storage"}
#: Layers with most of a network's work.
WEIGHTED = ("Convolution", "ConvolutionDepthWise", "Deconvolution", "DeconvolutionDepthWise", "InnerProduct")
#: The parameter of a weighted layer that says how its int8 scales are stored; 0 where it is not quantised.
INT8_SCALES = re.compile(r"\s8=(-?\d+)")
OUTPUT = re.compile(r"^pnnx\.Output\s+out(\d+)\s.*=\(([\d,]+)\)")
LINES_TOLD = 10


class Ncnn(Framework):
    """ncnn, its CPU kernels.

    An ONNX file is converted by pnnx (``pip install pnnx``; its program alone is used, not PyTorch) in another process,
    with weights in fp32. fp16 and bf16 are switches of ncnn, which it ignores without a word where a CPU or a layer
    cannot do them: a small convolution tells whether the CPU can, and ``describe()`` how many layers do. ncnn's
    quantiser is in no wheel, so int8 is for files that are int8 already: the source ``"ncnn:int8"`` gives the paths of
    a ``.param`` and a ``.bin`` file, as ``"ncnn"`` does for the other precisions. ncnn infers one example at a time.
    """

    name = "ncnn"
    install_advice = "pip install 'pytest-edgeperf[ncnn]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install onnx onnxruntime==1.19.2 ncnn==1.0.20260526 (the last for Python 3.8; CPU), "
        "then pip install --no-deps pnnx (its PyTorch is not used)",
        "jetpack-5": "pip install onnx onnxruntime==1.19.2 ncnn==1.0.20260526 (the last for Python 3.8; CPU), "
        "then pip install --no-deps pnnx (its PyTorch is not used)",
    }
    precisions = ("fp32", "fp16", "bf16", "int8")

    def version(self) -> Optional[str]:
        """The installed version, read without importing it."""
        return version_of("ncnn")

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision here; for fp16 and bf16 a child process tries a convolution."""
        reason = super().unable(precision)
        if reason is not None or precision not in SUPPORT or self.version() is None:
            return reason
        return not_computed(self, f"{__name__}:build_probe", precision)

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision) or _unsuitable(model.inputs, model)
        if reason is not None or best_source(model, "ncnn", precision) is not None:
            return reason
        if precision == "int8":
            return (
                f"model {model.name!r} has no 'ncnn:int8' source: ncnn's quantiser is in no wheel; make the files with "
                "ncnn2table and ncnn2int8 and add a function that returns the paths of the .param and .bin files"
            )
        if "onnx" not in model.sources:
            return missing_source(model, "onnx")
        for tool in ("pnnx", "onnx"):
            if version_of(tool) is None:
                return f"converting a model for ncnn needs the package {tool}: pip install {tool}"
        return None

    def load(self, model: Model, *, precision: str = "fp32", threads: int = 1) -> Engine:
        """Convert the model where needed, load it, and infer once to see that its outputs have the right shapes.

        Raises:
            FrameworkError: not installed, unsupported, the file cannot be converted or loaded, its inputs are not of
                one float32 example, its layers are not in the precision, or ncnn did not take what it was asked.
        """
        reason = self.unsupported(model, precision)
        if reason is not None:
            raise FrameworkError(reason)
        require_threads(threads)
        ncnn = self.imported("ncnn")
        files, specs, made = self._files(model, precision)
        _require_single_examples(specs, model)
        _require_layers(ncnn, files.param, precision)
        net = ncnn.Net()
        for name, wanted in _switches(net.opt, precision).items():
            setattr(net.opt, name, wanted)
        net.opt.num_threads = threads
        if net.load_param(files.param) != 0 or net.load_model(files.bin) != 0:
            raise FrameworkError(
                f"ncnn {self.version()} cannot load {files.param} with {files.bin}; its own words are on standard error"
            )
        _require_as_asked(ncnn, net, precision, threads)
        return NcnnEngine(ncnn, net, model, precision, files, specs, str(self.version()), made)

    def _files(self, model: Model, precision: str) -> Tuple[_Files, Tuple[TensorSpec, ...], Optional[Built]]:
        """The two files to load with the shapes of their outputs if known, the inputs, and how they were built."""
        source = best_source(model, "ncnn", precision)
        if source is not None:
            return _own_files(model, source), tuple(model.inputs), None
        path = file_of(model, "onnx")
        specs = inputs_of(path, model)
        fixed = with_fixed_shapes(path, model, specs)
        # The precision is chosen when the files are loaded: they are the same for all.
        made = built(
            f"{__name__}:build_fp32",
            model,
            "fp32",
            tools={"onnx": version_of("onnx"), "pnnx": version_of("pnnx")},
            arguments={},
            files={"onnx": fixed},
            source=digests_of(fixed),
        )
        shapes = json.loads((made.folder / OUTPUTS).read_text("utf-8"))
        return _Files(str(made.folder / PARAM), str(made.folder / BIN), [tuple(shape) for shape in shapes]), specs, made


class _Files(NamedTuple):
    """A network in ncnn's two files, and the shapes of its outputs where they are known."""

    param: str
    bin: str
    outputs: Optional[List[Tuple[int, ...]]] = None


class NcnnEngine(Engine):
    """A network of ncnn."""

    framework = Ncnn.name

    def __init__(
        self,
        ncnn: Any,
        net: Any,
        model: Model,
        precision: str,
        files: _Files,
        specs: Tuple[TensorSpec, ...],
        version: str,
        made: Optional[Built],
    ) -> None:
        self.model = model
        self.precision = precision
        self.inputs = specs
        self.size_mib = (os.path.getsize(files.param) + os.path.getsize(files.bin)) / 2**20
        self._ncnn = ncnn
        self._net = net
        self._mat = ncnn.Mat
        self._files = files
        self._version = version
        self._made = made
        self._layers = _layers_in(net, precision, files.param)
        names = _numbered(net.input_names(), "in")
        if len(names) != len(specs):
            raise FrameworkError(
                f"model {model.name!r} has {len(specs)} inputs, but {files.param} has {', '.join(names) or 'none'}"
            )
        if {spec.name for spec in specs} == set(names):
            names = [spec.name for spec in specs]
        self._bound = list(zip(names, specs))
        self._outputs = self._shaped_outputs(_numbered(net.output_names(), "out"), files.outputs)

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; shapes are checked here, as ncnn does not."""
        if self._net is None:
            closed()
        return tuple(array.reshape(shape) for array, (_, shape) in zip(self._raw(arrays), self._outputs))

    def _raw(self, arrays: Sequence[Array]) -> List[Array]:
        """The outputs without their batch axes."""
        import numpy as np

        if len(arrays) != len(self._bound):
            raise FrameworkError(f"{len(arrays)} arrays for the inputs {', '.join(spec.name for spec in self.inputs)}")
        extractor = self._net.create_extractor()
        for array, (name, spec) in zip(arrays, self._bound):
            if array.shape != spec.shape or array.dtype != np.float32:
                raise FrameworkError(
                    f"input {spec.name!r} is {spec.dtype} {list(spec.shape)}, not {array.dtype} {list(array.shape)}"
                )
            # A copy of ncnn's own: on numpy's memory a layer that computes in place crashes the process.
            copied = self._mat(np.ascontiguousarray(array)[0]).clone()
            if extractor.input(name, copied) != 0:
                raise FrameworkError(f"ncnn did not take the input {name!r} of model {self.model.name!r}")
        outputs = []
        for name, _ in self._outputs:
            status, output = extractor.extract(name)
            if status != 0:
                raise FrameworkError(f"ncnn failed ({status}) to compute {name!r} of model {self.model.name!r}")
            outputs.append(np.array(output))
        return outputs

    def _shaped_outputs(
        self, names: Sequence[str], shapes: Optional[Sequence[Tuple[int, ...]]]
    ) -> List[Tuple[str, Tuple[int, ...]]]:
        """Name and shape of each output, from one inference; what ncnn gives must fit what pnnx announced."""
        import numpy as np

        self._outputs = [(name, ()) for name in names]
        zeros = [np.zeros(spec.shape, np.float32) for spec in self.inputs]
        start = perf_counter_ns()
        given = [output.shape for output in self._raw(zeros)]
        self.first_ms = (perf_counter_ns() - start) / 1e6
        if shapes is None:
            return [(name, (1, *shape)) for name, shape in zip(names, given)]
        if [_without_ones(shape) for shape in given] != [_without_ones(shape) for shape in shapes]:
            raise FrameworkError(
                f"model {self.model.name!r} was converted wrongly: ncnn gives outputs of shapes "
                f"{[list(shape) for shape in given]} for {[list(shape) for shape in shapes]}; see {self._files.param}"
            )
        return list(zip(names, shapes))

    def describe(self) -> Dict[str, Any]:
        """What ncnn's options say now; ``omp_wait_policy`` decides whether OpenMP's threads spin after a call."""
        option = self._net.opt if self._net is not None else self._ncnn.Option()
        told = {
            "framework": self.framework,
            "version": self._version,
            "precision": self.precision,
            "provider": "vulkan" if option.use_vulkan_compute else "cpu",
            "threads": option.num_threads,
            "cpu_powersave": self._ncnn.get_cpu_powersave(),
            "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY", "default"),
            "switches": sorted(name for name in _switches(option, self.precision) if getattr(option, name)),
            "model_sha256": file_digest(self._files.bin)[:12],
            **(self._made.describe() if self._made is not None else {}),
        }
        if self._layers is not None:
            told["layers_in_precision"] = self._layers
        return told

    def close(self) -> None:
        """Free the network; the engine cannot infer afterwards."""
        if self._net is not None:
            self._net.clear()
        self._net = None


def _switches(option: Any, precision: str) -> Dict[str, bool]:
    """What each switch must be; a release that lacks one of the necessary ones fails when it is set."""
    return {
        name: precision in on for name, on in SWITCHES.items() if name not in OPTIONAL_SWITCHES or hasattr(option, name)
    }


def _require_as_asked(ncnn: Any, net: Any, precision: str, threads: int) -> None:
    asked: Dict[str, Any] = {**_switches(net.opt, precision), "num_threads": threads}
    for name, wanted in asked.items():
        given = getattr(net.opt, name)
        if given != wanted:
            raise FrameworkError(f"ncnn was asked for {name} {wanted!r} and gave {given!r}")
    # OpenMP gives fewer threads than num_threads says without a word where the environment tells it to.
    limit = os.environ.get("OMP_THREAD_LIMIT", "")
    if limit.isdigit() and int(limit) < threads:
        raise FrameworkError(
            f"ncnn was asked for {threads} threads, but OMP_THREAD_LIMIT={limit} allows fewer; unset it"
        )
    if threads > 1 and ncnn.get_omp_dynamic():
        raise FrameworkError(f"ncnn was asked for {threads} threads, but OMP_DYNAMIC lets OpenMP give fewer; unset it")


def _require_single_examples(specs: Sequence[TensorSpec], model: Model) -> None:
    if not specs:
        raise FrameworkError(
            f"model {model.name!r}: ncnn's files do not hold the shapes of their inputs; "
            "say them with Model(inputs=[TensorSpec(name, shape=(1, ...))])"
        )
    reason = _unsuitable(specs, model)
    if reason is not None:
        raise FrameworkError(reason)


def _unsuitable(specs: Sequence[TensorSpec], model: Model) -> Optional[str]:
    """Why ncnn cannot take these inputs, or ``None``."""
    for spec in specs:
        if len(spec.shape) not in (2, 3, 4, 5) or spec.shape[0] != 1 or spec.dtype != "float32":
            return (
                f"model {model.name!r}: ncnn takes float32 inputs of one example with at most four dimensions, but "
                f"{spec.name!r} is {spec.dtype} {list(spec.shape)}"
            )
    return None


def _require_layers(ncnn: Any, param: str, precision: str) -> None:
    """All layers must be ncnn's, and quantised exactly where int8 is asked for."""
    with open(param, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    if not lines or lines[0].strip() != MAGIC:
        raise FrameworkError(f"{param} is no text file of ncnn's parameters (it does not begin with {MAGIC})")
    layers = [(line.split(None, 1)[0], line) for line in lines[2:] if line.strip()]
    unknown = sorted({kind for kind, _ in layers if ncnn.layer_to_index(kind) < 0})
    if unknown:
        raise FrameworkError(f"ncnn has no layer {', '.join(unknown)}, which {param} needs")
    scales = [INT8_SCALES.search(line) for kind, line in layers if kind in WEIGHTED]
    quantised = sum(found is not None and int(found.group(1)) != 0 for found in scales)
    if precision == "int8" and not quantised:
        raise FrameworkError(f"{param} was to be int8, but none of its layers has int8 scales")
    if precision != "int8" and quantised:
        raise FrameworkError(f"{param} was to be {precision}, but {quantised} of its layers are int8")


def _layers_in(net: Any, precision: str, param: str) -> Optional[str]:
    """``"20 of 21"``: the layers with weights that say they compute in fp16 or bf16; some must."""
    if precision not in SUPPORT:
        return None
    able = [bool(getattr(layer, SUPPORT[precision])) for layer in net.layers() if layer.type in WEIGHTED]
    if not any(able):
        raise FrameworkError(
            f"ncnn computes none of the {len(able)} layers with weights of {param} in {precision} on this CPU"
        )
    return f"{sum(able)} of {len(able)}"


def _own_files(model: Model, source: str) -> _Files:
    """The two files that a source of the model's own gives."""
    files = obtain(model, source)
    if not isinstance(files, (tuple, list)) or len(files) != 2:
        raise FrameworkError(
            f"model {model.name!r}: sources[{source!r}] gave {files!r}, not the paths of a .param and a .bin file"
        )
    param, weights = (existing(str(path), model) for path in files)
    return _Files(param, weights)


def _numbered(names: Sequence[str], stem: str) -> List[str]:
    """In the order of their numbers where pnnx gave the names (``out0``, ``out1``), else in the file's."""
    if all(re.fullmatch(rf"{stem}\d+", name) for name in names):
        return sorted(names, key=lambda name: int(name[len(stem) :]))
    return list(names)


def _without_ones(shape: Sequence[int]) -> Tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def build_probe(folder: Path, precision: str) -> None:
    """Write whether a small convolution gives other outputs at the precision than in fp32."""
    import ncnn
    import numpy as np

    image, kernel = image_and_kernel()
    channels = kernel.shape[0]
    layers = (
        "Input image 0 1 in0",
        f"Convolution convolution 1 1 in0 out0 0={channels} 1=3 4=1 5=0 6={kernel.size}",
    )
    with tempfile.TemporaryDirectory() as work:
        param, weights = os.path.join(work, PARAM), os.path.join(work, BIN)
        Path(param).write_text("\n".join((MAGIC, "2 2", *layers)) + "\n", "utf-8")
        # The leading zero says that the weights are fp32.
        Path(weights).write_bytes(bytes(4) + kernel.tobytes())

        def output(tried: str) -> Array:
            net = ncnn.Net()
            for name, wanted in _switches(net.opt, tried).items():
                setattr(net.opt, name, wanted)
            net.opt.num_threads = 1
            if net.load_param(param) != 0 or net.load_model(weights) != 0:
                raise FrameworkError("ncnn cannot load a network of one convolution")
            extractor = net.create_extractor()
            extractor.input("in0", ncnn.Mat(image[0]).clone())
            return np.array(extractor.extract("out0")[1])

        tell_whether_different(folder, precision, output)


def build_fp32(folder: Path, onnx: str) -> None:
    """Write ncnn's two files, converted by pnnx from an ONNX file of fixed shapes, and the shapes of the outputs."""
    import onnx as package

    with tempfile.TemporaryDirectory() as work:
        prepared = package.load(onnx)
        _transpose_matrices(prepared)
        # pnnx writes beside what it reads.
        package.save(prepared, os.path.join(work, "model.onnx"))
        targets = {"ncnnparam": folder / PARAM, "ncnnbin": folder / BIN}
        command = [_pnnx(), "model.onnx", "fp16=0", *(f"{name}={path}" for name, path in targets.items())]
        done = subprocess.run(
            command,
            cwd=work,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        last = "\n".join(done.stdout.strip().splitlines()[-LINES_TOLD:])
        if done.returncode != 0 or not all(path.is_file() for path in targets.values()):
            raise FrameworkError(f"pnnx cannot convert {onnx} ({done.returncode}):\n{last}")
        announced = Path(work, "model.pnnx.param").read_text("utf-8")
    found = sorted(
        (int(match.group(1)), match.group(2)) for match in map(OUTPUT.match, announced.splitlines()) if match
    )
    shapes = [[int(size) for size in sizes.split(",") if size] for _, sizes in found]
    if len(shapes) != len(prepared.graph.output) or not all(map(prod, shapes)):
        raise FrameworkError(f"pnnx does not tell the shapes of the outputs of {onnx}:\n{last}")
    (folder / OUTPUTS).write_text(json.dumps(shapes) + "\n", "utf-8")


def _pnnx() -> str:
    """The program in the package pnnx, whose Python part would import PyTorch."""
    program = str(metadata.distribution("pnnx").locate_file("pnnx/pnnx"))
    if not os.access(program, os.X_OK):
        raise FrameworkError(f"the package pnnx has no program {program}; reinstall it")
    return program


def _transpose_matrices(model: Any) -> None:
    """Give each Gemm with a constant matrix the layout of a linear layer: pnnx converts the other one wrongly."""
    from onnx import helper, numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        transposed = [attribute for attribute in node.attribute if attribute.name == "transB"]
        if node.op_type != "Gemm" or node.input[1] not in constants or any(one.i for one in transposed):
            continue
        for attribute in transposed:
            node.attribute.remove(attribute)
        node.attribute.append(helper.make_attribute("transB", 1))
        matrix = numpy_helper.to_array(constants[node.input[1]])
        name = f"{node.input[1]}_transposed"
        if name not in constants:
            constants[name] = numpy_helper.from_array(matrix.T.copy(), name)
            model.graph.initializer.append(constants[name])
        node.input[1] = name
