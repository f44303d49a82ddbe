"""A strict fake of TensorRT's bindings that computes: made for a version from the table in :mod:`tensorrt_api`.

A name that the table gives to other versions only is an AttributeError, as with the real bindings, so that looking for
it works; a name that is not in the table at all is an AssertionError. An engine's bytes carry the network, its context
computes it with ONNX Runtime on the memory of :mod:`cuda_fake`'s device, and rounds as the precision does. Where the
real one refuses (implicit batch, zero points, an int8 without ranges, an engine of another version), so does this.

Traits beside those of the device (see :data:`cuda_fake.VARIABLE`), without which it is an honest one: ``removed``
names, which the version then lacks; ``slow`` precisions; ``ignores_flags``, flags that it does not take;
``half_outputs``, engines give float16; ``dla_cores``, how many there are; ``silent_dla``, it does not say which layers
run there; ``no_builder``, ``no_engine``, ``no_context``, ``no_second_context``, ``no_enqueue``; ``layers``, names and
ms of what the profiler is told, without it each node with :data:`LAYER_MS`; ``information``, what the inspector tells,
without it the names alone.

:func:`write_site` writes a folder that, on ``sys.path``, is an installed TensorRT with CUDA: for child processes too.
"""

from __future__ import annotations

import hashlib
import json
import sys
import types
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

from tests.fakes import tensorrt_api
from tests.fakes.cuda_fake import DEVICE, VARIABLE, trait

#: ONNX's types -> TensorRT's, and these -> numpy's.
KINDS = {1: "FLOAT", 10: "HALF", 3: "INT8", 6: "INT32", 7: "INT64", 9: "BOOL", 2: "UINT8", 16: "BF16"}
DTYPES = {"FLOAT": "f4", "HALF": "f2", "INT8": "i1", "INT32": "i4", "INT64": "i8", "BOOL": "?", "UINT8": "u1"}
OPERATORS = {
    *("Add", "Cast", "Constant", "Conv", "DequantizeLinear", "Flatten", "Gemm", "GlobalAveragePool", "Identity"),
    *("MatMul", "QuantizeLinear", "Relu", "Reshape", "Transpose"),
}
MAGIC = b"fake plan\n"
#: What each node of a network takes, by the profiler.
LAYER_MS = 0.25
#: One for each context that was made since the module was.
_CONTEXTS: List[int] = []
#: What was used of the bindings in this process.
USED: Set[str] = set()


class _Api:
    """The version that this process has."""

    version = ""
    names: FrozenSet[str] = frozenset()


def _check(owner: str, name: str) -> None:
    full = f"{owner}.{name}" if owner else name
    if full not in tensorrt_api.TABLE:
        raise AssertionError(f"{full} of TensorRT is used, but is not in tests/fakes/tensorrt_api.py")
    if full not in _Api.names:
        raise AttributeError(f"TensorRT {_Api.version} has no {full}")
    USED.add(full)


class _StrictType(type):
    def __getattribute__(cls, name: str) -> Any:
        if not name.startswith("_"):
            _check(type.__getattribute__(cls, "_owner"), name)
        return type.__getattribute__(cls, name)


class _Strict(metaclass=_StrictType):
    """Has no public name that the table does not give it."""

    _owner = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # What users derive is still what they derived it from.
        if not cls._owner:
            cls._owner = cls.__name__

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_"):
            _check(object.__getattribute__(self, "_owner"), name)
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            _check(object.__getattribute__(self, "_owner"), name)
        object.__setattr__(self, name, value)


class _Value:
    """A value of an enumeration."""

    def __init__(self, owner: str, name: str, number: int) -> None:
        self._owner, self.name, self._number = owner, name, number

    def __int__(self) -> int:
        return self._number

    def __repr__(self) -> str:
        return f"<{self._owner}.{self.name}: {self._number}>"


