"""What the pre-processing of MobileNets for TFLite and of SSD shares: the whole photograph, squeezed, in -1..1."""

from __future__ import annotations

import numpy as np

from tasks.images import resize
from tasks.sizes import Resolution, sides

HALF_RANGE = 127.5


def squeeze(photo: np.ndarray, resolution: Resolution) -> np.ndarray:
    """A uint8 [h, w, 3] photograph, its proportions not kept, as float32 [1, 3, height, width] in -1..1."""
    resized = resize(photo, *sides(resolution))
    return np.ascontiguousarray((resized / np.float32(HALF_RANGE) - np.float32(1)).transpose(2, 0, 1)[None])
