"""ResNet-18 (He et al., "Deep residual learning for image recognition", 2016). Needs torch."""

from __future__ import annotations

import torch
from tasks.classification import crop
from tasks.images import photographs
from torch import nn

from models.weights import seeded, settle

SEED = 18
STAGES = (64, 128, 256, 512)
SETTLING_RESOLUTION = 128


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is projected where the shape changes."""

    def __init__(self, given: int, channels: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(given, channels, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or given != channels:
            self.shortcut = nn.Sequential(nn.Conv2d(given, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, given, h, w] to [n, channels, h / stride, w / stride]."""
        inner = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(inner)) + self.shortcut(x))


class ResNet18(nn.Module):
    """A stem, four stages of two blocks, global average pooling and a linear classifier."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        blocks = []
        given = 64
        for channels in STAGES:
            blocks += [Block(given, channels, 1 if channels == given else 2), Block(channels, channels, 1)]
            given = channels
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(given, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, classes] of images [n, 3, h, w]."""
        return self.classifier(self.blocks(self.stem(x)).mean(dim=(2, 3)))


def architecture() -> nn.Module:
    """The network as torch initialises it."""
    return ResNet18()


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics."""
    with seeded(SEED):
        made = architecture()
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        settle(made, [crop(photo, SETTLING_RESOLUTION) for photo in photographs(4, seed=SEED)])
    return made
