"""Object detection around YOLOX, in numpy: the photograph in a corner, decoding without anchors, and suppression.

Ge et al., "YOLOX: exceeding YOLO series in 2021" (2021), section 2.1, with the thresholds of its ONNX Runtime example.
"""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np

from tasks.detection import GREY, OVERLAP, Array, Detections, suppress
from tasks.images import resize
from tasks.sizes import Resolution, sides

#: Input pixels per cell of each output, in their order.
STRIDES = (8, 16, 32)
CONFIDENCE = 0.1


def scale_of(photo_shape: Tuple[int, ...], resolution: Resolution) -> float:
    """Input pixels per pixel of a photograph of (height, width, …)."""
    height, width = sides(resolution)
    return min(height / photo_shape[0], width / photo_shape[1])


def corner_letterbox(photo: Array, resolution: Resolution) -> Array:
    """A uint8 [h, w, 3] photograph, its proportions kept, top left on grey: float32 [1, 3, height, width] in 0..255.

    The channels' order is turned around, as the published weights take blue first.
    """
    scale = scale_of(photo.shape, resolution)
    height, width = (max(1, int(side * scale)) for side in photo.shape[:2])
    canvas = np.full((1, 3, *sides(resolution)), GREY, np.float32)
    canvas[0, :, :height, :width] = resize(photo, height, width).transpose(2, 0, 1)[::-1]
    return canvas


def decode_points(outputs: Sequence[Array], confidence: float = CONFIDENCE) -> Tuple[Array, Array, Array]:
    """Boxes [n, 4] in input pixels, scores [n] and best classes [n] above ``confidence``.

    Each of ``outputs`` is [1, 5 + classes, rows, columns]: the centre's distance from its cell's corner and the
    logarithms of the sides, in cells, then objectness and classes as probabilities. A score is objectness times the
    best class.
    """
    parts = []
    for output, stride in zip(outputs, STRIDES):
        row, column = np.nonzero(output[0, 4] > confidence)
        raw = output[0, :, row, column].astype(np.float64)
        classes = raw[:, 5:].argmax(axis=1)
        scores = raw[:, 4] * raw[np.arange(len(raw)), 5 + classes]
        kept = scores > confidence
        raw, corner = raw[kept], np.stack([column[kept], row[kept]], axis=1)
        centres, halves = (raw[:, :2] + corner) * stride, np.exp(raw[:, 2:4]) * stride / 2
        parts.append((np.concatenate([centres - halves, centres + halves], axis=1), scores[kept], classes[kept]))
    boxes, scores, classes = (np.concatenate(part) for part in zip(*parts))
    return boxes, scores, classes


def detect_points(
    outputs: Sequence[Array],
    resolution: Resolution,
    photo_shape: Tuple[int, ...],
    confidence: float = CONFIDENCE,
    overlap: float = OVERLAP,
) -> Detections:
    """Detections of one photograph of ``photo_shape`` (h, w, ...), suppressed across classes as in its example."""
    boxes, scores, classes = decode_points(outputs, confidence)
    kept = suppress(boxes, scores, np.zeros_like(classes), overlap)
    height, width = photo_shape[:2]
    on_photo = (boxes[kept] / scale_of(photo_shape, resolution)).clip(0, [width, height, width, height])
    return Detections(on_photo, scores[kept], classes[kept])
