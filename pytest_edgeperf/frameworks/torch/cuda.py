"""PyTorch on an NVIDIA GPU: what ``torch:cuda`` loads."""

from __future__ import annotations

import copy
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import (
    DeviceTimed,
    EngineConfiguration,
    EngineDescription,
    FrameworkError,
    closed,
)
from pytest_edgeperf.frameworks.mps import mps_active
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, OperatorProfile
from pytest_edgeperf.frameworks.torch.tensors import dtype_of, flat, require_dtypes, size_mib

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

DEVICE = "cuda:0"
#: Precision -> the least compute capability with arithmetic for it. Source: CUDA C++ programming guide, table of
#: arithmetic instructions.
LEAST_CAPABILITY = {"tf32": (8, 0), "bf16": (8, 0), "fp16": (5, 3)}


def load(configuration: EngineConfiguration, torch: Any, module: Any) -> TorchCudaEngine:
    """Copy the module to the GPU in the precision, with TF32 on where that is the precision, else off.

    Raises:
        FrameworkError: no GPU that this PyTorch can use, a GPU without the precision, or a flag that it did not take.
    """
    precision = configuration.precision
    _require_gpu(torch, str(configuration.version))
    _require_capability(torch, precision)
    tf32 = _set_tf32(torch, precision == "tf32")
    dtype = dtype_of(torch, precision)
    with torch.inference_mode():
        placed = copy.deepcopy(module).to(device=DEVICE, dtype=dtype)
    # The engine's own stream does not wait for the one that copied the weights.
    torch.cuda.synchronize()
    require_dtypes(torch, placed, configuration.model, dtype, torch.device(DEVICE).type)
    return TorchCudaEngine(configuration, torch, placed, tf32)


class TorchCudaEngine(DeviceTimed):
    """A module on a GPU, in evaluation and inference mode; inputs and outputs are copied in every inference.

    It works in a stream of its own, so that several in threads share the GPU as they would without us.
    """

    def __init__(self, configuration: EngineConfiguration, torch: Any, module: Any, tf32: Mapping[str, Any]) -> None:
        super().__init__(configuration)
        self.size_mib = size_mib(module)
        self._torch = torch
        self._module = module
        self._tf32 = dict(tf32)
        self._dtype = dtype_of(torch, self.precision)
        self._device = torch.device(DEVICE)
        self._stream = torch.cuda.Stream()
        self._in_stream = torch.cuda.stream
        self._inference_mode = torch.inference_mode

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Copy arrays in, run the module, copy its outputs back as float32; nested outputs come back flat, in order."""
        with self._inference_mode(), self._in_stream(self._stream):
            outputs = self._outputs(self._module(*self._copied(arrays)))
            return tuple(tensor.cpu().numpy() for tensor in outputs)

    def synchronise(self) -> None:
        """Wait until the GPU has finished."""
        self._stream.synchronize()

    def infer_timed(self, *arrays: Array) -> Mapping[str, float]:
        """One inference with CUDA events between copying in, the module and copying out (ms)."""
        torch = self._torch
        start, copied, inferred, end = (torch.cuda.Event(enable_timing=True) for _ in range(4))
        with self._inference_mode(), self._in_stream(self._stream):
            start.record()
            tensors = self._copied(arrays)
            copied.record()
            outputs = self._outputs(self._module(*tensors))
            inferred.record()
            kept = [tensor.to("cpu", non_blocking=True) for tensor in outputs]
            end.record()
            asked_ns = perf_counter_ns()
            self._stream.synchronize()
            waited_ns = perf_counter_ns() - asked_ns
        del kept
        return {
            "device_latency": start.elapsed_time(end),
            "device_copy_in": start.elapsed_time(copied),
            "device_infer": copied.elapsed_time(inferred),
            "device_copy_out": inferred.elapsed_time(end),
            "synchronise": waited_ns / 1e6,
        }

    def device_memory_mib(self) -> Optional[float]:
        """The most that PyTorch's allocator has had in use so far."""
        return float(self._torch.cuda.max_memory_allocated()) / 2**20

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """What the kernels of layers and other operations take, by ``torch.profiler``."""
        if self._module is closed:
            closed()
        from pytest_edgeperf.frameworks.torch.operator_times import layers_of, profile

        return profile(self, self._torch, layers_of(self._torch, self._module), inputs, repetitions, calls)

    def describe(self) -> EngineDescription:
        """What PyTorch says of the GPU and of its own flags now."""
        torch = self._torch
        return self.configuration.description(
            torch.cuda.get_device_name(),
            torch.get_num_threads(),
            compute_capability=".".join(map(str, torch.cuda.get_device_capability())),
            cuda=torch.version.cuda,
            cudnn=torch.backends.cudnn.version(),
            cudnn_benchmark=torch.backends.cudnn.benchmark,
            mps=mps_active(),
            **self._tf32,
        )

    def close(self) -> None:
        """Let the module go and give its memory back; the engine cannot infer afterwards."""
        self._module = closed
        self._torch.cuda.empty_cache()

    def _copied(self, arrays: Tuple[Array, ...]) -> List[Any]:
        tensors = (self._torch.from_numpy(array).to(self._device, non_blocking=True) for array in arrays)
        return [tensor.to(self._dtype) if tensor.is_floating_point() else tensor for tensor in tensors]

    def _outputs(self, given: Any) -> List[Any]:
        return [
            tensor.float() if tensor.is_floating_point() else tensor for tensor in flat(self._torch, given, self.model)
        ]


def _require_gpu(torch: Any, version: str) -> None:
    if torch.version.cuda is None:
        raise FrameworkError(
            f"torch:cuda was asked for, but torch {version} was built without CUDA; install a build with CUDA "
            "(pip install torch on x86; NVIDIA's wheel for your JetPack on a Jetson)"
        )
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        raise FrameworkError(
            f"torch:cuda was asked for, but torch {version} (CUDA {torch.version.cuda}) finds no GPU that it can use: "
            f"{error}"
        ) from error


def _require_capability(torch: Any, precision: str) -> None:
    capability, least = tuple(torch.cuda.get_device_capability()), LEAST_CAPABILITY.get(precision, (0, 0))
    if capability < least:
        raise FrameworkError(
            f"{torch.cuda.get_device_name()} has no {precision}: its compute capability is "
            f"{capability[0]}.{capability[1]}, and {precision} needs {least[0]}.{least[1]}"
        )


def _set_tf32(torch: Any, on: bool) -> Dict[str, Any]:
    """Switch TF32 for matrices and convolutions; what PyTorch then reports.

    Releases since 2.9 have a setting of their own for it, and refuse to mix it with the older one.
    """
    matrices, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if hasattr(matrices, "fp32_precision") and hasattr(cudnn, "conv"):
        wanted: Any = "tf32" if on else "ieee"
        matrices.fp32_precision = cudnn.conv.fp32_precision = wanted
        settings = {"matmul_fp32": matrices.fp32_precision, "convolution_fp32": cudnn.conv.fp32_precision}
    else:
        wanted = on
        matrices.allow_tf32 = cudnn.allow_tf32 = wanted
        settings = {"matmul_allow_tf32": matrices.allow_tf32, "convolution_allow_tf32": cudnn.allow_tf32}
    for name, given in settings.items():
        if given != wanted:
            raise FrameworkError(f"torch was asked for {name} {wanted!r} and gave {given!r}")
    return settings
