from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics.fidelity import cosine_similarity
from scipy.spatial.distance import cosine


@given(st.integers(1, 5), st.integers(2, 40), st.integers(0, 2**32 - 1), st.sampled_from([1e-200, 1.0, 1e200]))
def test_it_equals_scipys_distance(examples, values, seed, scale):
    generator = np.random.default_rng(seed)
    reference = generator.normal(size=(examples, values))
    outputs = reference + generator.normal(0, 0.1, reference.shape)
    expected = [1 - cosine(*pair) for pair in zip(outputs, reference)]
    assert cosine_similarity(outputs * scale, reference).tolist() == pytest.approx(expected, abs=1e-9)


def test_cosines_by_hand():
    outputs = np.array([[1.0, 0], [1, 1], [-2, 0], [0, 0], [0, 0], [1, 0]])
    reference = np.array([[0.0, 5], [1, 0], [3, 0], [0, 0], [1, 0], [0, 0]])
    assert cosine_similarity(outputs, reference).tolist() == pytest.approx([0, math.sqrt(0.5), -1, 1, 0, 0])


@pytest.mark.parametrize(
    ("outputs", "reference", "message"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), "cannot be compared"),
        (np.zeros((0, 3)), np.zeros((0, 3)), "cannot be compared"),
        (np.array([[1.0, 2], [np.nan, 0]]), np.ones((2, 2)), "the output of example 1 is not finite"),
        (np.ones((2, 2)), np.array([[1.0, np.inf], [0, 0]]), "the reference of example 0 is not finite"),
    ],
)
def test_what_is_refused(outputs, reference, message):
    with pytest.raises(ValueError, match=message):
        cosine_similarity(outputs, reference)
