"""MobileNetV2 1.0 (Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018). Needs torch."""

from __future__ import annotations

from typing import List

import torch
from tasks.classification import crop
from tasks.images import photographs
from torch import nn

from models.weights import seeded, settle

SEED = 2
SETTLING_RESOLUTION = 128
#: Expansion, channels, blocks and first stride of each stage: the paper's table 2.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
STEM = 32
FEATURES = 1280
#: Of the last norm's weights in a residual block, where blocks are calmed.
CALM_RESIDUAL = 0.3


class Block(nn.Module):
    """Expand (1x1), filter each channel (3x3), project (1x1); added to what came in where the shape stays."""

    def __init__(self, given: int, channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = given * expansion
        layers = [] if expansion == 1 else convolution(given, hidden, 1)
        layers += convolution(hidden, hidden, 3, stride, groups=hidden)
        layers += [nn.Conv2d(hidden, channels, 1, bias=False), nn.BatchNorm2d(channels)]
        self.inner = nn.Sequential(*layers)
        self.residual = stride == 1 and given == channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, given, h, w] to [n, channels, h / stride, w / stride]."""
        return x + self.inner(x) if self.residual else self.inner(x)


class MobileNetV2(nn.Module):
    """A stem, seventeen blocks, a 1x1 convolution, global average pooling and a linear classifier."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: List[nn.Module] = convolution(3, STEM, 3, 2)
        given = STEM
        for expansion, channels, blocks, stride in STAGES:
            for index in range(blocks):
                layers.append(Block(given, channels, 1 if index else stride, expansion))
                given = channels
        self.features = nn.Sequential(*layers, *convolution(given, FEATURES, 1))
        self.classifier = nn.Linear(FEATURES, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, classes] of images [n, 3, h, w]."""
        return self.classifier(self.features(x).mean(dim=(2, 3)))


def convolution(given: int, channels: int, size: int, stride: int = 1, groups: int = 1) -> List[nn.Module]:
    """Convolution, batch normalisation and a rectifier that is cut off at 6."""
    return [
        nn.Conv2d(given, channels, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(),
    ]


def calm_blocks(network: nn.Module) -> None:
    """Have each block's last norm begin at nought, and a residual change little of what it is added to.

    Residuals as large as what they are added to multiply rounding errors from block to block.
    """
    for module in network.modules():
        if isinstance(module, Block):
            nn.init.zeros_(module.inner[-1].bias)
            if module.residual:
                nn.init.constant_(module.inner[-1].weight, CALM_RESIDUAL)


def architecture() -> nn.Module:
    """The network as torch initialises it."""
    return MobileNetV2()


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics."""
    with seeded(SEED):
        made = architecture()
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        settle(made, [crop(photo, SETTLING_RESOLUTION) for photo in photographs(4, seed=SEED)])
    return made
