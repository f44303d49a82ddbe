"""VGG-S: CNN-S of Chatfield et al., "Return of the devil in the details" (2014), table 1. Needs torch.

For images of 224 pixels the parameters are those that Hadidi et al. (2019) print, 102.91 M. Maps are rounded up, as
Caffe does, or the first linear layer would not have 6x6 values. For 32 pixels the slides print 32.11 M and no layers:
that is this network with 100 classes and 2x2 values before its linear layers. So the first convolution here has stride
1, and the last pooling a stride and a size that leave 2x2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from models.weights import he_normal, seeded

SEED = 14
SIZE = 5
ALPHA = 5e-4
BETA = 0.75
K = 2.0
HIDDEN = 4096


@dataclass(frozen=True)
class Layout:
    """What depends on the size of the images."""

    first_stride: int
    #: Size and stride of the last pooling, and the values on a side that it leaves.
    last_pool: int
    last_stride: int
    left: int
    #: Whether maps that the pooling's windows do not divide are rounded up.
    round_up: bool
    classes: int


LAYOUTS = {"224": Layout(2, 3, 3, 6, True, 1000), "32": Layout(1, 2, 1, 2, False, 100)}


class _NormaliseAcrossChannels(torch.autograd.Function):
    """Torch's operation, exported as the single node that ONNX has for it."""

    @staticmethod
    def forward(_: Any, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.local_response_norm(x, SIZE, ALPHA, BETA, K)

    @staticmethod
    def symbolic(graph: Any, x: Any) -> Any:
        node = graph.op("LRN", x, size_i=SIZE, alpha_f=ALPHA, beta_f=BETA, bias_f=K)
        node.setType(x.type())
        return node


class LocalResponseNorm(nn.Module):
    """Each value over a power of the mean square of its five neighbours among the channels (AlexNet's)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, c, h, w] to the same shape."""
        if torch.onnx.is_in_onnx_export():
            return _NormaliseAcrossChannels.apply(x)  # type: ignore[no-any-return, no-untyped-call]
        return nn.functional.local_response_norm(x, SIZE, ALPHA, BETA, K)


class VGGS(nn.Module):
    """Five convolutions and three linear layers."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 7, layout.first_stride),
            nn.ReLU(),
            LocalResponseNorm(),
            nn.MaxPool2d(3, 3, ceil_mode=layout.round_up),
            nn.Conv2d(96, 256, 5, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, 2, ceil_mode=layout.round_up),
            nn.Conv2d(256, 512, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(layout.last_pool, layout.last_stride, ceil_mode=layout.round_up),
        )
        self.classifier = nn.Sequential(
            nn.Linear(512 * layout.left * layout.left, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, layout.classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, classes] of images [n, 3, 224, 224] or [n, 3, 32, 32]."""
        return self.classifier(self.features(x).flatten(1))


def architecture(variant: str) -> nn.Module:
    """The network for images of ``variant`` ("224" or "32") pixels as torch initialises it."""
    return VGGS(LAYOUTS[variant])


def network(variant: str) -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones)."""
    with seeded(SEED):
        made = architecture(variant)
        he_normal(made)
    return made.eval()
