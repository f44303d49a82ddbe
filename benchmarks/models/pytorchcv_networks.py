"""Classifiers that torchvision has not, in pytorchcv's definitions, with seeded weights. Needs torch and pytorchcv."""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import Any

from torch import nn

from models.libraries import PYTORCHCV, install_command
from models.seeded_classifier import with_seeded_weights
from pytest_edgeperf import FrameworkError

SEED = 74
SETTLING_RESOLUTION = 171
#: Network -> its last pooling, over a window as wide as the map is at 299 pixels.
LAST_POOLING = {"inceptionv4": "features.final_pool", "xception": "features.final_block.pool"}


def pytorchcv_function(name: str) -> Any:
    """``pytorchcv.models.<name>.<name>``, without importing its other networks.

    Raises:
        FrameworkError: pytorchcv is not installed; the message has the command.
    """
    if importlib.util.find_spec("pytorchcv") is None:
        raise FrameworkError(
            f"pytorchcv's {name} is needed, and pytorchcv is not installed: {install_command([PYTORCHCV])}"
        )
    return getattr(import_module(f"pytorchcv.models.{name}"), name)


def architecture(variant: str) -> nn.Module:
    """pytorchcv's network of that name as it initialises it, for any resolution: at 299 pixels it is the same."""
    made: nn.Module = pytorchcv_function(variant)()
    owner, _, name = LAST_POOLING[variant].rpartition(".")
    setattr(made.get_submodule(owner), name, nn.AdaptiveAvgPool2d(1))
    return made


def network(variant: str) -> nn.Module:
    """The network in evaluation mode with seeded weights and settled statistics."""
    return with_seeded_weights(lambda: architecture(variant), SEED, SETTLING_RESOLUTION)
