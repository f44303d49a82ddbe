"""torchvision's classifiers: its definitions, with seeded weights. Needs torch and torchvision."""

from __future__ import annotations

from typing import Any, Dict

from torch import nn

from models.seeded_classifier import with_seeded_weights
from models.torchvision_import import torchvision_module

SEED = 280
#: For some definitions: what else they are built with. Auxiliary classifiers are for training, and never run here.
OPTIONS: Dict[str, Dict[str, Any]] = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "init_weights": False},
}
#: Side in pixels of the photographs that statistics are settled on, where 128 is too small.
SETTLING_RESOLUTIONS = {"inception_v3": 171}


def architecture(variant: str) -> nn.Module:
    """The network of that name in ``torchvision.models`` as torchvision initialises it."""
    make = getattr(torchvision_module("torchvision.models"), variant)
    made: nn.Module = make(weights=None, **OPTIONS.get(variant, {}))
    return made


def network(variant: str) -> nn.Module:
    """The network in evaluation mode with seeded weights and settled statistics."""
    return with_seeded_weights(lambda: architecture(variant), SEED, SETTLING_RESOLUTIONS.get(variant, 128))
