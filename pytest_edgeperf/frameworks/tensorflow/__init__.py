"""TensorFlow on the CPU, or on an NVIDIA GPU."""

from __future__ import annotations

import os
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import file_digest, version_of
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
from pytest_edgeperf.frameworks.options import Option
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, NoProfile, OperatorProfile
from pytest_edgeperf.frameworks.signatures import fitting, matched, numbered
from pytest_edgeperf.frameworks.sources import best_source, missing_source, obtain
from pytest_edgeperf.frameworks.stages import READ, UNCOUNTED, stage
from pytest_edgeperf.frameworks.tensorflow import gpu
from pytest_edgeperf.frameworks.tensorflow.gpu import MEMORY_MIB, memory
from pytest_edgeperf.frameworks.tensorflow.precision import COMPUTING, DTYPES, require_precision_of
from pytest_edgeperf.frameworks.tensorflow.trace import profiled

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws", "tensorflow-aarch64")
CUDA = "cuda"
CPU = "CPU:0"


TENSORFLOW = SourceFormat(
    "tensorflow",
    (".keras",),
    folder_with="saved_model.pb",
    remedy="add a function that returns the path of a SavedModel or .keras file, or a keras.Model",
)


class TensorFlow(Framework):
    """TensorFlow on the CPU or, as ``tensorflow:cuda``, an NVIDIA GPU: a model as one ``tf.function`` of fixed shapes.

    The source ``tensorflow`` gives a ``keras.Model``, or the path of a SavedModel's folder (its signature
    ``serving_default``) or of a ``.keras`` file, which is loaded in Keras's safe mode: it runs no code of the file's.
    Nothing is converted: fp16 and bf16 are models made under Keras's mixed policies, as the sources
    ``tensorflow:fp16`` and ``tensorflow:bf16``. Outputs are in the order of the Keras model's, and of a SavedModel in
    that of the numbers that the names end in (``output_0``), else of the names.

    TensorFlow has one number of threads for the process, fixed when it computes for the first time. On a GPU, fp32 is
    computed without TF32, which the precision tf32 switches on; outputs are copied back in every inference.
    """

    name = "tensorflow"
    install_advice = "pip install 'pytest-edgeperf[tensorflow]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install tensorflow==2.13.1 (the last for Python 3.8; CPU)",
        "jetpack-5": "pip install tensorflow==2.13.1 (the last for Python 3.8; CPU; NVIDIA's for JetPack 5 has CUDA)",
        "jetpack-6": "pip install tensorflow (CPU; NVIDIA's wheel for JetPack 6 has CUDA)",
        "x86": "pip install tensorflow-cpu",
    }
    variants = (CUDA,)
    precisions = ("fp32", "fp16", "bf16")
    formats = (TENSORFLOW,)
    options = (
        Option(
            MEMORY_MIB,
            'the GPU memory in MiB that it takes, for all its engines; 0 lets it grow as needed, "all" takes all',
            memory,
            0,
        ),
    )

    @property
    def processor(self) -> str:
        """``gpu`` as ``tensorflow:cuda``."""
        return "gpu" if self.variant == CUDA else "cpu"

    @property
    def offered(self) -> Tuple[str, ...]:
        """On a GPU also tf32."""
        return ("fp32", "tf32", "fp16", "bf16") if self.variant == CUDA else self.precisions

    def version(self) -> Optional[str]:
        """The installed version, read without importing it."""
        return next((version for version in map(version_of, DISTRIBUTIONS) if version is not None), None)

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        if best_source(model, "tensorflow", precision) is None:
            return missing_source(model, TENSORFLOW)
        if DTYPES[precision] != "float32" and f"tensorflow:{precision}" not in model.sources:
            return (
                f"tensorflow converts nothing: {precision} comes with a model made under Keras's policy "
                f"mixed_{DTYPES[precision]}: Model(sources={{'tensorflow:{precision}': ...}})"
            )
        return None

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Trace the model for its inputs' shapes on the processor, with so many threads of the CPU.

        Raises:
            FrameworkError: TensorFlow runs with another number of threads already, the source gives no model, its
                inputs are not those of ``model.inputs`` or stay dynamic, or it does not compute in the precision or on
                the processor.
        """
        model, precision = configuration.model, configuration.precision
        tf = self._runtime()
        set_threads(tf, configuration.threads)
        settings = gpu.prepare(tf, configuration) if self.variant == CUDA else {}
        device = gpu.DEVICE if self.variant == CUDA else CPU
        key = best_source(model, "tensorflow", precision)
        assert key is not None
        with tf.device(device):
            with stage(READ):
                network = _network(tf, model, key, obtain(model, key))
            function = _traced(tf, network)
        with stage(UNCOUNTED):
            require_precision_of(tf, function, model, precision)
            if device != CPU:
                gpu.require_placed(function, COMPUTING, model)
        network.details.update(settings)
        return TensorFlowEngine(configuration, tf, network, function, device)

    def _runtime(self) -> Any:
        # Read when it is imported: 2 leaves out what is no error.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        return self.imported("tensorflow")


class _Network:
    """What a source gave: something to call with tensors, its inputs in the model's order, and what it holds."""

    def __init__(
        self, holder: Any, call: Any, inputs: Sequence[TensorSpec], outputs: Sequence[str], details: Mapping[str, Any]
    ) -> None:
        self.holder = holder
        self.call = call
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.details = dict(details)
        self.size_mib: Optional[float] = None


