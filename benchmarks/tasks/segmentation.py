"""Semantic segmentation around DeepLabv3 and LR-ASPP, in numpy: from logits to a class per pixel."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from tasks.images import resize
from tasks.sizes import Resolution, sides

#: Those of PASCAL VOC with the background.
CLASSES = 21


def classes_of_pixels(outputs: Sequence[np.ndarray], resolution: Resolution) -> np.ndarray:
    """The most probable class of each input pixel, uint8 [height, width], from logits [1, classes, h, w].

    The logits are enlarged bilinearly first, as by the last layer of the published network.
    """
    logits = np.ascontiguousarray(outputs[0][0].transpose(1, 2, 0))
    return resize(logits, *sides(resolution)).argmax(axis=2).astype(np.uint8)


def best_classes(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """The most probable class of each input pixel, uint8 [height, width], from logits [1, classes, height, width]."""
    return outputs[0][0].argmax(axis=0).astype(np.uint8)
