"""ncnn on the CPU, from ONNX files that pnnx converts."""

from __future__ import annotations

import json
import os
import re
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ClassVar, Iterator, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, file_digest, version_of
from pytest_edgeperf.frameworks.formats import ONNX, SourceFormat
from pytest_edgeperf.frameworks.interface import (
    Engine,
    EngineConfiguration,
    EngineDescription,
    FrameworkError,
    Model,
    TensorSpec,
    closed,
)
from pytest_edgeperf.frameworks.ncnn.conversion import PROBE, converted
from pytest_edgeperf.frameworks.ncnn.files import (
    BIN,
    OUTPUTS,
    PARAM,
    Files,
    layers_in,
    own_files,
    require_layers,
)
from pytest_edgeperf.frameworks.ncnn.switches import require_as_asked, switches
from pytest_edgeperf.frameworks.onnx_files import inputs_of, with_fixed_shapes
from pytest_edgeperf.frameworks.probing import ProbedFramework
from pytest_edgeperf.frameworks.profiling import (
    CALLS,
    REPETITIONS,
    WARM_UP_CALLS,
    NoProfile,
    OperatorProfile,
    OperatorTime,
    in_turn,
    per_inference,
)
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source
from pytest_edgeperf.frameworks.stages import READ, UNCOUNTED, stage

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

#: The type of layers that compute nothing.
INPUT = "Input"
#: What has ``Extractor.extract`` give an output without unpacking or widening it.
AS_IT_LIES = 1


class Ncnn(ProbedFramework):
    """ncnn, its CPU kernels.

    An ONNX file is converted by pnnx (``pip install pnnx``; its program alone is used, not PyTorch) in another process,
    with weights in fp32. fp16 and bf16 are switches of ncnn, which it silently ignores where a CPU or a layer
    cannot do them: a small convolution shows whether the CPU can, and ``describe()`` how many layers do. ncnn's
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
    probe = PROBE
    formats = (SourceFormat("ncnn", (".param",), companion=".bin"), ONNX)

    def version(self) -> Optional[str]:
        """The installed version, read without importing it."""
        return version_of("ncnn")

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
            return missing_source(model, ONNX)
        for tool in ("pnnx", "onnx"):
            if version_of(tool) is None:
                return f"converting a model for ncnn needs the package {tool}: pip install {tool}"
        return None

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Convert the model where needed, load it, and infer once to see that its outputs have the right shapes.

        Raises:
            FrameworkError: the file cannot be converted or loaded, its inputs are not of one float32 example, its
                layers are not in the precision, or ncnn did not take what it was asked.
        """
        model, precision = configuration.model, configuration.precision
        ncnn = self.imported("ncnn")
        files, specs, made = self._files(model, precision)
        _require_single_examples(specs, model)
        require_layers(ncnn, files.param, precision)
        net = ncnn.Net()
        for name, wanted in switches(net.opt, precision).items():
            setattr(net.opt, name, wanted)
        net.opt.num_threads = configuration.threads
        with stage(READ):
            is_read = net.load_param(files.param) == 0 and net.load_model(files.bin) == 0
        if not is_read:
            raise FrameworkError(
                f"ncnn {self.version()} cannot load {files.param} with {files.bin}; its messages are on standard error"
            )
        require_as_asked(ncnn, net, precision, configuration.threads)
        return NcnnEngine(configuration, ncnn, net, files, specs, made)

    def _files(self, model: Model, precision: str) -> Tuple[Files, Tuple[TensorSpec, ...], Optional[Built]]:
        """The two files to load with the shapes of their outputs if known, the inputs, and how they were built."""
        source = best_source(model, "ncnn", precision)
        if source is not None:
            return own_files(model, source), tuple(model.inputs), None
        path = file_of(model, "onnx")
        specs = inputs_of(path, model)
        fixed = with_fixed_shapes(path, model, specs)
        made = converted(model, fixed)
        shapes = json.loads((made.folder / OUTPUTS).read_text("utf-8"))
        return Files(str(made.folder / PARAM), str(made.folder / BIN), [tuple(shape) for shape in shapes]), specs, made


