"""Seeded synthetic photographs, and the bilinear resizing that the tasks' pre-processing uses."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, List, Tuple

import numpy as np

HEIGHT = 480
WIDTH = 640


def photograph(seed: int) -> np.ndarray:
    """A gradient with a dozen filled ellipses and rectangles: uint8 [480, 640, 3], the same for a seed."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    corner, slope_down, slope_right = generator.uniform(-60, 60, (3, 3)).astype(np.float32)
    image = 128 + corner + slope_down * (rows / HEIGHT)[..., None] + slope_right * (columns / WIDTH)[..., None]
    for shape in range(12):
        centre_row, centre_column = generator.uniform((0, 0), (HEIGHT, WIDTH))
        half_height, half_width = generator.uniform(15, 120, 2)
        across = np.abs(rows - centre_row) / half_height
        along = np.abs(columns - centre_column) / half_width
        inside = across**2 + along**2 < 1 if shape % 2 else np.maximum(across, along) < 1
        image[inside] = generator.uniform(0, 255, 3)
    image += generator.normal(0, 4, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def photographs(count: int, seed: int = 0) -> List[np.ndarray]:
    """``count`` different photographs."""
    return [photograph(seed * 1000 + index) for index in range(count)]


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear, pixel centres aligned, without a smoothing filter: [h, w, c] to float32 [height, width, c]."""
    upper, lower, down = _taps(image.shape[0], height)
    left, right, along = _taps(image.shape[1], width)
    rows = image[upper] * (1 - down)[:, None, None] + image[lower] * down[:, None, None]
    return rows[:, left] * (1 - along)[:, None] + rows[:, right] * along[:, None]


@lru_cache(maxsize=16)
def _taps(size: int, wanted: int) -> Tuple[Any, Any, Any]:
    position = np.clip((np.arange(wanted) + 0.5) * (size / wanted) - 0.5, 0, size - 1)
    first = position.astype(np.int64)
    return first, np.minimum(first + 1, size - 1), (position - first).astype(np.float32)