def _enumeration(name: str) -> Any:
    """A class with the values that the table gives the version, numbered in its order."""
    values = [full.split(".")[1] for full in tensorrt_api.TABLE if full.startswith(f"{name}.") and full in _Api.names]
    # Removed by a test, they must not change the others' numbers.
    everything = [full.split(".")[1] for full in tensorrt_api.names(_Api.version) if full.startswith(f"{name}.")]
    order = [full.split(".")[1] for full in tensorrt_api.TABLE if full.startswith(f"{name}.")]
    numbered = [value for value in order if value in everything]
    fields = {value: _Value(name, value, numbered.index(value)) for value in values}
    return _StrictType(name, (_Strict,), {"_owner": name, **fields})


def _say(text: str) -> None:
    print(f"[TRT] [E] {text}", file=sys.stderr)


def _gpu() -> str:
    return json.dumps([trait("gpu"), trait("capability")])


def _enum(kind: str, name: str) -> Any:
    """A value that the bindings give."""
    _check(kind, name)
    return type.__getattribute__(_MODULE[0]._names[kind], name)


class ILogger(_Strict):
    """What users derive loggers from."""

    def __init__(self) -> None:
        self._made = True

    def log(self, severity: Any, msg: str) -> None:
        raise NotImplementedError


class Logger(_Strict):
    WARNING = _Value("Logger", "WARNING", 2)

    def __init__(self, min_severity: Any) -> None:
        assert isinstance(min_severity, _Value)


class Dims(_Strict):
    def __init__(self, shape: Sequence[int]) -> None:
        if not isinstance(shape, (list, tuple)) or not all(isinstance(size, int) for size in shape):
            raise TypeError("__init__(): incompatible constructor arguments")
        self._shape = tuple(shape)

    def __len__(self) -> int:
        return len(self._shape)

    def __getitem__(self, index: int) -> int:
        return self._shape[index]


def init_libnvinfer_plugins(logger: Any, namespace: str) -> bool:
    assert isinstance(logger, (Logger, ILogger))
    return True


class IHostMemory(_Strict):
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bytes__(self) -> bytes:
        return self._data


class ITensor(_Strict):
    def __init__(self, name: str, kind: str, shape: Sequence[int]) -> None:
        self._name, self._kind, self._shape = name, kind, tuple(shape)

    @property
    def name(self) -> str:
        return self._name

    @property
    def dtype(self) -> Any:
        return _enum("DataType", self._kind)

    @property
    def shape(self) -> Dims:
        return Dims(self._shape)


class INetworkDefinition(_Strict):
    def __init__(self, explicit_batch: bool, typed: bool, flags: int) -> None:
        self._explicit_batch, self._typed, self._flags = explicit_batch, typed, flags
        self._model: Any = None
        self._inputs: List[ITensor] = []
        self._outputs: List[ITensor] = []

    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    @property
    def num_outputs(self) -> int:
        return len(self._outputs)

    def get_input(self, index: int) -> ITensor:
        return self._inputs[index]

    def get_output(self, index: int) -> ITensor:
        return self._outputs[index]


class ParserError(_Strict):
    def __init__(self, node: int, desc: str) -> None:
        self._node, self._desc = node, desc

    def node(self) -> int:
        return self._node

    def desc(self) -> str:
        return self._desc


class OnnxParser(_Strict):
    def __init__(self, network: Any, logger: Any) -> None:
        assert isinstance(network, INetworkDefinition)
        assert isinstance(logger, (Logger, ILogger))
        self._network = network
        self._errors: List[ParserError] = []

    def parse_from_file(self, model: str) -> bool:
        import onnx

        try:
            # The real one, too, puts the nodes in order itself.
            loaded = onnx.load(model)
        except Exception as error:
            self._errors.append(ParserError(-1, f"Failed to parse ONNX model from file: {type(error).__name__}"))
            return False
        if not self._network._explicit_batch:
            self._errors.append(
                ParserError(-1, "This version of the ONNX parser only supports explicit batch networks")
            )
            return False
        weights = {tensor.name: tensor for tensor in loaded.graph.initializer}
        for number, node in enumerate(loaded.graph.node):
            if node.op_type not in OPERATORS:
                self._errors.append(ParserError(number, f"No importer registered for op: {node.op_type}"))
            elif node.op_type == "QuantizeLinear":
                self._errors.extend(_faults_of_quantiser(number, node, weights))
            elif node.op_type == "DequantizeLinear" and _data_type(weights, node.input[0]) == onnx.TensorProto.INT32:
                self._errors.append(ParserError(number, "an INT32 tensor cannot be dequantised"))
        self._network._model = loaded
        self._network._inputs = [_tensor(v) for v in loaded.graph.input if v.name not in weights]
        self._network._outputs = [_tensor(v) for v in loaded.graph.output]
        return not self._errors

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        return self._errors[index]


