"""Object detection around YOLOv3 and YOLOv3-tiny, in numpy: letterbox; decode, confidence filter, suppression.

Decoding as in Redmon and Farhadi, "YOLOv3: an incremental improvement" (2018), section 2.1. As in the
study that the benchmarks reproduce, the YOLO layer is part of the post-processing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np

from tasks.images import resize
from tasks.sizes import Resolution, sides

GREY = 114
CLASSES = 80
CONFIDENCE = 0.25
OVERLAP = 0.45
#: Bounds the quadratic cost of suppression on a photograph where everything is an object.
MOST_CANDIDATES = 1000

Array = np.ndarray


@dataclass(frozen=True)
class Head:
    """One output of a detector: input pixels per cell, and the anchors' sizes (width, height in input pixels)."""

    stride: int
    anchors: Tuple[Tuple[int, int], ...]


#: Coarse grid first, as the networks give them; from yolov3.cfg and yolov3-tiny.cfg.
YOLOV3 = (
    Head(32, ((116, 90), (156, 198), (373, 326))),
    Head(16, ((30, 61), (62, 45), (59, 119))),
    Head(8, ((10, 13), (16, 30), (33, 23))),
)
YOLOV3_TINY = (Head(32, ((81, 82), (135, 169), (344, 319))), Head(16, ((10, 14), (23, 27), (37, 58))))
#: Of the detector of drawn shapes (``models.shapes_detector``).
SHAPES = (Head(8, ((7, 7), (15, 15), (29, 29))),)
#: Channels of every head of YOLOv3 and YOLOv3-tiny.
PER_CELL = 3 * (5 + CLASSES)


@dataclass(frozen=True)
class Frame:
    """Where a photograph of a size lies within the input: pixels, top left first."""

    top: int
    left: int
    height: int
    width: int
    photo_height: int
    photo_width: int

    @classmethod
    def fit(cls, photo_height: int, photo_width: int, resolution: Resolution) -> Frame:
        """The largest centred frame of the photograph's proportions (each side at least one pixel)."""
        input_height, input_width = sides(resolution)
        scale = min(input_height / photo_height, input_width / photo_width)
        height = max(1, round(photo_height * scale))
        width = max(1, round(photo_width * scale))
        return cls((input_height - height) // 2, (input_width - width) // 2, height, width, photo_height, photo_width)

    def to_input(self, boxes: Array) -> Array:
        """Corner boxes [n, 4] (x1, y1, x2, y2) from the photograph's pixels to the input's."""
        return boxes * self._factors() + self._offsets()

    def to_photo(self, boxes: Array) -> Array:
        """The inverse of :meth:`to_input`: from the input's pixels to the photograph's."""
        return (boxes - self._offsets()) / self._factors()

    def _factors(self) -> Array:
        along, down = self.width / self.photo_width, self.height / self.photo_height
        return np.array([along, down, along, down])

    def _offsets(self) -> Array:
        return np.array([self.left, self.top, self.left, self.top])


@dataclass(frozen=True)
class Detections:
    """Boxes [n, 4] (x1, y1, x2, y2 in the photograph's pixels), scores [n] and classes [n], best first."""

    boxes: Array
    scores: Array
    classes: Array


def letterbox(photo: Array, resolution: Resolution) -> Array:
    """A uint8 [h, w, 3] photograph in its frame on grey: float32 [1, 3, height, width] of ``resolution`` in 0..1."""
    frame = Frame.fit(photo.shape[0], photo.shape[1], resolution)
    resized = resize(photo, frame.height, frame.width)
    canvas = np.full((1, 3, *sides(resolution)), GREY / 255, np.float32)
    inside = canvas[0, :, frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
    np.multiply(resized.transpose(2, 0, 1), np.float32(1 / 255), out=inside)
    return canvas


def detect(
    outputs: Sequence[Array],
    heads: Sequence[Head],
    resolution: Resolution,
    photo_shape: Tuple[int, ...],
    confidence: float = CONFIDENCE,
    overlap: float = OVERLAP,
) -> Detections:
    """Detections of one photograph of ``photo_shape`` (h, w, ...) from the raw outputs of ``heads``."""
    decoded = [decode(output, head, confidence) for output, head in zip(outputs, heads)]
    boxes, scores, classes = (np.concatenate(parts) for parts in zip(*decoded))
    return on_photo(boxes, scores, classes, resolution, photo_shape, overlap)


def on_photo(
    boxes: Array,
    scores: Array,
    classes: Array,
    resolution: Resolution,
    photo_shape: Tuple[int, ...],
    overlap: float,
) -> Detections:
    """What suppression leaves of candidates in a letterboxed input's pixels, in the photograph's and within it."""
    kept = suppress(boxes, scores, classes, overlap)
    frame = Frame.fit(photo_shape[0], photo_shape[1], resolution)
    placed = frame.to_photo(boxes[kept])
    placed[:, 0::2] = placed[:, 0::2].clip(0, frame.photo_width)
    placed[:, 1::2] = placed[:, 1::2].clip(0, frame.photo_height)
    return Detections(placed, scores[kept], classes[kept])


def decode(output: Array, head: Head, confidence: float) -> Tuple[Array, Array, Array]:
    """Boxes [n, 4] in input pixels, scores [n] and best classes [n] above ``confidence`` in a raw head.

    An output is [1, anchors * (5 + classes), rows, columns]; its channels say how many classes there are. A score is
    objectness times the best class. Objectness bounds the score, so the classes are looked at only where it passes.
    """
    rows, columns = output.shape[2:]
    cells = output.reshape(len(head.anchors), -1, rows, columns)
    anchor, row, column = np.nonzero(cells[:, 4] > np.log(confidence / (1 - confidence)))
    raw = cells[anchor, :, row, column].astype(np.float64)
    classes = raw[:, 5:].argmax(axis=1)
    best = raw[np.arange(len(raw)), 5 + classes]
    scores = _sigmoid(raw[:, 4]) * _sigmoid(best)
    kept = scores > confidence
    raw, anchor, row, column = raw[kept], anchor[kept], row[kept], column[kept]
    centres = (_sigmoid(raw[:, :2]) + np.stack([column, row], axis=1)) * head.stride
    halves = np.exp(raw[:, 2:4]) * np.array(head.anchors)[anchor] / 2
    return np.concatenate([centres - halves, centres + halves], axis=1), scores[kept], classes[kept]


def suppress(boxes: Array, scores: Array, classes: Array, overlap: float, most: int = MOST_CANDIDATES) -> Array:
    """Indices of the boxes that survive greedy non-maximum suppression within each class, best first.

    A box goes when a better one of its class that stays overlaps it by more than ``overlap``
    (intersection over union). Equal scores keep their order. Only the ``most`` best are looked at.
    """
    order = np.argsort(-scores, kind="stable")[:most]
    boxes, classes = boxes[order], classes[order]
    shares = intersection_over_union(boxes) > overlap
    shares &= classes[:, None] == classes[None, :]
    alive = np.ones(len(order), bool)
    for index in range(len(order)):
        if alive[index]:
            alive[index + 1 :] &= ~shares[index, index + 1 :]
    return order[alive]


def intersection_over_union(boxes: Array) -> Array:
    """Of every pair of corner boxes [n, 4]: [n, n]; 0 where both are empty."""
    corner = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    opposite = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    intersection = (opposite - corner).clip(min=0).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).clip(min=0).prod(axis=1)
    union = areas[:, None] + areas[None, :] - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)


def _sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))
