"""Pose estimation around PoseNet, in numpy: the keypoints of one person.

Decoding as in Papandreou et al., "Towards accurate multi-person pose estimation in the wild" (2017), for one person,
as TFLite's example does it: the best cell of each keypoint's heat map, moved by the offset that is predicted there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np

#: Nose, eyes, ears, shoulders, elbows, wrists, hips, knees and ankles: those of COCO.
KEYPOINTS = 17
#: Limbs of the tree that joins them, each with a displacement in either direction.
LIMBS = 16
STRIDE = 16


@dataclass(frozen=True)
class Pose:
    """Keypoints [17, 2] (x, y in the photograph's pixels) and their scores [17]."""

    points: np.ndarray
    scores: np.ndarray


def pose_of(outputs: Sequence[np.ndarray], input_shape: Tuple[int, int], photo_shape: Tuple[int, ...]) -> Pose:
    """One pose from heat maps [1, 17, h, w] and offsets [1, 34, h, w] (down, then along, in input pixels).

    ``input_shape`` and ``photo_shape`` are (height, width, …).
    """
    maps, offsets = outputs[0][0], outputs[1][0]
    columns = maps.shape[2]
    best = maps.reshape(KEYPOINTS, -1).argmax(axis=1)
    row, column = best // columns, best % columns
    keypoint = np.arange(KEYPOINTS)
    down = row * STRIDE + offsets[keypoint, row, column]
    along = column * STRIDE + offsets[KEYPOINTS + keypoint, row, column]
    scale = np.array([photo_shape[1] / input_shape[1], photo_shape[0] / input_shape[0]])
    scores = 1 / (1 + np.exp(-maps[keypoint, row, column].astype(np.float64)))
    return Pose(np.stack([along, down], axis=1) * scale, scores)
