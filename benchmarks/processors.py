"""Where a framework's tensors are: what decides which parts of an experiment there are."""

from __future__ import annotations

from typing import Any, Optional

CPU = "cpu"
CUDA = "cuda"
#: Variants of PyTorch that are a compiled module or another processor's: the module itself is not called.
EAGER = {"torch": CPU, "torch:cpu": CPU, "torch:cuda": CUDA}


def torch_device(framework: Any) -> Optional[str]:
    """``cpu`` or ``cuda`` where the framework is PyTorch as Python runs it; ``None`` for every other."""
    return EAGER.get(framework.name)


def synchronise(device: str) -> None:
    """Wait until the GPU has done what it was given; nothing on the CPU."""
    if device == CUDA:
        import torch

        torch.cuda.synchronize()
