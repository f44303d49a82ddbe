"""Average precision as COCO defines it, of a labelled set and of samples drawn from its images.

For each category and least overlap: precision, made to fall with recall from the right, is read at 101 recalls from 0
to 1 and averaged; then over overlaps and over the categories that have ground truths (Lin et al., "Microsoft COCO",
ECCV 2014, and the reference evaluation of its authors, cocoeval.py, ``accumulate``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Union

import numpy as np

from pytest_edgeperf.results.example_answers import ALL_THRESHOLDS, DetectionSet

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

RECALLS = np.linspace(0.0, 1.0, 101)
#: Of one array over samples, thresholds and detections; bounds the memory.
_MOST_NUMBERS = 4_000_000
#: Keeps 0 / 0 a number, as the reference evaluation does.
_TINY = float(np.spacing(1))


def average_precision(detections: DetectionSet, threshold: Union[str, float] = ALL_THRESHOLDS) -> float:
    """Average precision of the whole set in percent, at one least overlap or averaged over all of its.

    ``nan`` where no category has a ground truth.

    Raises:
        ValueError: the set was not matched at that overlap.
    """
    weights = np.ones((1, detections.images))
    return float(weighted_average_precision(detections, weights, threshold)[0])


def weighted_average_precision(
    detections: DetectionSet, weights: Array, threshold: Union[str, float] = ALL_THRESHOLDS
) -> Array:
    """Average precision in percent of samples in which image ``i`` is ``weights[s, i]`` times.

    Args:
        found: the detections and ground truths of ``n`` images.
        weights: [samples, n], whole numbers that are not negative.
        threshold: one of the set's least overlaps, or all.

    Returns:
        [samples]; ``nan`` for a sample without any ground truth.

    Raises:
        ValueError: the set was not matched at that overlap.
    """
    rows = _rows(detections, threshold)
    total = np.zeros(len(weights))
    categories = np.zeros(len(weights))
    starts = np.searchsorted(detections.category, np.arange(len(detections.truths) + 1))
    for category, truths in enumerate(detections.truths):
        columns = slice(starts[category], starts[category + 1])
        image = detections.image[columns]
        matched = detections.matched[rows, columns] & ~detections.ignored[rows, columns]
        false = ~detections.matched[rows, columns] & ~detections.ignored[rows, columns]
        for part in _parts(len(weights), matched.size):
            positives = weights[part] @ truths.astype(float)
            precision = _precision(weights[part][:, image], matched, false, positives)
            known = positives > 0
            total[part] += np.where(known, precision, 0.0)
            categories[part] += known
    unknown = np.full(len(weights), np.nan)
    return np.asarray(np.divide(100.0 * total, categories, out=unknown, where=categories > 0))


def _rows(detections: DetectionSet, threshold: Union[str, float]) -> Any:
    if threshold == ALL_THRESHOLDS:
        return slice(None)
    where = np.flatnonzero(np.isclose(detections.thresholds, float(threshold), rtol=0, atol=1e-9))
    if not len(where):
        known = ", ".join(f"{overlap:g}" for overlap in detections.thresholds)
        raise ValueError(f"the detections were matched at overlaps of {known}, not {threshold}")
    return where


def _parts(samples: int, size: int) -> Iterator[slice]:
    step = max(1, _MOST_NUMBERS // max(size, 1))
    for first in range(0, samples, step):
        yield slice(first, first + step)


def _precision(weights: Array, matched: Array, false: Array, positives: Array) -> Array:
    """Of one category: weights [s, d], matched and false [t, d], positives [s]; the mean over t of each sample."""
    samples, detections = weights.shape
    if not detections:
        return np.zeros(samples)
    true = np.cumsum(weights[:, None, :] * matched, axis=2)
    wrong = np.cumsum(weights[:, None, :] * false, axis=2)
    precision = true / (true + wrong + _TINY)
    precision = np.maximum.accumulate(precision[:, :, ::-1], axis=2)[:, :, ::-1]
    needed = _counts_for_recalls(positives)
    # rows one behind the other in one rising series, so that one search serves all
    lift = max(float(true[:, :, -1].max()), float(needed.max())) + 1.0
    rows = np.arange(true.shape[0] * true.shape[1]).reshape(true.shape[:2])
    series = (true + lift * rows[:, :, None]).ravel()
    wanted = needed[:, None, :] + lift * rows[:, :, None]
    place = np.searchsorted(series, wanted, side="left") - detections * rows[:, :, None]
    inside = place < detections
    read = np.take_along_axis(precision, np.where(inside, place, 0), axis=2)
    return np.asarray(np.where(inside, read, 0.0).sum(axis=2).mean(axis=1) / len(RECALLS))


def _counts_for_recalls(positives: Array) -> Array:
    """How many of each sample's positives [s] must be found for each recall: the least whole number, [s, 101]."""
    total = np.where(positives > 0, positives, 1.0)[:, None]
    least = np.ceil(RECALLS * total - 0.5)
    least += least / total < RECALLS
    return np.asarray(np.where((least > 0) & ((least - 1) / total >= RECALLS), least - 1, least))
