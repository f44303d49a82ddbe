from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure.sample_summary import BLOCK_SD_FLOOR, PERCENTILES, summarise, supported

SAMPLES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=250)


def locations(summary):
    return ["min", *[f"p{one:02d}" for one in PERCENTILES if f"p{one:02d}" in summary], "max"]


@given(SAMPLES)
def test_locations_are_ordered_and_inside_the_samples(samples):
    summary = summarise(np.array(samples))
    values = [summary[name] for name in locations(summary)]
    assert values[0] == min(samples)
    assert values[-1] == max(samples)
    assert all(low <= high * (1 + 1e-12) for low, high in zip(values, values[1:]))
    assert summary["n"] == len(samples)


@given(SAMPLES)
def test_figures_are_numpys(samples):
    summary = summarise(np.array(samples))
    for name in locations(summary)[1:-1]:
        assert summary[name] == pytest.approx(np.percentile(samples, int(name[1:])), rel=1e-12)
    assert summary["mean"] == pytest.approx(np.mean(samples), rel=1e-9)
    assert ("sd" in summary) == (len(samples) > 1)
    if len(samples) > 1:
        assert summary["sd"] == pytest.approx(np.std(samples, ddof=1), rel=1e-9)


@given(SAMPLES, st.sampled_from([1e-6, 1e-3, 1e3]))
def test_another_unit_scales_locations_and_leaves_the_block_dispersion(samples, factor):
    one, other = summarise(np.array(samples)), summarise(np.array(samples) * factor)
    for name in [*locations(one), "mean"]:
        assert other[name] == pytest.approx(one[name] * factor, rel=1e-9)
    assert other.get("block_sd", {}) == pytest.approx(one.get("block_sd", {}), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("percentile", "least"), [(5, 20), (25, 4), (50, 1), (75, 4), (90, 10), (95, 20), (99, 100)])
def test_a_percentile_needs_one_sample_beyond_it(percentile, least):
    assert supported(percentile, least)
    assert not supported(percentile, least - 1) or percentile == 50
    name = f"p{percentile:02d}"
    assert name in summarise(np.linspace(1, 2, least))
    if least > 1:
        assert name not in summarise(np.linspace(1, 2, least - 1))


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf"), float("-inf")])
def test_a_sample_that_no_clock_can_give_is_refused(bad):
    with pytest.raises(ValueError, match="positive finite"):
        summarise(np.array([1.0, bad, 2.0]))


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="no samples"):
        summarise(np.array([]))


def test_samples_without_variance_have_the_floor_as_block_dispersion():
    summary = summarise(np.full(100, 3.0))
    assert set(summary["block_sd"].values()) == {BLOCK_SD_FLOOR}


@pytest.mark.parametrize(("n", "blocks"), [(5, 0), (6, 2), (29, 9), (30, 10), (1000, 10)])
def test_block_dispersion_is_that_of_consecutive_blocks(n, blocks):
    samples = np.exp(np.random.default_rng(n).normal(0, 0.1, n))
    summary = summarise(samples)
    if not blocks:
        assert "block_sd" not in summary
        return
    medians = [np.median(block) for block in np.array_split(samples, blocks)]
    assert summary["block_sd"]["p50"] == pytest.approx(np.std(np.log(medians), ddof=1))
    assert set(summary["block_sd"]) == set(locations(summary)) - {"max"}


def test_a_drift_over_the_run_is_in_the_block_dispersion_and_a_shuffle_takes_it_out():
    drifting = np.linspace(1, 2, 1000)
    shuffled = np.random.default_rng(0).permutation(drifting)
    assert summarise(drifting)["block_sd"]["p50"] > 5 * summarise(shuffled)["block_sd"]["p50"]
