"""Accuracies of unchanged networks raise no more alarms than promised, and real losses are found."""

from __future__ import annotations

import numpy as np
import pytest

from .accuracy import ALPHA, DIFFERING, LEVELS, MARGIN, detections_compared, scores_rejected, share_rejected

PAIRS = 1000


@pytest.mark.parametrize("margin", [0.0, MARGIN])
@pytest.mark.parametrize("differing", DIFFERING)
@pytest.mark.parametrize("count", [450, 5000])
def test_a_thousand_unchanged_pairs_raise_at_most_alpha(count, differing, margin):
    rate = share_rejected(np.random.default_rng(11), PAIRS, count, differing, 0.0, ALPHA, margin)
    assert rate <= ALPHA


@pytest.mark.parametrize("differing", DIFFERING)
def test_a_loss_of_just_the_margin_is_no_regression(differing):
    rate = share_rejected(np.random.default_rng(13), 4 * PAIRS, 5000, differing + MARGIN, MARGIN, ALPHA)
    assert rate <= 2 * ALPHA


def test_losses_are_found():
    generator = np.random.default_rng(12)
    found = {
        (count, loss): share_rejected(generator, PAIRS, count, 0.01 + loss, loss, LEVELS[1])
        for count, loss in ((450, 0.05), (5000, 0.02), (5000, 0.01))
    }
    assert found[450, 0.05] >= 0.85
    assert found[5000, 0.02] >= 0.99
    assert found[5000, 0.01] >= 0.25


@pytest.mark.parametrize("heavy", [False, True])
def test_unchanged_scores_raise_at_most_alpha(heavy):
    assert scores_rejected(np.random.default_rng(3), 300, 200, 0.0, ALPHA, heavy) <= ALPHA


@pytest.mark.slow
def test_unchanged_detections_raise_at_most_alpha():
    p_values, loss = detections_compared(np.random.default_rng(4), 20, 50, (0.03, 0.03))
    assert min(p_values) > ALPHA
    assert abs(loss) < 2
