from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasks.detection import (
    CLASSES,
    GREY,
    PER_CELL,
    YOLOV3,
    YOLOV3_TINY,
    Frame,
    decode,
    detect,
    intersection_over_union,
    letterbox,
    suppress,
)

sides = st.integers(1, 3000)


@given(sides, sides, st.sampled_from([224, 320, 416]), st.integers(0, 2**32 - 1))
def test_boxes_come_back_through_the_letterbox(height, width, resolution, seed):
    frame = Frame.fit(height, width, resolution)
    boxes = np.random.default_rng(seed).uniform(0, 1, (5, 4)) * [width, height, width, height]
    inside = frame.to_input(boxes)
    np.testing.assert_allclose(frame.to_photo(inside), boxes, rtol=1e-9, atol=1e-9)
    assert inside.min() >= 0
    assert inside.max() <= resolution


@given(sides, sides)
def test_the_whole_photograph_fills_its_frame(height, width):
    frame = Frame.fit(height, width, 320)
    whole = frame.to_input(np.array([[0, 0, width, height]]))[0]
    expected = [frame.left, frame.top, frame.left + frame.width, frame.top + frame.height]
    np.testing.assert_allclose(whole, expected)
    assert max(frame.width, frame.height) == 320


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 255))
def test_a_plain_photograph_stays_plain_on_grey(height, width, level):
    canvas = letterbox(np.full((height, width, 3), level, np.uint8), 64)
    frame = Frame.fit(height, width, 64)
    assert (canvas.shape, canvas.dtype) == ((1, 3, 64, 64), np.float32)
    inside = np.zeros((64, 64), bool)
    inside[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width] = True
    np.testing.assert_allclose(canvas[0, :, inside], level / 255, atol=1e-6)
    np.testing.assert_allclose(canvas[0, :, ~inside], GREY / 255, atol=1e-6)


def suppress_one_by_one(boxes, scores, classes, overlap):
    kept = []
    for one in sorted(range(len(boxes)), key=lambda index: (-scores[index], index)):
        if all(classes[one] != classes[other] or share(boxes[one], boxes[other]) <= overlap for other in kept):
            kept.append(one)
    return kept


def share(one, other):
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - width * height
    return width * height / area if area > 0 else 0.0


@given(st.integers(0, 60), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.45, 1.0]))
def test_suppression_equals_the_one_by_one_definition(count, seed, overlap):
    generator = np.random.default_rng(seed)
    corners = generator.integers(0, 40, (count, 2))
    boxes = np.concatenate([corners, corners + generator.integers(0, 30, (count, 2))], axis=1).astype(float)
    scores = generator.integers(0, 8, count) / 8
    classes = generator.integers(0, 3, count)
    assert list(suppress(boxes, scores, classes, overlap)) == suppress_one_by_one(boxes, scores, classes, overlap)


def test_empty_boxes_overlap_nothing():
    assert intersection_over_union(np.zeros((2, 4))).tolist() == [[0, 0], [0, 0]]


def decode_one_by_one(output, head, confidence):
    def sigmoid(value):
        return 1 / (1 + np.exp(-value))

    found = []
    for anchor, (width, height) in enumerate(head.anchors):
        for row in range(output.shape[2]):
            for column in range(output.shape[3]):
                cell = output[0, anchor * (5 + CLASSES) : (anchor + 1) * (5 + CLASSES), row, column].astype(float)
                class_ = int(np.argmax(cell[5:]))
                score = sigmoid(cell[4]) * sigmoid(cell[5 + class_])
                if score > confidence:
                    x, y = (sigmoid(cell[0]) + column) * head.stride, (sigmoid(cell[1]) + row) * head.stride
                    w, h = width * np.exp(cell[2]), height * np.exp(cell[3])
                    found.append((x - w / 2, y - h / 2, x + w / 2, y + h / 2, score, class_))
    return np.array(found).reshape(-1, 6)


@pytest.mark.parametrize("confidence", [0.05, 0.25, 0.99])
@pytest.mark.parametrize("head", [*YOLOV3, *YOLOV3_TINY], ids=str)
def test_decoding_equals_the_cell_by_cell_definition(head, confidence):
    output = np.random.default_rng(head.stride).normal(0, 1.5, (1, PER_CELL, 7, 5)).astype(np.float32)
    boxes, scores, classes = decode(output, head, confidence)
    expected = decode_one_by_one(output, head, confidence)
    np.testing.assert_allclose(np.column_stack([boxes, scores, classes]), expected, rtol=1e-6)


def test_the_heads_have_nine_anchors_that_grow_with_the_stride():
    assert [head.stride for head in YOLOV3] == [32, 16, 8]
    areas = [width * height for head in reversed(YOLOV3) for width, height in head.anchors]
    assert len(areas) == 9
    assert areas == sorted(areas)


def silence(heads, resolution):
    return [np.full((1, PER_CELL, resolution // head.stride, resolution // head.stride), -20.0) for head in heads]


@pytest.mark.parametrize(
    ("heads", "level"), [(YOLOV3, 0), (YOLOV3, 1), (YOLOV3, 2), (YOLOV3_TINY, 0), (YOLOV3_TINY, 1)]
)
def test_one_strong_cell_is_one_box_on_the_photograph(heads, level):
    resolution = 320
    head = heads[level]
    outputs = silence(heads, resolution)
    grid = resolution // head.stride
    cell = outputs[level].reshape(3, 5 + CLASSES, grid, grid)[1, :, 4 * grid // 10, 6 * grid // 10]
    cell[:5] = [0, 0, 0, 0, 20]
    cell[5 + 17] = 20
    found = detect(outputs, heads, resolution, (480, 640, 3))
    centre_x = (6 * grid // 10 + 0.5) * head.stride * 2
    centre_y = ((4 * grid // 10 + 0.5) * head.stride - 40) * 2
    width, height = head.anchors[1]
    expected = [[centre_x - width, centre_y - height, centre_x + width, centre_y + height]]
    np.testing.assert_allclose(found.boxes, np.clip(expected, 0, [640, 480, 640, 480]))
    assert found.classes.tolist() == [17]
    assert found.scores[0] == pytest.approx(1)


@pytest.mark.parametrize("heads", [YOLOV3, YOLOV3_TINY], ids=["yolov3", "yolov3-tiny"])
def test_nothing_found_is_empty(heads):
    found = detect(silence(heads, 320), heads, 320, (480, 640))
    assert found.boxes.shape == (0, 4)
    assert len(found.scores) == len(found.classes) == 0
