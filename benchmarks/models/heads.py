"""Another number of classes than a classifier's own: a last layer of that width with seeded weights. Needs torch.

Swaminathan et al. (2024) adapted their classifiers to two classes, and networks of action recognition to four.
"""

from __future__ import annotations

from typing import Tuple, cast

from torch import nn

from models.weights import he_normal, seeded


def with_classes(network: nn.Module, classes: int) -> nn.Module:
    """The classifier with its last layer, linear or a convolution, replaced; its other weights are untouched."""
    name, last = [
        (name, module) for name, module in network.named_modules() if isinstance(module, (nn.Linear, nn.Conv2d))
    ][-1]
    with seeded(classes):
        if isinstance(last, nn.Linear):
            head: nn.Module = nn.Linear(last.in_features, classes)
        else:
            # of a map, as SqueezeNet has it
            head = nn.Conv2d(last.in_channels, classes, cast("Tuple[int, int]", last.kernel_size))
        he_normal(head)
    parent, _, attribute = name.rpartition(".")
    setattr(network.get_submodule(parent), attribute, head)
    head.train(network.training)
    return network
