"""PyTorch on the CPU, eager or compiled, or on an NVIDIA GPU."""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any, ClassVar, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import version_of
from pytest_edgeperf.frameworks.interface import (
    Engine,
    EngineConfiguration,
    EngineDescription,
    Framework,
    FrameworkError,
    Inputs,
    Model,
    closed,
)
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, OperatorProfile
from pytest_edgeperf.frameworks.sources import best_source, missing_source, obtain
from pytest_edgeperf.frameworks.stages import READ, stage
from pytest_edgeperf.frameworks.torch.tensors import dtype_of, flat, require_dtypes, size_mib
from pytest_edgeperf.frameworks.torch.torchscript import TORCH

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

COMPILE = "compile"
CUDA = "cuda"
#: Where a compiled module keeps the one that was compiled.
ORIGINAL = "_orig_mod"


class Torch(Framework):
    """PyTorch: the module as Python runs it, on the CPU or as ``torch:cuda`` on an NVIDIA GPU.

    As ``torch:compile`` it is compiled by TorchInductor, for the CPU. On a GPU, fp32 is computed without TF32, which
    the precision tf32 switches on; outputs are copied back in every inference.

    In fp16 and bf16 the weights and the inputs are converted; outputs come back as float32. ``torch:compile`` needs a
    C++ compiler, and compiles at its first inference, in the process that is measured: its memory is part of the peak.
    """

    name = "torch"
    install_advice = "pip install 'pytest-edgeperf[torch]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install torch==2.4.1 (the last for Python 3.8; CPU)",
        "jetpack-5": "pip install torch==2.4.1 (the last for Python 3.8; CPU; NVIDIA's wheel for JetPack 5 has CUDA)",
        "jetpack-6": "pip install torch (CPU; NVIDIA's wheel for JetPack 6 has CUDA)",
    }
    variants = (COMPILE, CUDA)
    precisions = ("fp32", "fp16", "bf16")
    formats = (TORCH,)

    @property
    def processor(self) -> str:
        """``gpu`` as ``torch:cuda``."""
        return "gpu" if self.variant == CUDA else "cpu"

    def version(self) -> Optional[str]:
        """The installed version with its build (``2.13.0+cpu``), read without importing it."""
        return version_of("torch")

    @property
    def offered(self) -> Tuple[str, ...]:
        """On a GPU also tf32."""
        return ("fp32", "tf32", "fp16", "bf16") if self.variant == CUDA else self.precisions

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        return None if best_source(model, "torch", precision) else missing_source(model, TORCH)

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Take the module in evaluation mode, convert it, and set the process's number of threads.

        PyTorch has one number of threads for the process: it holds for all its engines.

        Raises:
            FrameworkError: no GPU where one was asked for, the source gives no ``nn.Module``, the module is not in the
                precision on the CPU, or PyTorch did not take the number of threads.
        """
        model, precision = configuration.model, configuration.precision
        torch = self.imported("torch")
        _set_threads(torch, configuration.threads)
        key = best_source(model, "torch", precision)
        assert key is not None
        source = model.sources[key]
        with stage(READ):
            module = source if isinstance(source, torch.nn.Module) else obtain(model, key)
        if not isinstance(module, torch.nn.Module):
            raise FrameworkError(
                f"model {model.name!r}: sources[{key!r}] gave a {type(module).__name__}, not an nn.Module"
            )
        module.eval()
        if key == "torch":
            require_dtypes(torch, module, model, torch.float32, "cpu")
        if self.variant == CUDA:
            from pytest_edgeperf.frameworks.torch import cuda

            return cuda.load(configuration, torch, module)
        dtype = dtype_of(torch, precision)
        if precision != "fp32":
            # The model's own module stays as it is for whoever loads it next.
            module = copy.deepcopy(module).to(dtype)
        require_dtypes(torch, module, model, dtype, "cpu")
        if self.variant == COMPILE:
            module = _compiled(torch, module)
        return TorchEngine(configuration, torch, module)


class TorchEngine(Engine):
    """A module in evaluation and inference mode."""

    def __init__(self, configuration: EngineConfiguration, torch: Any, module: Any) -> None:
        super().__init__(configuration)
        self._torch = torch
        self._module = module
        self._from_numpy = torch.from_numpy
        self._inference_mode = torch.inference_mode
        self._tensor = torch.Tensor
        self._dtype = dtype_of(torch, self.precision)
        self._converts = self.precision != "fp32"
        self.size_mib = size_mib(module)

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run the module on arrays in order; nested tuples, lists and dicts come back flat, in order."""
        with self._inference_mode():
            tensors = map(self._from_numpy, arrays)
            if self._converts:
                output = self._module(
                    *(tensor.to(self._dtype) if tensor.is_floating_point() else tensor for tensor in tensors)
                )
                return tuple(
                    tensor.float().numpy() if tensor.is_floating_point() else tensor.numpy()
                    for tensor in flat(self._torch, output, self.model)
                )
            output = self._module(*tensors)
            if isinstance(output, self._tensor):
                return (output.numpy(),)
            return tuple(tensor.numpy() for tensor in flat(self._torch, output, self.model))

    def describe(self) -> EngineDescription:
        """What PyTorch says now; ``omp_wait_policy`` decides whether OpenMP's threads spin after a call."""
        return self.configuration.description(
            "cpu",
            self._torch.get_num_threads(),
            interop_threads=self._torch.get_num_interop_threads(),
            omp_wait_policy=os.environ.get("OMP_WAIT_POLICY", "default"),
            float32_matmul_precision=self._torch.get_float32_matmul_precision(),
        )

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """What layers and other operations take, by ``torch.profiler``.

        A compiled module is compiled a second time, with TorchInductor's kernels in the trace: these have no layers.
        """
        if self._module is closed:
            closed()
        from pytest_edgeperf.frameworks.torch.operator_times import layers_of, profile

        torch = self._torch
        original = getattr(self._module, ORIGINAL, None)
        if original is None:
            return profile(self, torch, layers_of(torch, self._module), inputs, repetitions, calls)
        traced = _compiled(torch, copy.deepcopy(original), {"cpp.enable_kernel_profile": True})
        return profile(TorchEngine(self.configuration, torch, traced), torch, {}, inputs, repetitions, calls)

    def example_inputs(self, count: int = 4, seed: int = 0) -> Inputs:
        """Seeded random inputs, as for every engine; a module does not know its shapes, so the model must."""
        if not self.inputs:
            raise FrameworkError(
                f"model {self.model.name!r}: a torch module does not know the shapes of its inputs; "
                "give them with Model(inputs=[TensorSpec(name, shape=(...))])"
            )
        return super().example_inputs(count, seed)

    def close(self) -> None:
        """Let the module go; the engine cannot infer afterwards."""
        self._module = closed


def _compiled(torch: Any, module: Any, options: Optional[Mapping[str, Any]] = None) -> Any:
    import torch._inductor.config as inductor

    # Its pool of compiling processes would outlive the compilation and run beside what is measured.
    inductor.compile_threads = 1
    return torch.compile(module, dynamic=False, options=dict(options) if options else None)


def _set_threads(torch: Any, threads: int) -> None:
    torch.set_num_threads(threads)
    if torch.get_num_threads() != threads:
        raise FrameworkError(f"torch was asked for {threads} threads and gave {torch.get_num_threads()}")
    if torch.get_num_interop_threads() != 1:
        try:
            torch.set_num_interop_threads(1)
        except RuntimeError:
            # refused after the first parallel work; eager inference does not use them, and describe() reports them
            return