class TensorFlowEngine(Engine):
    """A traced function with its weights."""

    def __init__(
        self, configuration: EngineConfiguration, tf: Any, network: _Network, function: Any, asked_for: str
    ) -> None:
        super().__init__(configuration)
        self.inputs = network.inputs
        self._asked_for = asked_for
        self.size_mib = network.size_mib
        self._tf = tf
        self._details = network.details
        self._shapes = [spec.shape for spec in self.inputs]
        self._dtypes = [spec.dtype for spec in self.inputs]
        self._device = tf.device
        self._tensor = tf.convert_to_tensor
        # The function holds its variables weakly.
        self._holder = network.holder
        self._function = function
        self._half = [output.dtype.name in ("float16", "bfloat16") for output in function.outputs]
        with stage(UNCOUNTED):
            self._provider = self._where()

    def _where(self) -> str:
        """The device on which outputs are computed, read from those of one inference."""
        import numpy as np

        with self._device(self._asked_for):
            zeros = [self._tensor(np.zeros(spec.shape, spec.dtype)) for spec in self.inputs]
            start = perf_counter_ns()
            outputs = self._function(*zeros)
            self.first_ms = (perf_counter_ns() - start) / 1e6
            devices = {output.device.rpartition("/device:")[2] for output in outputs}
        if devices != {self._asked_for}:
            gave = ", ".join(sorted(devices))
            raise FrameworkError(
                f"model {self.model.name!r}: tensorflow was asked for {self._asked_for} and gave {gave}"
            )
        return self._asked_for

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; a traced function would take another batch."""
        if [array.shape for array in arrays] != self._shapes:
            raise FrameworkError(
                f"model {self.model.name!r} takes inputs of shapes {self._shapes}, "
                f"not {[array.shape for array in arrays]}"
            )
        with self._device(self._asked_for):
            outputs = self._function(*map(self._tensor, arrays, self._dtypes))
        return tuple(
            output.numpy().astype("float32") if half else output.numpy() for output, half in zip(outputs, self._half)
        )

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """The operations as TensorFlow's profiler sees the CPU's threads run them, of the graph as it was optimised.

        Raises:
            NoProfile: on a GPU, or the profiler cannot be started, or sees no operation.
        """
        if self._function is closed:
            closed()
        if self._asked_for != CPU:
            raise NoProfile(
                f"{self.framework} reports no operator times: the host sees how long starting a GPU's kernels takes, "
                "not how long they run; NVIDIA's Nsight Systems shows that"
            )
        return profiled(self._tf, self.infer, inputs, repetitions, calls)

    def describe(self) -> EngineDescription:
        """What TensorFlow says now; ``onednn`` is the variable that switches its oneDNN kernels."""
        threading = self._tf.config.threading
        return self.configuration.description(
            self._provider,
            threading.get_intra_op_parallelism_threads(),
            interop_threads=threading.get_inter_op_parallelism_threads(),
            onednn=os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
            **self._details,
        )

    def device_memory_mib(self) -> Optional[float]:
        """On a GPU, the most that TensorFlow's allocator has had in use so far."""
        return None if self._asked_for == CPU else gpu.peak_mib(self._tf)

    def close(self) -> None:
        """Let the function and its weights go; the engine cannot infer afterwards."""
        self._holder = None
        self._function = closed


def set_threads(tf: Any, threads: int) -> None:
    """Set the process's number of threads; raise FrameworkError where TensorFlow has started with another."""
    threading = tf.config.threading
    pairs = (
        (threads, threading.set_intra_op_parallelism_threads, threading.get_intra_op_parallelism_threads),
        (1, threading.set_inter_op_parallelism_threads, threading.get_inter_op_parallelism_threads),
    )
    for asked, give, get in pairs:
        try:
            give(asked)
        except RuntimeError as error:
            raise FrameworkError(
                f"tensorflow was started with {get() or 'as many as it likes'} threads in this process and cannot be "
                f"given {asked} any more: load with the same number of threads, or in a fresh process, and compute "
                "nothing with TensorFlow before"
            ) from error
        if get() != asked:
            raise FrameworkError(f"tensorflow was asked for {asked} threads and gave {get()}")