def _data_type(weights: Dict[str, Any], name: str) -> Optional[int]:
    return weights[name].data_type if name in weights else None


def _faults_of_quantiser(number: int, node: Any, weights: Dict[str, Any]) -> List[ParserError]:
    import onnx

    zero = weights.get(node.input[2]) if len(node.input) > 2 else None
    if zero is not None and zero.data_type == onnx.TensorProto.INT8 and not onnx.numpy_helper.to_array(zero).any():
        return []
    return [ParserError(number, "TensorRT only supports symmetric quantization: zero points must be INT8 and 0")]


def _tensor(value: Any) -> ITensor:
    kind = KINDS[value.type.tensor_type.elem_type]
    # Versions without it narrow it.
    if kind == "INT64" and "DataType.INT64" not in _Api.names:
        kind = "INT32"
    sizes = [d.dim_value if d.HasField("dim_value") else -1 for d in value.type.tensor_type.shape.dim]
    return ITensor(value.name, kind, sizes)


class IOptimizationProfile(_Strict):
    def __init__(self) -> None:
        self._shapes: Dict[str, List[Tuple[int, ...]]] = {}

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
        assert all(isinstance(shape, Dims) for shape in (min, opt, max))
        self._shapes[input] = [tuple(shape) for shape in (min, opt, max)]


class ITimingCache(_Strict):
    def __init__(self, known: Sequence[str], gpu: str) -> None:
        self._known, self._gpu = set(known), gpu

    def serialize(self) -> IHostMemory:
        told = {"version": _Api.version, "gpu": self._gpu, "known": sorted(self._known)}
        return IHostMemory(json.dumps(told).encode())


class IInt8EntropyCalibrator2(_Strict):
    def __init__(self) -> None:
        self._made = True

    def get_batch_size(self) -> int:
        raise NotImplementedError

    def get_batch(self, names: Sequence[str]) -> Optional[List[int]]:
        raise NotImplementedError

    def read_calibration_cache(self) -> Optional[bytes]:
        raise NotImplementedError

    def write_calibration_cache(self, cache: bytes) -> None:
        raise NotImplementedError


class IBuilderConfig(_Strict):
    def __init__(self) -> None:
        # As in every real one.
        self._flags = {"TF32"}
        self._pool = self._workspace = 0
        self._iterations, self._level = 1, 3
        self._device, self._core = _enum("DeviceType", "GPU"), -1
        self._profiles: List[IOptimizationProfile] = []
        self._calibration_profile: Optional[IOptimizationProfile] = None
        self._calibrator: Any = None
        self._cache: Optional[ITimingCache] = None

    def set_flag(self, flag: _Value) -> None:
        if flag.name not in (trait("ignores_flags") or ()):
            self._flags.add(flag.name)

    def clear_flag(self, flag: _Value) -> None:
        self._flags.discard(flag.name)

    def get_flag(self, flag: _Value) -> bool:
        return flag.name in self._flags

    @property
    def max_workspace_size(self) -> int:
        return self._workspace

    @max_workspace_size.setter
    def max_workspace_size(self, nbytes: int) -> None:
        self._workspace = nbytes

    def set_memory_pool_limit(self, pool: _Value, pool_size: int) -> None:
        assert pool.name == "WORKSPACE"
        self._pool = pool_size

    @property
    def avg_timing_iterations(self) -> int:
        return self._iterations

    @avg_timing_iterations.setter
    def avg_timing_iterations(self, count: int) -> None:
        self._iterations = count

    @property
    def builder_optimization_level(self) -> int:
        return self._level

    @builder_optimization_level.setter
    def builder_optimization_level(self, level: int) -> None:
        self._level = min(level, 5)

    @property
    def default_device_type(self) -> _Value:
        return self._device

    @default_device_type.setter
    def default_device_type(self, device: _Value) -> None:
        self._device = device

    @property
    def DLA_core(self) -> int:
        return self._core

    @DLA_core.setter
    def DLA_core(self, core: int) -> None:
        self._core = core

    @property
    def int8_calibrator(self) -> Any:
        return self._calibrator

    @int8_calibrator.setter
    def int8_calibrator(self, calibrator: Any) -> None:
        assert isinstance(calibrator, IInt8EntropyCalibrator2)
        assert calibrator._made, "the calibrator's own __init__ was not called"
        self._calibrator = calibrator

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        self._profiles.append(profile)
        return len(self._profiles) - 1

    def set_calibration_profile(self, profile: IOptimizationProfile) -> bool:
        self._calibration_profile = profile
        return True

    def create_timing_cache(self, serialized_timing_cache: bytes) -> Optional[ITimingCache]:
        assert isinstance(serialized_timing_cache, bytes)
        if not serialized_timing_cache:
            return ITimingCache((), _gpu())
        try:
            told = json.loads(serialized_timing_cache.decode())
        except ValueError:
            return None
        return ITimingCache(told["known"], told["gpu"]) if told["version"] == _Api.version else None

    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
        if cache._gpu != _gpu() and not ignore_mismatch:
            return False
        self._cache = cache
        return True

    def get_timing_cache(self) -> Optional[ITimingCache]:
        return self._cache


