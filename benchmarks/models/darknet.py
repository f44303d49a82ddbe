"""What Darknet's detectors share: their convolution, seeded weights, and objectness as after training. Needs torch."""

from __future__ import annotations

import abc
from typing import Callable, List

import torch
from tasks.detection import CLASSES, CONFIDENCE, letterbox
from tasks.images import photographs
from torch import nn
from torch.nn import functional

from models.weights import seeded, settle

SETTLING_RESOLUTION = 128
SLOPE = 0.1


class Convolution(nn.Sequential):
    """Convolution, batch normalisation and leaky rectifier, as Darknet's ``[convolutional]``."""

    def __init__(self, given: int, channels: int, size: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(given, channels, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(channels),
            nn.LeakyReLU(SLOPE),
        )


class PoolInPlace(nn.Module):
    """Maximum over 2x2 at stride 1 that keeps the size: outside the right and lower edge is -inf.

    Darknet pads so. Pooling with its own padding and leaving out the first row and column says it
    without a ``Pad`` node, whose zeros ONNX Runtime's Pad_Fusion would take for -inf.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, c, h, w] to the same shape."""
        return functional.max_pool2d(x, 2, 1, padding=1)[:, :, 1:, 1:]


def best_of_sigmoids(logits: torch.Tensor) -> torch.Tensor:
    """The best class's probability [n, anchors, …] from logits [n, anchors, classes, …], each class by itself."""
    return torch.sigmoid(logits.amax(dim=2))


def best_of_softmax(logits: torch.Tensor) -> torch.Tensor:
    """As :func:`best_of_sigmoids`, where the classes exclude each other."""
    return logits.softmax(dim=2).amax(dim=2)


class Detector(nn.Module, abc.ABC):
    """A network whose raw heads [n, anchors * (5 + classes), h / stride, w / stride] come from ``predictors``."""

    @abc.abstractmethod
    def predictors(self) -> List[nn.Conv2d]:
        """The last convolution of each head, in the order of the outputs."""


def with_seeded_weights(
    make: Callable[[], Detector],
    seed: int,
    candidates: float,
    resolution: int,
    best: Callable[[torch.Tensor], torch.Tensor] = best_of_sigmoids,
) -> Detector:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics.

    The objectness biases are set so that the share ``candidates`` of each head's anchors scores above the
    detector's confidence on two photographs at ``resolution``: post-processing then has as much to do as with
    a trained network.
    """
    with seeded(seed):
        made = make()
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=SLOPE)
        photos = photographs(4, seed=seed)
        settle(made, [letterbox(photo, SETTLING_RESOLUTION) for photo in photos])
        with torch.no_grad():
            # one by one: a batch would take more memory than the inferences whose memory is measured
            outputs = [made(torch.from_numpy(letterbox(photo, resolution))) for photo in photos[:2]]
            for heads, convolution in zip(zip(*outputs), made.predictors()):
                _fit_objectness(torch.cat(heads), convolution, candidates, best)
    return made


def _fit_objectness(
    heads: torch.Tensor,
    convolution: nn.Conv2d,
    candidates: float,
    best: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    cells = heads.reshape(len(heads), -1, 5 + CLASSES, *heads.shape[2:])
    missing = torch.logit(CONFIDENCE / best(cells[:, :, 5:]), eps=1e-6) - cells[:, :, 4]
    assert convolution.bias is not None
    convolution.bias.reshape(-1, 5 + CLASSES)[:, 4] += torch.quantile(missing, candidates)
