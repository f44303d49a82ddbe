"""How near outputs are to those of a reference, such as the same network in fp32, example by example."""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np

Array = np.ndarray
#: Given for equal outputs too: numbers of double precision tell no smaller error.
MOST_DB = 300.0


def psnr_db(outputs: Array, reference: Array, peak: Optional[float] = None) -> Array:
    """Peak signal-to-noise ratio in dB, 10 log10(peak² / mean squared error), at most :data:`MOST_DB`: float [n].

    Args:
        outputs: [n, …].
        reference: of the same shape.
        peak: difference of the largest and the smallest possible value; of images of uint8 it is 255. Without it, that
            of the largest and the smallest value of each example of the reference.

    Raises:
        ValueError: other shapes, values that are not finite, a peak that is not above 0; the message names the place.
    """
    outputs, reference = _examples(outputs, reference)
    peaks = np.full(len(reference), peak, np.float64) if peak is not None else np.ptp(reference, axis=1)
    if not np.all(peaks > 0):
        place = int(np.flatnonzero(~(peaks > 0))[0])
        raise ValueError(f"the peak must be above 0: it is {peaks[place]:g} in example {place}")
    noise = ((outputs - reference) ** 2).mean(axis=1)
    smallest = peaks**2 / 10 ** (MOST_DB / 10)
    return 10 * np.log10(peaks**2 / np.maximum(noise, smallest))


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


def largest_error(outputs: Array, reference: Array) -> Array:
    """Largest absolute difference, in the outputs' unit: float [n].

    Args:
        outputs: [n, …].
        reference: of the same shape.

    Raises:
        ValueError: other shapes, or values that are not finite; the message names the place.
    """
    outputs, reference = _examples(outputs, reference)
    return np.abs(outputs - reference).max(axis=1)


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
