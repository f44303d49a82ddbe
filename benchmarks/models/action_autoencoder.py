"""A stand-in for the autoencoder of Swaminathan et al. (2024), table 1, which prints no layers. Needs torch.

Of its printed size: 332,807 parameters and 22,434,944 multiply-accumulates. It tells four actions apart by the code of
a clip of 20 frames of 64x64 pixels, and gives the clip made from the code back too, as an autoencoder does.
"""

from __future__ import annotations

from typing import List, Tuple

import torch
from tasks.clips import FRAMES, clip_input, clips
from torch import nn

from models.weights import with_settled_weights

SEED = 51
RESOLUTION = 64
CLASSES = 4
CHANNELS = (8, 16, 32, 32)
#: In time, height and width, of the encoder's convolutions; the decoder's go back in reverse.
STRIDES = ((2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2))
#: Channels, time, height and width of the encoder's last map.
MAP = (32, 5, 4, 4)
CODE = 54


class ActionAutoencoder(nn.Module):
    """Four strided convolutions to a code, four transposed ones back, and a linear classifier of the code."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        encoder: List[nn.Module] = []
        decoder: List[nn.Module] = []
        given = 3
        for channels, stride in zip(CHANNELS, STRIDES):
            encoder += [nn.Conv3d(given, channels, 3, stride, 1), nn.BatchNorm3d(channels), nn.ReLU()]
            back: List[nn.Module] = [nn.ConvTranspose3d(channels, given, stride, stride)]
            if decoder:
                back += [nn.BatchNorm3d(given), nn.ReLU()]
            decoder = back + decoder
            given = channels
        values = MAP[0] * MAP[1] * MAP[2] * MAP[3]
        self.encoder = nn.Sequential(*encoder)
        self.code = nn.Linear(values, CODE)
        self.from_code = nn.Linear(CODE, values)
        self.decoder = nn.Sequential(*decoder)
        self.classifier = nn.Linear(CODE, classes)

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Logits [n, classes] of clips [n, 3, 20, 64, 64], and the clips made from their codes."""
        code = torch.relu(self.code(self.encoder(x).flatten(1)))
        made = torch.relu(self.from_code(code)).reshape(-1, *MAP)
        return self.classifier(code), self.decoder(made)


def architecture() -> nn.Module:
    """The network as torch initialises it."""
    return ActionAutoencoder()


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights and settled statistics."""
    inputs = [clip_input(clip, RESOLUTION) for clip in clips(4, SEED, frames=FRAMES)]
    return with_settled_weights(architecture, SEED, inputs)
