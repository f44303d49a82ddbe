"""PyTorch, eager, on the CPU."""

from __future__ import annotations

import os
from importlib import metadata
from typing import TYPE_CHECKING, Any, Dict, Iterator, Mapping, Optional, Tuple

from pytest_edgeperf.frameworks.interface import (
    Engine,
    Framework,
    FrameworkError,
    Inputs,
    Model,
    require_precision,
    require_threads,
)
from pytest_edgeperf.frameworks.sources import missing_source, obtain

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array


class Torch(Framework):
    """PyTorch in eager mode, CPU, fp32: the module as Python runs it."""

    name = "torch"
    install_advice = "pip install 'pytest-edgeperf[torch]'"

    def version(self) -> Optional[str]:
        """The installed version with its build (``2.13.0+cpu``), read without importing it."""
        try:
            return metadata.version("torch")
        except metadata.PackageNotFoundError:
            return None

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        require_precision(precision)
        if precision != "fp32":
            return f"torch runs a module as it is: {precision} comes with a model in that precision"
        if "torch" not in model.sources:
            return missing_source(model, "torch")
        return None

    def load(self, model: Model, *, precision: str = "fp32", threads: int = 1) -> Engine:
        """Take the module in evaluation mode and set the process's number of threads.

        PyTorch has one number of threads for the process: it holds for all its engines.

        Raises:
            FrameworkError: not installed, unsupported, the source gives no ``nn.Module``, the module is not
                fp32 on the CPU, or PyTorch did not take the number of threads.
        """
        reason = self.unsupported(model, precision)
        if reason is not None:
            raise FrameworkError(reason)
        require_threads(threads)
        torch = self._runtime()
        _set_threads(torch, threads)
        source = model.sources["torch"]
        module = source if isinstance(source, torch.nn.Module) else obtain(model, "torch")
        if not isinstance(module, torch.nn.Module):
            raise FrameworkError(
                f"model {model.name!r}: sources['torch'] gave a {type(module).__name__}, not an nn.Module"
            )
        module.eval()
        _require_fp32_on_cpu(torch, module, model)
        return TorchEngine(torch, module, model, precision, str(self.version()))

    def _runtime(self) -> Any:
        try:
            import torch
        except ImportError as error:
            if self.version() is None:
                raise FrameworkError(f"torch is not installed; {self.install_advice}") from error
            raise FrameworkError(
                f"torch {self.version()} is installed but cannot be imported: {error}; reinstall it"
            ) from error
        return torch


class TorchEngine(Engine):
    """A module in evaluation and inference mode."""

    framework = Torch.name

    def __init__(self, torch: Any, module: Any, model: Model, precision: str, version: str) -> None:
        self.model = model
        self.precision = precision
        self.inputs = tuple(model.inputs)
        self._torch = torch
        self._module = module
        self._version = version
        self._from_numpy = torch.from_numpy
        self._inference_mode = torch.inference_mode
        self._tensor = torch.Tensor

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run the module on arrays in order; nested tuples, lists and dicts come back flat, in order."""
        with self._inference_mode():
            output = self._module(*map(self._from_numpy, arrays))
            if isinstance(output, self._tensor):
                return (output.numpy(),)
            return tuple(tensor.numpy() for tensor in self._flat(output))

    def _flat(self, output: Any) -> Iterator[Any]:
        if isinstance(output, self._tensor):
            yield output
        elif isinstance(output, Mapping):
            for value in output.values():
                yield from self._flat(value)
        elif isinstance(output, (tuple, list)):
            for value in output:
                yield from self._flat(value)
        else:
            raise FrameworkError(f"model {self.model.name!r} gave an output of type {type(output).__name__}")

    def describe(self) -> Dict[str, Any]:
        """What PyTorch says now; ``omp_wait_policy`` decides whether OpenMP's threads spin after a call."""
        return {
            "framework": self.framework,
            "version": self._version,
            "precision": self.precision,
            "provider": "cpu",
            "threads": self._torch.get_num_threads(),
            "interop_threads": self._torch.get_num_interop_threads(),
            "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY", "default"),
            "float32_matmul_precision": self._torch.get_float32_matmul_precision(),
        }

    def example_inputs(self, count: int = 4, seed: int = 0) -> Inputs:
        """Seeded random inputs, as for every engine; a module does not know its shapes, so the model must."""
        if not self.inputs:
            raise FrameworkError(
                f"model {self.model.name!r}: a torch module does not know the shapes of its inputs; "
                "say them with Model(inputs=[TensorSpec(name, shape=(...))])"
            )
        return super().example_inputs(count, seed)

    def close(self) -> None:
        """Let the module go; the engine cannot infer afterwards."""
        self._module = _closed


def _closed(*_: Any) -> Any:
    raise FrameworkError("the engine is closed; load the model again")


def _set_threads(torch: Any, threads: int) -> None:
    torch.set_num_threads(threads)
    if torch.get_num_threads() != threads:
        raise FrameworkError(f"torch was asked for {threads} threads and gave {torch.get_num_threads()}")
    if torch.get_num_interop_threads() != 1:
        try:
            torch.set_num_interop_threads(1)
        except RuntimeError:
            # refused after the first parallel work; eager inference does not use them, describe() tells
            return


def _require_fp32_on_cpu(torch: Any, module: Any, model: Model) -> None:
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if tensor.device.type != "cpu":
            raise FrameworkError(f"model {model.name!r}: {name} is on {tensor.device}; use .cpu()")
        if tensor.is_floating_point() and tensor.dtype is not torch.float32:
            raise FrameworkError(f"model {model.name!r}: {name} is {tensor.dtype}, not float32; use .float()")