def _network(tf: Any, model: Model, key: str, source: Any) -> _Network:
    if isinstance(source, tf.keras.Model):
        return _keras(source, model, f"sources[{key!r}]")
    try:
        path = os.fspath(source)
    except TypeError:
        path = None
    if not isinstance(path, str):
        raise FrameworkError(
            f"model {model.name!r}: sources[{key!r}] gave a {type(source).__name__}, not a keras.Model or the path of "
            "a SavedModel or a .keras file"
        )
    if not os.path.exists(path):
        raise FrameworkError(f"model {model.name!r}: the file {path} does not exist")
    if os.path.isfile(os.path.join(path, "saved_model.pb")):
        return _saved_model(tf, model, path)
    if not path.endswith(".keras") or not os.path.isfile(path):
        # Keras reads other formats, some without its safe mode.
        raise FrameworkError(f"model {model.name!r}: {path} is neither a SavedModel folder nor a .keras file")
    try:
        loaded = tf.keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras has no class of its own for them
        raise FrameworkError(f"tensorflow {tf.__version__} cannot load {path}: {error}") from error
    network = _keras(loaded, model, path)
    network.size_mib = os.path.getsize(path) / 2**20
    network.details["model_sha256"] = file_digest(path)[:12]
    return network


def _keras(keras_model: Any, model: Model, where: str) -> _Network:
    """A Keras model, whose inputs have an order."""
    known = getattr(keras_model, "inputs", None) or ()
    if not known and not model.inputs:
        raise FrameworkError(
            f"model {model.name!r}: {where} is a Keras model that does not know the shapes of its inputs; "
            "give them with Model(inputs=[TensorSpec(name, shape=(...))])"
        )
    declared = [(str(tensor.name).partition(":")[0], tensor.shape, tensor.dtype) for tensor in known]
    specs, places = _specs(model, declared, where, in_order=True) if declared else (list(model.inputs), [])

    def call(*tensors: Any) -> Any:
        ordered = [tensor for _, tensor in sorted(zip(places, tensors))] if places else list(tensors)
        return keras_model(ordered[0] if len(ordered) == 1 else ordered, training=False)

    network = _Network(keras_model, call, specs, (), {"source": "keras"})
    network.size_mib = sum(_bytes(weight) for weight in keras_model.weights) / 2**20
    return network


def _saved_model(tf: Any, model: Model, path: str) -> _Network:
    try:
        loaded = tf.saved_model.load(path)
    except Exception as error:
        raise FrameworkError(f"tensorflow {tf.__version__} cannot load {path}: {error}") from error
    signatures = dict(loaded.signatures)
    if "serving_default" not in signatures:
        raise FrameworkError(
            f"model {model.name!r}: {path} has no signature serving_default, only: "
            f"{', '.join(sorted(signatures)) or 'none'}; save it with one"
        )
    signature = signatures["serving_default"]
    names = numbered_first(signature.structured_input_signature[1])
    declared = [(name, spec.shape, spec.dtype) for name, spec in names.items()]
    in_order = len(declared) == 1 or numbered(list(names)) is not None
    specs, places = _specs(model, declared, path, in_order=in_order)
    keys = [declared[place][0] for place in places]

    def call(*tensors: Any) -> Any:
        return signature(**dict(zip(keys, tensors)))

    outputs = list(numbered_first(signature.structured_outputs))
    files = [os.path.join(folder, name) for folder, _, names_there in os.walk(path) for name in names_there]
    details = {"source": "SavedModel", "model_sha256": file_digest(os.path.join(path, "saved_model.pb"))[:12]}
    network = _Network(loaded, call, specs, outputs, details)
    network.size_mib = sum(map(os.path.getsize, files)) / 2**20
    return network


def numbered_first(named: Mapping[str, Any]) -> Dict[str, Any]:
    """In the order of the numbers that the names end in; else, as TensorFlow keeps no order, of the names."""
    names = sorted(named)
    places = numbered(names)
    return {names[place]: named[names[place]] for place in (places if places is not None else range(len(names)))}


def _specs(
    model: Model, declared: Sequence[Tuple[str, Any, Any]], where: str, in_order: bool
) -> Tuple[List[TensorSpec], List[int]]:
    """What each input is fed, in the model's order, and which of the declared it is."""
    places = matched(model, [[name] for name, _, _ in declared], where, in_order)
    specs = []
    for position, (name, shape, dtype) in enumerate(declared[place] for place in places):
        sizes = [-1 if size is None else int(size) for size in shape]
        spec = model.inputs[position] if model.inputs else None
        specs.append(fitting(spec, name, sizes, [_dtype_name(dtype)], where))
    return specs, places


def _dtype_name(dtype: Any) -> str:
    return str(getattr(dtype, "name", dtype))


def _bytes(weight: Any) -> int:
    import numpy as np

    itemsize = 2 if _dtype_name(weight.dtype) == "bfloat16" else np.dtype(_dtype_name(weight.dtype)).itemsize
    return int(np.prod(weight.shape, dtype=np.int64)) * itemsize


def _traced(tf: Any, network: _Network) -> Any:
    """One graph for the inputs' shapes, which gives a flat list of outputs."""

    def flat(*tensors: Any) -> List[Any]:
        given = network.call(*tensors)
        if network.outputs:
            return [given[name] for name in network.outputs]
        return list(tf.nest.flatten(given))

    signature = [tf.TensorSpec(spec.shape, spec.dtype, name=f"input_{i}") for i, spec in enumerate(network.inputs)]
    try:
        return tf.function(flat, input_signature=signature).get_concrete_function()
    except Exception as error:
        where = network.details["source"]
        raise FrameworkError(f"tensorflow {tf.__version__} cannot trace the {where}: {error}") from error
