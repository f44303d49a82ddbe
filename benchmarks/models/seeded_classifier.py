"""Seeded weights of a library's classifiers. Needs torch."""

from __future__ import annotations

from typing import Callable, Iterator

from tasks.classification import crop
from tasks.images import photographs
from torch import nn

from models.weights import seeded, settle

#: Of the last norm's weights in a residual block.
CALM_RESIDUAL = 0.3


def with_seeded_weights(make: Callable[[], nn.Module], seed: int, resolution: int) -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics.

    A residual changes little of what it is added to: as large as that, it would multiply rounding errors from block to
    block, and a deep network's outputs at 16 bits would be noise. In a trained one they are not.
    """
    with seeded(seed):
        made = make()
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for norm in _last_norms_of_residuals(made):
            nn.init.constant_(norm.weight, CALM_RESIDUAL)
        settle(made, [crop(photo, resolution) for photo in photographs(4, seed=seed)])
    return made


def _last_norms_of_residuals(network: nn.Module) -> Iterator[nn.BatchNorm2d]:
    for block in network.modules():
        # torchvision's names: of ResNet's and ResNeXt's blocks; of MobileNetV3's and EfficientNet's; of MNASNet's
        third = getattr(block, "bn3", None)
        if isinstance(third, nn.BatchNorm2d):
            yield third
        elif getattr(block, "use_res_connect", False) or getattr(block, "apply_residual", False):
            yield [module for module in block.modules() if isinstance(module, nn.BatchNorm2d)][-1]
