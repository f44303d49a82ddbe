"""Pre- and post-processing around SSD on torch's tensors, wherever they are. Needs torch.

:func:`pick_in_loops` is what NVIDIA's example program does: class by class and box by box, with a look at a single
element for each, so that on a GPU the processor waits for it every time. :func:`pick` is the same with whole tensors;
its suppression repeats one step of all pairs until nothing changes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, List, Sequence, Tuple

import numpy as np
import torch
from torch.nn import functional

from tasks.detection import Detections
from tasks.scaling import HALF_RANGE
from tasks.ssd_boxes import (
    BEST_OF_CLASS,
    CENTRE_VARIANCE,
    CLASSES,
    CONFIDENCE,
    OVERLAP,
    SIDE,
    SIZE_VARIANCE,
    Level,
    default_boxes,
)

Tensor = torch.Tensor


def image_tensor(frame: bytes, height: int, width: int) -> Tensor:
    """A video buffer of RGBA pixels as uint8 [height, width, 3]: a view of a copy, on the CPU."""
    pixels = np.frombuffer(frame, np.uint8).reshape(height, width, 4)
    return torch.from_numpy(pixels.copy())[:, :, :3]


def squeeze(images: Sequence[Tensor], device: str, dtype: Any = torch.float32) -> Tensor:
    """uint8 [h, w, 3] images on a device as one batch [n, 3, 300, 300] in -1..1, as ``scaling.squeeze``."""
    batch = torch.stack([image.to(device) for image in images]).permute(0, 3, 1, 2).float()
    resized = functional.interpolate(batch, (SIDE, SIDE), mode="bilinear", align_corners=False)
    return (resized / HALF_RANGE - 1).to(dtype)


def decode(locations: Tensor, classes: Tensor, levels: Sequence[Level]) -> Tuple[Tensor, Tensor]:
    """Corner boxes [n, boxes, 4] as shares of the sides, and probabilities [n, boxes, 81], where the tensors are."""
    defaults = _defaults(tuple(levels), str(locations.device))
    moved = locations.float().transpose(1, 2)
    centres = CENTRE_VARIANCE * moved[..., :2] * defaults[:, 2:] + defaults[:, :2]
    halves = torch.exp(SIZE_VARIANCE * moved[..., 2:]) * defaults[:, 2:] / 2
    return torch.cat([centres - halves, centres + halves], dim=2), classes.float().transpose(1, 2).softmax(dim=2)


@lru_cache(maxsize=4)
def _defaults(levels: Tuple[Level, ...], device: str) -> Tensor:
    return torch.from_numpy(default_boxes(levels)).to(device)


def pick(outputs: Sequence[Tensor], levels: Sequence[Level], photo_shape: Tuple[int, ...]) -> List[Detections]:
    """As ``ssd_boxes.pick``, where the tensors are; only what is found is copied to the CPU."""
    boxes, probabilities = decode(outputs[0], outputs[1], levels)
    return [_pick(*image, photo_shape) for image in zip(boxes, probabilities)]


def _pick(boxes: Tensor, probabilities: Tensor, photo_shape: Tuple[int, ...]) -> Detections:
    box, class_ = torch.nonzero(probabilities[:, 1:] > CONFIDENCE, as_tuple=True)
    scores, order = probabilities[box, class_ + 1].sort(descending=True, stable=True)
    box, class_ = box[order], class_[order]
    kept = _rank_in_class(class_) < BEST_OF_CLASS
    box, class_, scores = box[kept], class_[kept], scores[kept]
    alive = _suppress(boxes[box], class_)
    return _on_photo(boxes[box[alive]], scores[alive], class_[alive] + 1, photo_shape)


def _rank_in_class(classes: Tensor) -> Tensor:
    ordered, grouped = classes.sort(stable=True)
    first = torch.searchsorted(ordered, ordered)
    ranks = torch.empty_like(classes)
    ranks[grouped] = torch.arange(len(classes), device=classes.device) - first
    return ranks


def _suppress(boxes: Tensor, classes: Tensor) -> Tensor:
    """Which of the boxes, best first, survive greedy suppression within their class.

    A box is alive when no better one that is alive overlaps it. Repeating this for all at once settles each box after
    those that are better, so that what stays is the greedy result.
    """
    overlapping = (_overlaps(boxes) > OVERLAP) & (classes[:, None] == classes[None, :])
    worse_than = overlapping.triu(diagonal=1)
    alive = torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
    while True:
        still = ~(worse_than & alive[:, None]).any(dim=0)
        if torch.equal(still, alive):
            return alive
        alive = still


def _overlaps(boxes: Tensor) -> Tensor:
    corner = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    opposite = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    intersection = (opposite - corner).clamp(min=0).prod(dim=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)
    union = areas[:, None] + areas[None, :] - intersection
    return torch.where(union > 0, intersection / union.clamp(min=1e-12), torch.zeros_like(union))


def pick_in_loops(outputs: Sequence[Tensor], levels: Sequence[Level], photo_shape: Tuple[int, ...]) -> List[Detections]:
    """As :func:`pick`, class by class and box by box."""
    boxes, probabilities = decode(outputs[0], outputs[1], levels)
    return [_pick_in_loops(*image, photo_shape) for image in zip(boxes, probabilities)]


def _pick_in_loops(boxes: Tensor, probabilities: Tensor, photo_shape: Tuple[int, ...]) -> Detections:
    kept: List[Tensor] = []
    kept_scores: List[float] = []
    kept_classes: List[int] = []
    for class_ in range(1, CLASSES):
        above = probabilities[:, class_] > CONFIDENCE
        if not above.any():
            continue
        scores, order = probabilities[above, class_].sort(descending=True, stable=True)
        candidates, scores = boxes[above][order[:BEST_OF_CLASS]], scores[:BEST_OF_CLASS]
        while len(candidates):
            kept.append(candidates[0])
            kept_scores.append(scores[0].item())
            kept_classes.append(class_)
            apart = _overlap(candidates[0], candidates[1:]) <= OVERLAP
            candidates, scores = candidates[1:][apart], scores[1:][apart]
    best = np.argsort(-np.array(kept_scores), kind="stable").astype(np.int64)
    kept_boxes = torch.stack(kept) if kept else boxes[:0]
    classes = np.array(kept_classes, int)[best]
    return _arrays_on_photo(kept_boxes.cpu().numpy()[best], np.array(kept_scores)[best], classes, photo_shape)


def _overlap(box: Tensor, others: Tensor) -> Tensor:
    sides = torch.minimum(box[2:], others[:, 2:]) - torch.maximum(box[:2], others[:, :2])
    intersection = sides.clamp(min=0).prod(dim=1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(dim=1) - intersection
    return torch.where(union > 0, intersection / union.clamp(min=1e-12), torch.zeros_like(union))


def _on_photo(boxes: Tensor, scores: Tensor, classes: Tensor, photo_shape: Tuple[int, ...]) -> Detections:
    return _arrays_on_photo(boxes.cpu().numpy(), scores.cpu().numpy(), classes.cpu().numpy(), photo_shape)


def _arrays_on_photo(boxes: Any, scores: Any, classes: Any, photo_shape: Tuple[int, ...]) -> Detections:
    height, width = photo_shape[:2]
    return Detections(boxes.clip(0, 1) * np.array([width, height, width, height]), scores, classes)
