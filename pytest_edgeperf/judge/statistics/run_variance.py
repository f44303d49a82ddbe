"""The variance between runs: each benchmark's own, shrunk towards what its blocks predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import digamma, polygamma

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

#: Variance that no number of runs is believed to be free of: 0.2 % between runs.
RUN_VARIANCE_FLOOR = 0.002**2

#: Too few benchmarks to learn a prior from.
PRIOR_BENCHMARKS = 3

#: More prior degrees of freedom than this would trust the blocks more than ten runs can show.
PRIOR_FREEDOM_MAX = 50.0


class Prior(NamedTuple):
    """A scaled inverse chi-square prior: variance around ``scale`` x dispersion^2, worth ``freedom`` runs."""

    scale: float
    freedom: float


#: The standard deviation between runs is typically twice that between the blocks of a run.
FIXED_PRIOR = Prior(scale=4.0, freedom=3.0)

#: For numbers without block dispersion there is nothing to shrink to.
NO_PRIOR = Prior(scale=0.0, freedom=0.0)


def trigamma_inverse(value: float) -> float:
    """Solve trigamma(x) = ``value`` for x > 0 by Newton's method on 1 / trigamma.

    x <- x + trigamma(x) (1 - trigamma(x) / value) / psi''(x), from x = 1/2 + 1/value: monotone and
    convergent for every positive value (Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3(1), appendix).
    """
    if not value > 0:
        raise ValueError(f"trigamma takes positive values only, not {value!r}")
    x = 0.5 + 1.0 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        change = trigamma * (1.0 - trigamma / value) / float(polygamma(2, x))
        x += change
        if -change < 1e-8 * x:
            break
    return x


def fit_prior(squares: Array, freedom: Array, dispersion: Array, fallback: Prior) -> Prior:
    """Fit the prior by the moments of the log variances over the session (Smyth 2004, section 6.2).

    With nu_j degrees of freedom, e_j = ln(SS_j / nu_j / b_j^2) - psi(nu_j / 2) + ln(nu_j / 2):
    psi'(d0 / 2) = var(e) - mean psi'(nu_j / 2) and ln c2 = mean(e) + psi(d0 / 2) - ln(d0 / 2).
    Ratios below 1e-5 of their median are lifted to it, as in limma's fitFDist, so that a benchmark
    whose runs are all equal does not decide for the others. ``fallback`` is returned where fewer than
    three benchmarks have a variance, or where most have none.
    """
    usable = freedom > 0
    if int(np.count_nonzero(usable)) < PRIOR_BENCHMARKS:
        return fallback
    nu = freedom[usable]
    ratio = squares[usable] / nu / dispersion[usable] ** 2
    middle = float(np.median(ratio))
    if middle == 0.0:
        return fallback
    half = nu / 2.0
    e = np.log(np.maximum(ratio, 1e-5 * middle)) - digamma(half) + np.log(half)
    excess = float(np.var(e, ddof=1) - np.mean(polygamma(1, half)))
    d0 = min(2.0 * trigamma_inverse(excess), PRIOR_FREEDOM_MAX) if excess > 0 else PRIOR_FREEDOM_MAX
    c2 = float(np.exp(np.mean(e) + digamma(d0 / 2.0) - np.log(d0 / 2.0)))
    return Prior(c2, d0)


def moderated_variance(squares: Array, freedom: Array, dispersion: Array, scale: Array, prior_freedom: Array) -> Array:
    """Return s^2 = (d0 c2 b^2 + SS) / (d0 + nu) + 0.002^2 (Smyth 2004, equation 2, and the run floor).

    NaN where neither prior nor runs give an estimate (d0 + nu = 0).
    """
    total = prior_freedom + freedom
    known = np.where(total > 0, total, np.nan)
    shrunk = (prior_freedom * scale * dispersion**2 + squares) / known
    return np.asarray(shrunk + RUN_VARIANCE_FLOOR, dtype=np.float64)
