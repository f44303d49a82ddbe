"""PoseNet on a MobileNetV1 1.0 at stride 16 (Papandreou et al., 2017 and 2018; Howard et al., 2017). Needs torch."""

from __future__ import annotations

from typing import List, Tuple

import torch
from tasks.images import photographs
from tasks.pose import KEYPOINTS, LIMBS
from tasks.scaling import squeeze
from torch import nn

from models.weights import hold_variances, open_rectifiers, seeded, settle

SEED = 17
SETTLING_RESOLUTION = 129
#: Channels, stride and dilation of each separable convolution: MobileNetV1's table 1, held at stride 16.
LAYERS = (
    (64, 1, 1),
    (128, 2, 1),
    (128, 1, 1),
    (256, 2, 1),
    (256, 1, 1),
    (512, 2, 1),
    *((512, 1, 1),) * 5,
    (1024, 1, 1),
    (1024, 1, 2),
)
STEM = 32


class PoseNet(nn.Module):
    """The backbone, and 1x1 predictors of heat maps, offsets and the displacements between keypoints."""

    def __init__(self) -> None:
        super().__init__()
        layers: List[nn.Module] = [nn.Conv2d(3, STEM, 3, 2, 1, bias=False), nn.BatchNorm2d(STEM), nn.ReLU6()]
        given = STEM
        for channels, stride, dilation in LAYERS:
            layers += [
                nn.Conv2d(given, given, 3, stride, dilation, dilation, groups=given, bias=False),
                nn.BatchNorm2d(given),
                nn.ReLU6(),
                nn.Conv2d(given, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU6(),
            ]
            given = channels
        self.features = nn.Sequential(*layers)
        self.heatmaps = nn.Conv2d(given, KEYPOINTS, 1)
        self.offsets = nn.Conv2d(given, 2 * KEYPOINTS, 1)
        self.forward_displacements = nn.Conv2d(given, 2 * LIMBS, 1)
        self.backward_displacements = nn.Conv2d(given, 2 * LIMBS, 1)

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Heat maps [n, 17, …], offsets [n, 34, …] and displacements [n, 32, …] twice, at stride 16 of [n, 3, h, w]."""
        features = self.features(x)
        return (
            self.heatmaps(features),
            self.offsets(features),
            self.forward_displacements(features),
            self.backward_displacements(features),
        )


def architecture() -> nn.Module:
    """The network as torch initialises it."""
    return PoseNet()


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics."""
    with seeded(SEED):
        made = architecture()
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        open_rectifiers(made)
        settle(made, [squeeze(photo, SETTLING_RESOLUTION) for photo in photographs(4, seed=SEED)])
        hold_variances(made)
    return made
