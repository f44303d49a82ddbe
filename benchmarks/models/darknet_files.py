"""Writes YOLOv3-tiny as Darknet's own two files, ``.cfg`` and ``.weights``, from the seeded torch network. Needs torch.

The heads are the plain convolutions that our networks end in: there are no ``[yolo]`` layers, which would decode the
boxes inside the network and so change its outputs. All else is as in yolov3-tiny.cfg, its pooling in place (size 2,
stride 1) included, which takes what is outside of the image as minus infinity, as our network does.

Darknet's readers add 1e-6 to a variance where torch adds 1e-5; the files hold variances that make up for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, List, Tuple

import numpy as np
from torch import Tensor, nn

from models import yolov3_tiny
from models.darknet import Convolution
from pytest_edgeperf import FrameworkError

#: Readers of Darknet's files add this to a variance.
DARKNET_EPSILON = 1e-6
#: Major, minor and revision of the format: as of 0.2.0 the count of images seen, which follows, has 64 bits.
VERSION = (0, 2, 0)


class _Files:
    """The layers of a network as they are appended, each a section of the ``.cfg`` and floats of the ``.weights``."""

    def __init__(self, resolution: int) -> None:
        self._sections = [f"[net]\nbatch=1\nwidth={resolution}\nheight={resolution}\nchannels=3\n"]
        self._floats: List[np.ndarray] = []

    def convolution(self, layer: Convolution) -> int:
        """With batch normalisation and a leaky rectifier; the layer's number, from 0."""
        plain, norm, _ = layer
        variance = norm.running_var.double() + (norm.eps - DARKNET_EPSILON)
        for values in (norm.bias, norm.weight, norm.running_mean, variance, plain.weight):
            self._append(values)
        return self._convolution(plain, "leaky", ["batch_normalize=1"])

    def head(self, layer: nn.Conv2d) -> int:
        """A convolution with a bias and nothing after it; the layer's number."""
        assert layer.bias is not None
        for values in (layer.bias, layer.weight):
            self._append(values)
        return self._convolution(layer, "linear", [])

    def section(self, kind: str, *lines: str) -> int:
        """A layer without weights; its number."""
        self._sections.append("\n".join([f"[{kind}]", *lines, ""]))
        return len(self._sections) - 2

    def pool(self, stride: int) -> int:
        """The maximum of 2x2; the layer's number."""
        return self.section("maxpool", "size=2", f"stride={stride}")

    def write(self, cfg: Path, weights: Path) -> None:
        """Both files, over what is there."""
        cfg.write_text("\n".join(self._sections), "utf-8")
        header = np.array(VERSION, "<i4").tobytes() + np.array([0], "<i8").tobytes()
        weights.write_bytes(header + b"".join(values.tobytes() for values in self._floats))

    def _convolution(self, layer: nn.Conv2d, activation: str, before: List[str]) -> int:
        size, stride = layer.kernel_size[0], layer.stride[0]
        lines = [f"filters={layer.out_channels}", f"size={size}", f"stride={stride}", "pad=1"]
        return self.section("convolutional", *before, *lines, f"activation={activation}")

    def _append(self, values: Tensor) -> None:
        self._floats.append(values.detach().numpy().astype("<f4"))


def _yolov3_tiny(resolution: int) -> _Files:
    made = yolov3_tiny.network()
    assert isinstance(made, yolov3_tiny.YoloV3Tiny)
    files = _Files(resolution)
    # layer by layer in Darknet's order: the coarse head comes before the finer branch
    joined = 0
    for layer in [*made.fine, *made.coarse]:
        if isinstance(layer, Convolution):
            last = files.convolution(layer)
            joined = last if layer is made.fine[-1] else joined
        else:
            files.pool(1 if isinstance(layer, yolov3_tiny.PoolInPlace) else 2)
    files.convolution(made.coarse_head[0])
    files.head(made.coarse_head[1])
    files.section("route", f"layers={last}")
    files.convolution(made.up[0])
    files.section("upsample", "stride=2")
    files.section("route", f"layers=-1,{joined}")
    files.convolution(made.fine_head[0])
    files.head(made.fine_head[1])
    return files


WRITERS: Dict[str, Callable[[int], _Files]] = {"yolov3-tiny": _yolov3_tiny}


def darknet_files(name: str, folder: Path, resolution: int = 416) -> Tuple[str, str]:
    """Write ``NAME-RESOLUTION.cfg`` and, the same at every resolution, ``NAME.weights`` into a folder that exists.

    The outputs of the network they describe are those of the torch network, in the same order.

    Returns:
        the paths of the two files.

    Raises:
        FrameworkError: no network of that name can be written so, or the resolution is no multiple of 32.
    """
    if name not in WRITERS:
        raise FrameworkError(f"{name} cannot be written as Darknet's files, only {', '.join(sorted(WRITERS))}")
    if resolution < 32 or resolution % 32:
        raise FrameworkError(f"{name}: the resolution must be a multiple of 32, not {resolution}")
    cfg, weights = Path(folder) / f"{name}-{resolution}.cfg", Path(folder) / f"{name}.weights"
    WRITERS[name](resolution).write(cfg, weights)
    return str(cfg), str(weights)
