"""Segmentation, pose, YOLO's parts, proportions, and the networks that the tasks run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from models import build, export
from models.networks import known
from tasks.detection import CLASSES as YOLO_CLASSES
from tasks.detection import YOLOV3_TINY, Frame, decode, detect, letterbox
from tasks.images import photograph, photographs
from tasks.pose import KEYPOINTS, STRIDE, pose_of
from tasks.proportions import input_size, kept
from tasks.scaling import squeeze
from tasks.segmentation import CLASSES, classes_of_pixels
from tasks.sizes import label, parse, sides
from tasks.yolo_parts import nms, where_numpy, where_torch, yolo_layer

from pytest_edgeperf import FrameworkError
from pytest_edgeperf.frameworks import get

#: Network -> resolution, shapes of the outputs.
NETWORKS = {
    "ssd-mobilenetv2": (300, [(1, 4, 2278), (1, 81, 2278)]),
    "deeplabv3-mobilenetv2": (257, [(1, 21, 17, 17)]),
    "posenet": (300, [(1, 17, 19, 19), (1, 34, 19, 19), (1, 32, 19, 19), (1, 32, 19, 19)]),
}


@given(st.integers(32, 2000), st.integers(32, 2000))
def test_labels_of_resolutions_are_read_back(height, width):
    assert sides(parse(label((height, width)))) == (height, width)
    assert parse(label(height)) == height


def test_squeezing_spans_minus_one_to_one():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:] = 255
    found = squeeze(image, (20, 30))
    assert (found.shape, found.dtype) == ((1, 3, 20, 30), np.float32)
    assert (found[..., :10] == -1).all()
    assert (found[..., 20:] == 1).all()


def test_a_cell_of_a_class_is_a_region_of_pixels():
    logits = np.zeros((1, CLASSES, 4, 4), np.float32)
    logits[0, 3] = 1
    logits[0, 7, :2, :2] = 5
    found = classes_of_pixels([logits], 64)
    assert (found.shape, found.dtype) == ((64, 64), np.uint8)
    assert set(found.ravel()) == {3, 7}
    assert (found[:16, :16] == 7).all()
    assert (found[48:] == 3).all()


def test_a_keypoint_is_its_best_cell_moved_by_its_offset():
    maps = np.full((1, KEYPOINTS, 19, 19), -5.0, np.float32)
    offsets = np.zeros((1, 2 * KEYPOINTS, 19, 19), np.float32)
    maps[0, 4, 6, 9] = 3
    offsets[0, 4, 6, 9] = 5
    offsets[0, KEYPOINTS + 4, 6, 9] = -2
    pose = pose_of([maps, offsets], (300, 300), (600, 900))
    np.testing.assert_allclose(pose.points[4], [(9 * STRIDE - 2) * 3, (6 * STRIDE + 5) * 2])
    assert pose.scores[4] == pytest.approx(1 / (1 + np.exp(-3)))
    assert pose.points.shape == (KEYPOINTS, 2)


def raw_heads(seed, rows=5, columns=6):
    generator = np.random.default_rng(seed)
    return [
        generator.normal(
            0, 1.5, (1, 3 * (5 + YOLO_CLASSES), rows * 32 // head.stride, columns * 32 // head.stride)
        ).astype(np.float32)
        for head in YOLOV3_TINY
    ]


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.25, 0.6, 0.999]))
@example(2628, 0.25)
def test_filtering_after_the_yolo_layer_finds_what_decoding_finds(seed, confidence):
    outputs = raw_heads(seed)
    expected = [np.concatenate(part) for part in zip(*(decode(*one, confidence) for one in zip(outputs, YOLOV3_TINY)))]
    predictions = yolo_layer(outputs, YOLOV3_TINY)
    assert predictions.shape == (3 * (30 + 120), 5 + YOLO_CLASSES)
    boxes, scores, classes = where_numpy(predictions, confidence)
    assert len(boxes) == len(expected[0])
    # Scores may be equal but for rounding: the box nearest to each is the one that it is compared with.
    distances = np.abs(boxes[:, None] - expected[0][None]).sum(axis=2) + 1e6 * (classes[:, None] != expected[2][None])
    nearest = distances.argmin(axis=1) if len(boxes) else np.zeros(0, dtype=int)
    assert sorted(nearest) == list(range(len(boxes)))
    np.testing.assert_allclose(scores, expected[1][nearest], rtol=1e-4)
    np.testing.assert_allclose(boxes, expected[0][nearest], rtol=1e-3, atol=1e-2)
    assert classes.tolist() == expected[2][nearest].tolist()


@given(st.integers(0, 2**32 - 1))
def test_torch_filters_as_numpy_does(seed):
    torch = pytest.importorskip("torch")
    predictions = yolo_layer(raw_heads(seed), YOLOV3_TINY)
    for found, expected in zip(where_torch(torch.from_numpy(predictions)), where_numpy(predictions)):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_the_parts_together_are_the_detector():
    outputs = raw_heads(9)
    whole = detect(outputs, YOLOV3_TINY, (160, 192), (160, 192))
    found = nms(*where_numpy(yolo_layer(outputs, YOLOV3_TINY)))
    np.testing.assert_allclose(found.scores, whole.scores, rtol=1e-4)
    np.testing.assert_allclose(found.boxes.clip(0, [192, 160, 192, 160]), whole.boxes, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(
    ("longer", "proportions", "size"),
    [
        (416, "1:1", (416, 416)),
        (416, "4:3", (320, 416)),
        (416, "16:9", (256, 416)),
        (320, "16:9", (192, 320)),
        (608, "4:3", (480, 608)),
    ],
)
def test_inputs_of_the_papers_sizes(longer, proportions, size):
    assert input_size(longer, proportions) == size


@pytest.mark.parametrize(
    ("photo", "proportions", "share"),
    [((480, 640), "4:3", 1), ((360, 640), "16:9", 1), ((360, 640), "4:3", 1), ((480, 640), "16:9", 341 * 256)],
)
def test_what_of_a_photograph_is_kept(photo, proportions, share):
    assert kept(photo, 416, proportions) == pytest.approx(share if share == 1 else share / (416 * 312))


@given(st.integers(1, 2000), st.integers(1, 2000), st.sampled_from([(192, 320), (256, 416), (320, 320)]))
def test_a_letterboxed_photograph_touches_two_sides(height, width, size):
    frame = Frame.fit(height, width, size)
    assert frame.height == size[0] or frame.width == size[1]
    assert frame.height <= size[0]
    assert frame.width <= size[1]
    assert frame.top >= 0
    assert frame.left >= 0


def test_a_letterbox_has_the_inputs_sides():
    assert letterbox(photograph(1), (192, 320)).shape == (1, 3, 192, 320)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ssd300", 320), "ssd300: the resolution must be 300, not 320"),
        (("yolov3-tiny", (256, 400)), "a multiple of 32, not 256x400"),
        (("resnet18", 224, 2), "it takes one image at a time, not 2"),
        (("ssd300", 300, 0), "not 0"),
    ],
)
def test_what_a_network_refuses(arguments, message):
    with pytest.raises(FrameworkError, match=message):
        build(*arguments)


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
def test_exports_agree_with_torch(tmp_path, monkeypatch, one_thread, name):
    pytest.importorskip("onnx")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    resolution, shapes = NETWORKS[name]
    # Here, as a child would import torch again.
    assert export.export(known(name), resolution)
    model = build(name, resolution)
    reference = model.reference()
    assert [array.shape for array in reference.outputs[0]] == shapes
    for framework in ("onnxruntime", "torch"):
        engine = get(framework).load(model)
        for arrays, expected in zip(reference.inputs, reference.outputs):
            for found, right in zip(engine.infer(*arrays), expected):
                assert 0.1 < right.std() < 10
                assert np.abs(found - right).max() < 1e-3 * np.abs(right).max()
    if name.startswith("ssd"):
        from tasks.ssd_boxes import SSD_MOBILENET, pick

        batched = build(name, resolution, batch=3)
        assert batched.inputs[0].shape == (3, 3, 300, 300)
        for arrays, expected in zip(batched.reference().inputs, batched.reference().outputs):
            for found, right in zip(get("onnxruntime").load(batched).infer(*arrays), expected):
                assert found.shape[0] == 3
                assert np.abs(found - right).max() < 1e-3 * np.abs(right).max()
        for detections in pick(reference.outputs[0], SSD_MOBILENET, (480, 640)):
            assert 20 < len(detections.boxes) < 600


@pytest.mark.thorough
@pytest.mark.long
def test_a_rectangle_shares_the_squares_file(cache, one_thread):
    square, wide = build("yolov3-tiny", 64), build("yolov3-tiny", (32, 64))
    assert wide.sources["onnx"]() == square.sources["onnx"]()
    assert wide.parameters["flops"] * 2 == square.parameters["flops"]
    assert (wide.name, wide.parameters["resolution"]) == ("yolov3-tiny-32x64", "32x64")
    images = letterbox(photographs(1)[0], (32, 64))
    for found, right in zip(get("onnxruntime").load(wide).infer(images), get("torch").load(wide).infer(images)):
        np.testing.assert_allclose(found, right, atol=1e-3)
    assert export.find(known("yolov3-tiny"), (32, 64)).about["resolution"] == [32, 64]


def test_the_papers_detector_has_its_size():
    pytest.importorskip("torch")
    counted = build("ssd300", 300).parameters
    # NVIDIA's SSD300 v1.1 has 22.9 million parameters with 81 classes
    assert counted["parameters"] / 1e6 == pytest.approx(22.9, abs=0.1)
