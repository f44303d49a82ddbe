"""MobileNetV1 1.0 (Howard et al., "MobileNets", 2017): its layers, for the networks that stand on them. Needs torch."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from torch import nn

STEM = 32
#: Channels, stride and dilation of each separable convolution: the paper's table 1.
LAYERS = (
    (64, 1, 1),
    (128, 2, 1),
    (128, 1, 1),
    (256, 2, 1),
    (256, 1, 1),
    (512, 2, 1),
    *((512, 1, 1),) * 5,
    (1024, 2, 1),
    (1024, 1, 1),
)


def stem() -> List[nn.Module]:
    """The first convolution: [n, 3, h, w] to [n, 32, h / 2, w / 2]."""
    return [nn.Conv2d(3, STEM, 3, 2, 1, bias=False), nn.BatchNorm2d(STEM), nn.ReLU6()]


def separable(given: int, layers: Sequence[Tuple[int, int, int]]) -> List[nn.Module]:
    """Of each layer a filter for every channel (3x3) and a mix of all (1x1), each with norm and rectifier."""
    modules: List[nn.Module] = []
    for channels, stride, dilation in layers:
        modules += [
            nn.Conv2d(given, given, 3, stride, dilation, dilation, groups=given, bias=False),
            nn.BatchNorm2d(given),
            nn.ReLU6(),
            nn.Conv2d(given, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU6(),
        ]
        given = channels
    return modules
