"""From what a user passes (a path, a :class:`Model`) to a :class:`Model`, and from there to a source."""

from __future__ import annotations

import os
import warnings
import zipfile
from functools import partial
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from pytest_edgeperf.frameworks.interface import FrameworkError, Model, ModelLike

REMEDIES: Dict[str, str] = {
    "onnx": "export it once with torch.onnx.export and add a function that returns the file's path",
    "torch": "add a function that returns the nn.Module",
    "tensorflow": "add a function that returns the path of a SavedModel or .keras file, or a keras.Model",
    "tflite": "convert it and add a function that returns the .tflite file's path",
}
#: Suffix of a file -> the format that a path of it is the source of.
SUFFIXES: Dict[str, str] = {
    ".onnx": "onnx",
    ".tflite": "tflite",
    ".keras": "tensorflow",
    ".cfg": "darknet",
    ".prototxt": "caffe",
    ".mnn": "mnn",
    ".param": "ncnn",
    ".pte": "executorch",
    ".engine": "tensorrt",
    ".plan": "tensorrt",
}
#: The second file of a network in two files, which lies beside the first under the same name.
COMPANIONS: Dict[str, str] = {"darknet": ".weights", "caffe": ".caffemodel", "ncnn": ".bin"}


def as_model(model: ModelLike) -> Model:
    """A model from a path, named by the file; a :class:`Model` is returned as it is.

    ``.onnx`` becomes the source ``"onnx"``, a TorchScript ``.pt`` or ``.pth`` the source ``"torch"``; ``.tflite``,
    ``.keras`` and a SavedModel's folder, Darknet's ``.cfg`` with ``.weights`` and Caffe's ``.prototxt`` with
    ``.caffemodel`` beside it, ncnn's ``.param`` with ``.bin``, ``.mnn``, ``.pte``, and TensorRT's ``.engine`` and
    ``.plan`` those of their runtimes.
    No file is ever unpickled in Python: a pickled module, a state dict and a ``torch.export`` archive
    (whose loader unpickles) are refused.

    Raises:
        FrameworkError: the file is missing, of an unknown kind, or would have to be unpickled.
    """
    if isinstance(model, Model):
        return model
    path = Path(model).absolute()
    if (path / "saved_model.pb").is_file():
        return Model(name=path.name, sources={"tensorflow": partial(str, path)})
    if not path.is_file():
        raise FrameworkError(f"model file {path} does not exist")
    if path.suffix in SUFFIXES:
        kind = SUFFIXES[path.suffix]
        companion = path.with_suffix(COMPANIONS.get(kind, path.suffix))
        if not companion.is_file():
            raise FrameworkError(f"model file {companion} does not exist; it belongs to {path.name}")
        files = partial(str, path) if companion == path else partial(_files, path, companion)
        return Model(name=path.stem, sources={kind: files})
    if path.suffix in (".pt", ".pth", ".pt2"):
        _require_torchscript(path)
        return Model(name=path.stem, sources={"torch": partial(_torchscript, path)})
    raise FrameworkError(
        f"model file {path}: unknown kind {path.suffix or '(no suffix)'!r}; "
        "give an .onnx file, a TorchScript .pt file, a file of one of the runtimes "
        f"({', '.join(suffix for suffix in SUFFIXES if suffix != '.onnx')}), or a Model"
    )


def missing_source(model: Model, kind: str) -> str:
    """Why a runtime that reads ``kind`` cannot run ``model``, with the remedy."""
    return (
        f"model {model.name!r} has no {kind!r} source, "
        f"only: {', '.join(sorted(model.sources)) or 'none'}; "
        f"{_remedy(kind)}: Model(sources={{{kind!r}: ...}})"
    )


def best_source(model: Model, kind: str, precision: str) -> Optional[str]:
    """The key of the source that a runtime which reads ``kind`` should take: one that is in the precision already,
    else the plain one; ``None`` where there is neither.
    """
    return next((key for key in (f"{kind}:{precision}", kind) if key in model.sources), None)


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
            f"model {model.name!r}: sources[{kind!r}] is a {type(source).__name__}, not a function; {_remedy(kind)}"
        )
    try:
        return source()
    except FileNotFoundError as error:
        raise FrameworkError(f"model {model.name!r}: what sources[{kind!r}] reads is missing: {error}") from error


def file_of(model: Model, kind: str) -> str:
    """The path that the model's source ``kind`` gives.

    Raises:
        FrameworkError: as :func:`obtain`, or no file is there.
    """
    return existing(str(obtain(model, kind)), model)


def existing(path: str, model: Model) -> str:
    """``path`` as it is, when a file of the model's is there.

    Raises:
        FrameworkError: there is none.
    """
    if not os.path.isfile(path):
        raise FrameworkError(f"model {model.name!r}: the file {path} does not exist")
    return path


def _remedy(kind: str) -> str:
    kind = kind.partition(":")[0]
    return REMEDIES.get(kind, f"add a function that returns what {kind} reads")


def _files(*paths: Path) -> Tuple[str, ...]:
    return tuple(map(str, paths))


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
