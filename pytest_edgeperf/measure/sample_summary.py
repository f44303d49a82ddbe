"""Samples of one run to the summary that a results file keeps."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Sequence

from pytest_edgeperf.measure.order_statistics import parts_of, percentile

PERCENTILES = (5, 25, 50, 75, 90, 95, 99)
#: A percentile is kept when at least this many samples are expected on its thinner side (p99 needs n = 100).
SAMPLES_BEYOND = 1.0
BLOCKS = 10
BLOCK_SD_FLOOR = 1e-4


def supported(percentile: int, n: int) -> bool:
    """Whether ``n`` samples can say anything about the percentile: one sample is expected beyond it."""
    return percentile == 50 or n * min(percentile, 100 - percentile) / 100 >= SAMPLES_BEYOND


def summarise(samples: Sequence[float]) -> Dict[str, Any]:
    """Summarise samples (one-dimensional, in time order, all positive) in their own unit.

    ``block_sd`` is, for each location, the standard deviation of its logarithm over ten consecutive
    blocks of the run (fewer for fewer than 30 samples): the dispersion inside the run, from which the
    judge predicts the one between runs.

    Raises:
        ValueError: no samples, or a sample that is not a positive finite number.
    """
    values = [float(sample) for sample in samples]
    n = len(values)
    if n == 0:
        raise ValueError("there are no samples to summarise")
    if not all(0 < value < math.inf for value in values):
        raise ValueError("a sample is not a positive finite number; the clock or the target is broken")
    kept = [percent for percent in PERCENTILES if supported(percent, n)]
    summary: Dict[str, Any] = {"n": n, "mean": math.fsum(values) / n, "min": min(values), "max": max(values)}
    if n > 1:
        summary["sd"] = _standard_deviation(values)
    summary.update(_percentiles(values, kept))
    blocks = min(BLOCKS, n // 3)
    if blocks >= 2:
        summary["block_sd"] = _block_dispersion(parts_of(values, blocks), kept)
    return summary


def _percentiles(values: Sequence[float], percents: Sequence[int]) -> Dict[str, float]:
    ordered = sorted(values)
    return {f"p{percent:02d}": percentile(ordered, percent) for percent in percents}


def _block_dispersion(blocks: Sequence[Sequence[float]], percents: Sequence[int]) -> Dict[str, float]:
    rows: Dict[str, List[float]] = {}
    for block in blocks:
        for name, value in {"min": min(block), **_percentiles(block, percents)}.items():
            rows.setdefault(name, []).append(math.log(value))
    return {name: max(BLOCK_SD_FLOOR, _standard_deviation(values)) for name, values in rows.items()}


def _standard_deviation(values: Sequence[float]) -> float:
    """That of a sample of two values or more."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
