from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled import shapes
from labelled.shapes import CATEGORIES, SIZES, Shape
from tasks.detection import SHAPES, decode

numbers = st.integers(0, 10_000)


@given(numbers)
def test_objects_are_drawn_within_their_boxes_and_fill_them(number):
    objects = shapes.shapes_of(7, number)
    height, width = shapes.size_of(number)
    assert 0 < len(objects) <= shapes.MOST_OBJECTS
    for one in objects:
        left, top, right, bottom = one.box()
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        marks = covered(one, height, width)
        rows, columns = np.nonzero(marks > 0.05)
        assert columns.min() == pytest.approx(left, abs=1.5)
        assert columns.max() + 1 == pytest.approx(right, abs=1.5)
        assert rows.min() == pytest.approx(top, abs=1.5)
        assert rows.max() + 1 == pytest.approx(bottom, abs=1.5)
        assert columns.min() >= np.floor(left)
        assert columns.max() < np.ceil(right)
        assert rows.min() >= np.floor(top)
        assert rows.max() < np.ceil(bottom)


def covered(one, height, width):
    """How much of each pixel the object covers when it is drawn in white on black."""
    canvas = np.zeros((height, width, 3), np.float32)
    shapes.put(np.random.default_rng(0), canvas, one)
    return canvas.max(axis=2) / canvas.max()


@given(
    st.integers(0, len(CATEGORIES) - 1),
    st.floats(12, 60),
    st.floats(0.45, 1),
    st.floats(0, 2 * np.pi),
    st.floats(-0.5, 0.5),
)
def test_box_and_area_are_those_of_fine_sampling(kind, half, aspect, angle, shift):
    one = Shape(kind, 80 + shift, 80 - shift, half, aspect, angle)
    step = 0.2
    points = np.arange(-10, 170, step) + step / 2
    inside = one.distance(points[None, :], points[:, None]) < 0
    rows, columns = points[inside.any(axis=1)], points[inside.any(axis=0)]
    sampled = (columns.min(), rows.min(), columns.max(), rows.max())
    np.testing.assert_allclose(one.box(), sampled, atol=2 * step)
    assert one.area() == pytest.approx(inside.sum() * step**2, rel=0.02)


def test_objects_differ_from_what_is_around_them():
    number = 3
    objects = shapes.shapes_of(7, number)
    bare = shapes.draw(7, number, [])
    drawn = shapes.draw(7, number, objects)
    assert drawn.shape == bare.shape == (*SIZES["16:9"], 3)
    assert drawn.dtype == np.uint8
    for one in objects:
        left, top, right, bottom = (round(side) for side in one.box())
        change = drawn[top:bottom, left:right].astype(float) - bare[top:bottom, left:right]
        assert np.abs(change).mean() > 5


def test_the_sets_are_disjoint_and_of_both_proportions():
    training, held_out = shapes.training(), shapes.held_out()
    assert held_out.categories == training.categories == CATEGORIES
    names = [image.name for image in (*training.images, *held_out.images)]
    assert len(set(names)) == len(names)
    boxes = [image.boxes.tobytes() for image in (*training.images, *held_out.images)]
    assert len(set(boxes)) == len(boxes)
    sizes = [(image.height, image.width) for image in held_out.images]
    assert [sizes.count(size) for size in SIZES.values()] == [len(sizes) / 2] * 2
    classes = np.concatenate([image.classes for image in held_out.images])
    assert np.bincount(classes, minlength=len(CATEGORIES)).min() > 0.15 * len(classes)
    sides = np.concatenate([(image.boxes[:, 2:] - image.boxes[:, :2]).max(axis=1) for image in held_out.images])
    assert (sides < 16).mean() > 0.1
    assert (sides > 48).mean() > 0.1


def test_labels_are_of_the_types_that_they_are_said_to_be():
    for image in shapes.held_out().images[:4]:
        count = len(image.classes)
        assert (image.boxes.shape, image.boxes.dtype) == ((count, 4), np.float64)
        assert (image.classes.dtype, image.crowd.dtype, image.areas.dtype) == (np.int64, bool, np.float64)
        boxes = (image.boxes[:, 2:] - image.boxes[:, :2]).prod(axis=1)
        assert (image.areas > 0).all()
        assert (image.areas <= boxes).all()
        assert not image.crowd.any()
        assert image.read().shape == (image.height, image.width, 3)


def test_objects_overlap_but_none_is_hidden():
    shared = []
    for image in shapes.held_out().images[:100]:
        corner = np.maximum(image.boxes[:, None, :2], image.boxes[None, :, :2])
        opposite = np.minimum(image.boxes[:, None, 2:], image.boxes[None, :, 2:])
        areas = (image.boxes[:, 2:] - image.boxes[:, :2]).prod(axis=1)
        share = (opposite - corner).clip(min=0).prod(axis=2) / np.minimum(areas[:, None], areas[None, :])
        shared.extend(share[np.triu_indices(len(areas), 1)])
    assert max(shared) <= shapes.MOST_SHARED + 1e-9
    assert max(shared) > 0.1


def test_photographs_are_the_same_in_every_process_and_in_any_order(start_python):
    code = (
        "import hashlib; from labelled import shapes; images = [shapes.held_out().images[i] for i in (5, 2)]; "
        "parts = [image.read().tobytes() + image.boxes.tobytes() for image in images]; "
        "print(hashlib.sha256(b''.join(parts)).hexdigest())"
    )
    images = shapes.held_out().images
    parts = {index: images[index].read().tobytes() + images[index].boxes.tobytes() for index in (2, 9, 5)}
    assert start_python("-c", code).communicate()[0].strip() == hashlib.sha256(parts[5] + parts[2]).hexdigest()


def test_photographs_for_a_calibration_are_seeded_and_of_the_training_part():
    chosen = shapes.photographs(6, seed=11)
    for one, again in zip(chosen, shapes.photographs(6, seed=11)):
        np.testing.assert_array_equal(one, again)
    kinds = {photo.shape[:2] for photo in chosen}
    assert kinds == set(SIZES.values())
    hidden = {image.read().tobytes() for image in shapes.held_out().images[:40]}
    assert not hidden & {photo.tobytes() for photo in chosen}


def test_a_head_has_as_many_classes_as_its_channels_say():
    (head,) = SHAPES
    output = np.full((1, len(head.anchors) * (5 + len(CATEGORIES)), 4, 6), -20.0, np.float32)
    cell = output.reshape(len(head.anchors), 5 + len(CATEGORIES), 4, 6)[2, :, 1, 3]
    cell[:5] = [0, 0, 0, 0, 20]
    cell[5 + 3] = 20
    boxes, scores, classes = decode(output, head, 0.5)
    width, height = head.anchors[2]
    centre_x, centre_y = 3.5 * head.stride, 1.5 * head.stride
    expected = [[centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2]]
    np.testing.assert_allclose(boxes, expected)
    assert classes.tolist() == [3]
    assert scores[0] == pytest.approx(1)
