"""Which format the labelled set has that a user names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labelled import coco, visdrone
from labelled.detection import LabelledSet


def open_set(path: Any) -> LabelledSet:
    """Read the set of a folder, without its pictures.

    Args:
        path: a folder of COCO's format or of VisDrone's, or a annotation file of COCO's.

    Raises:
        ValueError: it is neither, or what it has is damaged; the message names the file, and says what was looked for.
        ModuleNotFoundError: nothing is installed that reads pictures.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path}: does not exist")
    in_coco = path.is_file() or bool(coco.annotation_files(path))
    in_visdrone = path.is_dir() and bool(visdrone.annotation_files(path))
    if in_coco and in_visdrone:
        raise ValueError(
            f"{path}: has labels of two formats, {coco.FOLDER}/{coco.PREFIX}*.json and {visdrone.ANNOTATIONS}/*.txt: "
            f"name COCO's annotation file, or move one of them away"
        )
    if in_coco:
        return coco.load(path)
    if in_visdrone:
        return visdrone.load(path)
    raise ValueError(
        f"{path}: is not a labelled set: it has neither {coco.FOLDER}/{coco.PREFIX}*.json (COCO) nor "
        f"{visdrone.IMAGES}/*.jpg with {visdrone.ANNOTATIONS}/*.txt (VisDrone-DET)"
    )
