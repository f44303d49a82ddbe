"""Detections matched with the ground truth as COCO defines it: what average precision is computed from.

The matching is faster-coco-eval's, or pycocotools' where that is not installed: the best detections first, each with
the ground truth that it overlaps most, at ten least overlaps from 0.50 to 0.95; detections in crowds, and what is
outside the range of areas, count as nothing (Lin et al., "Microsoft COCO", ECCV 2014, and the reference evaluation of
its authors, cocoeval.py). Boxes go to the evaluator as corner, width and height. Where those of the labels are no
binary fractions, the last digit of a width may differ from the file's, which matters only to an overlap that is a
threshold exactly.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from importlib.metadata import version
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np
import pytest
from labelled.detection import LabelledImage, LabelledSet
from packaging.version import Version
from tasks.detection import Detections

from pytest_edgeperf import DetectionSet

Array = np.ndarray
Annotation = Dict[str, Any]

#: Of an object, in square pixels, both ends included.
AREAS = {
    "all": (0.0, 1e5**2),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e5**2),
}
REMEDY = "pip install 'pytest-edgeperf[coco]'"
#: The first faster-coco-eval that reports what it matched in each image.
LOWEST = "1.6.5"


def evaluator() -> str:
    """Which library matches here, with its version, as ``faster-coco-eval 1.8.0``.

    Raises:
        ModuleNotFoundError: neither is installed; the message says how to.
        ImportError: the installed version is too old.
    """
    return _library().label()


def evaluator_or_skip() -> str:
    """As :func:`evaluator`, for a benchmark or a test: skipped with the reason where neither is installed."""
    try:
        return evaluator()
    except ModuleNotFoundError as missing:
        return pytest.skip(str(missing))


def detection_set(
    truth: LabelledSet, found: Sequence[Detections], *, area: str = "all", most: int = 100
) -> DetectionSet:
    """Match the boxes found in each image with the labelled ones, by intersection over union.

    Args:
        truth: ``n`` images. Their order, as that of an image's detections, decides between equal scores.
        found: [n], the detections of each image, in its pixels.
        area: which objects count, one of :data:`AREAS`; the area is that of the label, and of a detection its box's.
        most: detections of a category that an image may have; those of the lowest scores are left out.

    Raises:
        ValueError: no images, not one ``found`` per image, or detections that are none; the message names the image.
        ModuleNotFoundError: no evaluator is installed; the message says how to.
    """
    _check(area, most, len(truth.images), len(found))
    categories = len(truth.categories)
    truths = [
        annotation
        for place, image in enumerate(truth.images)
        for annotation in _labelled_boxes(place, image, categories)
    ]
    boxes = [
        annotation
        for place, (image, detections) in enumerate(zip(truth.images, found))
        for annotation in _found_boxes(place, image.name, detections, categories)
    ]
    return _matched(truths, boxes, len(truth.images), categories, area, most)


class _Matches(NamedTuple):
    """Of one image and category: the detections, best first, and how many ground truths count."""

    scores: Array  #: [D]
    matched: Array  #: bool [T, D]
    ignored: Array  #: bool [T, D]
    truths: int


class _Task(NamedTuple):
    """What an evaluator is given: annotations as in COCO's files, numbered from 1."""

    truths: Sequence[Annotation]
    found: Sequence[Annotation]
    images: int
    categories: int
    area: str
    most: int

    def described(self, annotations: Iterable[Annotation]) -> Dict[str, Any]:
        """A file of COCO's format."""
        return {
            "images": [{"id": index + 1} for index in range(self.images)],
            "categories": [{"id": index + 1, "name": str(index)} for index in range(self.categories)],
            "annotations": [{"id": place, **one} for place, one in enumerate(annotations, 1)],
        }

    def narrow(self, parameters: Any) -> Array:
        """Set an evaluator's parameters to what is asked for, and return its thresholds."""
        parameters.imgIds = list(range(1, self.images + 1))
        parameters.catIds = list(range(1, self.categories + 1))
        parameters.areaRng = [list(AREAS[self.area])]
        parameters.areaRngLbl = [self.area]
        parameters.maxDets = [self.most]
        return np.asarray(parameters.iouThrs, np.float64)


Matching = Tuple[Array, Iterator[_Matches]]


def _with_faster_coco_eval(task: _Task) -> Matching:
    from faster_coco_eval import COCO, COCOeval_faster

    truths, found = _indexed(COCO, task.described(task.truths)), _indexed(COCO, task.described(task.found))
    run = COCOeval_faster(truths, found, iouType="bbox", separate_eval=True)
    thresholds = task.narrow(run.params)
    run.evaluate()
    # its matches of an image can only be read as they are pickled
    states = (cell.__getstate__() for cell in run._evalImgs_cpp)
    return thresholds, (
        _Matches(
            np.array(scores, np.float64),
            np.array(matches, np.int64).reshape(len(thresholds), -1) != 0,
            np.array(ignored, bool).reshape(len(thresholds), -1),
            len(ignored_truths) - sum(ignored_truths),
        )
        for matches, _, scores, ignored_truths, ignored, *_ in states
    )


