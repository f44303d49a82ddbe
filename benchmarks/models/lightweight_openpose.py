"""Lightweight OpenPose on a MobileNetV1, pytorchcv's definition (Osokin, 2018). Needs torch and pytorchcv.

"Real-time 2D multi-person pose estimation on CPU: Lightweight OpenPose", with one stage of refinement.
"""

from __future__ import annotations

import importlib.util
from typing import Any, List, Tuple

import torch
from tasks.images import photographs
from tasks.people import FIELDS, LOWEST_PEAK, MAPS, framed
from torch import nn

from models.libraries import PYTORCHCV, install_command
from models.weights import hold_variances, open_rectifiers, seeded, settle
from pytest_edgeperf import FrameworkError

SEED = 19
SETTLING_RESOLUTION = 128
FITTED_RESOLUTION = 256
#: Share of a map's cells that are above the least of a keypoint: a few peaks, as with a few people.
PEAKS = 0.004
#: Standard deviation of a map and of a field, which a trained network has about 0 to 1.
SPREAD = 0.1
#: What the fields that point down are about: people stand, and most limbs join what is below.
DOWN = 0.3


class LightweightOpenPose(nn.Module):
    """pytorchcv's network, its output taken apart."""

    def __init__(self, made: Any) -> None:
        super().__init__()
        self.made = made

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Heat maps [n, 19, h / 8, w / 8] and affinity fields [n, 38, h / 8, w / 8] of images [n, 3, h, w]."""
        output = self.made(x)
        return output[:, :MAPS], output[:, MAPS:]

    def predictors(self) -> List[nn.Conv2d]:
        """The last convolutions, of the heat maps and of the fields."""
        stage = self.made.decoder.unit1
        return [bend.conv2 for bend in (stage.heatmap_bend, stage.paf_bend)]


def architecture() -> nn.Module:
    """The network as pytorchcv initialises it.

    Raises:
        FrameworkError: pytorchcv is not installed; the message has the command.
    """
    if importlib.util.find_spec("pytorchcv") is None:
        raise FrameworkError(
            f"lightweight-openpose is pytorchcv's, which is not installed: {install_command([PYTORCHCV])}"
        )
    from pytorchcv.models.lwopenpose_cmupan import lwopenpose2d_mobilenet_cmupan_coco

    return LightweightOpenPose(lwopenpose2d_mobilenet_cmupan_coco())


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics.

    The last convolutions are scaled and moved so that each map has a few peaks on two photographs and some of them are
    joined: post-processing then has as much to do as with a trained network and a few people.
    """
    with seeded(SEED):
        made = architecture()
        assert isinstance(made, LightweightOpenPose)
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        open_rectifiers(made)
        photos = photographs(4, seed=SEED)
        settle(made, [framed(photo, SETTLING_RESOLUTION) for photo in photos])
        hold_variances(made)
        with torch.no_grad():
            # one by one: a batch would take more memory than the inferences whose memory is measured
            outputs = [made(torch.from_numpy(framed(photo, FITTED_RESOLUTION))) for photo in photos[:2]]
            maps, fields = (torch.cat(parts) for parts in zip(*outputs))
            for_maps, for_fields = made.predictors()
            _scale(for_maps, maps, LOWEST_PEAK, 1 - PEAKS)
            _scale(for_fields, fields, 0.0, 0.5)
            assert for_fields.bias is not None
            for_fields.bias[1::2] += DOWN
    assert len(for_fields.bias) == FIELDS
    return made


def _scale(predictor: nn.Conv2d, outputs: torch.Tensor, level: float, share: float) -> None:
    """Have each channel spread by :data:`SPREAD`, with ``share`` of its cells below ``level``."""
    channels = outputs.transpose(0, 1).flatten(1)
    factors = SPREAD / channels.std(dim=1)
    assert predictor.bias is not None
    predictor.weight *= factors[:, None, None, None]
    predictor.bias *= factors
    predictor.bias += level - factors * torch.quantile(channels, share, dim=1)
