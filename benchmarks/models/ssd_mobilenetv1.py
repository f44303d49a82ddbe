"""SSD for 300 pixels on a MobileNetV1 (Howard et al., 2017, section 4.6; Huang et al., 2017). Needs torch.

Six maps of 19 to 1 cells a side and 1x1 predictors, as in TensorFlow's object detection programs; the first two come
from the backbone, behind its eleventh and its last separable convolution.
"""

from __future__ import annotations

from tasks.ssd_boxes import SSD_MOBILENET
from torch import nn

from models.mobilenetv1 import LAYERS, STEM, separable, stem
from models.ssd import Ssd, further_maps, with_seeded_weights
from models.weights import open_rectifiers

SEED = 302
#: Share of the default boxes that a photograph's detections come from before suppression.
CANDIDATES = 0.03
#: Separable convolutions that make the first map.
FIRST_LAYERS = 11


def architecture() -> Ssd:
    """The network as torch initialises it."""
    first, last = LAYERS[FIRST_LAYERS - 1][0], LAYERS[-1][0]
    backbone = [
        nn.Sequential(*stem(), *separable(STEM, LAYERS[:FIRST_LAYERS])),
        nn.Sequential(*separable(first, LAYERS[FIRST_LAYERS:])),
    ]
    widths = ((256, 512), (128, 256), (128, 256), (64, 128))
    stages = [*backbone, *further_maps(last, widths, halving=4)]
    return Ssd(stages, [first, last, *(channels for _, channels in widths)], SSD_MOBILENET, size=1)


def open_network() -> Ssd:
    """The network with what keeps rounding errors small."""
    made = architecture()
    open_rectifiers(made)
    return made


def network() -> Ssd:
    """The network in evaluation mode with seeded weights and settled statistics."""
    return with_seeded_weights(open_network, SEED, CANDIDATES)
