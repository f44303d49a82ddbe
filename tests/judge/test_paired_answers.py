"""Pairs of answers: the tests against independent ones, and the rates of their errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from pytest_edgeperf import DetectionSet, average_precision
from pytest_edgeperf.judge.statistics.average_precision import weighted_average_precision
from pytest_edgeperf.judge.statistics.paired_answers import (
    bca_bounds,
    compare_detections,
    compare_right,
    compare_scores,
    detectable_loss,
    exact_mcnemar,
    p_of_counts,
    score,
)

LEVEL = 0.002
THRESHOLDS = np.linspace(0.5, 0.95, 10)


def pair(lost, won, both=0, neither=0):
    base = np.array([True] * lost + [False] * won + [True] * both + [False] * neither)
    new = np.array([False] * lost + [True] * won + [True] * both + [False] * neither)
    return base, new


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test(lost, won):
    assert exact_mcnemar(lost, won) == pytest.approx(
        stats.binomtest(lost, lost + won, 0.5, alternative="greater").pvalue if lost + won else 1.0
    )


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 200), st.floats(0.002, 0.3))
def test_the_score_is_that_at_the_likeliest_share_under_the_null(lost, won, others, loss):
    count = lost + won + others

    def unlikely(share):
        left = 1 - 2 * share - loss
        terms = ((lost, share + loss), (won, share), (others, left))
        return -sum(times * np.log(chance) for times, chance in terms if times)

    top = (1 - loss) / 2
    best = optimize.minimize_scalar(unlikely, bounds=(1e-12, top - 1e-12), method="bounded", options={"xatol": 1e-12}).x
    expected = (lost - won - count * loss) / np.sqrt(count * (2 * best + loss - loss**2))
    assert score(lost, won, count, loss) == pytest.approx(expected, rel=1e-3, abs=1e-3)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 200), st.floats(-0.3, 0.3))
def test_the_score_has_a_mirror_and_falls_with_the_loss(lost, won, others, loss):
    count = lost + won + others + 1
    assert score(lost, won, count, loss) == pytest.approx(-score(won, lost, count, -loss), abs=1e-9)
    assert score(lost, won, count, loss) >= score(lost, won, count, loss + 0.01) - 1e-9


def test_the_interval_ends_where_the_statistic_is_critical():
    base, new = pair(1, 0, 13)
    low, high = compare_right(base, new, 0.005, LEVEL).interval
    assert score(1, 0, 14, low) == pytest.approx(1.96, abs=1e-3)
    assert score(1, 0, 14, high) == pytest.approx(-1.96, abs=1e-3)


def test_the_larger_of_both_tests_decides():
    base, new = pair(14, 2, 430, 4)
    found = compare_right(base, new, 0.005, LEVEL)
    assert (found.lost, found.won) == (14, 2)
    assert found.loss == pytest.approx(12 / 450)
    by_score = stats.norm.sf(score(14, 2, 450, 0.005))
    assert found.p_worse == pytest.approx(max(exact_mcnemar(14, 2), by_score))
    mirrored = compare_right(new, base, 0.005, LEVEL)
    assert mirrored.p_better == pytest.approx(found.p_worse)
    assert mirrored.interval == pytest.approx((-found.interval[1], -found.interval[0]))


def test_of_few_lost_examples_none_is_evidence_however_many_there_are():
    base, new = pair(8, 0, 10**6)
    assert compare_right(base, new, 0.0, LEVEL).p_worse == pytest.approx(0.5**8)


@pytest.mark.parametrize(("count", "won_share"), [(60, 0.01), (450, 0.01), (450, 0.05), (5000, 0.01), (5000, 0.04)])
def test_the_loss_called_detectable_is_found_in_about_80_percent(count, won_share):
    generator = np.random.default_rng(3)
    loss = detectable_loss(won_share, count, 0.005, LEVEL)
    drawn = generator.multinomial(count, [won_share + loss, won_share, 1 - 2 * won_share - loss], 1000)
    found = np.mean([p_of_counts(int(lost), int(won), count, 0.005) <= LEVEL for lost, won, _ in drawn])
    assert 0.76 <= found <= 0.88
    assert compare_right(*pair(0, 0, count), 0.005, LEVEL).detectable < loss


def test_scores_that_lose_are_found_and_those_that_only_vary_are_not():
    generator = np.random.default_rng(5)
    noise = generator.normal(0, 0.1, 800)
    assert compare_scores(noise - noise.mean(), 0.005, LEVEL).p_worse > 0.5
    lost = compare_scores(noise - noise.mean() + 0.03, 0.005, LEVEL)
    assert lost.p_worse <= 1e-4
    assert lost.loss == pytest.approx(0.03)
    assert lost.interval[0] < 0.03 < lost.interval[1] < lost.interval[0] + 0.02
    assert compare_scores(-(noise - noise.mean()) - 0.03, 0.005, LEVEL).p_better <= 1e-4


def test_flips_agree_with_every_flip_of_a_few():
    differences = np.array([0.4, 0.1, 0.3, 0.2, -0.05, 0.25, 0.15, 0.3])
    signs = 2 * ((np.arange(256)[:, None] >> np.arange(8)) & 1) - 1
    exact = np.mean(signs @ differences >= differences.sum() - 1e-9)
    assert compare_scores(differences, 0.0, LEVEL).p_worse == pytest.approx(exact, rel=0.25)


def test_the_bounds_are_those_of_scipys_bootstrap():
    generator = np.random.default_rng(1)
    values = generator.exponential(1.0, 60)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", random_state=generator
    ).confidence_interval
    resampled = values[generator.integers(0, 60, (20_000, 60))].mean(axis=1)
    left_out = (values.sum() - values) / 59
    low, high = bca_bounds(resampled, values.mean(), left_out, (0.025, 0.975))
    assert (low, high) == pytest.approx((theirs.low, theirs.high), rel=0.02)


def detections(images, seed, quality=0.9):
    """A detector that finds that share of the objects, with overlaps from 0.45 to 1, and false ones beside them."""
    generator = np.random.default_rng(seed)
    truths = generator.poisson(1.0, (2, images))
    rows = []
    for category, image in np.argwhere(truths > 0):
        found = generator.random(truths[category, image]) < quality
        rows += [(category, image, generator.random() ** 0.5, generator.uniform(0.45, 1)) for one in found if one]
    rows += [(generator.integers(2), image, generator.random(), 0.0) for image in range(images)]
    category, image, scores, overlap = (np.array(column) for column in zip(*rows))
    order = np.lexsort((-scores, category))
    matched = overlap[order] >= THRESHOLDS[:, None]
    flags = np.zeros_like(matched)
    return DetectionSet(THRESHOLDS, category[order].astype(int), image[order].astype(int), matched, flags, truths)


def worse(found, share, seed):
    """The same detections, of which that share is no match any more."""
    kept = np.random.default_rng(seed).random(len(found.category)) >= share
    return replace(found, matched=found.matched & kept)


def test_average_precision_that_falls_is_found_and_the_same_is_not():
    found = detections(150, seed=2)
    bad = worse(found, 0.2, seed=3)
    told = compare_detections([found], [bad], 0.5, LEVEL, "all")
    assert told.loss == pytest.approx(average_precision(found) - average_precision(bad))
    assert told.p_worse < 1e-6
    assert told.interval[0] < told.loss < told.interval[1]
    assert compare_detections([bad], [found], 0.5, LEVEL, "all").p_better == pytest.approx(told.p_worse)
    assert compare_detections([found], [found], 0.5, LEVEL, "all").p_worse == 1.0


def test_a_threshold_that_was_not_matched_is_refused():
    found = detections(5, seed=1)
    with pytest.raises(ValueError, match=r"matched at overlaps of 0\.5, .*, not 0\.3"):
        average_precision(found, 0.3)


def test_runs_that_answer_differently_are_averaged():
    found = detections(60, seed=2)
    bad = worse(found, 0.3, seed=3)
    told = compare_detections([found, bad], [bad, found], 0.5, LEVEL, "all")
    assert told.loss == pytest.approx(0.0, abs=1e-9)


def test_images_left_out_by_weight_are_left_out():
    found = detections(40, seed=6)
    kept = found.image < 25
    part = DetectionSet(
        THRESHOLDS,
        found.category[kept],
        found.image[kept],
        found.matched[:, kept],
        found.ignored[:, kept],
        found.truths[:, :25],
    )
    weights = (np.arange(40) < 25).astype(float)[None, :]
    assert weighted_average_precision(found, weights)[0] == pytest.approx(average_precision(part), abs=1e-9)
