"""YOLOv2-tiny for COCO (Redmon and Farhadi, "YOLO9000: better, faster, stronger", 2017; yolov2-tiny.cfg). Needs torch.

Nine convolutions; the region layer, which makes boxes of the head, is part of the post-processing.
"""

from __future__ import annotations

from typing import List, Tuple

import torch
from tasks.region import YOLOV2_TINY
from torch import nn

from models.darknet import Convolution, Detector, PoolInPlace, best_of_softmax, with_seeded_weights

SEED = 22
#: Share of all anchors that a photograph's detections come from before suppression.
CANDIDATES = 0.05
FITTED_RESOLUTION = 224


class YoloV2Tiny(Detector):
    """Convolutions with pooling between, and one head at stride 32."""

    def __init__(self) -> None:
        super().__init__()
        layers: List[nn.Module] = []
        given = 3
        for channels in (16, 32, 64, 128, 256):
            layers += [Convolution(given, channels, 3), nn.MaxPool2d(2, 2)]
            given = channels
        layers += [Convolution(256, 512, 3), PoolInPlace(), Convolution(512, 1024, 3), Convolution(1024, 512, 3)]
        self.features = nn.Sequential(*layers)
        self.head = nn.Conv2d(512, YOLOV2_TINY.channels, 1)

    def predictors(self) -> List[nn.Conv2d]:
        """The last convolution."""
        return [self.head]

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor]:
        """The one raw head [n, 425, h / 32, w / 32] of images [n, 3, h, w]."""
        return (self.head(self.features(x)),)


def architecture() -> Detector:
    """The network as torch initialises it."""
    return YoloV2Tiny()


def network() -> Detector:
    """The network in evaluation mode with seeded weights and settled statistics."""
    return with_seeded_weights(architecture, SEED, CANDIDATES, FITTED_RESOLUTION, best_of_softmax)
