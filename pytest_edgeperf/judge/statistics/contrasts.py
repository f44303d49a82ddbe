"""From a benchmark's runs to run-level logarithms: one contrast per summary that it is judged by."""

from __future__ import annotations

import math
from statistics import median
from typing import Any, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from pytest_edgeperf.judge.statistics.origins import Nested, Origins, nested

#: The summary name of a metric that is a plain number in each run.
VALUE = "value"

#: A 99 % quantile is the tail of a benchmark whose runs have at least this many samples.
TAIL_SAMPLES = 1000

#: A block dispersion below this is quantisation of the clock, not knowledge.
DISPERSION_FLOOR = 1e-4

#: Block dispersion where a file has none: geometric mean over nine workloads on a shared two-core machine.
ASSUMED_DISPERSION: Mapping[str, float] = {
    "min": 0.013,
    "p05": 0.017,
    "p50": 0.043,
    "p95": 0.10,
    "p99": 0.11,
}


class NoLogarithmError(ValueError):
    """A finite value of 0 or below stands where a ratio is asked for."""


class Contrast(NamedTuple):
    """Candidate against baseline in one summary of one metric, on the logarithmic scale.

    ``difference`` is mean(ln candidate) - mean(ln baseline); ``nested`` splits the runs into sessions;
    ``other_variance`` is what the difference varies by beside runs and sessions; ``dispersion`` the typical
    standard deviation between the blocks of one run, ``None`` for a plain number.
    """

    benchmark: str
    metric: str
    summary: str
    baseline_runs: int
    candidate_runs: int
    difference: float
    nested: Nested
    other_variance: float
    dispersion: Optional[float]
    assumed: bool
    baseline: float
    candidate: float
    #: The observations are means of the builds of an engine: nothing that is known of runs predicts how they scatter.
    of_builds: bool = False

    @property
    def squares(self) -> float:
        """The sum of squares of the runs of both sides around the means of their sessions."""
        return self.nested.squares

    @property
    def freedom(self) -> int:
        """Degrees of freedom of ``squares``."""
        return self.nested.freedom


def judged_summaries(baseline: Sequence[Mapping[str, Any]], candidate: Sequence[Mapping[str, Any]]) -> List[str]:
    """Choose the low quantile, the median and the tail that all runs of both sides support.

    The low quantile is ``min``, which varies least from run to run (Chen & Revels 2016, arXiv:1608.04295,
    and docs/statistics.md), or ``p05`` where a run lacks it; the tail is ``p99`` where every baseline run has
    at least 1000 samples and every run has it, else ``p95`` where every run has it.
    """
    missing = {name for run in (*baseline, *candidate) for name in ASSUMED_DISPERSION if name not in run}
    many = all(run.get("n", 0) >= TAIL_SAMPLES for run in baseline)
    low = "p05" if "min" in missing else "min"
    tail = "p99" if many and "p99" not in missing else "p95"
    return [name for name in (low, "p50", tail) if name not in missing]


def checked_log(value: Any, benchmark: str, metric: str) -> float:
    """Return the natural logarithm of ``value``; refuse what has none and name where it is from."""
    if isinstance(value, (int, float)) and 0 < value < math.inf:
        return math.log(value)
    finite = isinstance(value, (int, float)) and math.isfinite(value)
    error = NoLogarithmError if finite else ValueError
    raise error(f"{benchmark}: {metric} is {value!r}; a ratio needs a finite number above 0")


def checked_logs(values: Sequence[Any], benchmark: str, metric: str) -> List[float]:
    """Return ``checked_log`` of every value, in a fraction of its time where all of them have one."""
    try:
        logs = list(map(math.log, values))
    except (TypeError, ValueError):
        logs = [math.nan]
    return logs if math.isfinite(sum(logs)) else [checked_log(value, benchmark, metric) for value in values]


def block_dispersions(blocks: Sequence[Mapping[str, Any]], name: str, benchmark: str, metric: str) -> List[float]:
    """Return the dispersion of the summary ``name`` in each run's ``block_sd`` that has it; 95 % stands in for 99 %."""
    values = [block.get(name) for block in blocks]
    if name == "p99":
        values = [block.get("p95") if value is None else value for value, block in zip(values, blocks)]
    known = [value for value in values if value is not None]
    # Looked at one by one only where something is wrong.
    if known and not (min(known) >= 0 and math.isfinite(sum(known))):
        for value in known:
            if not 0 <= value < math.inf:
                raise ValueError(f"{benchmark}: {metric} block_sd {name} is {value!r}; it must be finite and >= 0")
    return known


def contrast_values(
    benchmark: str, metric: str, baseline: Iterable[Any], candidate: Iterable[Any], *, origins: Origins
) -> Contrast:
    """Contrast a metric that is one number per run."""
    base = checked_logs(list(baseline), benchmark, metric)
    new = checked_logs(list(candidate), benchmark, metric)
    return _contrast(benchmark, metric, VALUE, base, new, None, assumed=False, origins=origins)


def contrast_summaries(
    benchmark: str,
    metric: str,
    baseline: Sequence[Mapping[str, Any]],
    candidate: Sequence[Mapping[str, Any]],
    *,
    origins: Origins,
) -> List[Contrast]:
    """Contrast a metric that is a summary of samples per run, once for each summary it is judged by."""
    contrasts = []
    blocks = [block_sd for block_sd in [summary.get("block_sd") for summary in (*baseline, *candidate)] if block_sd]
    for name in judged_summaries(baseline, candidate):
        label = f"{metric} {name}"
        base = checked_logs([summary[name] for summary in baseline], benchmark, label)
        new = checked_logs([summary[name] for summary in candidate], benchmark, label)
        known = block_dispersions(blocks, name, benchmark, metric)
        dispersion = max(median(known), DISPERSION_FLOOR) if known else ASSUMED_DISPERSION[name]
        contrasts.append(_contrast(benchmark, metric, name, base, new, dispersion, assumed=not known, origins=origins))
    return contrasts


def contrast_medians(
    benchmark: str, metric: str, baseline: Sequence[Any], candidate: Sequence[Any], *, origins: Origins
) -> Contrast:
    """Contrast the medians alone, for an interval: of numbers, of summaries, or of one against the other."""
    values = (*baseline, *candidate)
    blocks = [value["block_sd"] for value in values if isinstance(value, Mapping) and value.get("block_sd")]
    known = block_dispersions(blocks, "p50", benchmark, metric)
    base, new = (
        checked_logs(
            [value["p50"] if isinstance(value, Mapping) else value for value in side], benchmark, f"{metric} p50"
        )
        for side in (baseline, candidate)
    )
    dispersion = max(median(known), DISPERSION_FLOOR) if known else None
    summary = "p50" if known else VALUE
    return _contrast(benchmark, metric, summary, base, new, dispersion, assumed=False, origins=origins)


def _contrast(
    benchmark: str,
    metric: str,
    summary: str,
    baseline: Sequence[float],
    candidate: Sequence[float],
    dispersion: Optional[float],
    *,
    assumed: bool,
    origins: Origins,
) -> Contrast:
    base_mean = math.fsum(baseline) / len(baseline)
    new_mean = math.fsum(candidate) / len(candidate)
    return Contrast(
        benchmark=benchmark,
        metric=metric,
        summary=summary,
        baseline_runs=len(baseline),
        candidate_runs=len(candidate),
        difference=new_mean - base_mean,
        nested=nested(baseline, candidate, origins),
        other_variance=origins.variance,
        dispersion=dispersion,
        assumed=assumed,
        baseline=math.exp(base_mean),
        candidate=math.exp(new_mean),
    )
