"""Decoding of YOLOv2-tiny's region layer and of YOLOX's points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import build
from tasks.detection import CLASSES, GREY
from tasks.region import YOLOV2_TINY, decode_region, detect_regions
from tasks.yolox import STRIDES, corner_letterbox, decode_points, detect_points, scale_of

from pytest_edgeperf import FrameworkError

PER_ANCHOR = 5 + CLASSES


def region_one_by_one(output, confidence):
    for anchor, (width, height) in enumerate(YOLOV2_TINY.anchors):
        for row in range(output.shape[2]):
            for column in range(output.shape[3]):
                raw = output[0, anchor * PER_ANCHOR : (anchor + 1) * PER_ANCHOR, row, column].astype(float)
                classes = np.exp(raw[5:]) / np.exp(raw[5:]).sum()
                score = classes.max() / (1 + np.exp(-raw[4]))
                if score > confidence:
                    x, y = (column + 1 / (1 + np.exp(-raw[0]))) * 32, (row + 1 / (1 + np.exp(-raw[1]))) * 32
                    half, tall = width * np.exp(raw[2]) * 16, height * np.exp(raw[3]) * 16
                    yield [x - half, y - tall, x + half, y + tall], score, classes.argmax()


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.25, 0.9]))
def test_regions_are_decoded_as_defined(seed, confidence):
    output = np.random.default_rng(seed).normal(0, 2, (1, YOLOV2_TINY.channels, 3, 4)).astype(np.float32)
    expected = list(region_one_by_one(output, confidence))
    boxes, scores, classes = decode_region(output, YOLOV2_TINY, confidence)
    assert len(boxes) == len(expected)
    if expected:
        np.testing.assert_allclose(boxes, [box for box, _, _ in expected], rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(scores, [score for _, score, _ in expected], rtol=1e-9)
        assert classes.tolist() == [class_ for _, _, class_ in expected]


def test_a_region_is_brought_back_to_the_letterboxed_photograph():
    output = np.full((1, YOLOV2_TINY.channels, 4, 4), -20.0, np.float32)
    # the third anchor, in the middle cell of a photograph that fills the input's width and half of its height
    output[0, 2 * PER_ANCHOR : 2 * PER_ANCHOR + 5, 1, 1] = [0, 0, np.log(32 / (3.33843 * 32)), -5, 9]
    output[0, 2 * PER_ANCHOR + 5 + 7, 1, 1] = 20
    detections = detect_regions([output], 128, (128, 256))
    assert detections.classes.tolist() == [7]
    np.testing.assert_allclose(detections.boxes[0, 0::2], [64, 128], atol=1e-3)


def heads(rows, columns, boxes):
    """YOLOX's outputs that say these boxes (x1, y1, x2, y2 in input pixels, level, class)."""
    outputs = [np.zeros((1, PER_ANCHOR, rows // stride, columns // stride), np.float32) for stride in STRIDES]
    for box, level, class_ in boxes:
        stride = STRIDES[level]
        x, y = (box[0] + box[2]) / 2 / stride, (box[1] + box[3]) / 2 / stride
        cell = outputs[level][0, :, int(y), int(x)]
        cell[:5] = x - int(x), y - int(y), *np.log([(box[2] - box[0]) / stride, (box[3] - box[1]) / stride]), 0.9
        cell[5 + class_] = 0.8
    return outputs


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, CLASSES - 1)), max_size=4), st.integers(0, 2**32 - 1))
def test_points_give_back_the_boxes_that_they_say(levels, seed):
    generator = np.random.default_rng(seed)
    boxes = []
    for place, (level, class_) in enumerate(levels):
        corner = generator.uniform(0, 50, 2) + 64 * np.array([place % 2, place // 2])
        boxes.append(([*corner, *(corner + generator.uniform(4, 13, 2))], level, class_))
    found, scores, classes = decode_points(heads(128, 128, boxes))
    assert len(found) == len(boxes)
    np.testing.assert_allclose(
        np.array(sorted(map(tuple, found))).reshape(-1, 4),
        np.array(sorted(tuple(box) for box, _, _ in boxes)).reshape(-1, 4),
        rtol=1e-4,
    )
    np.testing.assert_allclose(scores, 0.72, rtol=1e-6)
    assert sorted(classes) == sorted(class_ for _, _, class_ in boxes)


def test_points_of_any_class_suppress_each_other():
    boxes = [([16, 16, 48, 48], 0, 3), ([17, 16, 49, 48], 1, 5), ([80, 80, 90, 90], 0, 3)]
    outputs = heads(128, 128, boxes)
    outputs[1][0, 4] *= 0.9
    detections = detect_points(outputs, 128, (64, 128))
    assert detections.classes.tolist() == [3, 3]
    np.testing.assert_allclose(detections.boxes, [[16, 16, 48, 48], [80, 64, 90, 64]], rtol=1e-5)


@given(st.integers(1, 900), st.integers(1, 900), st.sampled_from([64, (96, 160)]))
def test_a_photograph_lies_top_left_on_grey(height, width, resolution):
    canvas = corner_letterbox(np.full((height, width, 3), (10, 20, 30), np.uint8), resolution)
    scale = scale_of((height, width), resolution)
    rows, columns = max(1, int(height * scale)), max(1, int(width * scale))
    np.testing.assert_allclose(canvas[0, :, 0, 0], [30, 20, 10], rtol=1e-5)
    assert (canvas[0, :, rows:] == GREY).all()
    assert (canvas[0, :, :, columns:] == GREY).all()


@pytest.mark.parametrize(("name", "nearest"), [("yolov5n", "yolox-nano"), ("yolov5s6", "yolox-s")])
def test_yolov5_is_refused_with_the_reason(name, nearest):
    with pytest.raises(FrameworkError, match=f"{name} is not among the networks: .*AGPL.*{nearest}"):
        build(name)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "resolution", "millions", "gflops"),
    [
        ("yolov2-tiny", 416, 11.2, 5.424),
        ("yolox-nano", 416, 0.91, 1.045),
        ("yolox-tiny", 416, 5.06, 6.45),
        ("yolox-s", 640, 8.97, 26.8),
    ],
)
def test_a_detector_has_the_published_size(name, resolution, millions, gflops):
    pytest.importorskip("torch")
    parameters = build(name, resolution).parameters
    assert parameters["parameters"] / 1e6 == pytest.approx(millions, rel=0.006)
    assert parameters["flops"] / 1e9 == pytest.approx(gflops, rel=0.007)
