"""Intersection over union of segmentations, over a whole set and image by image."""

from __future__ import annotations

from typing import Sequence

import numpy as np

Array = np.ndarray
#: In PASCAL VOC's labels, of pixels that count as nothing: borders of objects.
IGNORED = 255


def mean_iou(predicted: Sequence[Array], truth: Sequence[Array], classes: int, ignore: int = IGNORED) -> float:
    """Mean over the classes of intersection over union in percent, both summed over all images.

    As in Everingham et al., "The PASCAL visual object classes challenge: a retrospective" (IJCV 2015), section 3.4:
    the pixels of a class that are right, over those that are of it, said to be of it, or both. Classes that are
    neither in the truth nor predicted are left out of the mean.

    Args:
        predicted: [n] of int [height, width], the class of each pixel.
        truth: [n] of the same shapes.
        classes: how many there are, with the background.
        ignore: label of the pixels that count as nothing.

    Raises:
        ValueError: no pixel counts, or images of other shapes or classes; the message names the image's place.
    """
    counts = _confusions(predicted, truth, classes, ignore).sum(axis=0)
    return float(_mean_ious(counts[None])[0])


def image_ious(predicted: Sequence[Array], truth: Sequence[Array], classes: int, ignore: int = IGNORED) -> Array:
    """As :func:`mean_iou`, of each image on its own, in percent: float [n].

    Their mean is not the mean of the set, in which large objects and frequent classes weigh otherwise; but they can be
    compared in pairs.

    Raises:
        ValueError: as :func:`mean_iou`; an image without any pixel that counts has no value.
    """
    return _mean_ious(_confusions(predicted, truth, classes, ignore))


def _confusions(predicted: Sequence[Array], truth: Sequence[Array], classes: int, ignore: int) -> Array:
    """Pixels by image, class and predicted class: int [n, classes, classes]."""
    if len(predicted) != len(truth) or not len(truth):
        raise ValueError(f"there are segmentations of {len(predicted)} images, and {len(truth)} labelled ones")
    counts = np.zeros((len(truth), classes, classes), np.int64)
    for place, (said, true) in enumerate(zip(predicted, truth)):
        said, true = np.asarray(said), np.asarray(true)
        if said.shape != true.shape:
            raise ValueError(f"image {place} is segmented as {said.shape}, and labelled as {true.shape}")
        inside = true != ignore
        said, true = said[inside].astype(np.int64), true[inside].astype(np.int64)
        for kind, found in (("predicted", said), ("labelled", true)):
            if found.size and (found.min() < 0 or found.max() >= classes):
                raise ValueError(f"image {place} has {kind} classes that are not from 0 to {classes - 1}")
        counts[place] = np.bincount(true * classes + said, minlength=classes**2).reshape(classes, classes)
    return counts


def _mean_ious(counts: Array) -> Array:
    """Of confusions [n, classes, classes], in percent: [n]."""
    right = np.diagonal(counts, axis1=1, axis2=2)
    union = counts.sum(axis=1) + counts.sum(axis=2) - right
    occurring = (union > 0).sum(axis=1)
    if not np.all(occurring):
        raise ValueError(f"image {int(np.flatnonzero(occurring == 0)[0])} has no pixel that counts")
    shares = np.divide(right, union, out=np.zeros(union.shape), where=union > 0)
    return 100.0 * shares.sum(axis=1) / occurring
