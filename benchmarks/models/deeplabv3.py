"""DeepLabv3 on a MobileNetV2, for mobile devices (Chen et al., 2017; Sandler et al., 2018, section 6.3). Needs torch.

As the published TFLite model: stride 16, no atrous branches, a 1x1 convolution beside pooling over the whole image.
The bilinear enlargement of the logits to the input's size is left to the post-processing.
"""

from __future__ import annotations

import torch
from tasks.images import photographs
from tasks.scaling import squeeze
from tasks.segmentation import CLASSES
from torch import nn

from models.mobilenetv2 import STAGES, MobileNetV2, calm_blocks
from models.weights import hold_variances, open_rectifiers, seeded, settle

SEED = 257
WIDTH = 256
SETTLING_RESOLUTION = 129
#: Layers of the stem, and those of the last convolution, which this network does not have.
STEM_LAYERS = 3
LAST_LAYERS = 3
#: Stages before the one that would go on to stride 32.
STAGES_TO_STRIDE_16 = 5


class DeepLabV3(nn.Module):
    """The backbone at stride 16, its output beside its mean over the image, and a classifier of each cell."""

    def __init__(self) -> None:
        super().__init__()
        self.features = backbone()
        given = STAGES[-1][1]
        self.cells = normalised(given, WIDTH)
        self.image = normalised(given, WIDTH)
        # the published network concatenates both before one convolution, which is the sum of two
        self.project_cells = nn.Conv2d(WIDTH, WIDTH, 1, bias=False)
        self.project_image = nn.Conv2d(WIDTH, WIDTH, 1, bias=False)
        self.projected = nn.Sequential(nn.BatchNorm2d(WIDTH), nn.ReLU())
        self.classifier = nn.Conv2d(WIDTH, CLASSES, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, 21, ceil(h / 16), ceil(w / 16)] of images [n, 3, h, w]."""
        features = self.features(x)
        image = self.image(features.mean(dim=(2, 3), keepdim=True))
        joined = self.project_cells(self.cells(features)) + self.project_image(image)
        return self.classifier(self.projected(joined))


def normalised(given: int, channels: int) -> nn.Sequential:
    """A 1x1 convolution, batch normalisation and a rectifier."""
    return nn.Sequential(nn.Conv2d(given, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())


def backbone() -> nn.Sequential:
    """[n, 3, h, w] to [n, 320, h / 16, w / 16]: what would be at stride 32 looks twice as far around instead."""
    features = MobileNetV2().features[:-LAST_LAYERS]
    begin = STEM_LAYERS + sum(blocks for _, _, blocks, _ in STAGES[:STAGES_TO_STRIDE_16])
    for index, block in enumerate(features[begin:]):
        for module in block.modules():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.stride = (1, 1)
                if index:
                    module.dilation = module.padding = (2, 2)
    return features


def architecture() -> nn.Module:
    """The network as torch initialises it."""
    return DeepLabV3()


def network() -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones) and settled statistics."""
    with seeded(SEED):
        made = architecture()
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        open_rectifiers(made)
        calm_blocks(made)
        settle(made, [squeeze(photo, SETTLING_RESOLUTION) for photo in photographs(4, seed=SEED)])
        hold_variances(made)
    return made
