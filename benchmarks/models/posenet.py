"""PoseNet on a MobileNetV1 1.0 at stride 16 (Papandreou et al., 2017 and 2018; Howard et al., 2017). Needs torch."""

from __future__ import annotations

from typing import Tuple

import torch
from tasks.images import photographs
from tasks.pose import KEYPOINTS, LIMBS
from tasks.scaling import squeeze
from torch import nn

from models.mobilenetv1 import LAYERS, STEM, separable, stem
from models.weights import hold_variances, open_rectifiers, seeded, settle

SEED = 17
SETTLING_RESOLUTION = 129
#: Held at stride 16.
HELD = (*LAYERS[:-2], (1024, 1, 1), (1024, 1, 2))


class PoseNet(nn.Module):
    """The backbone, and 1x1 predictors of heat maps, offsets and the displacements between keypoints."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(*stem(), *separable(STEM, HELD))
        given = HELD[-1][0]
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
