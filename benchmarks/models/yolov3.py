"""YOLOv3 with Darknet-53 (Redmon and Farhadi, "YOLOv3: an incremental improvement", 2018; yolov3.cfg). Needs torch."""

from __future__ import annotations

from typing import List, Tuple

import torch
from tasks.detection import PER_CELL
from torch import nn

from models.darknet import Convolution, Detector, with_seeded_weights

SEED = 53
#: Share of all anchors that a photograph's detections come from before suppression; there are four times as
#: many as in YOLOv3-tiny.
CANDIDATES = 0.01
FITTED_RESOLUTION = 320


class Residual(nn.Module):
    """A 1x1 convolution to half the channels and a 3x3 one back, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(Convolution(channels, channels // 2, 1), Convolution(channels // 2, channels, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, channels, h, w] to the same shape."""
        return x + self.inner(x)


class Branch(nn.Module):
    """Five convolutions, 1x1 and 3x3 in turn, and a head on them."""

    def __init__(self, given: int, channels: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            Convolution(given, channels, 1),
            Convolution(channels, 2 * channels, 3),
            Convolution(2 * channels, channels, 1),
            Convolution(channels, 2 * channels, 3),
            Convolution(2 * channels, channels, 1),
        )
        self.predictor = nn.Conv2d(2 * channels, PER_CELL, 1)
        self.head = nn.Sequential(Convolution(channels, 2 * channels, 3), self.predictor)

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """[n, given, h, w] to the raw head [n, 255, h, w] and the trunk [n, channels, h, w]."""
        trunk = self.trunk(x)
        return self.head(trunk), trunk


class YoloV3(Detector):
    """Darknet-53's convolutions without its classifier, and heads at strides 32, 16 and 8."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(Convolution(3, 32, 3), stage(64, 1), stage(128, 2), stage(256, 8))
        self.middle = stage(512, 8)
        self.coarse = stage(1024, 4)
        self.coarse_branch = Branch(1024, 512)
        self.coarse_up = up(512)
        self.middle_branch = Branch(512 + 256, 256)
        self.middle_up = up(256)
        self.fine_branch = Branch(256 + 128, 128)

    def predictors(self) -> List[nn.Conv2d]:
        """The last convolution of each head, in the order of the outputs."""
        return [branch.predictor for branch in (self.coarse_branch, self.middle_branch, self.fine_branch)]

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Raw heads [n, 255, h / stride, w / stride] at strides 32, 16 and 8 of images [n, 3, h, w]."""
        fine = self.fine(x)
        middle = self.middle(fine)
        coarse_head, trunk = self.coarse_branch(self.coarse(middle))
        middle_head, trunk = self.middle_branch(torch.cat([self.coarse_up(trunk), middle], dim=1))
        fine_head, _ = self.fine_branch(torch.cat([self.middle_up(trunk), fine], dim=1))
        return coarse_head, middle_head, fine_head


def stage(channels: int, residuals: int) -> nn.Sequential:
    """[n, channels / 2, h, w] to [n, channels, h / 2, w / 2]: a convolution of stride 2, then the residuals."""
    return nn.Sequential(Convolution(channels // 2, channels, 3, 2), *(Residual(channels) for _ in range(residuals)))


def up(channels: int) -> nn.Sequential:
    """[n, channels, h, w] to [n, channels / 2, 2 h, 2 w], for the next finer branch."""
    return nn.Sequential(Convolution(channels, channels // 2, 1), nn.Upsample(scale_factor=2, mode="nearest"))


def architecture() -> Detector:
    """The network as torch initialises it."""
    return YoloV3()


def network() -> Detector:
    """The network in evaluation mode with seeded weights and settled statistics."""
    return with_seeded_weights(architecture, SEED, CANDIDATES, FITTED_RESOLUTION)
