"""A stand-in for the "3D-CNN" of Swaminathan et al. (2024), table 1, which prints its size and no layers. Needs torch.

Of that size: 20,333,956 parameters and 116,551,168 multiply-accumulates. So few for so many parameters mean that nearly
all are in linear layers. Clips are those of a usual program for UCF50: 20 frames of 64x64 pixels, four classes.
"""

from __future__ import annotations

import torch
from tasks.clips import FRAMES, clip_input, clips
from torch import nn

from models.weights import with_settled_weights

SEED = 50
RESOLUTION = 64
CLASSES = 4
FEATURES = 64 * 5 * 4 * 4
HIDDEN = (3296, 1024)


class ActionCNN(nn.Module):
    """Three convolutions and three linear layers."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv3d(3, 16, 3, (1, 2, 2), 1),
            nn.BatchNorm3d(16),
            nn.ReLU(),
            nn.MaxPool3d(2),
            nn.Conv3d(16, 32, 3, padding=1),
            nn.BatchNorm3d(32),
            nn.ReLU(),
            nn.MaxPool3d((1, 2, 2)),
            nn.Conv3d(32, 64, 3, padding=1),
            nn.BatchNorm3d(64),
            nn.ReLU(),
            nn.MaxPool3d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(FEATURES, HIDDEN[0]),
            nn.ReLU(),
            nn.Linear(HIDDEN[0], HIDDEN[1]),
            nn.ReLU(),
            nn.Linear(HIDDEN[1], classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, classes] of clips [n, 3, 20, 64, 64]."""
        return self.classifier(self.features(x).flatten(1))


def architecture() -> nn.Module:
    """The network as torch initialises it."""
    return ActionCNN()


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights and settled statistics."""
    inputs = [clip_input(clip, RESOLUTION) for clip in clips(4, SEED, frames=FRAMES)]
    return with_settled_weights(architecture, SEED, inputs)
