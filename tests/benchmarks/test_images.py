from __future__ import annotations

import hashlib

import numpy as np
import pytest
from tasks.classification import DEVIATION, MEAN, crop, five_best
from tasks.images import photograph, photographs, resize


def test_a_seed_gives_one_photograph(start_python):
    code = (
        "from tasks.images import photograph; import hashlib; "
        "print(hashlib.sha256(photograph(5).tobytes()).hexdigest())"
    )
    other, _ = start_python("-c", code).communicate()
    image = photograph(5)
    assert other.strip() == hashlib.sha256(image.tobytes()).hexdigest()
    assert (image.shape, image.dtype) == ((480, 640, 3), np.uint8)
    assert image.std() > 20


def test_photographs_differ():
    first, second = photographs(2)
    assert np.abs(first.astype(int) - second).mean() > 10
    assert not np.array_equal(photographs(1, seed=1)[0], first)


def test_resizing_to_the_same_size_changes_nothing():
    image = photograph(1)
    np.testing.assert_array_equal(resize(image, 480, 640), image)


def test_halving_takes_the_mean_of_four():
    image = np.random.default_rng(0).integers(0, 256, (8, 6, 3)).astype(np.uint8)
    means = image.reshape(4, 2, 3, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(resize(image, 4, 3), means, rtol=1e-6)


def test_enlarging_a_ramp_interpolates_and_holds_the_edges():
    ramp = np.array([[[0.0], [4.0]]], np.float32)
    assert resize(ramp, 1, 4)[0, :, 0].tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize("resolution", [64, 160, 224])
@pytest.mark.parametrize("shape", [(480, 640, 3), (200, 100, 3), (97, 301, 3)])
def test_the_crop_has_the_networks_shape_and_scale(resolution, shape):
    tensor = crop(np.full(shape, 255, np.uint8), resolution)
    assert (tensor.shape, tensor.dtype) == ((1, 3, resolution, resolution), np.float32)
    assert tensor.flags.c_contiguous
    np.testing.assert_allclose(tensor[0].mean(axis=(1, 2)), (1 - MEAN) / DEVIATION, rtol=1e-4)


def test_the_five_best_are_sorted_probabilities():
    logits = np.random.default_rng(0).normal(0, 3, (1, 1000)).astype(np.float32)
    classes, probabilities = five_best((logits,))
    everything = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert classes.tolist() == np.argsort(-everything)[:5].tolist()
    np.testing.assert_allclose(probabilities, everything[classes], rtol=1e-5)
