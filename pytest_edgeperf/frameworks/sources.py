"""From what a user passes (a path, a :class:`Model`) to a :class:`Model`, and from there to a source."""

from __future__ import annotations

import warnings
import zipfile
from functools import partial
from pathlib import Path
from typing import Any, Dict

from pytest_edgeperf.frameworks.interface import FrameworkError, Model, ModelLike

REMEDIES: Dict[str, str] = {
    "onnx": "export it once with torch.onnx.export and add a function that returns the file's path",
    "torch": "add a function that returns the nn.Module",
}


def as_model(model: ModelLike) -> Model:
    """A model from a path, named by the file; a :class:`Model` is returned as it is.

    ``.onnx`` becomes the source ``"onnx"``, a TorchScript ``.pt`` or ``.pth`` the source ``"torch"``.
    No file is ever unpickled in Python: a pickled module, a state dict and a ``torch.export`` archive
    (whose loader unpickles) are refused.

    Raises:
        FrameworkError: the file is missing, of an unknown kind, or would have to be unpickled.
    """
    if isinstance(model, Model):
        return model
    path = Path(model).absolute()
    if not path.is_file():
        raise FrameworkError(f"model file {path} does not exist")
    if path.suffix == ".onnx":
        return Model(name=path.stem, sources={"onnx": partial(str, path)})
    if path.suffix in (".pt", ".pth", ".pt2"):
        _require_torchscript(path)
        return Model(name=path.stem, sources={"torch": partial(_torchscript, path)})
    raise FrameworkError(
        f"model file {path}: unknown kind {path.suffix or '(no suffix)'!r}; "
        "give an .onnx file, a TorchScript .pt file, or a Model"
    )


def missing_source(model: Model, kind: str) -> str:
    """Why a runtime that reads ``kind`` cannot run ``model``, with the remedy."""
    return (
        f"model {model.name!r} has no {kind!r} source, "
        f"only: {', '.join(sorted(model.sources)) or 'none'}; "
        f"{REMEDIES[kind]}: Model(sources={{{kind!r}: ...}})"
    )


def obtain(model: Model, kind: str) -> Any:
    """What the model's source ``kind`` gives.

    Raises:
        FrameworkError: there is no such source, or it is not a function.
    """
    if kind not in model.sources:
        raise FrameworkError(missing_source(model, kind))
    source = model.sources[kind]
    if not callable(source):
        raise FrameworkError(
            f"model {model.name!r}: sources[{kind!r}] is a {type(source).__name__}, not a function; {REMEDIES[kind]}"
        )
    return source()


def _require_torchscript(path: Path) -> None:
    members = []
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


def _torchscript(path: Path) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.load` is deprecated")
        return torch.jit.load(str(path), map_location="cpu")
