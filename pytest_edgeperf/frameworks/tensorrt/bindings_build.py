"""Builds engines of TensorRT by its Python bindings, in a process of its own (see :mod:`building`).

What a version has is looked up in it, never decided by comparing versions: up to 10 precisions are flags of the builder
and int8 has calibrators; from 11 on a network is strongly typed, and its file decides the types.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.caches import is_private
from pytest_edgeperf.frameworks.building import read_calibration
from pytest_edgeperf.frameworks.cuda import Cuda, open_cuda
from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.frameworks.stages import importing
from pytest_edgeperf.frameworks.tensorrt.dla_layers import placed_layers, says_place
from pytest_edgeperf.frameworks.tensorrt.files import ENGINE, require_types
from pytest_edgeperf.frameworks.tensorrt.options import DLA_CORE, OPTIMISATION_LEVEL, require_free

FACTS = "facts.json"
#: How often the builder times each tactic; its own default of 1 lets chance choose.
TIMING_ITERATIONS = 4
#: Flags of the builder for what it may compute in, where the version has them.
FLAGS = ("TF32", "FP16", "BF16", "INT8")
#: Precision -> the flag that is set; all others are cleared.
FLAG_OF: Mapping[str, Optional[str]] = {"fp32": None, "tf32": "TF32", "fp16": "FP16", "bf16": "BF16", "int8": "INT8"}
#: TensorRT's types by their names -> numpy's. ``trt.nptype`` is no help: before 8.6 it needs a numpy under 1.24.
DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "UINT8": "uint8",
}


def import_tensorrt() -> Any:
    """TensorRT's bindings.

    Raises:
        FrameworkError: they cannot be imported.
    """
    try:
        return importing("tensorrt")
    except ImportError as error:
        raise FrameworkError(
            f"tensorrt cannot be imported: {error}; install TensorRT's libraries of the same version"
        ) from error


def is_typed(trt: Any) -> bool:
    """Whether networks are strongly typed only: the builder has no flags of precision any more."""
    return not hasattr(trt.BuilderFlag, "FP16")


def dtype_of(kind: Any) -> str:
    """numpy's name of a type of TensorRT's, or TensorRT's own where numpy has none (``BF16``, ``FP8``)."""
    return DTYPES.get(kind.name, str(kind.name))


def build_device(folder: Path) -> None:
    """Write what the builder reports about this GPU and version, which takes too much memory for a measured process."""
    trt = import_tensorrt()
    builder = _builder(trt, _logger(trt))
    facts: Dict[str, Any] = {"strongly_typed": is_typed(trt), "dla_cores": int(builder.num_DLA_cores)}
    facts["flags"] = [name for name in FLAGS if hasattr(trt.BuilderFlag, name)]
    facts["calibrates"] = hasattr(trt, "IInt8EntropyCalibrator2")
    # From 11 on it does not report these.
    asked = {"tf32": "platform_has_tf32", "fp16": "platform_has_fast_fp16", "int8": "platform_has_fast_int8"}
    facts["fast"] = {
        precision: bool(getattr(builder, question))
        for precision, question in asked.items()
        if hasattr(builder, question)
    }
    (folder / FACTS).write_text(json.dumps(facts, sort_keys=True) + "\n", "utf-8")


class _Asked(NamedTuple):
    """What an engine is to be: see :func:`build`."""

    precision: str
    inputs: Sequence[Tuple[str, Sequence[int], str]]
    profile: Mapping[str, Sequence[Sequence[int]]]
    dla_core: Optional[int]
    optimisation_level: Optional[int]
    workspace_mib: int


