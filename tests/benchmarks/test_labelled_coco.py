from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled.coco import load

from tests.sessions import own_folder

OBJECT = {"id": 5, "image_id": 9, "category_id": 44, "bbox": [1.5, 2, 3, 4.25], "area": 7.5, "iscrowd": 0}


def described(**changed):
    content = {
        "info": {"anything": "else"},
        "images": [
            {"id": 9, "file_name": "b.png", "height": 5, "width": 7},
            {"id": 2, "file_name": "a.png", "height": 50, "width": 70},
        ],
        "categories": [{"id": 44, "name": "cup"}, {"id": 3, "name": "car"}],
        "annotations": [OBJECT, {**OBJECT, "id": 6, "category_id": 3, "iscrowd": 1, "bbox": [0, 0, 7, 5]}],
    }
    return {**content, **changed}


def written(folder, content, name="instances_val2017.json", pictures="val2017"):
    (folder / "annotations").mkdir(exist_ok=True)
    (folder / pictures).mkdir(parents=True, exist_ok=True)
    file = folder / "annotations" / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_a_set_is_read_in_the_order_of_its_numbers(tmp_path):
    written(tmp_path, described())
    labels = load(tmp_path)
    assert labels.categories == ("car", "cup")
    empty, full = labels.images
    assert (empty.name, empty.height, empty.width) == ("a.png", 50, 70)
    assert [part.shape for part in (empty.boxes, empty.classes, empty.crowd, empty.areas)] == [(0, 4), (0,), (0,), (0,)]
    assert (full.name, full.height, full.width) == ("b.png", 5, 7)
    assert full.boxes.tolist() == [[1.5, 2, 4.5, 6.25], [0, 0, 7, 5]]
    assert full.classes.tolist() == [1, 0]
    assert full.crowd.tolist() == [False, True]
    assert full.areas.tolist() == [7.5, 7.5]
    kinds = (full.boxes.dtype, full.classes.dtype, full.crowd.dtype, full.areas.dtype)
    assert kinds == (np.float64, np.int64, bool, np.float64)


def test_what_a_file_may_leave_out(tmp_path):
    one = {name: value for name, value in OBJECT.items() if name not in ("area", "iscrowd", "id")}
    written(tmp_path, described(annotations=[one]))
    image = load(tmp_path).images[1]
    assert image.areas.tolist() == [3 * 4.25]
    assert image.crowd.tolist() == [False]


@pytest.mark.parametrize("pictures", ["val2017", "images/val2017", "images"])
def test_pictures_are_found_beside_the_labels(tmp_path, pictures):
    image_module = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    written(tmp_path, described(), pictures=pictures)
    pixels = np.arange(105).reshape(5, 7, 3).astype(np.uint8)
    image_module.fromarray(pixels).save(tmp_path / pictures / "b.png")
    missing, there = load(tmp_path).images
    np.testing.assert_array_equal(there.read(), pixels)
    with pytest.raises(ValueError, match=r"a\.png: does not exist"):
        missing.read()


def test_without_a_folder_of_pictures_it_says_where_it_looked(tmp_path):
    written(tmp_path, described()).parent.parent.joinpath("val2017").rmdir()
    with pytest.raises(ValueError, match=r"instances_val2017.json: none of .*/val2017, .*/images"):
        load(tmp_path)


def test_one_of_several_files_is_named_by_the_user(tmp_path):
    written(tmp_path, described())
    other = written(tmp_path, described(annotations=[]), "instances_train2017.json", "train2017")
    with pytest.raises(
        ValueError, match=r"annotation files .*: name one of them, such as --data .*/instances_train2017.json"
    ):
        load(tmp_path)
    assert [len(image.boxes) for image in load(other).images] == [0, 0]


def test_a_file_of_another_name_has_pictures_of_that_name(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine.json").write_text(json.dumps(described()))
    assert len(load(tmp_path / "mine.json").images) == 2


def test_a_folder_without_labels_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"has no annotations/instances_\*\.json"):
        load(tmp_path)


