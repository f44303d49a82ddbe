"""Clips around a network for action recognition: seeded moving photographs, frames to a tensor, and the best class.

A clip is what a camera sees that pans over a photograph, in frames of the size of UCF50's (Reddy and Shah, 2013).
"""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

import numpy as np

from tasks.classification import crop
from tasks.images import photographs
from tasks.sizes import Resolution, sides

HEIGHT = 240
WIDTH = 320
#: Of a clip whose network asks for no other number.
FRAMES = 20


def clips(count: int, seed: int = 0, frames: int = FRAMES) -> List[np.ndarray]:
    """``count`` different clips, each uint8 [frames, 240, 320, 3], the same for a seed."""
    return [
        _pan(photo, frames, np.random.default_rng([seed, index]).uniform(0, 1, (2, 2)))
        for index, photo in enumerate(photographs(count, seed))
    ]


def _pan(photo: np.ndarray, frames: int, ends: np.ndarray) -> np.ndarray:
    """A window's way over a photograph from one of two ``ends`` (down, right; shares of the room) to the other."""
    room = np.array([photo.shape[0] - HEIGHT, photo.shape[1] - WIDTH])
    steps = np.linspace(0, 1, frames)[:, None]
    corners = np.rint((ends[0] + steps * (ends[1] - ends[0])) * room).astype(int)
    return np.stack([photo[top : top + HEIGHT, left : left + WIDTH] for top, left in corners])


def clip_input(clip: np.ndarray, resolution: Resolution) -> np.ndarray:
    """The centre of each frame of a uint8 [frames, h, w, 3] clip: float32 [1, 3, frames, resolution, resolution].

    Frames are resized, cropped and normalised as photographs are for classification; for 112 pixels the resized ones
    have C3D's 128x171.

    Raises:
        ValueError: the resolution is no square.
    """
    height, width = sides(resolution)
    if height != width:
        raise ValueError(f"a clip's frames are cropped to a square, not to {height}x{width}")
    return np.ascontiguousarray(np.concatenate([crop(frame, height) for frame in clip]).transpose(1, 0, 2, 3)[None])


def best_class(outputs: Sequence[Any]) -> Tuple[int, float]:
    """The most probable class and its probability, from the logits [1, classes] that come first in ``outputs``."""
    logits = outputs[0][0]
    exponentials = np.exp(logits - logits.max())
    best = int(logits.argmax())
    return best, float(exponentials[best] / exponentials.sum())
