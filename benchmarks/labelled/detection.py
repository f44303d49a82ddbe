"""What is known of a photograph and of the objects in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Tuple

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class LabelledImage:
    """A photograph and its ``n`` objects, in its own pixels.

    Attributes:
        name: unique in its set, and always the same.
        height: of the photograph.
        width: of the photograph.
        boxes: float64 [n, 4], corners x1, y1, x2, y2.
        classes: int64 [n], indices of the set's categories.
        crowd: bool [n], regions that hold several objects: detections in them are neither right nor wrong.
        areas: float64 [n] in square pixels, of the object where the labels have it, else of its box.
        read: gives the photograph, uint8 [height, width, 3], red first.
    """

    name: str
    height: int
    width: int
    boxes: Array
    classes: Array
    crowd: Array
    areas: Array
    read: Callable[[], Array]


@dataclass(frozen=True)
class LabelledSet:
    """Photographs with their objects, and the names of the categories that ``classes`` point to."""

    images: Tuple[LabelledImage, ...]
    categories: Tuple[str, ...]
