"""What PyTorch's engines on the CPU and on GPUs share."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from pytest_edgeperf.frameworks.interface import FrameworkError, Model

#: Precision -> the name of the type that weights and inputs get; tf32 is a way to multiply them.
DTYPES = {"fp32": "float32", "tf32": "float32", "fp16": "float16", "bf16": "bfloat16"}


def dtype_of(torch: Any, precision: str) -> Any:
    """The ``torch.dtype`` of weights and inputs at a precision."""
    return getattr(torch, DTYPES[precision])


def size_mib(module: Any) -> float:
    """What a module's parameters and buffers take."""
    stored = [*module.parameters(), *module.buffers()]
    return float(sum(tensor.numel() * tensor.element_size() for tensor in stored)) / 2**20


def flat(torch: Any, output: Any, model: Model) -> Iterator[Any]:
    """The tensors of a module's output, in order.

    Raises:
        FrameworkError: it holds something else.
    """
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, Mapping):
        for value in output.values():
            yield from flat(torch, value, model)
    elif isinstance(output, (tuple, list)):
        for value in output:
            yield from flat(torch, value, model)
    else:
        raise FrameworkError(f"model {model.name!r} gave an output of type {type(output).__name__}")


def require_dtypes(torch: Any, module: Any, model: Model, dtype: Any, device: str) -> None:
    """Raise FrameworkError unless all that a module holds is on the device, and its real numbers in the type."""
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if tensor.device.type != device:
            remedy = "; use .cpu()" if device == "cpu" else ""
            raise FrameworkError(f"model {model.name!r}: {name} is on {tensor.device}, not {device}{remedy}")
        if tensor.is_floating_point() and tensor.dtype is not dtype:
            remedy = "; use .float()" if dtype is torch.float32 else ""
            wanted = str(dtype).replace("torch.", "")
            raise FrameworkError(f"model {model.name!r}: {name} is {tensor.dtype}, not {wanted}{remedy}")
