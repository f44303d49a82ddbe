"""What the SSD detectors share: further feature maps, predictors, and seeded weights with a trained one's work.

Needs torch. Liu et al., "SSD: single shot multibox detector" (2016), with batch normalisation as in NVIDIA's SSD300.
"""

from __future__ import annotations

from typing import Callable, Iterable, List, Sequence, Tuple

import torch
from tasks.images import photographs
from tasks.scaling import squeeze
from tasks.ssd_boxes import CLASSES, CONFIDENCE, SIDE, Level
from torch import nn

from models.weights import hold_variances, seeded, settle


class Ssd(nn.Module):
    """Feature maps from ``stages`` in turn, and for each a predictor of locations and one of classes.

    Args:
        stages: each from the previous map (the first from the image) to the next.
        channels: of the maps.
        levels: the maps, with their default boxes.
        size: of the predictors' kernels.
    """

    def __init__(
        self, stages: Iterable[nn.Module], channels: Sequence[int], levels: Sequence[Level], size: int
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.levels = tuple(levels)
        predictors = [
            [nn.Conv2d(given, each * len(level.shapes), size, padding=size // 2) for each in (4, CLASSES)]
            for given, level in zip(channels, levels)
        ]
        self.locations = nn.ModuleList(location for location, _ in predictors)
        self.classes = nn.ModuleList(class_ for _, class_ in predictors)

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Locations [n, 4, boxes] and logits [n, 81, boxes] of images [n, 3, 300, 300]."""
        locations, classes = [], []
        for stage, level, location, class_ in zip(self.stages, self.levels, self.locations, self.classes):
            x = stage(x)
            boxes = len(level.shapes) * level.cells**2
            locations.append(location(x).reshape(-1, 4, boxes))
            classes.append(class_(x).reshape(-1, CLASSES, boxes))
        return torch.cat(locations, dim=2), torch.cat(classes, dim=2)


def further_maps(given: int, widths: Sequence[Tuple[int, int]], halving: int) -> List[nn.Module]:
    """Stages of a 1x1 convolution to ``widths[i][0]`` channels and a 3x3 one to ``widths[i][1]``.

    The first ``halving`` of them halve the sides, rounded up; the others take two pixels off each.
    """
    stages: List[nn.Module] = []
    for place, (inner, channels) in enumerate(widths):
        stride, padding = (2, 1) if place < halving else (1, 0)
        stages.append(
            nn.Sequential(
                nn.Conv2d(given, inner, 1, bias=False),
                nn.BatchNorm2d(inner),
                nn.ReLU(),
                nn.Conv2d(inner, channels, 3, stride, padding, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            )
        )
        given = channels
    return stages


def with_seeded_weights(make: Callable[[], Ssd], seed: int, candidates: float) -> Ssd:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics.

    The background's biases are set so that the share ``candidates`` of each map's boxes has a class above the
    detector's confidence: post-processing then has as much to do as with a trained network.
    """
    with seeded(seed):
        made = make()
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        photos = [squeeze(photo, SIDE) for photo in photographs(4, seed=seed)]
        settle(made, photos)
        hold_variances(made)
        with torch.no_grad():
            # one by one: a batch would take more memory than the inferences whose memory is measured
            logits = torch.cat([made(torch.from_numpy(photo))[1] for photo in photos[:2]])
            begin = 0
            for level, predictor in zip(made.levels, made.classes):
                end = begin + len(level.shapes) * level.cells**2
                _fit_background(logits[:, :, begin:end], predictor, len(level.shapes), candidates)
                begin = end
    return made


def _fit_background(logits: torch.Tensor, predictor: nn.Conv2d, anchors: int, candidates: float) -> None:
    objects = logits[:, 1:]
    # a box passes where exp(best) / (exp(background) + sum of exp(objects)) is above the confidence
    room = objects.amax(dim=1).exp() / CONFIDENCE - objects.exp().sum(dim=1)
    missing = room.clamp(min=1e-6).log() - logits[:, 0]
    assert predictor.bias is not None
    predictor.bias[:anchors] += torch.quantile(missing, 1 - candidates)
