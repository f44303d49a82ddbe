"""What we rely on of TensorRT's Python bindings: names, arguments, and the versions that have them.

Written by hand; nothing else of the bindings is called, and the fake in :mod:`tensorrt_fake` has nothing else. Run as a
program it compares this table with the bindings that are installed (``tox run -e tensorrt-api``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, FrozenSet, Optional, Tuple

#: Oldest first: JetPack 4.6 (8.0, 8.2), 5 (8.4, 8.5), 6 (8.6, 10.3), 7 (10.13, 10.16), and x86 (11.4).
VERSIONS = ("8.0", "8.2", "8.4", "8.5", "8.6", "10.3", "10.13", "10.16", "11.4")
METHOD, PROPERTY, VALUE, CLASS = "method", "property", "value", "class"


@dataclass(frozen=True)
class Entry:
    """A name of the bindings: what it is, how a method is called by us, and its first and last version."""

    kind: str
    arguments: Tuple[str, ...] = ()
    first: str = VERSIONS[0]
    last: Optional[str] = None

    def is_in(self, version: str) -> bool:
        """Whether a version has it."""
        place = VERSIONS.index(version)
        return VERSIONS.index(self.first) <= place and (self.last is None or place <= VERSIONS.index(self.last))


def _method(*arguments: str, first: str = VERSIONS[0], last: Optional[str] = None) -> Entry:
    return Entry(METHOD, arguments, first, last)


def _property(first: str = VERSIONS[0], last: Optional[str] = None) -> Entry:
    return Entry(PROPERTY, (), first, last)


def _value(first: str = VERSIONS[0], last: Optional[str] = None) -> Entry:
    return Entry(VALUE, (), first, last)


#: The last with flags of precision and calibrators; from the next on networks are strongly typed.
WEAK = "10.16"
#: The last with numbered bindings.
NUMBERED = "8.6"
#: The first with named tensors.
NAMED = "8.5"
#: The first with an inspector of engines.
INSPECTED = "8.2"

TABLE: Dict[str, Entry] = {
    "__version__": _value(),
    "init_libnvinfer_plugins": _method("logger", "namespace"),
    "ILogger": Entry(CLASS),
    "ILogger.log": _method("severity", "msg"),
    "Logger": Entry(CLASS, ("min_severity",)),
    "Logger.WARNING": _value(),
    "Dims": Entry(CLASS, ("shape",)),
    # Building.
    "Builder": Entry(CLASS, ("logger",)),
    "Builder.num_DLA_cores": _property(),
    "Builder.platform_has_tf32": _property(last=WEAK),
    "Builder.platform_has_fast_fp16": _property(last=WEAK),
    "Builder.platform_has_fast_int8": _property(last=WEAK),
    "Builder.create_network": _method("flags"),
    "Builder.create_builder_config": _method(),
    "Builder.create_optimization_profile": _method(),
    "Builder.build_serialized_network": _method("network", "config"),
    "NetworkDefinitionCreationFlag": Entry(CLASS),
    "NetworkDefinitionCreationFlag.EXPLICIT_BATCH": _value(last=WEAK),
    "NetworkDefinitionCreationFlag.STRONGLY_TYPED": _value(first="10.3"),
    "INetworkDefinition.num_inputs": _property(),
    "INetworkDefinition.get_input": _method("index"),
    "INetworkDefinition.num_outputs": _property(),
    "INetworkDefinition.get_output": _method("index"),
    "ITensor.name": _property(),
    "ITensor.shape": _property(),
    "ITensor.dtype": _property(),
    "OnnxParser": Entry(CLASS, ("network", "logger")),
    "OnnxParser.parse_from_file": _method("model"),
    "OnnxParser.num_errors": _property(),
    "OnnxParser.get_error": _method("index"),
    "ParserError.node": _method(),
    "ParserError.desc": _method(),
    "IBuilderConfig.set_flag": _method("flag"),
    "IBuilderConfig.clear_flag": _method("flag"),
    "IBuilderConfig.get_flag": _method("flag"),
    "IBuilderConfig.max_workspace_size": _property(last=NUMBERED),
    "IBuilderConfig.set_memory_pool_limit": _method("pool", "pool_size", first="8.4"),
    "IBuilderConfig.avg_timing_iterations": _property(),
    "IBuilderConfig.builder_optimization_level": _property(first="8.6"),
    "IBuilderConfig.default_device_type": _property(),
    "IBuilderConfig.DLA_core": _property(),
    "IBuilderConfig.add_optimization_profile": _method("profile"),
    "IBuilderConfig.set_calibration_profile": _method("profile", last=WEAK),
    "IBuilderConfig.int8_calibrator": _property(last=WEAK),
    "IBuilderConfig.create_timing_cache": _method("serialized_timing_cache"),
    "IBuilderConfig.set_timing_cache": _method("cache", "ignore_mismatch"),
    "IBuilderConfig.get_timing_cache": _method(),
    "ITimingCache.serialize": _method(),
    "MemoryPoolType": Entry(CLASS, first="8.4"),
    "MemoryPoolType.WORKSPACE": _value(first="8.4"),
    "DeviceType": Entry(CLASS),
    "DeviceType.GPU": _value(),
    "DeviceType.DLA": _value(),
    "BuilderFlag": Entry(CLASS),
    "BuilderFlag.TF32": _value(),
    "BuilderFlag.FP16": _value(last=WEAK),
    "BuilderFlag.BF16": _value(first="10.3", last=WEAK),
    "BuilderFlag.INT8": _value(last=WEAK),
    "BuilderFlag.GPU_FALLBACK": _value(),
    "IOptimizationProfile.set_shape": _method("input", "min", "opt", "max"),
    "IInt8EntropyCalibrator2": Entry(CLASS, last=WEAK),
    "IInt8EntropyCalibrator2.get_batch_size": _method(last=WEAK),
    "IInt8EntropyCalibrator2.get_batch": _method("names", last=WEAK),
    "IInt8EntropyCalibrator2.read_calibration_cache": _method(last=WEAK),
    "IInt8EntropyCalibrator2.write_calibration_cache": _method("cache", last=WEAK),
    # Running.
    "Runtime": Entry(CLASS, ("logger",)),
    "Runtime.DLA_core": _property(),
    "Runtime.deserialize_cuda_engine": _method("serialized_engine"),
    "ICudaEngine.create_execution_context": _method(),
    "ICudaEngine.num_layers": _property(),
    "ICudaEngine.num_optimization_profiles": _property(),
    "ICudaEngine.num_bindings": _property(last=NUMBERED),
    "ICudaEngine.get_binding_name": _method("index", last=NUMBERED),
    "ICudaEngine.binding_is_input": _method("index", last=NUMBERED),
    "ICudaEngine.get_binding_dtype": _method("index", last=NUMBERED),
    "ICudaEngine.get_binding_shape": _method("index", last=NUMBERED),
    "ICudaEngine.num_io_tensors": _property(first=NAMED),
    "ICudaEngine.get_tensor_name": _method("index", first=NAMED),
    "ICudaEngine.get_tensor_mode": _method("name", first=NAMED),
    "ICudaEngine.get_tensor_dtype": _method("name", first=NAMED),
    "ICudaEngine.get_tensor_shape": _method("name", first=NAMED),
    "TensorIOMode": Entry(CLASS, first=NAMED),
    "TensorIOMode.INPUT": _value(first=NAMED),
    "TensorIOMode.OUTPUT": _value(first=NAMED),
    "DataType.FLOAT": _value(),
    "DataType.HALF": _value(),
    "DataType.INT8": _value(),
    "DataType.INT32": _value(),
    "DataType.BOOL": _value(),
    "DataType.UINT8": _value(first=NAMED),
    "DataType.INT64": _value(first="10.3"),
    "DataType.BF16": _value(first="10.3"),
    "IExecutionContext.set_binding_shape": _method("binding", "shape", last=NUMBERED),
    "IExecutionContext.get_binding_shape": _method("binding", last=NUMBERED),
    "IExecutionContext.execute_async_v2": _method("bindings", "stream_handle", last=NUMBERED),
    "IExecutionContext.set_input_shape": _method("name", "shape", first=NAMED),
    "IExecutionContext.get_tensor_shape": _method("name", first=NAMED),
    "IExecutionContext.set_tensor_address": _method("name", "memory", first=NAMED),
    "IExecutionContext.execute_async_v3": _method("stream_handle", first=NAMED),
    # Profiling.
    "IExecutionContext.execute_v2": _method("bindings"),
    "IExecutionContext.profiler": _property(),
    "IProfiler": Entry(CLASS),
    "IProfiler.report_layer_time": _method("layer_name", "ms"),
    "ICudaEngine.create_engine_inspector": _method(first=INSPECTED),
    "EngineInspector.get_engine_information": _method("format", first=INSPECTED),
    "LayerInformationFormat": Entry(CLASS, first=INSPECTED),
    "LayerInformationFormat.JSON": _value(first=INSPECTED),
}

#: Name -> those that are not used where a version has it.
SUPERSEDED: Dict[str, Tuple[str, ...]] = {
    "IBuilderConfig.set_memory_pool_limit": ("IBuilderConfig.max_workspace_size",),
    "BuilderFlag.FP16": ("NetworkDefinitionCreationFlag.STRONGLY_TYPED",),
    "ICudaEngine.num_io_tensors": (
        "ICudaEngine.num_optimization_profiles",
        "ICudaEngine.num_bindings",
        "ICudaEngine.get_binding_name",
        "ICudaEngine.binding_is_input",
        "ICudaEngine.get_binding_dtype",
        "ICudaEngine.get_binding_shape",
        "IExecutionContext.set_binding_shape",
        "IExecutionContext.get_binding_shape",
        "IExecutionContext.execute_async_v2",
    ),
}


def names(version: str) -> FrozenSet[str]:
    """All that a version has of the table."""
    return frozenset(name for name, entry in TABLE.items() if entry.is_in(version))


def used(version: str) -> FrozenSet[str]:
    """What we use of a version."""
    every = names(version)
    return every - {old for new, olds in SUPERSEDED.items() if new in every for old in olds}
