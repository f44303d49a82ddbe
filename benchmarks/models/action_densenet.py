"""A stand-in for the "DenseNet" for videos of Swaminathan et al. (2024), table 1, which prints no layers. Needs torch.

Of its printed size: 109,386 parameters and 27,681,924 multiply-accumulates, on clips of 20 frames of 64x64 pixels and
four classes. It is DenseNet-BC (Huang et al., "Densely connected convolutional networks", 2017) with 3x3x3 filters,
deep and narrow.
"""

from __future__ import annotations

from typing import List

import torch
from tasks.clips import FRAMES, clip_input, clips
from torch import nn

from models.weights import with_settled_weights

SEED = 52
RESOLUTION = 64
CLASSES = 4
STEM = 16
GROWTH = 6
#: Channels before a 3x3x3 convolution, in growths.
BOTTLENECK = 2
BLOCKS = (12, 11, 9)


class Layer(nn.Module):
    """Narrow (1x1x1), filter (3x3x3), and put beside what came in."""

    def __init__(self, given: int) -> None:
        super().__init__()
        narrow = BOTTLENECK * GROWTH
        self.inner = nn.Sequential(
            nn.BatchNorm3d(given),
            nn.ReLU(),
            nn.Conv3d(given, narrow, 1, bias=False),
            nn.BatchNorm3d(narrow),
            nn.ReLU(),
            nn.Conv3d(narrow, GROWTH, 3, padding=1, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, given, t, h, w] to [n, given + growth, t, h, w]."""
        return torch.cat([x, self.inner(x)], 1)


class ActionDenseNet(nn.Module):
    """A stem, three dense blocks with transitions that halve channels and map between, and a linear classifier."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        layers: List[nn.Module] = [
            nn.Conv3d(3, STEM, 5, (2, 4, 4), 2, bias=False),
            nn.BatchNorm3d(STEM),
            nn.ReLU(),
            nn.MaxPool3d(2),
        ]
        channels = STEM
        for index, block in enumerate(BLOCKS):
            if index:
                half = channels // 2
                layers += [
                    nn.BatchNorm3d(channels),
                    nn.ReLU(),
                    nn.Conv3d(channels, half, 1, bias=False),
                    nn.AvgPool3d(2),
                ]
                channels = half
            for _ in range(block):
                layers.append(Layer(channels))
                channels += GROWTH
        self.features = nn.Sequential(*layers, nn.BatchNorm3d(channels), nn.ReLU())
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, classes] of clips [n, 3, 20, 64, 64]."""
        return self.classifier(self.features(x).mean(dim=(2, 3, 4)))


def architecture() -> nn.Module:
    """The network as torch initialises it."""
    return ActionDenseNet()


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights and settled statistics."""
    inputs = [clip_input(clip, RESOLUTION) for clip in clips(4, SEED, frames=FRAMES)]
    return with_settled_weights(architecture, SEED, inputs)
