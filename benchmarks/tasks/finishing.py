"""From a network's raw outputs to its answer, one call for all tasks: ``finish(outputs, resolution, photo_shape)``.

``outputs`` are those of one inference, ``resolution`` is the input's, and ``photo_shape`` the photograph's (height,
width, …), to whose pixels boxes and points are brought back.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence, Tuple

import numpy as np

from tasks.classification import five_best
from tasks.clips import best_class
from tasks.detection import Detections, Head, detect
from tasks.pose import Pose, pose_of
from tasks.segmentation import best_classes, classes_of_pixels
from tasks.sizes import Resolution, sides
from tasks.ssd_boxes import Level, pick

FIVE = 5
Outputs = Sequence[np.ndarray]
Shape = Tuple[int, ...]
#: From outputs, the input's resolution and the photograph's shape to what the task asks for.
Finish = Callable[[Outputs, Resolution, Shape], Any]


def most_probable_classes(outputs: Outputs, resolution: Resolution, photo_shape: Shape) -> Tuple[Any, Any]:
    """The five most probable classes, or all where there are no more, and their probabilities, from logits."""
    classes = outputs[0].shape[1]
    if classes > FIVE:
        return five_best(outputs)
    exponentials = np.exp(outputs[0][0] - outputs[0][0].max())
    best = np.argsort(-exponentials, kind="stable")
    return best, exponentials[best] / exponentials.sum()


def most_probable_action(outputs: Outputs, resolution: Resolution, photo_shape: Shape) -> Tuple[int, float]:
    """The most probable class of a clip and its probability, from logits."""
    return best_class(outputs)


def yolo_detections(heads: Sequence[Head]) -> Finish:
    """Detections of one photograph from the raw heads of a YOLOv3."""

    def finish(outputs: Outputs, resolution: Resolution, photo_shape: Shape) -> Detections:
        return detect(outputs, heads, resolution, photo_shape)

    return finish


def ssd_detections(levels: Sequence[Level]) -> Finish:
    """Detections of the first photograph of a batch from an SSD's locations and logits."""

    def finish(outputs: Outputs, resolution: Resolution, photo_shape: Shape) -> Detections:
        return pick([output[:1] for output in outputs], levels, photo_shape)[0]

    return finish


def one_pose(outputs: Outputs, resolution: Resolution, photo_shape: Shape) -> Pose:
    """The keypoints of one person from PoseNet's maps."""
    return pose_of(outputs, sides(resolution), photo_shape)


def pixel_classes(outputs: Outputs, resolution: Resolution, photo_shape: Shape) -> np.ndarray:
    """The class of each pixel of the input from logits."""
    return classes_of_pixels(outputs, resolution)


def classes_at_full_size(outputs: Outputs, resolution: Resolution, photo_shape: Shape) -> np.ndarray:
    """The class of each pixel of the input from logits that are as large as it."""
    return best_classes(outputs)
