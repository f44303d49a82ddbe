"""How near outputs are to those of a reference, such as the same network in fp32, example by example."""

from __future__ import annotations

from typing import Tuple

import numpy as np

Array = np.ndarray


def cosine_similarity(outputs: Array, reference: Array) -> Array:
    """Cosine of the angle between outputs and reference, from -1 to 1: float [n].

    Between two examples of zeros only it is 1; where one of them is, 0.

    Args:
        outputs: [n, …].
        reference: of the same shape.

    Raises:
        ValueError: other shapes, or values that are not finite; the message names the place.
    """
    outputs, reference = _examples(outputs, reference)
    outputs, reference = _of_length_one(outputs), _of_length_one(reference)
    both_zero = ~outputs.any(axis=1) & ~reference.any(axis=1)
    return np.where(both_zero, 1.0, (outputs * reference).sum(axis=1).clip(-1, 1))


def _of_length_one(rows: Array) -> Array:
    # first by the largest, so that no square overflows or vanishes
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows = np.divide(rows, largest, out=np.zeros_like(rows), where=largest > 0)
    length = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)


def _examples(outputs: Array, reference: Array) -> Tuple[Array, Array]:
    """Both as float64 [n, values]."""
    outputs, reference = np.asarray(outputs, np.float64), np.asarray(reference, np.float64)
    if outputs.shape != reference.shape or outputs.ndim < 1 or not outputs.size:
        raise ValueError(f"outputs of shape {outputs.shape} and a reference of {reference.shape} cannot be compared")
    outputs, reference = outputs.reshape(len(outputs), -1), reference.reshape(len(reference), -1)
    for kind, rows in (("output", outputs), ("reference", reference)):
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            raise ValueError(f"the {kind} of example {int(np.flatnonzero(~finite)[0])} is not finite")
    return outputs, reference
