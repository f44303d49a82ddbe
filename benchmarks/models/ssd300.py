"""SSD300 on a ResNet-50, as NVIDIA's (DeepLearningExamples, PyTorch/Detection/SSD). Needs torch.

The backbone is cut after its fourth stage, whose stride is taken away, so that the first map has 38 cells a side.
"""

from __future__ import annotations

from typing import List

import torch
from tasks.ssd_boxes import SSD300
from torch import nn

from models.ssd import Ssd, further_maps, with_seeded_weights

SEED = 300
#: Share of the default boxes that a photograph's detections come from before suppression.
CANDIDATES = 0.02
EXPANSION = 4


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut, which is projected where the shape changes."""

    def __init__(self, given: int, width: int, stride: int) -> None:
        super().__init__()
        channels = EXPANSION * width
        self.inner = nn.Sequential(
            nn.Conv2d(given, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or given != channels:
            self.shortcut = nn.Sequential(nn.Conv2d(given, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, given, h, w] to [n, 4 width, h / stride, w / stride]."""
        return torch.relu(self.inner(x) + self.shortcut(x))


def backbone() -> nn.Sequential:
    """[n, 3, 300, 300] to [n, 1024, 38, 38]."""
    layers: List[nn.Module] = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    layers.append(nn.MaxPool2d(3, 2, 1))
    given = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 1)):
        for index in range(blocks):
            layers.append(Bottleneck(given, width, 1 if index else stride))
            given = EXPANSION * width
    return nn.Sequential(*layers)


def architecture() -> Ssd:
    """The network as torch initialises it."""
    widths = ((256, 512), (256, 512), (128, 256), (128, 256), (128, 256))
    stages = [backbone(), *further_maps(1024, widths, halving=3)]
    return Ssd(stages, [1024, *(channels for _, channels in widths)], SSD300, size=3)


def network() -> Ssd:
    """The network in evaluation mode with seeded weights and settled statistics."""
    return with_seeded_weights(architecture, SEED, CANDIDATES)
