"""Boxes and pixels through the letterbox and back, for photographs and inputs of all proportions."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from tasks.detection import GREY, Frame, letterbox

PHOTO_SIDES = st.integers(1, 8000)
INPUTS = st.one_of(
    st.sampled_from([224, 320, 416, 608, (256, 416), (240, 320), (180, 320), (640, 384)]),
    st.tuples(st.integers(1, 40), st.integers(1, 40)).map(lambda cells: (32 * cells[0], 32 * cells[1])),
)
HALF = 0.5


@given(PHOTO_SIDES, PHOTO_SIDES, INPUTS, st.integers(0, 2**32 - 1))
def test_no_box_moves_by_half_a_pixel(height, width, resolution, seed):
    corners = np.sort(np.random.default_rng(seed).uniform(0, 1, (2, 9, 2)), axis=0) * [width, height]
    boxes = np.concatenate([corners[0], corners[1]], axis=1)
    frame = Frame.fit(height, width, resolution)
    # a detector's numbers are of single precision
    there = frame.to_input(boxes).astype(np.float32)
    assert np.abs(frame.to_photo(there.astype(np.float64)) - boxes).max() < HALF


@given(st.integers(1, 900), st.integers(1, 900), INPUTS)
def test_every_pixel_of_the_input_shows_the_place_that_it_is_mapped_to(height, width, resolution):
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(HALF)
    frame = Frame.fit(height, width, resolution)
    # a photograph whose levels are its own coordinates: levels are divided by 255 on the way
    canvas = letterbox(np.stack([columns, rows, rows], axis=2), resolution)[0] * 255
    inside = canvas[:, frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
    along = np.arange(frame.width) + frame.left + HALF
    down = np.arange(frame.height) + frame.top + HALF
    centres = np.stack([a.ravel() for a in np.meshgrid(along, down)], axis=1)
    mapped = frame.to_photo(np.concatenate([centres, centres], axis=1))[:, :2]
    shown = inside[:2].reshape(2, -1).T
    assert np.abs(shown - mapped).max() <= HALF + 1e-3
    # but at its border, where a level cannot go on, not by a hundredth
    clear = ((mapped > HALF) & (mapped < [width - HALF, height - HALF])).all(axis=1)
    assert np.abs(shown - mapped)[clear].max(initial=0) < 0.01


@given(st.integers(40, 900), st.integers(40, 900), INPUTS, st.data())
def test_a_drawn_object_is_found_where_its_box_is_mapped_to(height, width, resolution, data):
    left, top = data.draw(st.integers(1, width - 30)), data.draw(st.integers(1, height - 30))
    right, bottom = data.draw(st.integers(left + 20, width - 1)), data.draw(st.integers(top + 20, height - 1))
    box = np.array([[left, top, right, bottom]], float)
    frame = Frame.fit(height, width, resolution)
    there = frame.to_input(box)
    # an object narrower than the distance of two pixels that are looked at may fall between them
    assume(min(there[0, 2] - there[0, 0], there[0, 3] - there[0, 1]) > 2)
    photograph = np.full((height, width, 3), GREY, np.uint8)
    photograph[top:bottom, left:right] = [255, 0, 0]
    canvas = letterbox(photograph, resolution)[0]
    red = canvas[0] > (GREY + 255) / 2 / 255
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    found = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], float)
    # pixels tell an edge to half of one: of the input, and of the photograph where it was not made smaller
    assert np.abs(found - there).max() <= HALF + 1e-3
    scales = np.array([frame.width / width, frame.height / height] * 2)
    assert np.all(np.abs(frame.to_photo(found) - box) <= (HALF + 1e-3) / scales)
