from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import polygamma

from pytest_edgeperf.judge.statistics.run_variance import (
    FIXED_PRIOR,
    RUN_VARIANCE_FLOOR,
    fit_prior,
    moderated_variance,
    trigamma_inverse,
)


@given(st.floats(1e-3, 1e6))
def test_trigamma_inverse_inverts_trigamma(value):
    assert float(polygamma(1, trigamma_inverse(value))) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_trigamma_inverse_refuses_what_trigamma_never_is(value):
    with pytest.raises(ValueError, match="positive"):
        trigamma_inverse(value)


@pytest.mark.parametrize(("scale", "freedom"), [(4.0, 3.0), (1.0, 10.0)])
def test_the_prior_of_simulated_variances_is_recovered(scale, freedom):
    rng = np.random.default_rng(7)
    tests = 20_000
    nu = rng.integers(4, 18, tests).astype(float)
    dispersion = np.exp(rng.normal(-4, 1, tests))
    true_variance = scale * dispersion**2 * freedom / rng.chisquare(freedom, tests)
    squares = true_variance * rng.chisquare(nu)
    fitted = fit_prior(squares, nu, dispersion, FIXED_PRIOR)
    assert fitted.scale == pytest.approx(scale, rel=0.05)
    assert fitted.freedom == pytest.approx(freedom, rel=0.1)


def test_equal_true_variances_are_trusted_up_to_the_limit():
    rng = np.random.default_rng(3)
    nu = np.full(4000, 8.0)
    fitted = fit_prior(2.0 * rng.chisquare(nu), nu, np.ones(4000), FIXED_PRIOR)
    assert fitted.scale == pytest.approx(2.0, rel=0.05)
    assert fitted.freedom > 40


def test_fewer_than_three_benchmarks_take_the_fixed_prior():
    two = np.array([1e-4, 2e-4])
    assert fit_prior(two, np.array([8.0, 8.0]), np.full(2, 0.01), FIXED_PRIOR) == (4.0, 3.0)


def test_benchmarks_without_degrees_of_freedom_do_not_count_for_the_prior():
    squares, nu = np.array([1e-4, 2e-4, 0.0, 0.0]), np.array([8.0, 8.0, 0.0, 0.0])
    assert fit_prior(squares, nu, np.full(4, 0.01), FIXED_PRIOR) == FIXED_PRIOR


def test_one_benchmark_of_equal_runs_does_not_decide_for_the_others():
    rng = np.random.default_rng(5)
    nu = np.full(50, 11.0)
    squares = 1e-4 * rng.chisquare(nu)
    squares[0] = 0.0
    fitted = fit_prior(squares, nu, np.full(50, 0.01), FIXED_PRIOR)
    assert 0.1 < fitted.scale < 2.0
    assert math.isfinite(fitted.freedom)


def test_only_equal_runs_take_the_fallback():
    assert fit_prior(np.zeros(5), np.full(5, 9.0), np.full(5, 0.01), FIXED_PRIOR) == FIXED_PRIOR


def test_the_moderated_variance_is_the_weighted_mean_plus_the_floor():
    got = moderated_variance(np.array([0.0044]), np.array([11.0]), np.array([0.01]), np.array([4.0]), np.array([3.0]))
    assert got[0] == pytest.approx((3.0 * 4.0 * 0.01**2 + 0.0044) / 14.0 + RUN_VARIANCE_FLOOR)


def test_nothing_known_is_not_a_number():
    zero = np.zeros(1)
    assert np.isnan(moderated_variance(zero, zero, np.ones(1), zero, zero)[0])
