"""NVTX ranges around the phases of an inference, which NVIDIA's profilers show in their timelines.

They are made by the package ``nvtx``, or by a torch with CUDA that the benchmark has imported. Without either there are
none: nothing is imported for them.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib import import_module
from typing import Any, Callable, ContextManager, Optional

#: From a range's name to the context that it spans.
RangeMaker = Callable[[str], ContextManager[Any]]


def range_maker() -> Optional[RangeMaker]:
    """What makes ranges in this process, or ``None``."""
    if "nvtx" in sys.modules or importlib.util.find_spec("nvtx") is not None:
        maker: RangeMaker = import_module("nvtx").annotate
        return maker
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        of_torch: RangeMaker = torch.cuda.nvtx.range
        return of_torch
    return None


def within(make: RangeMaker, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """A callable whose calls are ranges of that name."""

    def ranged(*args: Any) -> Any:
        with make(name):
            return call(*args)

    return ranged
