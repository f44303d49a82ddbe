"""Lightweight OpenPose's answers from maps and fields that say where people are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasks.detection import Frame
from tasks.people import FIELDS, KEYPOINTS, LIMBS, MAPS, Peaks, enlarged, find_peaks, find_people, framed, limbs_between

#: Keypoints of someone who stands, in pixels from the neck.
STANDING = np.array(
    [
        (0, -24),
        (0, 0),
        (-16, 0),
        (-24, 24),
        (-28, 48),
        (16, 0),
        (24, 24),
        (28, 48),
        (-12, 56),
        (-12, 88),
        (-12, 116),
        (12, 56),
        (12, 88),
        (12, 116),
        (-5, -30),
        (5, -30),
        (-12, -26),
        (12, -26),
    ],
    float,
)


def standing(x, y, size=1):
    return STANDING * size + np.array([x, y])


def drawn(people, height=256, width=256, stride=8):
    """What a perfect network gives for people (keypoints in input pixels)."""
    rows, columns = np.mgrid[0 : height // stride, 0 : width // stride] * stride + (stride - 1) / 2
    maps = np.zeros((1, MAPS, *rows.shape), np.float32)
    fields = np.zeros((1, FIELDS, *rows.shape), np.float32)
    for points in people:
        for keypoint, (x, y) in enumerate(points):
            heat = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 8**2))
            maps[0, keypoint] = np.maximum(maps[0, keypoint], heat)
        for first, then, field in LIMBS:
            begin, across = points[first], points[then] - points[first]
            length = np.hypot(*across)
            along = ((columns - begin[0]) * across[0] + (rows - begin[1]) * across[1]) / length
            aside = np.abs((columns - begin[0]) * across[1] - (rows - begin[1]) * across[0]) / length
            inside = (along >= -10) & (along <= length + 10) & (aside < 10)
            fields[0, field, inside], fields[0, field + 1, inside] = across / length
    return [maps, fields]


def test_two_people_are_found_where_they_stand():
    right = [standing(72, 100), standing(184, 90)]
    found = find_people(drawn(right), 256, (512, 512, 3))
    assert found.points.shape == (2, KEYPOINTS, 2)
    order = np.argsort(found.points[:, 1, 0])
    assert not np.isnan(found.points).any()
    assert np.abs(found.points[order] / 2 - right).max() < 4
    assert (found.scores > 0.8).all()


def test_limbs_of_people_who_stand_close_are_not_mixed_up():
    right = [standing(96, 104), standing(150, 88)]
    found = find_people(drawn(right), 256, (256, 256))
    assert len(found.points) == 2
    order = np.argsort(found.points[:, 1, 0])
    assert np.nanmax(np.abs(found.points[order] - right)) < 5


def test_nobody_is_found_where_nothing_is():
    found = find_people([np.zeros((1, MAPS, 32, 32)), np.ones((1, FIELDS, 32, 32))], 256, (480, 640))
    assert found.points.shape == (0, KEYPOINTS, 2)
    assert found.scores.shape == (0,)


def test_two_keypoints_are_no_person():
    outputs = drawn([standing(128, 100)])
    outputs[0][0, 2:] = 0
    assert len(find_people(outputs, 256, (256, 256)).points) == 0


def test_a_coarser_stride_searches_fewer_cells():
    outputs = drawn([standing(128, 80, 1.5)])
    assert enlarged(outputs[0][0], 8).shape == (128, 128, MAPS)
    assert enlarged(outputs[0][0], 32).shape == (32, 32, MAPS)
    found = find_people(outputs, 256, (256, 256), stride=32)
    assert np.nanmax(np.abs(found.points[0] - standing(128, 80, 1.5))) < 32


@pytest.mark.parametrize("stride", [4, 12, 64])
def test_a_stride_that_does_not_fit_is_refused(stride):
    with pytest.raises(ValueError, match=f"a stride of {stride} is not possible with 12x36 cells of 8 pixels"):
        enlarged(np.zeros((2, 12, 36)), stride)


@given(st.integers(0, 2**32 - 1))
def test_peaks_are_tops_that_are_apart(seed):
    heat = np.random.default_rng(seed).uniform(0, 0.4, (20, 24))
    peaks = find_peaks(heat)
    for (column, row), score in zip(peaks.positions, peaks.scores):
        around = heat[max(0, row - 1) : row + 2, column], heat[row, max(0, column - 1) : column + 2]
        assert score == heat[row, column] == max(part.max() for part in around)
    apart = np.hypot(*(peaks.positions[:, None] - peaks.positions[None]).transpose(2, 0, 1))
    assert (apart + 99 * np.eye(len(apart)) > 6).all()
    assert (np.diff(peaks.scores) <= 0).all()


def test_each_peak_is_in_one_limb_the_best():
    field = np.zeros((10, 30, 2))
    field[..., 0] = 1
    first = Peaks(np.array([[2, 5], [2, 8]]), np.array([1.0, 1.0]))
    then = Peaks(np.array([[20, 5], [20, 9]]), np.array([1.0, 1.0]))
    pairs = limbs_between(first, then, field)
    assert [(begin, end) for begin, end, _ in pairs] == [(0, 0), (1, 1)]
    assert pairs[0][2] == pytest.approx(1)


@given(st.integers(1, 600), st.integers(1, 600))
def test_a_photograph_is_in_its_frame_on_grey(height, width):
    canvas = framed(np.full((height, width, 3), (0, 128, 192), np.uint8), (64, 96))
    frame = Frame.fit(height, width, (64, 96))
    inside = np.zeros((64, 96), bool)
    inside[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width] = True
    np.testing.assert_allclose(canvas[0, :, inside], [[0.25, 0, -0.5]] * inside.sum(), atol=1e-6)
    assert (canvas[0, :, ~inside] == 0).all()
