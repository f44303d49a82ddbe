"""SSD for 300 pixels on a MobileNetV2 (Sandler et al., 2018), small enough for a processor. Needs torch.

Six maps of 19 to 1 cells a side and 1x1 predictors, as in the MobileNet detectors that TFLite's examples run; both
first maps come from the backbone, behind its 96 and its 1280 channels.
"""

from __future__ import annotations

from tasks.ssd_boxes import SSD_MOBILENET

from models.mobilenetv2 import FEATURES, STAGES, MobileNetV2, calm_blocks
from models.ssd import Ssd, further_maps, with_seeded_weights
from models.weights import open_rectifiers

SEED = 301
#: Share of the default boxes that a photograph's detections come from before suppression.
CANDIDATES = 0.03
#: Layers of the stem (convolution, norm, rectifier), and stages of the backbone that make the first map.
STEM_LAYERS = 3
FIRST_STAGES = 5


def architecture() -> Ssd:
    """The network as torch initialises it."""
    features = MobileNetV2().features
    cut = STEM_LAYERS + sum(blocks for _, _, blocks, _ in STAGES[:FIRST_STAGES])
    widths = ((256, 512), (128, 256), (128, 256), (64, 128))
    stages = [features[:cut], features[cut:], *further_maps(FEATURES, widths, halving=4)]
    first = STAGES[FIRST_STAGES - 1][1]
    return Ssd(stages, [first, FEATURES, *(channels for _, channels in widths)], SSD_MOBILENET, size=1)


def calm() -> Ssd:
    """The network with what keeps rounding errors small."""
    made = architecture()
    open_rectifiers(made)
    calm_blocks(made)
    return made


def network() -> Ssd:
    """The network in evaluation mode with seeded weights and settled statistics."""
    return with_seeded_weights(calm, SEED, CANDIDATES)
