"""Accuracies that a benchmark records, as metrics that are judged in pairs."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional, Sequence, Union

from pytest_edgeperf.measure.measurement import METRICS
from pytest_edgeperf.results.example_answers import (
    ALL_THRESHOLDS,
    MARGIN_POINTS,
    PERCENT,
    DetectionSet,
    of_detections,
    of_examples,
)
from pytest_edgeperf.results.reading import RESERVED
from pytest_edgeperf.results.types import HIGHER, LOWER, Metric

if TYPE_CHECKING:
    PerExample = Union[Sequence[Any], DetectionSet]

_NAME = re.compile(r"[A-Za-z][\w@.+-]*\Z")
#: Ending of the metric's name -> least overlap, as COCO reports them.
OVERLAPS = {"": ALL_THRESHOLDS, "50": 0.5, "75": 0.75}


class Accuracy(NamedTuple):
    """A metric of a run: its description, and its value with the answers behind it."""

    metric: Metric
    value: Dict[str, Any]


def accuracies(
    name: str,
    per_example: PerExample,
    *,
    example_ids: Optional[Sequence[Any]] = None,
    unit: str = PERCENT,
    margin: Optional[float] = None,
    better: str = HIGHER,
    gates: bool = True,
) -> Dict[str, Accuracy]:
    """The metrics that the answers give: one of that name, of detections also ``…50`` and ``…75``, which inform.

    Raises:
        ValueError: a name that is taken or that no metric can have, a margin that is missing or not a finite number of
            at least 0, values that are none, or shares out of 0 to 1.
    """
    if not _NAME.match(name) or name in METRICS or name in RESERVED:
        raise ValueError(
            f"{name!r} cannot name an accuracy: use letters, digits and _@.+-, and not the name of a built-in metric"
        )
    if better not in (HIGHER, LOWER):
        raise ValueError(f"{name}: better must be {HIGHER!r} or {LOWER!r}, not {better!r}")
    if margin is None and unit != PERCENT:
        raise ValueError(f"{name}: give margin=, the loss that is allowed, in {unit or 'its unit'}")
    allowed = MARGIN_POINTS if margin is None else float(margin)
    if not 0 <= allowed < math.inf:
        raise ValueError(f"{name}: margin must be a finite number of at least 0, not {margin!r}")
    metric = Metric(unit, better, margin=allowed, informs=not gates)
    try:
        if isinstance(per_example, DetectionSet):
            if unit != PERCENT or better != HIGHER:
                raise ValueError("average precision is in percent, and higher is better: leave out unit= and better=")
            return _of_detections(name, per_example, example_ids, metric)
        value = of_examples(per_example, example_ids, scale=100.0 if unit == PERCENT else 1.0)
        if unit == PERCENT:
            _require_shares(per_example)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return {name: Accuracy(metric, value)}


def _require_shares(per_example: Sequence[Any]) -> None:
    import numpy as np

    values = np.asarray(per_example, dtype=float)
    if values.min() < 0 or values.max() > 1:
        raise ValueError(
            "each example's value must be right or wrong, or a share from 0 to 1; "
            "for other scores, give unit= and margin="
        )


def _of_detections(
    name: str, detections: DetectionSet, example_ids: Optional[Sequence[Any]], metric: Metric
) -> Dict[str, Accuracy]:
    from pytest_edgeperf.judge.statistics.average_precision import average_precision

    stored = of_detections(detections, example_ids)
    measured = [round(float(threshold), 9) for threshold in detections.thresholds]
    recorded: Dict[str, Accuracy] = {}
    for ending, threshold in OVERLAPS.items():
        if threshold != ALL_THRESHOLDS and threshold not in measured:
            continue
        mean = average_precision(detections, threshold)
        if math.isnan(mean):
            raise ValueError("no image has a labelled object")
        of_overlap = replace(metric, threshold=threshold, informs=metric.informs or bool(ending))
        recorded[name + ending] = Accuracy(of_overlap, {**stored, "mean": mean})
    return recorded
