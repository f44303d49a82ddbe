"""Samples of one run to the summary that a results file keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict

if TYPE_CHECKING:
    import numpy as np

    Samples = np.ndarray[Any, np.dtype[Any]]

PERCENTILES = (5, 25, 50, 75, 90, 95, 99)
#: A percentile is kept when at least this many samples are expected on its thinner side (p99 needs n = 100).
SAMPLES_BEYOND = 1.0
BLOCKS = 10
BLOCK_SD_FLOOR = 1e-4


def supported(percentile: int, n: int) -> bool:
    """Whether ``n`` samples can say anything about the percentile: one sample is expected beyond it."""
    return percentile == 50 or n * min(percentile, 100 - percentile) / 100 >= SAMPLES_BEYOND


def summarise(samples: Samples) -> Dict[str, Any]:
    """Summarise samples (one-dimensional, in time order, all positive) in their own unit.

    ``block_sd`` is, for each location, the standard deviation of its logarithm over ten consecutive
    blocks of the run (fewer for fewer than 30 samples): the dispersion inside the run, from which the
    judge predicts the one between runs.

    Raises:
        ValueError: no samples, or a sample that is not a positive finite number.
    """
    import numpy as np

    samples = np.asarray(samples, dtype=float)
    n = len(samples)
    if n == 0:
        raise ValueError("there are no samples to summarise")
    if not np.all(np.isfinite(samples)) or samples.min() <= 0:
        raise ValueError("a sample is not a positive finite number; the clock or the target is broken")
    kept = [percentile for percentile in PERCENTILES if supported(percentile, n)]
    summary: Dict[str, Any] = {
        "n": n,
        "mean": float(samples.mean()),
        "min": float(samples.min()),
        "max": float(samples.max()),
    }
    if n > 1:
        summary["sd"] = float(samples.std(ddof=1))
    for percentile, value in zip(kept, np.percentile(samples, kept)):
        summary[f"p{percentile:02d}"] = float(value)
    blocks = min(BLOCKS, n // 3)
    if blocks >= 2:
        summary["block_sd"] = _block_dispersion(np.array_split(samples, blocks), kept)
    return summary


def _block_dispersion(blocks: Any, percentiles: Any) -> Dict[str, float]:
    import numpy as np

    rows = {"min": [block.min() for block in blocks]}
    for percentile in percentiles:
        rows[f"p{percentile:02d}"] = [np.percentile(block, percentile) for block in blocks]
    return {name: max(BLOCK_SD_FLOOR, float(np.std(np.log(values), ddof=1))) for name, values in rows.items()}
