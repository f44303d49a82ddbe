"""Sets in the format of VisDrone-DET: ``images/*.jpg`` with ``annotations/*.txt`` of the same names.

A line is ``x,y,width,height,score,category,truncation,occlusion``. What is evaluated is as in the toolkit of the data's
authors (github.com/VisDrone/VisDrone2018-DET-toolkit: dropObjectsInIgr.m, evalRes.m, calcAccuracy.m):

- categories 1 to 10 are evaluated; 11, "others", is left out.
- An object of score 0 is to be ignored: detections in it are neither right nor wrong, as in COCO's crowds.
- Category 0 is a region in which nothing was labelled. Objects at least half in such regions are left out. The toolkit
  leaves out detections that are at least half in them, too; here the region is a crowd of every category, so that at
  an overlap of 0.50 the same is left out, and at a higher one what is as much in one region.

The toolkit's average precision is PASCAL VOC's at up to 500 detections an image, so its figures differ from COCO's.
Converters for training (as in Ultralytics' VisDrone.yaml) just leave out what has the score 0.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from labelled.detection import LabelledImage, LabelledSet
from labelled.pictures import reader, sides

Array = np.ndarray

IMAGES, ANNOTATIONS = "images", "annotations"
CATEGORIES = ("pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle", "bus", "motor")
UNLABELLED_REGION = 0
OTHERS = len(CATEGORIES) + 1
SUFFIXES = (".jpg", ".jpeg", ".png")
_FIELDS = ("x", "y", "width", "height", "score", "category", "truncation", "occlusion")
#: Of at most nine digits: a larger number of pixels is a mistake.
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


class _Object(NamedTuple):
    box: Sequence[float]  #: x, y, width, height
    counts: bool
    category: int


def annotation_files(folder: Path) -> List[Path]:
    """A set's annotation files, one per image."""
    return sorted((folder / ANNOTATIONS).glob("*.txt"))


def load(folder: Path) -> LabelledSet:
    """Read a set; of its pictures only the sizes, which the labels do not have.

    Raises:
        ValueError: a picture without labels, labels without a picture, a line that is none of the format; the message
            names the file and the line.
        ModuleNotFoundError: nothing is installed that reads pictures.
    """
    pictures = _pictures(folder / IMAGES)
    files = {file.stem: file for file in annotation_files(folder)}
    for name, file in files.items():
        if name not in pictures:
            raise ValueError(f"{file}: has no picture {folder / IMAGES / name}.jpg: unpack the set again")
    for name, picture in pictures.items():
        if name not in files:
            raise ValueError(f"{picture}: has no labels {folder / ANNOTATIONS / name}.txt: use a labelled set")
    if not files:
        raise ValueError(f"{folder}: has no {IMAGES}/*.jpg with {ANNOTATIONS}/*.txt of the same names")
    return LabelledSet(tuple(_labelled(pictures[name], file) for name, file in sorted(files.items())), CATEGORIES)


def _pictures(folder: Path) -> Dict[str, Path]:
    files = folder.iterdir() if folder.is_dir() else ()
    return {file.stem: file for file in sorted(files) if file.suffix.lower() in SUFFIXES}


def _labelled(picture: Path, file: Path) -> LabelledImage:
    height, width = sides(picture)
    everything = _objects(file)
    regions = np.array([region.box for region in everything if region.category == UNLABELLED_REGION]).reshape(-1, 4)
    objects = [item for item in everything if 0 < item.category < OTHERS]
    boxes = np.array([item.box for item in objects]).reshape(-1, 4)
    kept = _shares_inside(boxes, regions, height, width) < 0.5
    crowd = ~np.array([item.counts for item in objects], bool)
    classes = np.array([item.category for item in objects], np.int64) - 1
    sizes = np.concatenate([boxes[kept], np.tile(regions, (len(CATEGORIES), 1))])
    return LabelledImage(
        picture.stem,
        height,
        width,
        np.concatenate([sizes[:, :2], sizes[:, :2] + sizes[:, 2:]], axis=1),
        np.concatenate([classes[kept], np.repeat(np.arange(len(CATEGORIES)), len(regions))]),
        np.concatenate([crowd[kept], np.ones(len(CATEGORIES) * len(regions), bool)]),
        sizes[:, 2] * sizes[:, 3],
        reader(picture, height, width),
    )


def _shares_inside(boxes: Array, regions: Array, height: int, width: int) -> Array:
    """How much of each box (x, y, width, height; n of them) is in the regions together, on the grid of pixels: [n]."""
    if not len(boxes) or not len(regions):
        return np.zeros(len(boxes))
    unlabelled = np.zeros((height, width), bool)
    for pixels in map(_pixels, regions):
        unlabelled[pixels] = True
    sizes = np.maximum(1, np.rint(boxes[:, 2:])).prod(axis=1)
    return np.array([np.count_nonzero(unlabelled[_pixels(box)]) for box in boxes]) / sizes


def _pixels(box: Array) -> tuple:
    left, top, width, height = np.rint(box).astype(int)
    right, bottom = left + max(1, width), top + max(1, height)
    return slice(max(0, top), max(0, bottom)), slice(max(0, left), max(0, right))


def _objects(file: Path) -> List[_Object]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: is not text ({error}): unpack the set again") from None
    return [_object(f"{file}, line {place}", line) for place, line in enumerate(lines, 1) if line.strip()]


def _object(where: str, line: str) -> _Object:
    fields = [field.strip() for field in line.split(",")]
    # some of the authors' files end their lines so
    if len(fields) == len(_FIELDS) + 1 and not fields[-1]:
        fields.pop()
    if len(fields) != len(_FIELDS) or not all(map(_NUMBER.fullmatch, fields)):
        raise ValueError(f"{where}: must be {','.join(_FIELDS)} in numbers, not {line[:80]!r}")
    values = dict(zip(_FIELDS, map(float, fields)))
    if min(values["width"], values["height"]) < 0:
        raise ValueError(f"{where}: width and height must not be negative: {line[:80]!r}")
    if values["category"] not in range(OTHERS + 1):
        raise ValueError(f"{where}: category must be from 0 to {OTHERS}, not {fields[5]}")
    if values["score"] not in (0, 1):
        raise ValueError(
            f"{where}: score must be 1, or 0 for ignored regions, not {fields[4]}: these are detections, not labels"
        )
    return _Object([values[field] for field in _FIELDS[:4]], values["score"] == 1, int(values["category"]))
