"""Object detection around YOLOv2-tiny, in numpy: the decoding of Darknet's region layer, and suppression.

Redmon and Farhadi, "YOLO9000: better, faster, stronger" (2017), section 2: anchors in cells of the grid, objectness
and the centre's place by the sigmoid, and, unlike in YOLOv3, classes that exclude each other, by the soft-max.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np

from tasks.detection import CLASSES, CONFIDENCE, OVERLAP, Array, Detections, on_photo
from tasks.sizes import Resolution


@dataclass(frozen=True)
class Region:
    """The one output of a YOLOv2: input pixels per cell, and the anchors' sizes (width, height in cells)."""

    stride: int
    anchors: Tuple[Tuple[float, float], ...]

    @property
    def channels(self) -> int:
        """Of the output."""
        return len(self.anchors) * (5 + CLASSES)


#: From yolov2-tiny.cfg.
YOLOV2_TINY = Region(
    32, ((0.57273, 0.677385), (1.87446, 2.06253), (3.33843, 5.47434), (7.88282, 3.52778), (9.77052, 9.16828))
)


def decode_region(output: Array, region: Region, confidence: float) -> Tuple[Array, Array, Array]:
    """Boxes [n, 4] in input pixels, scores [n] and best classes [n] above ``confidence`` in a raw head.

    An output is [1, anchors * (5 + classes), rows, columns]. A score is objectness times the best class, for which the
    soft-max is made of the anchors only whose objectness passes.
    """
    rows, columns = output.shape[2:]
    cells = output.reshape(len(region.anchors), -1, rows, columns)
    anchor, row, column = np.nonzero(cells[:, 4] > np.log(confidence / (1 - confidence)))
    raw = cells[anchor, :, row, column].astype(np.float64)
    logits = raw[:, 5:]
    classes = logits.argmax(axis=1)
    best = 1 / np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)
    scores = _sigmoid(raw[:, 4]) * best
    kept = scores > confidence
    raw, anchor, row, column = raw[kept], anchor[kept], row[kept], column[kept]
    centres = (_sigmoid(raw[:, :2]) + np.stack([column, row], axis=1)) * region.stride
    halves = np.exp(raw[:, 2:4]) * np.array(region.anchors)[anchor] * region.stride / 2
    return np.concatenate([centres - halves, centres + halves], axis=1), scores[kept], classes[kept]


def detect_regions(
    outputs: Sequence[Array],
    resolution: Resolution,
    photo_shape: Tuple[int, ...],
    region: Region = YOLOV2_TINY,
    confidence: float = CONFIDENCE,
    overlap: float = OVERLAP,
) -> Detections:
    """Detections of one photograph of ``photo_shape`` (h, w, ...), letterboxed, from the raw output."""
    return on_photo(*decode_region(outputs[0], region, confidence), resolution, photo_shape, overlap)


def _sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))
