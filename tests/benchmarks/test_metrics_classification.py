from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics.classification import top_k


def one_by_one(logits, labels, k):
    """By sorting: a stable order keeps the class of the lower index first."""
    return [label in sorted(range(len(row)), key=lambda c: -row[c])[:k] for row, label in zip(logits.tolist(), labels)]


@given(st.integers(1, 20), st.integers(1, 9), st.integers(0, 2**32 - 1), st.data())
def test_it_equals_sorting(examples, classes, seed, data):
    generator = np.random.default_rng(seed)
    logits = generator.integers(-3, 4, (examples, classes)).astype(np.float32)
    labels = generator.integers(0, classes, examples)
    k = data.draw(st.integers(1, classes))
    right = top_k(logits, labels, k)
    assert (right.shape, right.dtype) == ((examples,), bool)
    assert right.tolist() == one_by_one(logits, labels, k)


def test_top_1_is_argmax_and_all_classes_are_always_right():
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(100, 7)), generator.integers(0, 7, 100)
    assert top_k(logits, labels, 1).tolist() == (logits.argmax(axis=1) == labels).tolist()
    assert top_k(logits, labels, 7).all()


def test_what_is_not_a_number_is_wrong_and_infinity_is_one():
    logits = np.array([[np.nan, 0, 1], [0, np.nan, 1], [np.inf, 0, 1], [-np.inf, -1, -2]])
    assert top_k(logits, np.array([0, 2, 0, 0]), 1).tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("logits", "labels", "k", "message"),
    [
        (np.zeros(3), np.zeros(3, int), 1, r"\[n, classes\]"),
        (np.zeros((3, 2)), np.zeros(2, int), 1, r"\[n, classes\]"),
        (np.zeros((3, 2)), np.zeros(3), 1, "integers from 0 to 1"),
        (np.zeros((3, 2)), np.full(3, 2), 1, "integers from 0 to 1"),
        (np.zeros((3, 2)), np.full(3, -1), 1, "integers from 0 to 1"),
        (np.zeros((3, 2)), np.zeros(3, int), 0, "k must be from 1 to the 2 classes"),
        (np.zeros((3, 2)), np.zeros(3, int), 3, "k must be from 1 to the 2 classes"),
    ],
)
def test_what_is_refused(logits, labels, k, message):
    with pytest.raises(ValueError, match=message):
        top_k(logits, labels, k)
