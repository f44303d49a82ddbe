from __future__ import annotations

import numpy as np
import pytest
from tasks.classification import crop
from tasks.clips import HEIGHT, WIDTH, best_class, clip_input, clips
from tasks.images import photographs


def test_a_clip_is_a_way_over_one_photograph():
    clip = clips(1, seed=3, frames=5)[0]
    assert (clip.shape, clip.dtype) == ((5, HEIGHT, WIDTH, 3), np.uint8)
    photo = photographs(1, seed=3)[0]
    windows = np.lib.stride_tricks.sliding_window_view(photo[..., 0], (HEIGHT, WIDTH))
    corners = [np.argwhere((windows[:, :, 0, :8] == frame[0, :8, 0]).all(axis=2)) for frame in clip]
    places = []
    for frame, candidates in zip(clip, corners):
        exact = [c for c in candidates if np.array_equal(photo[c[0] : c[0] + HEIGHT, c[1] : c[1] + WIDTH], frame)]
        assert len(exact) == 1
        places.append(exact[0])
    steps = np.diff(places, axis=0)
    assert np.abs(steps - steps.mean(axis=0)).max() <= 1
    assert np.abs(steps).sum() > 0


def test_clips_are_the_same_for_a_seed_however_many():
    first, second = clips(2, seed=1, frames=3)
    assert np.array_equal(clips(1, seed=1, frames=3)[0], first)
    assert not np.array_equal(first, second)
    assert not np.array_equal(clips(1, seed=2, frames=3)[0], first)


def test_the_input_has_the_frames_in_order():
    clip = clips(1, frames=4)[0]
    given = clip_input(clip, 112)
    assert (given.shape, given.dtype) == ((1, 3, 4, 112, 112), np.float32)
    assert given.flags.c_contiguous
    for index, frame in enumerate(clip):
        assert np.array_equal(given[:, :, index], crop(frame, 112))
    with pytest.raises(ValueError, match="to a square, not to 64x96"):
        clip_input(clip, (64, 96))


def test_the_best_class_has_its_probability():
    found, probability = best_class([np.log(np.array([[1.0, 6.0, 3.0]], np.float32)), np.zeros(3)])
    assert found == 1
    assert probability == pytest.approx(0.6)
