"""TensorFlow on an NVIDIA GPU: what ``tensorflow:cuda`` sets before it loads, and what it reads back."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Tuple, Union

from pytest_edgeperf.frameworks.interface import EngineConfiguration, FrameworkError, Model
from pytest_edgeperf.frameworks.options import whole_number

DEVICE = "GPU:0"
MEMORY_MIB = "memory_mib"
#: Of that option: all that there is, which TensorFlow takes unless it is told otherwise.
ALL = "all"
#: Precision -> the least compute capability with arithmetic for it. Source: CUDA C++ programming guide, table of
#: arithmetic instructions.
LEAST_CAPABILITY = {"tf32": (8, 0), "bf16": (8, 0), "fp16": (5, 3)}


def prepare(tf: Any, configuration: EngineConfiguration) -> Dict[str, Any]:
    """Set what TensorFlow fixes for the process, and say what it gave.

    Operations without a GPU kernel are then errors, and do not run on the CPU. Memory grows as it is needed, or is a
    fixed part of the GPU's where the model has the option ``tensorflow.memory_mib``; TensorFlow's own way, to take all
    there is, is that option's ``"all"``.

    Raises:
        FrameworkError: TensorFlow finds no GPU, the GPU has no arithmetic for the precision, or TensorFlow has started
            with other settings or did not take them.
    """
    precision, memory_mib = configuration.precision, configuration.options[MEMORY_MIB] or None
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        build = "with" if tf.test.is_built_with_cuda() else "without"
        raise FrameworkError(
            f"tensorflow {tf.__version__} finds no GPU (it is built {build} CUDA); install a build with CUDA: pip "
            "install 'tensorflow[and-cuda]' on x86, NVIDIA's wheel on a Jetson"
        )
    details = tf.config.experimental.get_device_details(gpus[0])
    capability: Optional[Tuple[int, ...]] = details.get("compute_capability")
    least = LEAST_CAPABILITY.get(precision)
    if least is not None and capability is not None and tuple(capability) < least:
        raise FrameworkError(
            f"tensorflow:cuda was asked for {precision}, which needs compute capability {_dotted(least)}; the GPU has "
            f"{_dotted(capability)}"
        )
    _set_memory(tf, gpus[0], memory_mib)
    tf.config.set_soft_device_placement(False)
    tf32 = precision == "tf32"
    tf.config.experimental.enable_tensor_float_32_execution(tf32)
    if tf.config.experimental.tensor_float_32_execution_enabled() != tf32:
        raise FrameworkError(f"tensorflow was asked for TF32 {'on' if tf32 else 'off'}, and did not take it")
    return {
        "gpu": details.get("device_name"),
        "compute_capability": None if capability is None else _dotted(capability),
        "cuda": tf.sysconfig.get_build_info().get("cuda_version"),
        "tf32": tf32,
        "memory_limit_mib": memory_mib,
    }


def require_placed(function: Any, computing: Sequence[str], model: Model) -> None:
    """Insist that no convolution or matrix product of a traced function asks for the CPU itself.

    Raises:
        FrameworkError: the saved graph names devices.
    """
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    elsewhere = sorted({node.op for node in nodes if node.op in computing and "CPU" in node.device.upper()})
    if elsewhere:
        raise FrameworkError(
            f"model {model.name!r}: its graph puts {', '.join(elsewhere)} on the CPU; save it without tf.device"
        )


def peak_mib(tf: Any) -> float:
    """The most that TensorFlow's allocator has had in use on the GPU so far."""
    return float(tf.config.experimental.get_memory_info(DEVICE)["peak"]) / 2**20


def memory(value: Any) -> Union[int, str]:
    """``value``, as the option ``tensorflow.memory_mib`` takes it.

    Raises:
        ValueError: it is none; with what it may be.
    """
    if value == ALL:
        return ALL
    try:
        return whole_number(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "{ALL}"') from None


def _set_memory(tf: Any, gpu: Any, memory_mib: Union[int, str, None]) -> None:
    """Let memory grow, limit it, or leave it to TensorFlow; once for the process."""
    try:
        if memory_mib is None:
            tf.config.experimental.set_memory_growth(gpu, True)
        elif memory_mib == ALL:
            if not _has_memory(tf, gpu, ALL):
                raise RuntimeError("its memory is limited or grows")
        else:
            limited = tf.config.LogicalDeviceConfiguration(memory_limit=memory_mib)
            tf.config.set_logical_device_configuration(gpu, [limited])
    except (RuntimeError, ValueError) as error:
        if _has_memory(tf, gpu, memory_mib):
            return
        raise FrameworkError(
            f"tensorflow has started in this process with other settings of the GPU's memory ({error}); load with the "
            "same tensorflow.memory_mib, or in a fresh process"
        ) from error


def _has_memory(tf: Any, gpu: Any, memory_mib: Union[int, str, None]) -> bool:
    """Whether the process has these settings already."""
    given = tf.config.get_logical_device_configuration(gpu) or ()
    limits = [device.memory_limit for device in given if device.memory_limit is not None]
    if memory_mib == ALL:
        return not limits and not tf.config.experimental.get_memory_growth(gpu)
    if memory_mib is not None:
        return limits == [memory_mib]
    return not limits and bool(tf.config.experimental.get_memory_growth(gpu))


def _dotted(capability: Sequence[int]) -> str:
    return ".".join(map(str, capability))