class Builder(_Strict):
    def __init__(self, logger: Any) -> None:
        assert isinstance(logger, (Logger, ILogger))
        self._logger = logger
        if trait("no_builder"):
            raise TypeError("pybind11::init(): factory function returned nullptr")

    @property
    def num_DLA_cores(self) -> int:
        return trait("dla_cores") or 0

    @property
    def platform_has_tf32(self) -> bool:
        return "tf32" not in (trait("slow") or ())

    @property
    def platform_has_fast_fp16(self) -> bool:
        return "fp16" not in (trait("slow") or ())

    @property
    def platform_has_fast_int8(self) -> bool:
        return "int8" not in (trait("slow") or ())

    def create_network(self, flags: int = 0) -> INetworkDefinition:
        values = [name for name in ("EXPLICIT_BATCH", "STRONGLY_TYPED") if _in_version(name)]
        asked = {name for name in values if flags & 1 << int(_enum_or_number(name))}
        assert flags < 1 << len(values), f"unknown flags of networks: {flags:b}"
        typed = "STRONGLY_TYPED" in asked or "EXPLICIT_BATCH" not in values
        # 10 needs no flag for what all networks are.
        explicit = "EXPLICIT_BATCH" in asked or not _Api.version.startswith("8.")
        return INetworkDefinition(explicit, typed, flags)

    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig()

    def create_optimization_profile(self) -> IOptimizationProfile:
        return IOptimizationProfile()

    def build_serialized_network(self, network: Any, config: Any) -> Optional[IHostMemory]:
        fault = self._fault(network, config)
        if fault:
            _say(fault)
            return None
        free = [tensor for tensor in network._inputs if -1 in tensor._shape]
        profiles = [profile._shapes for profile in config._profiles]
        if free and (not profiles or any(tensor._name not in profiles[0] for tensor in free)):
            _say("Network has dynamic inputs, but no optimization profile has been defined")
            return None
        flags = sorted(config._flags)
        if config._device.name == "DLA" and isinstance(self._logger, ILogger):
            self._say_layers(network)
        header: Dict[str, Any] = {
            "version": _Api.version,
            "gpu": _gpu(),
            "flags": flags,
            "typed": network._typed,
            "network_flags": network._flags,
            "device": config._device.name,
            "core": config._core,
            "level": config._level,
            "workspace": {"pool": config._pool, "size": config._workspace},
            "profiles": profiles,
            "iterations": config._iterations,
            "inputs": [[t._name, t._kind, list(t._shape)] for t in network._inputs],
            "outputs": [[t._name, _given(t._kind), list(t._shape)] for t in network._outputs],
            "calibrated": _calibrated(config._calibrator, network) if config._calibrator is not None else None,
            "timed": _timed(config._cache, network, flags),
        }
        return IHostMemory(MAGIC + json.dumps(header).encode() + b"\n" + network._model.SerializeToString())

    def _say_layers(self, network: Any) -> None:
        """What the real one prints as information: a DLA's layers in groups, the GPU's one by one."""
        if trait("silent_dla"):
            return
        taken = [node for node in network._model.graph.node if node.op_type in ("Conv", "Gemm", "MatMul", "Relu")]
        left = [node for node in network._model.graph.node if node not in taken]
        lines = ["---------- Layers Running on DLA ----------"]
        if taken:
            lines.append(f"[DlaLayer] {{ForeignNode[{taken[0].output[0]}...{taken[-1].output[0]}]}}")
        lines.append("---------- Layers Running on GPU ----------")
        lines += [f"[GpuLayer] {node.op_type.upper()}: {node.output[0]}" for node in left]
        for line in lines:
            self._logger.log(_Value("Severity", "INFO", 3), line)

    @staticmethod
    def _fault(network: Any, config: Any) -> str:
        if trait("no_engine"):
            return "Could not find any implementation for node"
        if not config._workspace and not config._pool:
            return "no workspace: too little memory for every tactic"
        if network._typed and config._flags & {"FP16", "BF16", "INT8"}:
            return "a strongly typed network takes no flags of precision"
        quantised = any(node.op_type == "QuantizeLinear" for node in network._model.graph.node)
        if "INT8" in config._flags and config._calibrator is None and not quantised:
            return "Calibrator is not being used, and there are no dynamic ranges"
        if quantised and not network._typed and "INT8" not in config._flags:
            return "a network with quantised nodes needs the flag INT8"
        if config._device.name == "DLA" and "GPU_FALLBACK" not in config._flags:
            return "the DLA has no layer for this, and GPU fallback is off"
        return ""


