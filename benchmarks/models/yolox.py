"""YOLOX nano, tiny and s, after Megvii's definition (Ge et al., "YOLOX: exceeding YOLO series in 2021"). Needs torch.

https://github.com/Megvii-BaseDetection/YOLOX, Apache-2.0: a backbone of cross-stage partial stages (CSPDarknet) behind
a stem that takes every second pixel apart, a path aggregation network, and heads that predict classes and boxes apart.
The sigmoids of objectness and classes are the network's, as in its export; the boxes are decoded in ``tasks.yolox``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

import torch
from tasks.detection import CLASSES
from tasks.images import photographs
from tasks.yolox import CONFIDENCE, corner_letterbox
from torch import nn

from models.weights import hold_variances, open_rectifiers, seeded, settle

SEED = 21
#: Share of all anchor points that a photograph's detections come from before suppression.
CANDIDATES = 0.02
SETTLING_RESOLUTION = 128
FITTED_RESOLUTION = 224
EPSILON = 1e-3
POOLS = (5, 9, 13)


@dataclass(frozen=True)
class Variant:
    """Share of the full network's channels and repetitions, and whether 3x3 convolutions are separable."""

    width: float
    depth: float
    separable: bool = False


VARIANTS = {"nano": Variant(0.25, 0.33, True), "tiny": Variant(0.375, 0.33), "s": Variant(0.5, 0.33)}


