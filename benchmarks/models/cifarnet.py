"""CifarNet: the small network for images of 32 pixels that Hadidi et al. (2019) measured. Needs torch.

Its layers are those of the program that the slides name as theirs: two convolutions of 64 5x5 filters, which keep no
border, each with batch normalisation and pooling, and three linear layers. They make 0.798 M parameters, of which the
slides print 0.79.
"""

from __future__ import annotations

import torch
from tasks.classification import crop
from tasks.images import photographs
from torch import nn

from models.weights import with_settled_weights

SEED = 32
RESOLUTION = 32
CHANNELS = 64
#: Values on a side of the last map.
LEFT = 5


class CifarNet(nn.Module):
    """Two convolutions and three linear layers."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        layers = []
        for given in (3, CHANNELS):
            layers += [nn.Conv2d(given, CHANNELS, 5), nn.BatchNorm2d(CHANNELS), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(CHANNELS * LEFT * LEFT, 384), nn.ReLU(), nn.Linear(384, 192), nn.ReLU(), nn.Linear(192, classes)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, classes] of images [n, 3, 32, 32]."""
        return self.classifier(self.features(x).flatten(1))


def architecture() -> nn.Module:
    """The network as torch initialises it."""
    return CifarNet()


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights and settled statistics."""
    inputs = [crop(photo, RESOLUTION) for photo in photographs(4, seed=SEED)]
    return with_settled_weights(architecture, SEED, inputs)
