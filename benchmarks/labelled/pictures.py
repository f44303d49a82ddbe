"""Photographs of a folder, read by Pillow, or by OpenCV where that is not installed.

The pixels are those of the file: an orientation in its EXIF data is not applied, as the labels of the data sets
are made without it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Callable, Tuple

import numpy as np

Array = np.ndarray
REMEDY = "pip install Pillow"


def reader(path: Path, height: int, width: int) -> Callable[[], Array]:
    """What reads the photograph when it is called: uint8 [height, width, 3], red first.

    It raises a ValueError that names the file where that is no picture or of another size than the labels say, and a
    ModuleNotFoundError where nothing is installed that reads pictures.
    """
    return partial(_read, path, height, width)


def sides(path: Path) -> Tuple[int, int]:
    """Height and width of a picture; with Pillow its pixels are not read.

    Raises:
        ValueError: it is no picture; the message names the file.
        ModuleNotFoundError: nothing is installed that reads pictures.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError:
        height, width = _by_opencv(path).shape[:2]
        return height, width
    try:
        with Image.open(path) as picture:
            return picture.height, picture.width
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from None


def _read(path: Path, height: int, width: int) -> Array:
    try:
        import PIL  # noqa: F401
    except ModuleNotFoundError:
        pixels = _by_opencv(path)
    else:
        pixels = _by_pillow(path)
    if pixels.shape != (height, width, 3):
        raise ValueError(
            f"{path}: is {pixels.shape[1]} pixels wide and {pixels.shape[0]} high, and by its labels {width} and "
            f"{height}: use the pictures that the labels were made for"
        )
    return pixels


def _by_pillow(path: Path) -> Array:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return np.array(picture.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from None


def _by_opencv(path: Path) -> Array:
    try:
        import cv2
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"{path}: neither Pillow nor OpenCV is installed to read it: {REMEDY}") from None
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise _unreadable(path, "OpenCV cannot decode it")
    return np.ascontiguousarray(pixels[:, :, ::-1])


def _unreadable(path: Path, why: object) -> ValueError:
    if not path.exists():
        return ValueError(f"{path}: does not exist, but is labelled: unpack the pictures of the set beside its labels")
    return ValueError(f"{path}: cannot be read as a picture ({why}): unpack the set again")