def build(folder: Path, *, onnx: str, timing_cache: str, calibration: Optional[str] = None, **asked: Any) -> None:
    """Write the engine of an ONNX file, and the settings that the builder then reports.

    Args:
        folder: where :data:`ENGINE` and :data:`FACTS` are written.
        onnx: path of the file.
        timing_cache: path of what the builder learnt of this GPU's tactics; read where it is there, and written.
        calibration: path of the examples for int8 (see :func:`building.read_calibration`).
        asked: the fields of :class:`_Asked`.

    Raises:
        FrameworkError: TensorRT cannot read or build it, or did not take an option; asked and given are named.
    """
    wanted = _Asked(**asked)
    trt = import_tensorrt()
    if is_typed(trt):
        require_types(onnx, wanted.precision, typed=True)
    messages: List[str] = []
    logger = _logger(trt) if wanted.dla_core is None else _listening_logger(trt, messages)
    builder = _builder(trt, logger)
    network = builder.create_network(_network_flags(trt))
    _parse(trt, network, logger, onnx)
    config = builder.create_builder_config()
    facts: Dict[str, Any] = {"strongly_typed": is_typed(trt), "flags": _set_precision(trt, config, wanted.precision)}
    facts.update(_set_options(trt, config, wanted))
    facts.update(_set_device(trt, builder, config, wanted))
    _set_profiles(trt, builder, network, config, wanted, calibration is not None)
    facts["timing_cache"] = _use_timing_cache(trt, config, Path(timing_cache))
    with ExitStack() as held:
        if calibration is not None:
            # The builder does not keep it.
            calibrator = _calibrator(trt, open_cuda(), held, read_calibration(calibration), wanted.inputs)
            config.int8_calibrator = calibrator
            facts["calibrator"] = "IInt8EntropyCalibrator2"
        serialised = builder.build_serialized_network(network, config)
    if serialised is None:
        raise FrameworkError(
            f"TensorRT {trt.__version__} cannot build {os.path.basename(onnx)} in {wanted.precision}; its messages "
            "are above; if memory is short, lower the option tensorrt.workspace_mib"
        )
    (folder / ENGINE).write_bytes(bytes(serialised))
    _keep_timing_cache(config, Path(timing_cache))
    if wanted.dla_core is not None:
        facts["dla_layers"] = placed_layers(messages)
    facts["outputs"] = {tensor.name: dtype_of(tensor.dtype) for tensor in _outputs(network)}
    (folder / FACTS).write_text(json.dumps(facts, sort_keys=True) + "\n", "utf-8")


def _logger(trt: Any) -> Any:
    logger = trt.Logger(trt.Logger.WARNING)
    trt.init_libnvinfer_plugins(logger, "")
    return logger


def _listening_logger(trt: Any, messages: List[str]) -> Any:
    """A logger that also keeps what is only information, by which the builder says where it puts layers."""

    class Listening(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            # Those of all severities are given; a build may have a million.
            if says_place(message):
                messages.append(message)
            if int(severity) <= int(trt.Logger.WARNING):
                print(f"[TRT] {message}", file=sys.stderr)

    logger = Listening()
    trt.init_libnvinfer_plugins(logger, "")
    return logger


def _builder(trt: Any, logger: Any) -> Any:
    try:
        return trt.Builder(logger)
    except TypeError as error:  # its factory gave nothing
        raise FrameworkError(
            f"TensorRT {trt.__version__} cannot create a builder ({error}); it needs a GPU, a new enough "
            "driver and its library nvinfer_builder_resource"
        ) from error


def _network_flags(trt: Any) -> int:
    flags = trt.NetworkDefinitionCreationFlag
    if is_typed(trt):
        return 1 << int(flags.STRONGLY_TYPED)
    # Networks without it are those of before ONNX; 10 ignores it.
    return 1 << int(flags.EXPLICIT_BATCH) if hasattr(flags, "EXPLICIT_BATCH") else 0


def _parse(trt: Any, network: Any, logger: Any, onnx: str) -> None:
    parser = trt.OnnxParser(network, logger)
    if parser.parse_from_file(onnx):
        return
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    words = "; ".join(f"node {error.node()}: {error.desc()}" for error in errors) or "it gives no reason"
    raise FrameworkError(
        f"TensorRT {trt.__version__} cannot read {os.path.basename(onnx)}: {words}; export it with other operators, or "
        "use a version that has them"
    )


def _set_precision(trt: Any, config: Any, precision: str) -> Dict[str, bool]:
    """Set and clear the flags that this version has; how the builder then reports them."""
    wanted = FLAG_OF[precision]
    if not is_typed(trt) and wanted is not None and not hasattr(trt.BuilderFlag, wanted):
        raise FrameworkError(f"TensorRT {trt.__version__} has no {precision}: its builder has no flag {wanted}")
    facts = {}
    for name in FLAGS:
        if not hasattr(trt.BuilderFlag, name):
            continue
        flag = getattr(trt.BuilderFlag, name)
        (config.set_flag if name == wanted else config.clear_flag)(flag)
        facts[name] = bool(config.get_flag(flag))
        _require_taken(trt, f"the flag {name}", name == wanted, facts[name])
    return facts


def _set_options(trt: Any, config: Any, wanted: _Asked) -> Dict[str, Any]:
    workspace = wanted.workspace_mib << 20
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace)
    else:
        config.max_workspace_size = workspace
    config.avg_timing_iterations = TIMING_ITERATIONS
    _require_taken(trt, "avg_timing_iterations", TIMING_ITERATIONS, config.avg_timing_iterations)
    if wanted.optimisation_level is None:
        return {}
    if not hasattr(config, "builder_optimization_level"):
        raise FrameworkError(
            f"TensorRT {trt.__version__} has no builder_optimization_level; leave out the option "
            f"tensorrt.{OPTIMISATION_LEVEL}"
        )
    config.builder_optimization_level = wanted.optimisation_level
    _require_taken(trt, "builder_optimization_level", wanted.optimisation_level, config.builder_optimization_level)
    return {"builder_optimization_level": wanted.optimisation_level}


