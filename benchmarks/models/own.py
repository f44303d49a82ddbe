"""Networks that a user adds by a file in TOML, with the pre- and post-processing of one that is known here.

::

    [networks.my-detector]
    onnx = "my_detector.onnx"   # beside this file
    like = "yolox-s"            # whose pre- and post-processing it has
    resolution = 512            # that of the other, if it is left out
    gflops = 21.3               # its place in the studies, if it is known
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from models.network import Network
from models.networks import known
from pytest_edgeperf import FrameworkError, Model, TensorSpec

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEYS = ("onnx", "like", "resolution", "gflops")


@dataclass(frozen=True)
class OwnNetwork:
    """An ONNX file, and how it is fed and read."""

    name: str
    path: Path
    like: Network
    resolution: int
    gflops: Optional[float] = None

    def model(self) -> Model:
        """For one image.

        Raises:
            FrameworkError: the file is no ONNX file with one input of images, or onnx is not installed.
        """
        return Model(self.name, {"onnx": partial(str, self.path)}, (TensorSpec(self._input(), self._shape()),))

    def _shape(self) -> Tuple[int, ...]:
        return self.like.shape(self.resolution)

    def _input(self) -> str:
        try:
            import onnx
        except ModuleNotFoundError:
            raise FrameworkError(f"{self.name}: onnx is not installed, which reads {self.path}") from None
        try:
            graph = onnx.load(str(self.path), load_external_data=False).graph
        except Exception as error:  # protobuf's own kinds of errors differ from release to release
            raise FrameworkError(f"{self.name}: {self.path} is no ONNX file ({type(error).__name__})") from None
        weights = {tensor.name for tensor in graph.initializer}
        inputs = [value for value in graph.input if value.name not in weights]
        if len(inputs) != 1:
            raise FrameworkError(f"{self.name}: {self.path} has {len(inputs)} inputs; it must have one, of images")
        fixed = [size.dim_value for size in inputs[0].type.tensor_type.shape.dim]
        if len(fixed) != len(self._shape()) or any(size not in (0, ours) for size, ours in zip(fixed, self._shape())):
            raise FrameworkError(
                f"{self.name}: {self.path} takes {_sizes(fixed)}, not {_sizes(self._shape())}: correct its resolution, "
                f"or the network that it is like"
            )
        return str(inputs[0].name)


def _sizes(sizes: Any) -> str:
    return "x".join(str(size) if size else "?" for size in sizes)


def read(path: str) -> Dict[str, OwnNetwork]:
    """The networks of a file, by name.

    Raises:
        ValueError: the file cannot be read or says something impossible; the message names the file and the entry.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; name a file in TOML with tables [networks.NAME]") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    networks = content.get("networks")
    if not isinstance(networks, dict) or not networks or set(content) - {"networks"}:
        raise ValueError(f"{path}: must have tables [networks.NAME], each with onnx and like, and nothing else")
    return {name: _entry(file, name, entry) for name, entry in networks.items()}


def _entry(file: Path, name: str, entry: Any) -> OwnNetwork:
    where = f"{file}: networks.{name}"
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is no table")
    unknown = sorted(set(entry) - set(KEYS))
    if unknown:
        raise ValueError(f"{where} has {', '.join(unknown)}; it takes {', '.join(KEYS)}")
    path = file.parent / _text(where, entry, "onnx")
    if not path.is_file():
        raise ValueError(f"{where}: there is no file {path}")
    try:
        like = known(_text(where, entry, "like"))
    except FrameworkError as error:
        raise ValueError(f"{where}: like: {error}") from None
    resolution = entry.get("resolution", like.native)
    if not isinstance(resolution, int) or isinstance(resolution, bool) or resolution < 1:
        raise ValueError(f"{where}: resolution is {resolution!r} instead of a side in pixels")
    # what a classifier gives does not depend on it
    refusal = like.refuses(resolution) if like.task != "classification" else None
    if refusal is not None:
        raise ValueError(f"{where}: {like.name} reads the outputs of its own resolutions: {refusal}")
    gflops = entry.get("gflops")
    if gflops is not None and not (isinstance(gflops, (int, float)) and 0 < gflops < float("inf")):
        raise ValueError(f"{where}: gflops is {gflops!r} instead of a number above 0")
    return OwnNetwork(name, path, like, resolution, None if gflops is None else float(gflops))


def _text(where: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where}: {key} is {'missing' if value is None else f'{value!r} instead of a text'}")
    return value