def _in_version(name: str) -> bool:
    return f"NetworkDefinitionCreationFlag.{name}" in tensorrt_api.names(_Api.version)


def _enum_or_number(name: str) -> int:
    return [n for n in ("EXPLICIT_BATCH", "STRONGLY_TYPED") if _in_version(n)].index(name)


def _given(kind: str) -> str:
    return "HALF" if trait("half_outputs") and kind == "FLOAT" else kind


def _calibrated(calibrator: Any, network: Any) -> Dict[str, Any]:
    """How many examples were read from the device, of which digest."""
    assert calibrator.get_batch_size() > 0
    assert calibrator.read_calibration_cache() is None
    names = [tensor._name for tensor in network._inputs]
    digest, count = hashlib.sha256(), 0
    while True:
        addresses = calibrator.get_batch(names)
        if addresses is None:
            break
        assert len(addresses) == len(names)
        for address in addresses:
            digest.update(DEVICE.read(address, len(DEVICE.memory[address])))
        count += 1
    calibrator.write_calibration_cache(b"ranges")
    return {"examples": count, "sha256": digest.hexdigest()}


def _timed(cache: Optional[ITimingCache], network: Any, flags: Sequence[str]) -> int:
    """How many nodes had to be timed, because the cache did not know them."""
    assert cache is not None, "without a cache nothing is kept of what was timed"
    nodes = {f"{node.op_type} {node.name or node.output[0]} {flags}" for node in network._model.graph.node}
    unknown = nodes - cache._known
    cache._known |= unknown
    return len(unknown)


class Runtime(_Strict):
    def __init__(self, logger: Any) -> None:
        assert isinstance(logger, (Logger, ILogger))
        self._core = -1

    @property
    def DLA_core(self) -> int:
        return self._core

    @DLA_core.setter
    def DLA_core(self, core: int) -> None:
        self._core = core

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Optional[ICudaEngine]:
        if not serialized_engine.startswith(MAGIC):
            _say("Magic tag does not match")
            return None
        header, _, network = serialized_engine[len(MAGIC) :].partition(b"\n")
        told = json.loads(header.decode())
        if (told["version"], told["gpu"]) != (_Api.version, _gpu()):
            _say("The engine plan file is not compatible with this version of TensorRT or this GPU")
            return None
        if told["device"] == "DLA" and told["core"] != self._core:
            _say(f"the engine is for DLA core {told['core']}, and the runtime's is {self._core}")
            return None
        return ICudaEngine(told, network)


