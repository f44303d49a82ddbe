"""SSDLite320 on a MobileNetV3, torchvision's definition: its backbone and heads. Needs torch and torchvision.

Default boxes, decoding and suppression, which torchvision does in Python around them, are in ``tasks.ssdlite``.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import torch
from tasks.images import photographs
from tasks.scaling import squeeze
from tasks.ssdlite import CLASSES, CONFIDENCE, LEVELS, SIDE
from torch import nn

from models.torchvision_import import torchvision_module
from models.weights import hold_variances, open_rectifiers, seeded, settle

SEED = 320
#: Share of the default boxes that a photograph's detections come from before suppression.
CANDIDATES = 0.05


class SsdLite(nn.Module):
    """torchvision's network without what it does before and after."""

    def __init__(self, made: Any) -> None:
        super().__init__()
        self.backbone = made.backbone
        self.head = made.head

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Locations [n, 3234, 4] and logits [n, 3234, 91] of images [n, 3, 320, 320]."""
        outputs = self.head(list(self.backbone(x).values()))
        return outputs["bbox_regression"], outputs["cls_logits"]

    def predictors(self) -> List[nn.Conv2d]:
        """The last convolution of each map's classes."""
        return [predictor[-1] for predictor in self.head.classification_head.module_list]


def architecture() -> nn.Module:
    """The network as torchvision initialises it."""
    detection = torchvision_module("torchvision.models.detection")
    return SsdLite(detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None))


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics.

    The background's biases are set so that the share :data:`CANDIDATES` of each map's boxes has a class above the
    detector's confidence: post-processing then has as much to do as with a trained network.
    """
    with seeded(SEED):
        made = architecture()
        assert isinstance(made, SsdLite)
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        open_rectifiers(made)
        photos = [squeeze(photo, SIDE) for photo in photographs(4, seed=SEED)]
        settle(made, photos)
        hold_variances(made)
        with torch.no_grad():
            # one by one: a batch would take more memory than the inferences whose memory is measured
            logits = torch.cat([made(torch.from_numpy(photo))[1] for photo in photos[:2]])
            begin = 0
            for level, predictor in zip(LEVELS, made.predictors()):
                end = begin + len(level.shapes) * level.cells**2
                _fit_background(logits[:, begin:end], predictor)
                begin = end
    return made


def _fit_background(logits: torch.Tensor, predictor: nn.Conv2d) -> None:
    objects = logits[..., 1:]
    # a box passes where exp(best) / (exp(background) + sum of exp(objects)) is above the confidence
    room = objects.amax(dim=2).exp() / CONFIDENCE - objects.exp().sum(dim=2)
    missing = room.clamp(min=1e-6).log() - logits[..., 0]
    assert predictor.bias is not None
    predictor.bias.reshape(-1, CLASSES)[:, 0] += torch.quantile(missing, 1 - CANDIDATES)