def _set_device(trt: Any, builder: Any, config: Any, wanted: _Asked) -> Dict[str, Any]:
    if wanted.dla_core is None:
        return {"device_type": config.default_device_type.name}
    cores = int(builder.num_DLA_cores)
    if not 0 <= wanted.dla_core < cores:
        raise FrameworkError(
            f"DLA core {wanted.dla_core} was asked for, but this device has {cores or 'no DLA'}"
            f"{' of them, from 0' if cores else ''}; leave out the option tensorrt.{DLA_CORE}"
        )
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = wanted.dla_core
    # What the DLA has no layer for.
    config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    _require_taken(trt, "the device type", "DLA", config.default_device_type.name)
    _require_taken(trt, "the DLA core", wanted.dla_core, config.DLA_core)
    _require_taken(trt, "the flag GPU_FALLBACK", True, bool(config.get_flag(trt.BuilderFlag.GPU_FALLBACK)))
    return {"device_type": "DLA", "dla_core": wanted.dla_core}


def _set_profiles(trt: Any, builder: Any, network: Any, config: Any, wanted: _Asked, calibrated: bool) -> None:
    """Give inputs of free sizes their least, usual and largest shapes; calibration runs at that of the inputs."""
    tensors = [network.get_input(index) for index in range(network.num_inputs)]
    free = [tensor.name for tensor in tensors if any(size < 0 for size in tuple(tensor.shape))]
    require_free(wanted.profile, free)
    if not free:
        return
    fixed = {name: [list(shape)] * 3 for name, shape, _ in wanted.inputs}
    profiles = [{name: wanted.profile.get(name, fixed[name]) for name in free}]
    if calibrated:
        profiles.append({name: fixed[name] for name in free})
    for number, shapes in enumerate(profiles):
        profile = builder.create_optimization_profile()
        for name, (least, usual, largest) in shapes.items():
            profile.set_shape(name, trt.Dims(least), trt.Dims(usual), trt.Dims(largest))
        taken = (
            config.add_optimization_profile(profile) >= 0 if number == 0 else config.set_calibration_profile(profile)
        )
        if not taken:
            raise FrameworkError(f"TensorRT {trt.__version__} does not accept the shapes {shapes} as a profile")


def _calibrator(
    trt: Any, cuda: Cuda, held: ExitStack, examples: List[Tuple[Any, ...]], inputs: Sequence[Tuple[Any, ...]]
) -> Any:
    """Gives the builder one example after the other, in memory of the device, which ``held`` gives back."""
    import numpy as np

    stream = cuda.stream()
    held.callback(cuda.destroy_stream, stream)
    hosts, addresses = {}, {}
    for name, shape, dtype in inputs:
        hosts[name] = cuda.page_locked(shape, dtype)
        held.callback(cuda.free_page_locked, hosts[name])
        addresses[name] = cuda.allocate(hosts[name].nbytes)
        held.callback(cuda.free, addresses[name])
    names = [name for name, _, _ in inputs]
    remaining: Iterator[Tuple[Any, ...]] = iter(examples)

    class Calibrator(trt.IInt8EntropyCalibrator2):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IInt8EntropyCalibrator2.__init__(self)

        def get_batch_size(self) -> int:
            return int(hosts[names[0]].shape[0])

        def get_batch(self, wanted: Sequence[str]) -> Optional[List[int]]:
            example = next(remaining, None)
            if example is None:
                return None
            for name, array in zip(names, example):
                np.copyto(hosts[name], array)
                cuda.copy_in(addresses[name], hosts[name], stream)
            cuda.synchronise(stream)
            return [addresses[name] for name in wanted]

        def read_calibration_cache(self) -> None:
            return None

        def write_calibration_cache(self, cache: Any) -> None:
            return None

    return Calibrator()


def _use_timing_cache(trt: Any, config: Any, path: Path) -> str:
    kept = path.read_bytes() if is_private(path) else b""
    # One that cannot be read, or of another GPU, is begun again.
    for content in (kept, b""):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return "kept" if content else "new"
    raise FrameworkError(f"TensorRT {trt.__version__} accepts no timing cache, not even an empty one")


def _keep_timing_cache(config: Any, path: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=str(path.parent), delete=False) as file:
        file.write(bytes(config.get_timing_cache().serialize()))
    os.replace(file.name, str(path))


def _outputs(network: Any) -> List[Any]:
    return [network.get_output(index) for index in range(network.num_outputs)]


def _require_taken(trt: Any, what: str, asked: Any, given: Any) -> None:
    if asked != given:
        raise FrameworkError(f"TensorRT {trt.__version__} was asked for {what}: {asked}, but reports {given}")