class ICudaEngine(_Strict):
    def __init__(self, told: Dict[str, Any], network: bytes) -> None:
        import onnx
        import onnxruntime

        self._told = told
        self._contexts = 0
        # As TensorRT's parser calls them.
        nodes = onnx.load_from_string(network).graph.node
        self._node_count = len(nodes)
        self._layers = trait("layers")
        if self._layers is None:
            self._layers = [[node.name or f"node_of_{node.output[0]}", LAYER_MS] for node in nodes]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        # Integer kernels saturate on processors without VNNI; TensorRT does not.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self._tensors = [*told["inputs"], *told["outputs"]]
        profiles = told["profiles"]
        self._profile = profiles[0] if profiles else {}

    def create_execution_context(self) -> Optional[IExecutionContext]:
        self._contexts += 1
        _CONTEXTS.append(self._contexts)
        if self._contexts > 1 and self._profile and _Api.version.startswith("8."):
            _say("Profile 0 has been chosen by another IExecutionContext")
            return None
        none = trait("no_context") or (trait("no_second_context") and len(_CONTEXTS) > 1)
        return None if none else IExecutionContext(self)

    def create_engine_inspector(self) -> EngineInspector:
        return EngineInspector(self)

    @property
    def num_layers(self) -> int:
        return self._node_count

    @property
    def num_optimization_profiles(self) -> int:
        return 1

    @property
    def num_bindings(self) -> int:
        return len(self._tensors)

    @property
    def num_io_tensors(self) -> int:
        return len(self._tensors)

    def get_binding_name(self, index: int) -> str:
        return str(self._tensors[index][0])

    def binding_is_input(self, index: int) -> bool:
        return index < len(self._told["inputs"])

    def get_binding_dtype(self, index: int) -> Any:
        return _enum("DataType", self._tensors[index][1])

    def get_binding_shape(self, index: int) -> Dims:
        return Dims(self._tensors[index][2])

    def get_tensor_name(self, index: int) -> str:
        return str(self._tensors[index][0])

    def get_tensor_mode(self, name: str) -> Any:
        return _enum("TensorIOMode", "INPUT" if self._number(name) < len(self._told["inputs"]) else "OUTPUT")

    def get_tensor_dtype(self, name: str) -> Any:
        return _enum("DataType", self._tensors[self._number(name)][1])

    def get_tensor_shape(self, name: str) -> Dims:
        return Dims(self._tensors[self._number(name)][2])

    def _number(self, name: str) -> int:
        return [tensor[0] for tensor in self._tensors].index(name)


class EngineInspector(_Strict):
    def __init__(self, engine: ICudaEngine) -> None:
        self._engine = engine

    def get_engine_information(self, format: _Value) -> str:
        assert format.name == "JSON"
        told = trait("information")
        return json.dumps({"Layers": [name for name, _ in self._engine._layers]} if told is None else told)


class IProfiler(_Strict):
    def __init__(self) -> None:
        self._made = True

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        raise NotImplementedError