def refused(folder, content, message):
    file = written(folder, content)
    with pytest.raises(ValueError, match=message) as caught:
        load(folder)
    assert str(caught.value).startswith(str(file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"images": [\n{]}', "line 2: is not JSON"),
        ("", "line 1: is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"images": ' + "1" * 10_000 + "}", "(is not JSON|has no list 'images')"),
        ("[]", "has no list 'images'"),
        ("{}", "has no list 'images'"),
        (described(annotations={}), "has no list 'annotations'"),
        (described(categories=None), "has no list 'categories'"),
        (described(images=[]), "has no images"),
    ],
)
def test_a_file_of_another_format_is_named(tmp_path, content, message):
    refused(tmp_path, content, message)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"image_id": 10}, "image_id must be an id in this file, not 10"),
        ({"image_id": "9"}, "image_id must be an id in this file, not '9'"),
        ({"image_id": [9]}, r"image_id must be an id in this file, not \[9\]"),
        ({"category_id": 1}, "category_id must be an id in this file, not 1"),
        ({"category_id": True}, "category_id must be an id in this file, not True"),
        ({"bbox": [1, 2, 3]}, "bbox must be x, y, width and height in pixels"),
        ({"bbox": [1, 2, -3, 4]}, "bbox must be x, y, width and height in pixels"),
        ({"bbox": [1, 2, 3, float("nan")]}, "bbox must be x, y, width and height in pixels"),
        ({"bbox": [1, 2, 3, float("inf")]}, "bbox must be x, y, width and height in pixels"),
        ({"bbox": [10**400, 2, 3, 4]}, "bbox must be x, y, width and height in pixels"),
        ({"bbox": "1234"}, "bbox must be x, y, width and height in pixels"),
        ({"iscrowd": 2}, "iscrowd must be 0 or 1, not 2"),
        ({"area": -1}, "area must be a number of square pixels, not -1"),
        ({"area": None}, "area must be a number of square pixels, not None"),
    ],
)
def test_an_object_that_is_none_is_named_with_its_place(tmp_path, changed, message):
    refused(tmp_path, described(annotations=[OBJECT, {**OBJECT, "id": 77, **changed}]), rf"\[1\] \(id 77\): {message}")


def test_an_object_must_be_one(tmp_path):
    refused(tmp_path, described(annotations=["one"]), r"annotations\[0\]: must be an object, not 'one'")


IMAGE, KIND = described()["images"][0], described()["categories"][0]


@pytest.mark.parametrize(
    ("part", "second", "message"),
    [
        ("images", {**IMAGE, "file_name": "c.png"}, r"images\[1\]: the id 9 occurs twice"),
        ("images", {**IMAGE, "id": 3}, r"images\[1\] \(id 3\): file_name must be a unique name, not 'b.png'"),
        ("images", {**IMAGE, "id": 3, "file_name": ""}, "file_name must be a unique name, not ''"),
        ("images", {**IMAGE, "id": None}, r"images\[1\]: its id must be a number, not None"),
        ("images", 5, r"images\[1\]: its id must be a number"),
        ("images", {**IMAGE, "id": 3, "file_name": "c", "width": 0}, "width must be a number of pixels, not 0"),
        ("images", {**IMAGE, "id": 3, "file_name": "c", "height": "5"}, "height must be a number of pixels, not '5'"),
        ("categories", KIND, r"categories\[1\]: the id 44 occurs twice"),
        ("categories", {"id": 1}, r"categories\[1\] \(id 1\): name must be a text, not None"),
        ("categories", {"id": 1.5, "name": "x"}, "its id must be a number, not 1.5"),
    ],
)
def test_an_image_or_category_that_is_none_is_named_with_its_place(tmp_path, part, second, message):
    refused(tmp_path, described(annotations=[], **{part: [described()[part][0], second]}), message)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(["images", "annotations", "categories"]), st.integers(0, 1), st.data())
def test_any_field_of_any_value_is_read_or_refused_by_name(tmp_path_factory, part, place, data):
    content = described()
    content["annotations"] = [dict(one) for one in content["annotations"]]
    one = content[part][place]
    field = data.draw(st.sampled_from(sorted(one)))
    one[field] = data.draw(ANYTHING)
    file = written(own_folder(tmp_path_factory, __name__), content)
    try:
        labels = load(file)
    except ValueError as error:
        assert str(error).startswith(str(file))  # noqa: PT017
    else:
        assert sum(len(image.boxes) for image in labels.images) == 2
        assert all(np.isfinite(image.boxes).all() for image in labels.images)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_name(tmp_path_factory, content):
    file = written(own_folder(tmp_path_factory, __name__), described())
    file.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        load(file)
    assert str(caught.value).startswith(str(file))
