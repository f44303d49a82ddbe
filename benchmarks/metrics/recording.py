"""Records how right a network's answers to labelled examples are, as a benchmark's accuracies.

Called after measuring: neither the labels nor the matching are in the memory and the heat of what was timed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Sequence, Tuple

from labelled.detection import LabelledSet
from tasks.detection import Detections

from pytest_edgeperf import Engine

#: Examples for an engine that starts a program for every inference, as trtexec's does: some seconds each on a board.
FEW = 20


def examples_for(engine: Engine, count: int) -> slice:
    """Which of ``count`` examples an engine is asked for: all, or the first few where each takes seconds."""
    times_itself = hasattr(engine, "run_for")
    return slice(min(count, FEW) if times_itself else count)


def record_digits(timed_inference: Any, engine: Engine) -> None:
    """``top1`` of ``digits-cnn`` on the 450 held-out digits, or on a few."""
    from labelled import digits

    held_out = digits.held_out()
    asked = examples_for(engine, len(held_out.ids))
    right = digits.correct(engine, held_out.images[asked], held_out.labels[asked])
    timed_inference.accuracy("top1", right, example_ids=held_out.ids[asked])


def record_shapes(timed_inference: Any, engine: Engine, resolution: Tuple[int, int]) -> None:
    """``AP``, ``AP50`` and ``AP75`` of ``shapes-detector`` on the 300 held-out photographs, or on a few."""
    from labelled import shapes

    held_out = shapes.held_out()
    held_out = replace(held_out, images=held_out.images[examples_for(engine, len(held_out.images))])
    record_detections(timed_inference, held_out, shapes.detections_of(engine, held_out.images, resolution))


def record_detections(timed_inference: Any, truth: LabelledSet, found: Sequence[Detections]) -> None:
    """``AP``, ``AP50`` and ``AP75`` as COCO defines them, of what was found in each photograph."""
    from metrics.coco import detection_set

    timed_inference.accuracy("AP", detection_set(truth, found), example_ids=[image.name for image in truth.images])