class IExecutionContext(_Strict):
    def __init__(self, engine: ICudaEngine) -> None:
        self._engine = engine
        self._profiler: Any = None
        self._shapes = {name: tuple(shape) for name, _, shape in engine._told["inputs"]}
        self._addresses: Dict[str, int] = {}
        # For what is between the layers.
        self._memory = DEVICE.allocate(4096)

    def __del__(self) -> None:
        DEVICE.memory.pop(self._memory, None)

    def set_binding_shape(self, binding: int, shape: Any) -> bool:
        return self._set_shape(self._engine._tensors[binding][0], shape)

    def set_input_shape(self, name: str, shape: Any) -> bool:
        return self._set_shape(name, shape)

    def get_binding_shape(self, binding: int) -> Dims:
        return self._shape(self._engine._tensors[binding][0])

    def get_tensor_shape(self, name: str) -> Dims:
        return self._shape(name)

    def set_tensor_address(self, name: str, memory: int) -> bool:
        assert isinstance(memory, int)
        self._addresses[name] = memory
        return True

    def execute_async_v2(self, bindings: Sequence[int], stream_handle: int) -> bool:
        names = [tensor[0] for tensor in self._engine._tensors]
        return self._execute(dict(zip(names, bindings)), stream_handle)

    def execute_async_v3(self, stream_handle: int) -> bool:
        return self._execute(dict(self._addresses), stream_handle)

    @property
    def profiler(self) -> Any:
        return self._profiler

    @profiler.setter
    def profiler(self, profiler: Any) -> None:
        assert isinstance(profiler, IProfiler)
        assert profiler._made, "the profiler's own __init__ was not called"
        self._profiler = profiler

    def execute_v2(self, bindings: Sequence[int]) -> bool:
        assert len(bindings) == len(self._engine._tensors)
        stream = DEVICE.create_stream()
        names = [tensor[0] for tensor in self._engine._tensors]
        was_put = self._execute(dict(zip(names, bindings)), stream)
        DEVICE.synchronise(stream)
        DEVICE.destroy_stream(stream)
        # Other ways to execute report nothing, as before 8.5.
        for name, ms in self._engine._layers if was_put and self._profiler is not None else ():
            self._profiler.report_layer_time(name, ms)
        return was_put

    def _set_shape(self, name: str, shape: Any) -> bool:
        assert isinstance(shape, Dims), "up to 8.6 only Dims are taken"
        limits = self._engine._profile.get(name)
        inside = limits is None or all(a <= b <= c for a, b, c in zip(limits[0], shape, limits[2]))
        if inside:
            self._shapes[name] = tuple(shape)
        return inside

    def _shape(self, name: str) -> Dims:
        if name in self._shapes:
            return Dims(self._shapes[name])
        declared = next(shape for tensor, _, shape in self._engine._told["outputs"] if tensor == name)
        if any(-1 in shape for shape in self._shapes.values()):
            return Dims(declared)
        # A free size is a batch, and the same everywhere.
        batch = next(iter(self._shapes.values()))[0]
        return Dims([batch if size == -1 else size for size in declared])

    def _execute(self, addresses: Dict[str, int], stream: int) -> bool:
        assert isinstance(stream, int)
        names = [tensor[0] for tensor in self._engine._tensors]
        unset = any(-1 in shape for shape in self._shapes.values())
        if unset or not all(addresses.get(name) for name in names) or trait("no_enqueue"):
            _say("Parameter check failed: an address or a shape is not set")
            return False
        DEVICE.run(lambda: self._compute(addresses), stream)
        return True

    def _compute(self, addresses: Dict[str, int]) -> None:
        import numpy as np

        told = self._engine._told
        feed = {}
        for (name, kind, _), declared in zip(told["inputs"], self._engine._session.get_inputs()):
            dtype, shape = np.dtype(DTYPES[kind]), self._shapes[name]
            data = DEVICE.read(addresses[name], int(np.prod(shape)) * dtype.itemsize)
            array = np.frombuffer(data, dtype).reshape(shape)
            feed[name] = array.astype("int64") if declared.type == "tensor(int64)" else array
        outputs = self._engine._session.run([name for name, _, _ in told["outputs"]], feed)
        for (name, kind, _), output in zip(told["outputs"], outputs):
            rounded = _rounded(output, told) if output.dtype.kind == "f" else output
            DEVICE.write(addresses[name], np.ascontiguousarray(rounded, DTYPES[kind]).tobytes())


def _rounded(output: Any, told: Dict[str, Any]) -> Any:
    """As a network of that precision gives it, roughly: the last steps of its numbers are lost."""
    import numpy as np

    flags = told["flags"]
    if "FP16" in flags:
        return output.astype(np.float16).astype(np.float32)
    if "INT8" in flags and told["calibrated"]:
        step = np.abs(output).max() / 127 or 1.0
        return np.round(output / step) * step
    bits = 16 if "BF16" in flags else 13 if "TF32" in flags else 0
    if bits == 0:
        return output
    # Bits of the fraction that the format lacks.
    return (output.astype(np.float32).view(np.uint32) >> bits << bits).view(np.float32)


