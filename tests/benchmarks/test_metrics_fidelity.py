from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics.fidelity import MOST_DB, cosine_similarity, largest_error, psnr_db
from scipy.spatial.distance import chebyshev, cosine


def test_one_level_in_every_pixel_is_forty_eight_decibels():
    reference = np.arange(24).reshape(2, 3, 4).astype(np.uint8)
    outputs = reference + 1
    assert psnr_db(outputs, reference, peak=255).tolist() == pytest.approx([20 * math.log10(255)] * 2)


def test_the_peak_is_the_range_of_each_example():
    reference = np.array([[0.0, 10], [-1, 1]])
    outputs = reference + np.array([[0.0, 1], [0, 0.2]])
    # mean squared errors 0.5 and 0.02, ranges 10 and 2
    assert psnr_db(outputs, reference).tolist() == pytest.approx([10 * math.log10(200)] * 2)


def test_equal_outputs_have_a_finite_ratio():
    reference = np.array([[1.0, 2, 3]])
    assert psnr_db(reference, reference).tolist() == [pytest.approx(MOST_DB)]


@given(st.integers(1, 5), st.integers(2, 40), st.integers(0, 2**32 - 1), st.sampled_from([1e-200, 1.0, 1e200]))
def test_they_equal_scipys_distances(examples, values, seed, scale):
    generator = np.random.default_rng(seed)
    reference = generator.normal(size=(examples, values))
    outputs = reference + generator.normal(0, 0.1, reference.shape)
    expected = [1 - cosine(*pair) for pair in zip(outputs, reference)]
    assert cosine_similarity(outputs * scale, reference).tolist() == pytest.approx(expected, abs=1e-9)
    assert largest_error(outputs, reference).tolist() == [chebyshev(*pair) for pair in zip(outputs, reference)]


def test_cosines_by_hand():
    outputs = np.array([[1.0, 0], [1, 1], [-2, 0], [0, 0], [0, 0], [1, 0]])
    reference = np.array([[0.0, 5], [1, 0], [3, 0], [0, 0], [1, 0], [0, 0]])
    assert cosine_similarity(outputs, reference).tolist() == pytest.approx([0, math.sqrt(0.5), -1, 1, 0, 0])


@pytest.mark.parametrize("metric", [psnr_db, cosine_similarity, largest_error])
@pytest.mark.parametrize(
    ("outputs", "reference", "message"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), "cannot be compared"),
        (np.zeros((0, 3)), np.zeros((0, 3)), "cannot be compared"),
        (np.array([[1.0, 2], [np.nan, 0]]), np.ones((2, 2)), "the output of example 1 is not finite"),
        (np.ones((2, 2)), np.array([[1.0, np.inf], [0, 0]]), "the reference of example 0 is not finite"),
    ],
)
def test_what_is_refused(metric, outputs, reference, message):
    with pytest.raises(ValueError, match=message):
        metric(outputs, reference)


def test_a_peak_must_be_known():
    with pytest.raises(ValueError, match="above 0: it is 0 in example 1"):
        psnr_db(np.array([[0.0, 1], [2, 2]]), np.array([[0.0, 1], [3, 3]]))
    with pytest.raises(ValueError, match="above 0"):
        psnr_db(np.zeros((1, 2)), np.zeros((1, 2)), peak=-1)
