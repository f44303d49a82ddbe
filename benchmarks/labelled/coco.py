"""Sets in COCO's format: ``annotations/instances_*.json`` with a folder of pictures beside it.

The format is that of Lin et al., "Microsoft COCO" (ECCV 2014), cocodataset.org/#format-data: boxes as corner, width
and height; an ``area`` that is the object's own; ``iscrowd`` where a box holds several objects; numbers of categories
with gaps. Images and categories are in the order of their numbers and objects in that of the file, as in the reference
evaluation, which decides between equal scores by it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

import numpy as np

from labelled.detection import LabelledImage, LabelledSet
from labelled.pictures import reader

FOLDER = "annotations"
PREFIX = "instances_"
#: A side or corner of more pixels is a mistake.
_MOST_PIXELS = 1e9


def annotation_files(folder: Path) -> List[Path]:
    """The annotation files in a set's folder, of which the user chooses one."""
    return sorted((folder / FOLDER).glob(f"{PREFIX}*.json"))


def load(path: Path) -> LabelledSet:
    """Read a set, without its pictures.

    Args:
        path: its folder, or where that has several annotation files, one of them.

    Raises:
        ValueError: no annotation file, or several; no folder of pictures; something in the file that is not as the
            format has it. The message names the file and the place in it.
    """
    file = path if path.is_file() else _only(path)
    content = _content(file)
    pictures = _pictures(file)
    numbers, categories = _categories(file, content)
    images = _images(file, content)
    objects: Dict[int, List[Mapping[str, Any]]] = {number: [] for number in images}
    for place, one in enumerate(content["annotations"]):
        _check_object(f"{file}: annotations[{place}]", one, images, numbers)
        objects[one["image_id"]].append(one)
    return LabelledSet(
        tuple(_labelled(pictures, images[number], objects[number], numbers) for number in sorted(images)), categories
    )


def _only(folder: Path) -> Path:
    files = annotation_files(folder)
    if not files:
        raise ValueError(f"{folder}: has no {FOLDER}/{PREFIX}*.json")
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise ValueError(
            f"{folder}: has several annotation files ({names}): name one of them, such as --data {files[0]}"
        )
    return files[0]


def _pictures(file: Path) -> Path:
    """The folder of pictures: named as the annotation file, or just ``images``."""
    name = file.stem[len(PREFIX) :] if file.stem.startswith(PREFIX) else file.stem
    root = file.parent.parent if file.parent.name == FOLDER else file.parent
    known = [root / name, root / "images" / name, root / "images"]
    for folder in known:
        if folder.is_dir():
            return folder
    looked_for = ", ".join(str(folder) for folder in known)
    raise ValueError(f"{file}: none of {looked_for} has its pictures: unpack them into one of these")


def _content(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except json.JSONDecodeError as error:
        raise ValueError(f"{file}, line {error.lineno}: is not JSON ({error.msg}): unpack the set again") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: is not JSON ({error}): unpack the set again") from None
    for part in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(part), list):
            raise ValueError(f"{file}: has no list {part!r}, so it is not an annotation file in COCO's format")
    if not content["images"]:
        raise ValueError(f"{file}: has no images")
    return content


def _categories(file: Path, content: Mapping[str, Any]) -> Tuple[Dict[int, int], Tuple[str, ...]]:
    """Indices by the file's numbers, and names."""
    names: Dict[int, str] = {}
    for place, category in enumerate(content["categories"]):
        where = f"{file}: categories[{place}]"
        number = _number(where, category, names)
        if not isinstance(category.get("name"), str):
            raise ValueError(f"{where} (id {number}): name must be a text, not {category.get('name')!r}")
        names[number] = category["name"]
    numbers = sorted(names)
    return {number: place for place, number in enumerate(numbers)}, tuple(names[number] for number in numbers)


def _images(file: Path, content: Mapping[str, Any]) -> Dict[int, Mapping[str, Any]]:
    images: Dict[int, Mapping[str, Any]] = {}
    names = set()
    for place, image in enumerate(content["images"]):
        where = f"{file}: images[{place}]"
        number = _number(where, image, images)
        name = image.get("file_name")
        if not isinstance(name, str) or not name or name in names:
            raise ValueError(f"{where} (id {number}): file_name must be a unique name, not {name!r}")
        for side in ("height", "width"):
            if not (_is_integer(image.get(side)) and 0 < image[side] <= _MOST_PIXELS):
                raise ValueError(f"{where} (id {number}): {side} must be a number of pixels, not {image.get(side)!r}")
        names.add(name)
        images[number] = image
    return images


def _number(where: str, entry: Any, known: Mapping[int, Any]) -> int:
    number = entry.get("id") if isinstance(entry, dict) else None
    if not _is_integer(number):
        raise ValueError(f"{where}: its id must be a number, not {number!r}")
    if number in known:
        raise ValueError(f"{where}: the id {number} occurs twice")
    return int(number)


def _check_object(where: str, item: Any, images: Mapping[int, Any], categories: Mapping[int, int]) -> None:
    if not isinstance(item, dict):
        raise ValueError(f"{where}: must be an object, not {item!r}")
    where = f"{where} (id {item.get('id')})"
    for field, known in (("image_id", images), ("category_id", categories)):
        if not _is_integer(item.get(field)) or item[field] not in known:
            raise ValueError(f"{where}: {field} must be an id in this file, not {item.get(field)!r}")
    box = item.get("bbox")
    if not (isinstance(box, list) and len(box) == 4 and all(map(_is_length, box)) and min(box[2:]) >= 0):
        raise ValueError(f"{where}: bbox must be x, y, width and height in pixels, not {box!r}")
    if item.get("iscrowd", 0) not in (0, 1):
        raise ValueError(f"{where}: iscrowd must be 0 or 1, not {item['iscrowd']!r}")
    area = item.get("area", 0)
    if not (_is_real(area) and 0 <= area <= _MOST_PIXELS**2):
        raise ValueError(f"{where}: area must be a number of square pixels, not {area!r}")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_real(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_length(value: Any) -> bool:
    return _is_real(value) and -_MOST_PIXELS <= value <= _MOST_PIXELS


def _labelled(
    pictures: Path, image: Mapping[str, Any], objects: List[Mapping[str, Any]], categories: Mapping[int, int]
) -> LabelledImage:
    boxes = np.array([item["bbox"] for item in objects], np.float64).reshape(-1, 4)
    box_areas = boxes[:, 2] * boxes[:, 3]
    boxes[:, 2:] += boxes[:, :2]
    return LabelledImage(
        image["file_name"],
        image["height"],
        image["width"],
        boxes,
        np.array([categories[item["category_id"]] for item in objects], np.int64),
        np.array([item.get("iscrowd", 0) == 1 for item in objects], bool),
        np.array([item.get("area", of_box) for item, of_box in zip(objects, box_areas)], np.float64),
        reader(pictures / image["file_name"], image["height"], image["width"]),
    )
