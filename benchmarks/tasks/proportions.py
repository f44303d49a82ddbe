"""Inputs of a photograph's proportions, at multiples of 32, and what a letterboxed photograph keeps in them."""

from __future__ import annotations

from typing import Tuple

from tasks.detection import Frame

#: The multiple of which the sides of YOLOv3's input are.
MULTIPLE = 32
#: Name -> width and height.
RATIOS = {"1:1": (1, 1), "4:3": (4, 3), "16:9": (16, 9)}


def input_size(longer: int, proportions: str) -> Tuple[int, int]:
    """(height, width) of an input ``longer`` pixels wide, the height rounded up so that nothing of a photo is lost."""
    along, down = RATIOS[proportions]
    return -(-longer * down // along // MULTIPLE) * MULTIPLE, longer


def kept(photo_shape: Tuple[int, ...], longer: int, proportions: str) -> float:
    """What share of the pixels that a photograph has in a square input it has in one of these proportions."""
    square = Frame.fit(photo_shape[0], photo_shape[1], longer)
    here = Frame.fit(photo_shape[0], photo_shape[1], input_size(longer, proportions))
    return here.height * here.width / (square.height * square.width)