class _Module(types.ModuleType):
    """The module ``tensorrt``."""

    def __getattr__(self, name: str) -> Any:
        # What the import system asks for.
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        _check("", name)
        return self._names[name]


CLASSES = (
    *(Logger, Dims, Builder, INetworkDefinition, ITensor, OnnxParser, ParserError, IBuilderConfig, ITimingCache),
    *(ILogger, IHostMemory, IOptimizationProfile, IInt8EntropyCalibrator2, Runtime, ICudaEngine, IExecutionContext),
    *(EngineInspector, IProfiler),
)
ENUMERATIONS = (
    *("NetworkDefinitionCreationFlag", "MemoryPoolType", "DeviceType", "BuilderFlag", "TensorIOMode", "DataType"),
    "LayerInformationFormat",
)
#: The module of this process.
_MODULE: List[Any] = []


def make(spec: Any = None) -> Any:
    """The module of the version that the environment names."""
    _Api.version = trait("version")
    _Api.names = tensorrt_api.names(_Api.version) - frozenset(trait("removed") or ())
    module = _Module("tensorrt")
    module.__spec__ = spec
    made: Dict[str, Any] = {cls.__name__: cls for cls in CLASSES}
    made.update({name: _enumeration(name) for name in ENUMERATIONS})
    made["init_libnvinfer_plugins"] = init_libnvinfer_plugins
    made["__version__"] = f"{_Api.version}.0"
    module._names = made
    _MODULE[:] = [module]
    _CONTEXTS.clear()
    return module


SHIM = "import sys\nfrom tests.fakes import {module} as fake\nsys.modules[__name__] = fake.{make}\n"
ABSENT = "raise ModuleNotFoundError('it is not installed', name={0!r})\n"
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"


def write_site(folder: Path, cuda: str = "cuda-bindings", metadata: bool = True) -> Path:
    """Make the folder one of installed packages: ``tensorrt``, and ``cuda-bindings`` or ``pycuda`` but not the other.

    The version is that of the environment at this moment, in TensorRT's metadata too unless there are to be none.
    """
    runtime = {"cuda-bindings": "cuda/bindings/runtime.py", "pycuda": "pycuda/driver.py"}
    files = {"tensorrt/__init__.py": SHIM.format(module="tensorrt_fake", make="make(__spec__)")}
    if metadata:
        files[f"tensorrt-{trait('version')}.0.dist-info/METADATA"] = METADATA.format(
            "tensorrt", f"{trait('version')}.0"
        )
    for package, path in runtime.items():
        top = path.split("/")[0]
        if package != cuda:
            files[f"{top}/__init__.py"] = ABSENT.format(top)
            continue
        for parent in list(Path(path).parents)[:-1]:
            files[f"{parent}/__init__.py"] = ""
        maker = "Runtime()" if package == "cuda-bindings" else "PyCudaDriver()"
        files[path] = SHIM.format(module="cuda_fake", make=maker)
        files[f"{package.replace('-', '_')}-99.0.dist-info/METADATA"] = METADATA.format(package, "99.0")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def header_of(path: Path) -> Dict[str, Any]:
    """What an engine's file says of how it was built."""
    told: Dict[str, Any] = json.loads(path.read_bytes()[len(MAGIC) :].partition(b"\n")[0].decode())
    return told


def install(monkeypatch: Any, folder: Path, cuda: str = "cuda-bindings", metadata: bool = True, **traits: Any) -> None:
    """Let this process, and those that it starts, find the fakes, for as long as the test takes."""
    monkeypatch.setenv(VARIABLE, json.dumps(traits))
    forget()
    DEVICE.reset()
    folder.mkdir(exist_ok=True)
    monkeypatch.syspath_prepend(str(write_site(folder, cuda, metadata)))


def forget() -> None:
    """Let the next import be one; to be called when the fakes go, too."""
    for name in list(sys.modules):
        if name.split(".")[0] in ("tensorrt", "cuda", "pycuda"):
            del sys.modules[name]