def convolution(given: int, channels: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation and SiLU."""
    return nn.Sequential(
        nn.Conv2d(given, channels, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels, eps=EPSILON),
        nn.SiLU(),
    )


class Layers:
    """The parts of a variant."""

    def __init__(self, variant: Variant) -> None:
        self._variant = variant

    def channels(self, full: int) -> int:
        """Of a layer that has ``full`` in the full network."""
        return int(full * self._variant.width)

    def repeats(self, full: int) -> int:
        """Of a block that is there ``full`` times in the full network."""
        return max(round(full * self._variant.depth), 1)

    def three(self, given: int, channels: int, stride: int = 1) -> nn.Sequential:
        """A 3x3 convolution, or a filter for every channel and a mix of all."""
        if not self._variant.separable:
            return convolution(given, channels, 3, stride)
        return nn.Sequential(convolution(given, given, 3, stride, groups=given), convolution(given, channels, 1))

    def partial(self, given: int, channels: int, repeats: int, residual: bool) -> Partial:
        """A cross-stage partial stage."""
        return Partial(self, given, channels, repeats, residual)


class Bottleneck(nn.Module):
    """A 1x1 and a 3x3 convolution, added to what came in where it is residual."""

    def __init__(self, layers: Layers, channels: int, residual: bool) -> None:
        super().__init__()
        self.inner = nn.Sequential(convolution(channels, channels, 1), layers.three(channels, channels))
        self.residual = residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, channels, h, w] to the same shape."""
        return x + self.inner(x) if self.residual else self.inner(x)


class Partial(nn.Module):
    """One half of the channels through bottlenecks, the other past them, mixed by a 1x1 convolution."""

    def __init__(self, layers: Layers, given: int, channels: int, repeats: int, residual: bool) -> None:
        super().__init__()
        hidden = channels // 2
        self.through = nn.Sequential(
            convolution(given, hidden, 1), *(Bottleneck(layers, hidden, residual) for _ in range(repeats))
        )
        self.past = convolution(given, hidden, 1)
        self.mix = convolution(2 * hidden, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, given, h, w] to [n, channels, h, w]."""
        return self.mix(torch.cat([self.through(x), self.past(x)], dim=1))


class Apart(nn.Module):
    """Every second pixel of every second row as channels of their own, and a 3x3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = convolution(12, channels, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, 3, h, w] to [n, channels, h / 2, w / 2]."""
        parts = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.mix(torch.cat(parts, dim=1))


class Pyramid(nn.Module):
    """What came in beside its maxima over 5x5, 9x9 and 13x13, between 1x1 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow = convolution(channels, channels // 2, 1)
        self.pools = nn.ModuleList(nn.MaxPool2d(size, 1, size // 2) for size in POOLS)
        self.mix = convolution(channels // 2 * (1 + len(POOLS)), channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, channels, h, w] to the same shape."""
        x = self.narrow(x)
        return self.mix(torch.cat([x, *(pool(x) for pool in self.pools)], dim=1))


class Head(nn.Module):
    """Of one level: classes on one branch, box and objectness on the other."""

    def __init__(self, layers: Layers, given: int) -> None:
        super().__init__()
        width = layers.channels(256)
        self.stem = convolution(given, width, 1)
        self.of_classes = nn.Sequential(layers.three(width, width), layers.three(width, width))
        self.of_boxes = nn.Sequential(layers.three(width, width), layers.three(width, width))
        self.classes = nn.Conv2d(width, CLASSES, 1)
        self.box = nn.Conv2d(width, 4, 1)
        self.objectness = nn.Conv2d(width, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, given, h, w] to [n, 85, h, w]: box, objectness and classes, these two as probabilities."""
        x = self.stem(x)
        box = self.of_boxes(x)
        classes = self.classes(self.of_classes(x))
        return torch.cat([self.box(box), self.objectness(box).sigmoid(), classes.sigmoid()], dim=1)


class YoloX(nn.Module):
    """The backbone, the path aggregation network and a head at strides 8, 16 and 32."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        layers = Layers(variant)
        base, small, middle, large = (layers.channels(full) for full in (64, 256, 512, 1024))
        few, many = layers.repeats(3), layers.repeats(9)
        self.fine = nn.Sequential(
            Apart(base),
            layers.three(base, 2 * base, 2),
            layers.partial(2 * base, 2 * base, few, residual=True),
            layers.three(2 * base, small, 2),
            layers.partial(small, small, many, residual=True),
        )
        self.middle = nn.Sequential(layers.three(small, middle, 2), layers.partial(middle, middle, many, residual=True))
        self.coarse = nn.Sequential(
            layers.three(middle, large, 2), Pyramid(large), layers.partial(large, large, few, residual=False)
        )
        self.enlarged = nn.Upsample(scale_factor=2, mode="nearest")
        self.coarse_to_middle = convolution(large, middle, 1)
        self.middle_up = layers.partial(2 * middle, middle, few, residual=False)
        self.middle_to_fine = convolution(middle, small, 1)
        self.fine_up = layers.partial(2 * small, small, few, residual=False)
        self.fine_down = layers.three(small, small, 2)
        self.middle_down = layers.partial(2 * small, middle, few, residual=False)
        self.middle_to_coarse = layers.three(middle, middle, 2)
        self.coarse_down = layers.partial(2 * middle, large, few, residual=False)
        self.heads = nn.ModuleList(Head(layers, given) for given in (small, middle, large))

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        """Heads [n, 85, h / stride, w / stride] at strides 8, 16 and 32 of images [n, 3, h, w]."""
        fine = self.fine(x)
        middle = self.middle(fine)
        from_coarse = self.coarse_to_middle(self.coarse(middle))
        from_middle = self.middle_to_fine(self.middle_up(torch.cat([self.enlarged(from_coarse), middle], dim=1)))
        fine = self.fine_up(torch.cat([self.enlarged(from_middle), fine], dim=1))
        middle = self.middle_down(torch.cat([self.fine_down(fine), from_middle], dim=1))
        coarse = self.coarse_down(torch.cat([self.middle_to_coarse(middle), from_coarse], dim=1))
        return tuple(head(level) for head, level in zip(self.heads, (fine, middle, coarse)))


def architecture(variant: str) -> nn.Module:
    """The network as torch initialises it.

    Args:
        variant: ``nano``, ``tiny`` or ``s``.
    """
    return YoloX(VARIANTS[variant])


def network(variant: str) -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics.

    The objectness biases are set so that the share :data:`CANDIDATES` of each head's anchor points scores above the
    detector's confidence on two photographs: post-processing then has as much to do as with a trained network.
    """
    with seeded(SEED):
        made = architecture(variant)
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        open_rectifiers(made)
        photos = photographs(4, seed=SEED)
        settle(made, [corner_letterbox(photo, SETTLING_RESOLUTION) for photo in photos])
        hold_variances(made)
        with torch.no_grad():
            # one by one: a batch would take more memory than the inferences whose memory is measured
            outputs = [made(torch.from_numpy(corner_letterbox(photo, FITTED_RESOLUTION))) for photo in photos[:2]]
            for levels, head in zip(zip(*outputs), made.get_submodule("heads").children()):
                _fit_objectness(list(levels), head.get_submodule("objectness"))
    return made


def _fit_objectness(levels: List[torch.Tensor], predictor: nn.Module) -> None:
    cells = torch.cat(levels)
    best = cells[:, 5:].amax(dim=1)
    missing = torch.logit(CONFIDENCE / best, eps=1e-6) - torch.logit(cells[:, 4], eps=1e-6)
    assert isinstance(predictor, nn.Conv2d)
    assert predictor.bias is not None
    predictor.bias += torch.quantile(missing, CANDIDATES)
