"""Object detection around SSD, in numpy: default boxes, and from the raw outputs to boxes with classes.

As in Liu et al., "SSD: single shot multibox detector" (2016), and in NVIDIA's SSD300 (DeepLearningExamples, PyTorch):
default boxes for 300 pixels, variances 0.1 and 0.2, 81 classes with the background first, a box and class from a
probability of 5 %, the best 200 of each class, suppression within a class from an overlap of 50 %.

There are two implementations of one definition: :func:`pick_in_loops`, class by class and box by box as in NVIDIA's
program, and :func:`pick`, with whole arrays. ``tasks.ssd_tensors`` has both for torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import List, Sequence, Tuple

import numpy as np

from tasks.detection import Detections, suppress

#: Of COCO, and the background, which is the first.
CLASSES = 81
SIDE = 300
CENTRE_VARIANCE = 0.1
SIZE_VARIANCE = 0.2
CONFIDENCE = 0.05
OVERLAP = 0.5
BEST_OF_CLASS = 200
#: Bounds the quadratic cost of suppressing whole arrays; seeded networks have a few hundred candidates.
MOST_CANDIDATES = 20_000

Array = np.ndarray


@dataclass(frozen=True)
class Level:
    """A feature map: cells along a side, input pixels from cell to cell, a box's size and the next level's, ratios."""

    cells: int
    step: float
    size: float
    next_size: float
    ratios: Tuple[int, ...]

    @property
    def shapes(self) -> List[Tuple[float, float]]:
        """Width and height of each default box of a cell, as shares of the input's side."""
        small = self.size / SIDE
        middle = (small * self.next_size / SIDE) ** 0.5
        shapes = [(small, small), (middle, middle)]
        for ratio in self.ratios:
            wide, narrow = small * ratio**0.5, small / ratio**0.5
            shapes += [(wide, narrow), (narrow, wide)]
        return shapes


#: 8732 boxes: SSD300 for COCO.
SSD300 = tuple(
    Level(cells, step, size, next_size, ratios)
    for cells, step, size, next_size, ratios in (
        (38, 8, 21, 45, (2,)),
        (19, 16, 45, 99, (2, 3)),
        (10, 32, 99, 153, (2, 3)),
        (5, 64, 153, 207, (2, 3)),
        (3, 100, 207, 261, (2,)),
        (1, 300, 261, 315, (2,)),
    )
)
#: 2278 boxes, of six maps as with a MobileNet, their sizes evenly spread.
SSD_MOBILENET = tuple(
    Level(cells, SIDE / cells, 60 + 45 * place, 105 + 45 * place, (2, 3) if place else (2,))
    for place, cells in enumerate((19, 10, 5, 3, 2, 1))
)


@lru_cache(maxsize=4)
def default_boxes(levels: Sequence[Level]) -> Array:
    """[boxes, 4] float32: centre x and y, width and height as shares of the input's side.

    Level by level, shape by shape, row by row, as the networks' outputs.
    """
    boxes = [
        ((column + 0.5) * level.step / SIDE, (row + 0.5) * level.step / SIDE, width, height)
        for level in levels
        for width, height in level.shapes
        for row, column in product(range(level.cells), repeat=2)
    ]
    return np.clip(np.array(boxes, np.float32), 0, 1)


def decode(locations: Array, classes: Array, levels: Sequence[Level]) -> Tuple[Array, Array]:
    """Corner boxes [boxes, 4] as shares of the sides, and probabilities [boxes, 81].

    Args:
        locations: [4, boxes] of one image, relative to the default boxes.
        classes: logits [81, boxes].
        levels: the feature maps that they come from.
    """
    return boxes_and_probabilities(locations, classes, default_boxes(levels))


