"""The post-processing of YOLOv3 in parts, as PyTorch's programs have it: the YOLO layer, filtering, suppression.

``tasks.detection`` filters before it decodes; here all cells are decoded first, so that filtering is a step of its
own, with ``numpy.where`` or ``torch.where``. Both ways find the same.
"""

from __future__ import annotations

from typing import Any, Sequence, Tuple

import numpy as np

from tasks.detection import CLASSES, CONFIDENCE, OVERLAP, Detections, Head, suppress

#: Columns of a prediction: centre x and y, width and height in input pixels; objectness; then the classes.
OBJECTNESS = 4

Array = np.ndarray


def yolo_layer(outputs: Sequence[Array], heads: Sequence[Head]) -> Array:
    """Every cell of the raw heads decoded: [boxes, 5 + classes] float32, objectness and classes as probabilities."""
    heads_decoded = []
    for output, head in zip(outputs, heads):
        rows, columns = output.shape[2:]
        raw = output.reshape(len(head.anchors), 5 + CLASSES, rows, columns)
        decoded = 1 / (1 + np.exp(-raw))
        grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)))
        decoded[:, :2] = (decoded[:, :2] + grid) * head.stride
        decoded[:, 2:4] = np.exp(raw[:, 2:4]) * np.array(head.anchors)[:, :, None, None]
        heads_decoded.append(decoded.transpose(0, 2, 3, 1).reshape(-1, 5 + CLASSES))
    return np.concatenate(heads_decoded).astype(np.float32, copy=False)


def where_numpy(predictions: Array, confidence: float = CONFIDENCE) -> Tuple[Array, Array, Array]:
    """Corner boxes [n, 4], scores [n] and best classes [n] of the predictions above ``confidence``."""
    scores = predictions[:, OBJECTNESS] * predictions[:, 5:].max(axis=1)
    (index,) = np.where(scores > confidence)
    kept = predictions[index]
    halves = kept[:, 2:4] / 2
    boxes = np.concatenate([kept[:, :2] - halves, kept[:, :2] + halves], axis=1)
    return boxes, scores[index], kept[:, 5:].argmax(axis=1)


def where_torch(predictions: Any, confidence: float = CONFIDENCE) -> Tuple[Any, Any, Any]:
    """As :func:`where_numpy` on a torch tensor, where it is."""
    import torch

    scores = predictions[:, OBJECTNESS] * predictions[:, 5:].amax(dim=1)
    (index,) = torch.where(scores > confidence)
    kept = predictions[index]
    halves = kept[:, 2:4] / 2
    boxes = torch.cat([kept[:, :2] - halves, kept[:, :2] + halves], dim=1)
    return boxes, scores[index], kept[:, 5:].argmax(dim=1)


def nms(boxes: Array, scores: Array, classes: Array) -> Detections:
    """What survives suppression, in input pixels."""
    kept = suppress(boxes.astype(np.float64), scores, classes, OVERLAP)
    return Detections(boxes[kept], scores[kept], classes[kept])
