"""C3D (Tran et al., "Learning spatiotemporal features with 3D convolutional networks", 2015). Needs torch.

Eight 3x3x3 convolutions, five poolings and three linear layers, for clips of 112x112 pixels, and 487 classes of
sports. The paper's clips have 16 frames, those of Hadidi et al. (2019) 12: the last pooling takes two steps in time of
the former and the only one of the latter, so that the linear layers, and all weights, are the same.
"""

from __future__ import annotations

from typing import List

import torch
from torch import nn

from models.weights import he_normal, seeded

SEED = 3
FRAMES = 12
#: Channels of each stage's convolutions, and how its pooling divides the time before the last.
STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))
FIRST_POOL = (1, 2, 2)
#: In time, of all poolings but the first and the last.
POOLED = 8
HIDDEN = 4096
CLASSES = 487
#: Values on a side of the last map of 112 pixels.
LEFT = 4


class C3D(nn.Module):
    """For clips of ``frames`` frames, at least eight.

    Raises:
        ValueError: fewer.
    """

    def __init__(self, frames: int = FRAMES, classes: int = CLASSES) -> None:
        super().__init__()
        if frames < POOLED:
            raise ValueError(f"C3D takes clips of {POOLED} frames or more, not {frames}")
        layers: List[nn.Module] = []
        given = 3
        for stage, convolutions in enumerate(STAGES):
            for channels in convolutions:
                layers += [nn.Conv3d(given, channels, 3, padding=1), nn.ReLU()]
                given = channels
            if stage == len(STAGES) - 1:
                layers.append(nn.MaxPool3d((frames // POOLED, 2, 2), padding=(0, 1, 1)))
            else:
                layers.append(nn.MaxPool3d(2 if stage else FIRST_POOL))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(given * LEFT * LEFT, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, classes] of clips [n, 3, frames, 112, 112]."""
        return self.classifier(self.features(x).flatten(1))


def architecture() -> nn.Module:
    """The network for twelve frames as torch initialises it."""
    return C3D()


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones)."""
    with seeded(SEED):
        made = architecture()
        he_normal(made)
    return made.eval()
