"""Imports torchvision, also beside a torch that its compiled operators do not load into.

The wheel on PyPI is built against torch with CUDA. Beside a torch for CPUs its operators are missing, and its import
stops where it describes them. Declared before, without an implementation, they let every network be built that needs
none of them when it runs: suppression (``nms``) is none of the networks' work here.
"""

from __future__ import annotations

import importlib.util
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, List

from models.libraries import TORCHVISION as NAMESPACE
from models.libraries import install_command
from pytest_edgeperf import FrameworkError

INSTALL = install_command([NAMESPACE])
#: The operators whose shapes torchvision describes on import, as its compiled part declares them.
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
#: Torch drops a declaration with the library that made it.
_declared: List[Any] = []


def torchvision_module(name: str) -> Any:
    """A module of torchvision, as ``torchvision.models``, without the operators that do not load.

    Raises:
        FrameworkError: torchvision is not installed, or cannot be imported; the message has the command.
    """
    spec = importlib.util.find_spec(NAMESPACE) if NAMESPACE not in sys.modules else sys.modules[NAMESPACE].__spec__
    if spec is None:
        raise FrameworkError(f"{name} is needed, and torchvision is not installed: {INSTALL}")
    already = NAMESPACE in sys.modules
    if not already:
        forget()
        _declare_missing(Path(str(spec.origin)).parent)
    try:
        return import_module(name)
    except (ImportError, RuntimeError, OSError) as error:
        if not already:
            # half of it would stay, and hide from the next import what was wrong
            forget()
        raise FrameworkError(f"{name} cannot be imported ({type(error).__name__}: {error}); {INSTALL}") from error


def _declare_missing(folder: Path) -> None:
    """Load the compiled operators, or declare those that did not load. Needs torch."""
    import torch

    for library in sorted([*folder.glob("_C*.so"), *folder.glob("_C*.pyd")]):
        # it belongs to another build of torch
        with suppress(OSError):
            torch.ops.load_library(library)
    operators = getattr(torch.ops, NAMESPACE)
    missing = [schema for schema in SCHEMAS if not hasattr(operators, schema.partition("(")[0])]
    if missing:
        # FRAGMENT: a library that loads after all may define others
        library_of_ours = torch.library.Library(NAMESPACE, "FRAGMENT")
        for schema in missing:
            library_of_ours.define(schema)
        _declared.append(library_of_ours)


def forget() -> None:
    """Remove what a failed import left."""
    for module in [name for name in sys.modules if name.partition(".")[0] == NAMESPACE]:
        del sys.modules[module]