def boxes_and_probabilities(locations: Array, classes: Array, defaults: Array) -> Tuple[Array, Array]:
    """As :func:`decode`, from default boxes [boxes, 4] in any order."""
    centres = CENTRE_VARIANCE * locations[:2].T * defaults[:, 2:] + defaults[:, :2]
    halves = np.exp(SIZE_VARIANCE * locations[2:].T) * defaults[:, 2:] / 2
    exponentials = np.exp(classes - classes.max(axis=0))
    probabilities = (exponentials / exponentials.sum(axis=0)).T
    return np.concatenate([centres - halves, centres + halves], axis=1), probabilities


def pick(outputs: Sequence[Array], levels: Sequence[Level], photo_shape: Tuple[int, ...]) -> List[Detections]:
    """The detections of each image of a batch, with whole arrays.

    Args:
        outputs: locations [n, 4, boxes] and logits [n, 81, boxes].
        levels: the feature maps that they come from.
        photo_shape: (height, width, …) of the photographs.
    """
    return [
        pick_candidates(*decode(*image, levels), photo_shape, CONFIDENCE, BEST_OF_CLASS, OVERLAP)
        for image in zip(*outputs)
    ]


def pick_candidates(
    boxes: Array,
    probabilities: Array,
    photo_shape: Tuple[int, ...],
    confidence: float,
    best_of_class: int,
    overlap: float,
) -> Detections:
    """The detections among what :func:`decode` gave."""
    box, class_ = np.nonzero(probabilities[:, 1:] > confidence)
    scores = probabilities[box, class_ + 1]
    order = np.argsort(-scores, kind="stable")
    box, class_, scores = box[order], class_[order], scores[order]
    kept = _rank_in_class(class_) < best_of_class
    box, class_, scores = box[kept], class_[kept], scores[kept]
    alive = suppress(boxes[box], scores, class_, overlap, MOST_CANDIDATES)
    return _on_photo(boxes[box[alive]], scores[alive], class_[alive] + 1, photo_shape)


def _rank_in_class(classes: Array) -> Array:
    """The place of each element among those of its class, in the given order."""
    grouped = np.argsort(classes, kind="stable")
    ordered = classes[grouped]
    first = np.searchsorted(ordered, ordered)
    ranks = np.empty(len(classes), np.int64)
    ranks[grouped] = np.arange(len(classes)) - first
    return ranks


def pick_in_loops(outputs: Sequence[Array], levels: Sequence[Level], photo_shape: Tuple[int, ...]) -> List[Detections]:
    """As :func:`pick`, class by class and box by box."""
    return [_pick_in_loops(*decode(*image, levels), photo_shape) for image in zip(*outputs)]


def _pick_in_loops(boxes: Array, probabilities: Array, photo_shape: Tuple[int, ...]) -> Detections:
    kept: List[Array] = []
    kept_scores: List[float] = []
    kept_classes: List[int] = []
    for class_ in range(1, CLASSES):
        above = probabilities[:, class_] > CONFIDENCE
        if not above.any():
            continue
        scores = probabilities[above, class_]
        order = np.argsort(-scores, kind="stable")[:BEST_OF_CLASS]
        candidates, scores = boxes[above][order], scores[order]
        while len(candidates):
            kept.append(candidates[0])
            kept_scores.append(scores[0])
            kept_classes.append(class_)
            apart = _overlaps(candidates[0], candidates[1:]) <= OVERLAP
            candidates, scores = candidates[1:][apart], scores[1:][apart]
    best = np.argsort(-np.array(kept_scores), kind="stable").astype(np.int64)
    boxes = np.array(kept, np.float32).reshape(-1, 4)
    return _on_photo(boxes[best], np.array(kept_scores)[best], np.array(kept_classes, int)[best], photo_shape)


def _overlaps(box: Array, others: Array) -> Array:
    """Intersection over union of a corner box [4] with each of [n, 4]; 0 where both are empty."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    intersection = sides.clip(min=0).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)


def _on_photo(boxes: Array, scores: Array, classes: Array, photo_shape: Tuple[int, ...]) -> Detections:
    height, width = photo_shape[:2]
    return Detections(boxes.clip(0, 1) * np.array([width, height, width, height]), scores, classes)
