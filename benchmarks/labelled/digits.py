"""Handwritten digits with their labels: scikit-learn's, loaded from its package, in a training and a held-out part.

They are 1,797 images of 8 by 8 pixels (E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI
Machine Learning Repository, 1998; its test part).
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, List, Optional, Tuple

import numpy as np

from pytest_edgeperf import Engine, FrameworkError

SPLIT_SEED = 10
HELD_OUT = 450
#: Of a pixel in the package's images.
WHITE = 16

Array = np.ndarray


@dataclass(frozen=True)
class Digits:
    """Images float32 [n, 1, 8, 8] in 0..1, labels int64 [n] from 0 to 9, and ids [n] that stay the same."""

    images: Array
    labels: Array
    ids: Tuple[str, ...]


def missing() -> Optional[str]:
    """Why there are no digits here, and what to type; ``None`` where there are."""
    if importlib.util.find_spec("sklearn") is not None:
        return None
    return "the digits come with scikit-learn, which is not installed: pip install 'pytest-edgeperf[digits]'"


def training() -> Digits:
    """The 1,347 images that a network may be fitted to.

    Raises:
        FrameworkError: scikit-learn is not installed.
    """
    return _split()[0]


def held_out() -> Digits:
    """The 450 images that no network here has seen, by which it is judged.

    Raises:
        FrameworkError: scikit-learn is not installed.
    """
    return _split()[1]


def images(count: int, seed: int) -> List[Array]:
    """``count`` different training images, each float32 [1, 8, 8], the same for a seed.

    Raises:
        FrameworkError: scikit-learn is not installed.
    """
    given = training().images
    chosen = np.random.default_rng(seed).permutation(len(given))[:count]
    return [given[index] for index in chosen]


def as_input(image: Array, _: Any) -> Array:
    """An image as the input of a network, which takes no other size: float32 [1, 1, 8, 8]."""
    return image[None]


def correct(engine: Engine, images: Array, labels: Array) -> Array:
    """Which of the images an engine that takes one at a time puts into their class: bool [n]."""
    answers = [engine.infer(image[None])[0].argmax() for image in images]
    return np.array(answers) == labels


def _split() -> Tuple[Digits, Digits]:
    reason = missing()
    if reason is not None:
        raise FrameworkError(reason)
    return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> Tuple[Digits, Digits]:
    from sklearn.datasets import load_digits

    loaded = load_digits()
    pictures = (loaded.images / WHITE).astype(np.float32)[:, None]
    order = np.random.default_rng(SPLIT_SEED).permutation(len(pictures))

    def part(chosen: Array) -> Digits:
        labels = loaded.target[chosen].astype(np.int64)
        return Digits(pictures[chosen], labels, tuple(f"digits-{index:04d}" for index in chosen))

    return part(np.sort(order[HELD_OUT:])), part(np.sort(order[:HELD_OUT]))
