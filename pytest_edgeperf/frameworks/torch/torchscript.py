"""TorchScript files, the only ones of PyTorch's that are read without unpickling them in Python."""

from __future__ import annotations

import warnings
import zipfile
from functools import partial
from pathlib import Path
from typing import Any, Callable, List

from pytest_edgeperf.frameworks.errors import FrameworkError
from pytest_edgeperf.frameworks.files_read import note_model
from pytest_edgeperf.frameworks.formats import SourceFormat


def torchscript(path: Path) -> Callable[[], Any]:
    """The function that loads a TorchScript file.

    Raises:
        FrameworkError: it is none, and loading it would unpickle it.
    """
    members: List[str] = []
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
    if not any(member.endswith("/constants.pkl") for member in members) or not any(
        "/code/" in member for member in members
    ):
        raise FrameworkError(
            f"model file {path} is not TorchScript: loading it would unpickle it, which can run any code; "
            "save it with torch.jit.save, or build the module in Python: Model(sources={'torch': ...})"
        )
    return partial(_loaded, path)


TORCH = SourceFormat(
    "torch", (".pt", ".pth", ".pt2"), remedy="add a function that returns the nn.Module", source=torchscript
)


def _loaded(path: Path) -> Any:
    import torch

    note_model(path)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.load` is deprecated")
        return torch.jit.load(str(path), map_location="cpu")
