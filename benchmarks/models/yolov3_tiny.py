"""YOLOv3-tiny (Redmon and Farhadi, "YOLOv3: an incremental improvement", 2018; yolov3-tiny.cfg). Needs torch."""

from __future__ import annotations

from typing import List, Tuple

import torch
from tasks.detection import PER_CELL
from torch import nn

from models.darknet import Convolution, Detector, PoolInPlace, with_seeded_weights

SEED = 3
#: Share of all anchors that a photograph's detections come from before suppression.
CANDIDATES = 0.05
FITTED_RESOLUTION = 224


class YoloV3Tiny(Detector):
    """The backbone, a head at stride 32 and, upsampled and joined with it, one at stride 16."""

    def __init__(self) -> None:
        super().__init__()
        layers: List[nn.Module] = []
        given = 3
        for channels in (16, 32, 64, 128):
            layers += [Convolution(given, channels, 3), nn.MaxPool2d(2, 2)]
            given = channels
        self.fine = nn.Sequential(*layers, Convolution(128, 256, 3))
        self.coarse = nn.Sequential(
            nn.MaxPool2d(2, 2),
            Convolution(256, 512, 3),
            PoolInPlace(),
            Convolution(512, 1024, 3),
            Convolution(1024, 256, 1),
        )
        self.coarse_head = nn.Sequential(Convolution(256, 512, 3), nn.Conv2d(512, PER_CELL, 1))
        self.up = nn.Sequential(Convolution(256, 128, 1), nn.Upsample(scale_factor=2, mode="nearest"))
        self.fine_head = nn.Sequential(Convolution(384, 256, 3), nn.Conv2d(256, PER_CELL, 1))

    def predictors(self) -> List[nn.Conv2d]:
        """The last convolution of each head, in the order of the outputs."""
        return [self.coarse_head[1], self.fine_head[1]]

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Raw heads [n, 255, h / 32, w / 32] and [n, 255, h / 16, w / 16] of images [n, 3, h, w]."""
        fine = self.fine(x)
        coarse = self.coarse(fine)
        return self.coarse_head(coarse), self.fine_head(torch.cat([self.up(coarse), fine], dim=1))


def architecture() -> Detector:
    """The network as torch initialises it."""
    return YoloV3Tiny()


def network() -> Detector:
    """The network in evaluation mode with seeded weights and settled statistics."""
    return with_seeded_weights(architecture, SEED, CANDIDATES, FITTED_RESOLUTION)
