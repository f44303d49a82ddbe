"""LR-ASPP on a MobileNetV3, torchvision's definition (Howard et al., 2019). Needs torch and torchvision.

As torchvision has it, the logits are enlarged to the input's size within the network.
"""

from __future__ import annotations

from typing import Any

import torch
from tasks.classification import normalised
from tasks.images import photographs
from torch import nn

from models.torchvision_import import torchvision_module
from models.weights import hold_variances, open_rectifiers, seeded, settle

SEED = 520
SETTLING_RESOLUTION = 128


class Lraspp(nn.Module):
    """torchvision's network, whose one output is taken out of its dictionary."""

    def __init__(self, made: Any) -> None:
        super().__init__()
        self.made = made

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, 21, h, w] of images [n, 3, h, w]."""
        logits: torch.Tensor = self.made(x)["out"]
        return logits


def architecture() -> nn.Module:
    """The network as torchvision initialises it."""
    segmentation = torchvision_module("torchvision.models.segmentation")
    return Lraspp(segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None))


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics."""
    with seeded(SEED):
        made = architecture()
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        open_rectifiers(made)
        settle(made, [normalised(photo, SETTLING_RESOLUTION) for photo in photographs(4, seed=SEED)])
        hold_variances(made)
    return made
