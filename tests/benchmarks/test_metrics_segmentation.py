from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics.segmentation import image_ious, mean_iou


def pixel_by_pixel(predicted, truth, classes, ignore):
    """Sets of pixels, as the definition has it."""
    shares = []
    pixels = [
        (image, *place, int(said[place]), int(true[place]))
        for image, (said, true) in enumerate(zip(predicted, truth))
        for place in np.ndindex(true.shape)
        if true[place] != ignore
    ]
    for one in range(classes):
        said = {pixel[:3] for pixel in pixels if pixel[3] == one}
        true = {pixel[:3] for pixel in pixels if pixel[4] == one}
        if said | true:
            shares.append(len(said & true) / len(said | true))
    return 100 * sum(shares) / len(shares)


@given(st.integers(1, 4), st.integers(1, 6), st.sampled_from([255, 0]), st.integers(0, 2**32 - 1))
def test_it_equals_the_definition(images, classes, ignore, seed):
    generator = np.random.default_rng(seed)
    shapes = generator.integers(1, 6, (images, 2))
    predicted = [generator.integers(0, classes, shape).astype(np.uint8) for shape in shapes]
    truth = [generator.integers(0, classes, shape).astype(np.uint8) for shape in shapes]
    for one in truth:
        one[generator.random(one.shape) < 0.2] = ignore
        one[0, 0] = classes if ignore == 0 else 0
    classes = classes + 1
    assert mean_iou(predicted, truth, classes, ignore) == pytest.approx(
        pixel_by_pixel(predicted, truth, classes, ignore)
    )
    assert image_ious(predicted, truth, classes, ignore).tolist() == pytest.approx(
        [pixel_by_pixel([said], [true], classes, ignore) for said, true in zip(predicted, truth)]
    )


def test_two_images_by_hand():
    truth = [np.array([[0, 0, 1, 255]]), np.array([[1, 1]])]
    predicted = [np.array([[0, 1, 1, 3]]), np.array([[1, 0]])]
    # class 0: one pixel of three; class 1: two of four; 2 and 3 occur nowhere that counts
    assert mean_iou(predicted, truth, 4) == pytest.approx(100 * (1 / 3 + 2 / 4) / 2)
    assert image_ious(predicted, truth, 4).tolist() == pytest.approx([50, 100 * (0 + 1 / 2) / 2])


def test_equal_segmentations_are_a_hundred_percent():
    truth = [np.arange(12).reshape(3, 4) % 5]
    assert mean_iou(truth, truth, 21) == 100
    assert image_ious(truth, truth, 21).tolist() == [100]


@pytest.mark.parametrize(
    ("predicted", "truth", "message"),
    [
        ([], [], "of 0 images"),
        ([np.zeros((2, 2))], [], "of 1 images, and 0 labelled"),
        ([np.zeros((2, 2))], [np.zeros((2, 3))], r"image 0 is segmented as \(2, 2\), and labelled as \(2, 3\)"),
        ([np.full((2, 2), 3)], [np.zeros((2, 2))], "image 0 has predicted classes that are not from 0 to 2"),
        ([np.zeros((2, 2))], [np.full((2, 2), -1)], "image 0 has labelled classes that are not from 0 to 2"),
        ([np.zeros((2, 2))], [np.full((2, 2), 255)], "image 0 has no pixel that counts"),
    ],
)
@pytest.mark.parametrize("metric", [mean_iou, image_ious])
def test_what_is_refused(metric, predicted, truth, message):
    with pytest.raises(ValueError, match=message):
        metric(predicted, truth, 3)
