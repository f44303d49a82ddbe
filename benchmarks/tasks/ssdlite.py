"""Object detection around torchvision's SSDLite320, in numpy: its default boxes, and from raw outputs to boxes.

Boxes, thresholds and numbers of detections are torchvision's defaults: 91 classes of COCO with the background first, a
box and class from a probability of 0.1 %, the best 300 of each class and of all, suppression from an overlap of 55 %.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Sequence, Tuple

import numpy as np

from tasks.detection import Detections
from tasks.sizes import Resolution
from tasks.ssd_boxes import SIDE as UNIT
from tasks.ssd_boxes import Array, Level, boxes_and_probabilities, default_boxes, pick_candidates

CLASSES = 91
SIDE = 320
CONFIDENCE = 0.001
OVERLAP = 0.55
MOST = 300
#: The smallest and largest box, as shares of the input's side.
SMALLEST, LARGEST = 0.2, 0.95
_CELLS = (20, 10, 5, 3, 2, 1)
#: Shares of the side: those of the six maps, and what would come next.
_SIZES = (*(SMALLEST + (LARGEST - SMALLEST) * place / (len(_CELLS) - 1) for place in range(len(_CELLS))), 1.0)
#: 3234 boxes.
LEVELS = tuple(
    Level(cells, UNIT / cells, UNIT * size, UNIT * next_size, (2, 3))
    for cells, size, next_size in zip(_CELLS, _SIZES, _SIZES[1:])
)


@lru_cache(maxsize=1)
def ssdlite_boxes() -> Array:
    """[3234, 4] float32, as ``ssd_boxes.default_boxes``, but all shapes of a cell after one another."""
    parts, begin = [], 0
    boxes = default_boxes(LEVELS)
    for level in LEVELS:
        shapes, cells = len(level.shapes), level.cells**2
        parts.append(boxes[begin : begin + shapes * cells].reshape(shapes, cells, 4).swapaxes(0, 1).reshape(-1, 4))
        begin += shapes * cells
    return np.concatenate(parts)


def detect_lite(outputs: Sequence[Array], resolution: Resolution, photo_shape: Tuple[int, ...]) -> Detections:
    """The detections of one photograph of (height, width, …) from locations [1, 3234, 4] and logits [1, 3234, 91]."""
    locations, classes = (output[0].T for output in outputs)
    boxes, probabilities = boxes_and_probabilities(locations, classes, ssdlite_boxes())
    kept = pick_candidates(boxes, probabilities, photo_shape, CONFIDENCE, MOST, OVERLAP)
    return Detections(kept.boxes[:MOST], kept.scores[:MOST], kept.classes[:MOST])
