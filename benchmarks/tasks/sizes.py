"""Sizes of networks' inputs: a square's side, or height and width, in pixels."""

from __future__ import annotations

from typing import Tuple, Union

#: A side, or (height, width).
Resolution = Union[int, Tuple[int, int]]


def sides(resolution: Resolution) -> Tuple[int, int]:
    """Height and width."""
    return (resolution, resolution) if isinstance(resolution, int) else resolution


def label(resolution: Resolution) -> str:
    """As in names of files and models: ``416``, or height first ``256x416``."""
    height, width = sides(resolution)
    return str(height) if height == width else f"{height}x{width}"


def parse(text: str) -> Resolution:
    """What :func:`label` gave.

    Raises:
        ValueError: it is no label.
    """
    height, times, width = text.partition("x")
    return (int(height), int(width)) if times else int(height)