def _with_pycocotools(task: _Task) -> Matching:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    # it prints its progress
    with contextlib.redirect_stdout(io.StringIO()):
        truths, found = _indexed(COCO, task.described(task.truths)), _indexed(COCO, task.described(task.found))
        run = COCOeval(truths, found, "bbox")
        thresholds = task.narrow(run.params)
        run.evaluate()
    nothing = _no_flags(thresholds)
    return thresholds, (
        _Matches(np.zeros(0), nothing, nothing, 0)
        if cell is None
        else _Matches(
            np.array(cell["dtScores"], np.float64),
            np.asarray(cell["dtMatches"]) != 0,
            np.asarray(cell["dtIgnore"], bool),
            int(np.sum(np.asarray(cell["gtIgnore"]) == 0)),
        )
        for cell in run.evalImgs
    )


class _Library(NamedTuple):
    package: str
    module: str
    match: Callable[[_Task], Matching]
    lowest: str = "0"

    def label(self) -> str:
        return f"{self.package} {version(self.package)}"


LIBRARIES = (
    _Library("faster-coco-eval", "faster_coco_eval", _with_faster_coco_eval, LOWEST),
    _Library("pycocotools", "pycocotools", _with_pycocotools),
)


def _library() -> _Library:
    for library in LIBRARIES:
        try:
            importlib.import_module(library.module)
        except ModuleNotFoundError as missing:
            if missing.name != library.module:
                raise
        else:
            if Version(version(library.package)) < Version(library.lowest):
                raise ImportError(f"{library.label()} is too old, at least {library.lowest} is needed: {REMEDY}")
            return library
    names = " nor ".join(library.package for library in LIBRARIES)
    raise ModuleNotFoundError(f"average precision needs an evaluator, and neither {names} is installed: {REMEDY}")


def _indexed(kind: Callable[[], Any], described: Dict[str, Any]) -> Any:
    coco = kind()
    coco.dataset = described
    coco.createIndex()
    return coco


def _matched(
    truths: List[Annotation], found: List[Annotation], images: int, categories: int, area: str, most: int
) -> DetectionSet:
    thresholds, matches = _library().match(_Task(truths, found, images, categories, area, most))
    counts = np.zeros((categories, images), np.int64)
    image, matched, ignored = [np.zeros(0, np.int64)], [_no_flags(thresholds)], [_no_flags(thresholds)]
    for category in range(categories):
        of_images = [next(matches) for _ in range(images)]
        counts[category] = [cell.truths for cell in of_images]
        order = np.argsort(-np.concatenate([cell.scores for cell in of_images]), kind="stable")
        image.append(np.repeat(np.arange(images), [len(cell.scores) for cell in of_images])[order])
        matched.append(np.concatenate([cell.matched for cell in of_images], axis=1)[:, order])
        ignored.append(np.concatenate([cell.ignored for cell in of_images], axis=1)[:, order])
    return DetectionSet(
        thresholds,
        np.repeat(np.arange(categories), [len(of_category) for of_category in image[1:]]),
        np.concatenate(image),
        np.concatenate(matched, axis=1),
        np.concatenate(ignored, axis=1),
        counts,
    )


def _no_flags(thresholds: Array) -> Array:
    return np.zeros((len(thresholds), 0), bool)


def _check(area: str, most: int, images: int, found: int) -> None:
    if area not in AREAS:
        raise ValueError(f"area must be one of {', '.join(AREAS)}, not {area!r}")
    if most < 1:
        raise ValueError(f"most must be at least 1, not {most}")
    if images != found or not images:
        raise ValueError(f"there are detections of {found} images and labels of {images}")


def _labelled_boxes(place: int, image: LabelledImage, categories: int) -> Iterator[Annotation]:
    if len(image.classes) and (image.classes.min() < 0 or image.classes.max() >= categories):
        raise ValueError(f"the labels of {image.name!r} have classes that are not from 0 to {categories - 1}")
    for box, category, crowd, area in zip(image.boxes, image.classes, image.crowd, image.areas):
        yield {
            "image_id": place + 1,
            "category_id": int(category) + 1,
            "bbox": _corner_and_sides(box),
            "area": float(area),
            "iscrowd": int(crowd),
        }


def _found_boxes(place: int, name: str, found: Detections, categories: int) -> Iterator[Annotation]:
    boxes, scores, classes = np.asarray(found.boxes), np.asarray(found.scores), np.asarray(found.classes)
    if boxes.shape != (len(scores), 4) or scores.ndim != 1 or classes.shape != scores.shape:
        raise ValueError(
            f"the detections of {name!r} must be boxes [n, 4], scores [n] and classes [n], "
            f"not {boxes.shape}, {scores.shape} and {classes.shape}"
        )
    if not (np.all(np.isfinite(boxes)) and np.all(np.isfinite(scores))):
        raise ValueError(f"the detections of {name!r} have boxes or scores that are not finite")
    if len(classes) and (classes.min() < 0 or classes.max() >= categories):
        raise ValueError(f"the detections of {name!r} have classes that are not from 0 to {categories - 1}")
    for box, score, category in zip(boxes.astype(np.float64), scores, classes):
        corner_and_sides = _corner_and_sides(box)
        yield {
            "image_id": place + 1,
            "category_id": int(category) + 1,
            "bbox": corner_and_sides,
            "area": corner_and_sides[2] * corner_and_sides[3],
            "score": float(score),
            "iscrowd": 0,
        }


def _corner_and_sides(box: Sequence[float]) -> List[float]:
    left, top, right, bottom = (float(side) for side in box)
    return [left, top, right - left, bottom - top]
