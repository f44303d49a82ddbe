"""Image classification around a network: resize, centre crop, normalise; soft-max and the five best.

The recipe is that of He et al., "Deep residual learning for image recognition" (2016), at test time:
the shorter side is resized to 256/224 of the crop.
"""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np

from tasks.images import resize
from tasks.sizes import Resolution, sides

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
SHORTER_SIDE = 256 / 224


def crop(photo: np.ndarray, resolution: int) -> np.ndarray:
    """The centre of a uint8 [h, w, 3] photograph as float32 [1, 3, resolution, resolution], normalised."""
    scale = round(resolution * SHORTER_SIDE) / min(photo.shape[:2])
    resized = resize(photo, round(photo.shape[0] * scale), round(photo.shape[1] * scale))
    top = (resized.shape[0] - resolution) // 2
    left = (resized.shape[1] - resolution) // 2
    return _normalised(resized[top : top + resolution, left : left + resolution])


def normalised(photo: np.ndarray, resolution: Resolution) -> np.ndarray:
    """A whole uint8 [h, w, 3] photograph, its proportions not kept, as float32 [1, 3, height, width], normalised."""
    return _normalised(resize(photo, *sides(resolution)))


def _normalised(pixels: np.ndarray) -> np.ndarray:
    values = (pixels / np.float32(255) - MEAN) / DEVIATION
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def five_best(outputs: Sequence[np.ndarray]) -> Tuple[np.ndarray, np.ndarray]:
    """Classes and probabilities, most probable first, from the logits [1, classes] in ``outputs``."""
    logits = outputs[0][0]
    exponentials = np.exp(logits - logits.max())
    probabilities = exponentials / exponentials.sum()
    best = np.argpartition(-probabilities, 5)[:5]
    best = best[np.argsort(-probabilities[best], kind="stable")]
    return best, probabilities[best]
