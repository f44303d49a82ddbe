"""Whether classifiers are right, example by example."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def top_k(logits: Array, labels: Array, k: int) -> Array:
    """Whether the label is among the ``k`` classes of the highest logits: bool [n].

    Between equal logits the class of the lower index is the higher, as in ``argmax``. An example with a logit that is
    not a number is wrong.

    Args:
        logits: [n, classes], or probabilities.
        labels: int [n], indices of classes.
        k: 1 for top-1, 5 for top-5.

    Raises:
        ValueError: shapes, labels or ``k`` are others; the message says which.
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(f"logits must be [n, classes] and labels [n], not {logits.shape} and {labels.shape}")
    classes = logits.shape[1]
    if not 1 <= k <= classes:
        raise ValueError(f"k must be from 1 to the {classes} classes, not {k}")
    if labels.dtype.kind not in "iu" or np.any((labels < 0) | (labels >= classes)):
        raise ValueError(f"labels must be integers from 0 to {classes - 1}")
    own = logits[np.arange(len(labels)), labels][:, None]
    higher = (logits > own) | ((logits == own) & (np.arange(classes) < labels[:, None]))
    return (higher.sum(axis=1) < k) & ~np.isnan(logits).any(axis=1)