class NcnnEngine(Engine):
    """A network of ncnn."""

    def __init__(
        self,
        configuration: EngineConfiguration,
        ncnn: Any,
        net: Any,
        files: Files,
        specs: Tuple[TensorSpec, ...],
        made: Optional[Built],
    ) -> None:
        super().__init__(configuration)
        self.inputs = specs
        self.size_mib = (os.path.getsize(files.param) + os.path.getsize(files.bin)) / 2**20
        self._ncnn = ncnn
        self._net = net
        self._mat = ncnn.Mat
        self._files = files
        self._model_sha256 = file_digest(files.bin)[:12]
        self._made = made
        self._layers = layers_in(net, self.precision, files.param)
        names = _numbered(net.input_names(), "in")
        if len(names) != len(specs):
            raise FrameworkError(
                f"model {self.model.name!r} has {len(specs)} inputs, but {files.param} has {', '.join(names) or 'none'}"
            )
        if {spec.name for spec in specs} == set(names):
            names = [spec.name for spec in specs]
        self._bound = list(zip(names, specs))
        self._outputs = self._shaped_outputs(_numbered(net.output_names(), "out"), files.outputs)

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; shapes are checked here, as ncnn does not."""
        return tuple(array.reshape(shape) for array, (_, shape) in zip(self._raw(arrays), self._outputs))

    def _raw(self, arrays: Sequence[Array]) -> List[Array]:
        """The outputs without their batch axes."""
        import numpy as np

        extractor = self._fed(arrays)
        outputs = []
        for name, _ in self._outputs:
            status, output = extractor.extract(name)
            self._require_extracted(status, name)
            outputs.append(np.array(output))
        return outputs

    def _fed(self, arrays: Sequence[Array]) -> Any:
        """What gives the outputs for the arrays; nothing is computed yet."""
        import numpy as np

        if self._net is None:
            closed()
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
                raise FrameworkError(f"ncnn did not accept the input {name!r} of model {self.model.name!r}")
        return extractor

    def _require_extracted(self, status: int, name: str) -> None:
        if status != 0:
            raise FrameworkError(f"ncnn failed ({status}) to compute {name!r} of model {self.model.name!r}")

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """The layers one by one: ncnn computes of an output what is not there yet, by the host's clock.

        Asked for the outputs of all layers in the file's order, it runs one layer at a time. Its wheel is built without
        its own benchmark.

        Raises:
            NoProfile: the network has no layers that compute.
        """
        if self._net is None:
            closed()
        blobs = [blob.name for blob in self._net.blobs()]
        layers = [
            (layer.name, layer.type, tuple(filter(_is_name, (blobs[top] for top in layer.tops))), layer.tops[0])
            for layer in self._net.layers()
            if layer.type != INPUT and len(layer.tops) > 0
        ]
        if not layers:
            raise NoProfile(f"ncnn has no layers that compute in model {self.model.name!r}")
        # As the network's own, from whose memory ncnn would copy each output that is asked for.
        allocator = self._ncnn.PoolAllocator()
        allocator.set_size_compare_ratio(0.0)

        def once(arrays: Sequence[Array]) -> Iterator[OperatorTime]:
            extractor = self._fed(arrays)
            extractor.set_blob_allocator(allocator)
            for name, kind, outputs, blob in layers:
                start_ns = perf_counter_ns()
                # Held, the output would keep the next layer from computing in place.
                status = extractor.extract(blob, AS_IT_LIES)[0]
                taken_ns = perf_counter_ns() - start_ns
                self._require_extracted(status, name)
                yield OperatorTime(name, kind, taken_ns / 1e6, outputs)

        # What the allocator keeps from then on is taken from the system once.
        for arrays in in_turn(inputs, WARM_UP_CALLS):
            list(once(arrays))
        measured = [
            per_inference([operator for arrays in in_turn(inputs, calls) for operator in once(arrays)], calls)
            for _ in range(repetitions)
        ]
        return OperatorProfile(tuple(measured), "ncnn, layer by layer")

    def _shaped_outputs(
        self, names: Sequence[str], shapes: Optional[Sequence[Tuple[int, ...]]]
    ) -> List[Tuple[str, Tuple[int, ...]]]:
        """Name and shape of each output, from one inference; what ncnn gives must fit what pnnx announced."""
        import numpy as np

        self._outputs = [(name, ()) for name in names]
        zeros = [np.zeros(spec.shape, np.float32) for spec in self.inputs]
        start = perf_counter_ns()
        with stage(UNCOUNTED):
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

    def describe(self) -> EngineDescription:
        """What ncnn's options say now; ``omp_wait_policy`` decides whether OpenMP's threads spin after a call."""
        option = self._net.opt if self._net is not None else self._ncnn.Option()
        layers = {} if self._layers is None else {"layers_in_precision": self._layers}
        return self.configuration.description(
            "vulkan" if option.use_vulkan_compute else "cpu",
            option.num_threads,
            cpu_powersave=self._ncnn.get_cpu_powersave(),
            omp_wait_policy=os.environ.get("OMP_WAIT_POLICY", "default"),
            switches=sorted(name for name in switches(option, self.precision) if getattr(option, name)),
            model_sha256=self._model_sha256,
            **(self._made.describe() if self._made is not None else {}),
            **layers,
        )

    def close(self) -> None:
        """Free the network; the engine cannot infer afterwards."""
        if self._net is not None:
            self._net.clear()
        self._net = None


def _require_single_examples(specs: Sequence[TensorSpec], model: Model) -> None:
    if not specs:
        raise FrameworkError(
            f"model {model.name!r}: ncnn's files do not hold the shapes of their inputs; "
            "give them with Model(inputs=[TensorSpec(name, shape=(1, ...))])"
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


def _numbered(names: Sequence[str], stem: str) -> List[str]:
    """In the order of their numbers where pnnx gave the names (``out0``, ``out1``), else in the file's."""
    if all(re.fullmatch(rf"{stem}\d+", name) for name in names):
        return sorted(names, key=lambda name: int(name[len(stem) :]))
    return list(names)


def _is_name(blob: str) -> bool:
    """Whether somebody named it: pnnx counts, so that its numbers are of other tensors in a changed network."""
    return not blob.isdigit()


def _without_ones(shape: Sequence[int]) -> Tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
