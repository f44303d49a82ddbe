from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled.visdrone import CATEGORIES, load
from metrics.coco import detection_set, evaluator_or_skip
from tasks.detection import Detections

from pytest_edgeperf import average_precision
from tests.sessions import own_folder

pytest.importorskip("PIL", reason="Pillow is not installed, which writes the tests' pictures")

HEIGHT, WIDTH = 120, 160
CAR, VAN = CATEGORIES.index("car"), CATEGORIES.index("van")


def written(folder, lines_by_name):
    from PIL import Image

    for part in ("images", "annotations"):
        (folder / part).mkdir(exist_ok=True)
    for name, lines in lines_by_name.items():
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)).save(folder / "images" / f"{name}.jpg")
        (folder / "annotations" / f"{name}.txt").write_text(lines)
    return folder


def only(folder, lines):
    (image,) = load(written(folder, {"one": lines})).images
    return image


def test_a_set_is_read_in_the_order_of_its_names(tmp_path):
    labels = load(written(tmp_path, {"b": "10,20,30,40,1,4,0,2\n", "a": "", "c": "1,2,3,4,1,1,0,0\n5,6,7,8,1,10,1,0"}))
    assert labels.categories == CATEGORIES
    assert len(CATEGORIES) == 10
    assert [image.name for image in labels.images] == ["a", "b", "c"]
    empty, one, two = labels.images
    assert empty.boxes.shape == (0, 4)
    assert one.boxes.tolist() == [[10, 20, 40, 60]]
    assert one.classes.tolist() == [CAR]
    assert one.areas.tolist() == [1200]
    assert not one.crowd.any()
    assert two.classes.tolist() == [0, 9]
    assert one.read().shape == (one.height, one.width, 3) == (HEIGHT, WIDTH, 3)
    assert (one.boxes.dtype, one.classes.dtype, one.crowd.dtype) == (np.float64, np.int64, bool)


def test_others_are_left_out_and_what_is_not_scored_is_a_crowd(tmp_path):
    image = only(tmp_path, "1,1,5,5,1,11,0,0\n1,1,6,6,0,4,0,0\n1,1,7,7,1,5,0,0\n")
    assert image.classes.tolist() == [CAR, VAN]
    assert image.crowd.tolist() == [True, False]


def test_a_region_without_labels_is_a_crowd_of_every_category(tmp_path):
    image = only(tmp_path, "100,50,60,70,0,0,0,0\n1,1,7,7,1,5,0,0\n")
    assert image.classes.tolist() == [VAN, *range(10)]
    assert image.crowd.tolist() == [False] + [True] * 10
    assert image.boxes[1:].tolist() == [[100, 50, 160, 120]] * 10
    assert image.areas.tolist() == [49] + [4200] * 10


@pytest.mark.parametrize(("left", "kept"), [(70, True), (79, True), (80, False), (90, False), (130, False)])
def test_objects_at_least_half_in_regions_without_labels_are_left_out(tmp_path, left, kept):
    # two regions that overlap and touch at 100: together, 100 to 160
    regions = "100,0,40,60,0,0,0,0\n120,0,40,60,0,0,0,0\n"
    image = only(tmp_path, regions + f"{left},10,40,20,1,4,0,0\n")
    assert bool(np.any(~image.crowd)) is kept


def test_detections_in_a_region_without_labels_are_neither_right_nor_wrong(tmp_path):
    evaluator_or_skip()
    labels = load(written(tmp_path, {"one": "100,50,60,70,0,0,0,0\n1,1,20,20,1,5,0,0\n"}))
    right, inside, outside = [1.0, 1, 21, 21], [110.0, 60, 130, 80], [50.0, 60, 70, 80]

    def precision(*boxes):
        scores = np.linspace(0.5, 0.9, len(boxes))
        return average_precision(detection_set(labels, [Detections(np.array(boxes), scores, np.full(len(boxes), VAN))]))

    assert precision(right, inside) == precision(right) == pytest.approx(100)
    assert precision(right, outside) == pytest.approx(50)


def test_lines_may_end_in_a_comma_and_in_any_newline(tmp_path):
    image = only(tmp_path, "\ufeff1,2,3,4,1,4,0,0,\r\n\r\n5, 6, 0, 8, 1, 4, 0, 0\r\n")
    assert image.boxes.tolist() == [[1, 2, 4, 6], [5, 6, 5, 14]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2,3,4,1,4,0", "must be x,y,width,height,score,category,truncation,occlusion in numbers"),
        ("1,2,3,4,1,4,0,0,0", "must be x,y,width,height,score,category,truncation,occlusion in numbers"),
        ("1,2,3,4,1,car,0,0", "in numbers, not '1,2,3,4,1,car,0,0'"),
        ("1,2,nan,4,1,4,0,0", "in numbers"),
        ("1,2,1_0,4,1,4,0,0", "in numbers"),
        ("1,2,99999999999,4,1,4,0,0", "in numbers"),
        ("1 2 3 4 1 4 0 0", "in numbers"),
        ("1,2,-3,4,1,4,0,0", "width and height must not be negative"),
        ("1,2,3,4,1,12,0,0", "category must be from 0 to 11, not 12"),
        ("1,2,3,4,1,4.5,0,0", "category must be from 0 to 11, not 4.5"),
        ("1,2,3,4,0.87,4,-1,-1", "score must be 1, or 0 for ignored regions, not 0.87: these are detections"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path, line, message):
    file = written(tmp_path, {"one": f"1,2,3,4,1,4,0,0\n{line}\n"}) / "annotations" / "one.txt"
    with pytest.raises(ValueError, match=message) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{file}, line 2: ")


def test_a_file_that_is_no_text_is_named(tmp_path):
    file = written(tmp_path, {"one": ""}) / "annotations" / "one.txt"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"one\.txt: is not text"):
        load(tmp_path)


def test_labels_without_a_picture_and_pictures_without_labels_are_named(tmp_path):
    (written(tmp_path, {"one": "", "two": ""}) / "images" / "two.jpg").unlink()
    with pytest.raises(ValueError, match=r"two\.txt: has no picture .*/images/two\.jpg"):
        load(tmp_path)
    written(tmp_path, {"two": "", "three": ""})
    (tmp_path / "annotations" / "three.txt").unlink()
    with pytest.raises(ValueError, match=r"three\.jpg: has no labels .*/annotations/three\.txt"):
        load(tmp_path)


def test_a_folder_without_anything_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"has no images/\*\.jpg with annotations/\*\.txt"):
        load(tmp_path)


FIELDS = st.one_of(st.integers(-5, 200).map(str), st.floats(allow_nan=True).map(str), st.text(max_size=4))


@given(st.lists(st.lists(FIELDS, min_size=6, max_size=10).map(",".join) | st.text(max_size=20), max_size=4))
def test_any_line_is_read_or_refused_by_name(tmp_path_factory, lines):
    folder = own_folder(tmp_path_factory, __name__)
    file = folder / "annotations" / "any.txt"
    if not file.exists():
        written(folder, {"any": ""})
    file.write_bytes("\n".join(lines).encode("utf-8", "replace"))
    try:
        (image,) = load(folder).images
    except ValueError as error:
        assert str(error).startswith(f"{file}, line ")  # noqa: PT017
    else:
        assert np.isfinite(image.boxes).all()
        assert image.classes.shape == image.crowd.shape == image.areas.shape == image.boxes.shape[:1]
