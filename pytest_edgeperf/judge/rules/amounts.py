"""The rule for a gated metric that is 0 or negative somewhere: amounts, as there is no ratio to 0."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any, List, Optional, Sequence

from pytest_edgeperf.judge.rules.sizes import MARGIN_DEVIATIONS, MIN_BASELINE_RUNS, MIN_CANDIDATE_RUNS, SizeOutcome
from pytest_edgeperf.judge.statistics.contrasts import VALUE
from pytest_edgeperf.judge.verdicts import IMPROVED, INCONCLUSIVE, REGRESSED, UNCHANGED, MetricVerdict

#: A file holds six significant digits: less of a value is rounding.
ROUNDING = 1e-5
COMPARED = "compared by amounts, as there is no ratio to 0"


def amounts_of(values: Sequence[Any]) -> Optional[List[Any]]:
    """The numbers, or the medians of the summaries; ``None`` where a summary has none."""
    medians: List[Any] = [value.get("p50") if isinstance(value, Mapping) else value for value in values]
    return None if None in medians else medians


def judge_amounts(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    unit: str,
    larger_is_worse: bool,
    may_regress: bool,
    relative: float,
    amount: float = 0.0,
) -> SizeOutcome:
    """Regressed if every candidate run is beyond every baseline run, and beyond their median by more than a margin.

    The margin is the largest of ``relative`` times the median's size, ``amount`` (in the metric's unit) and 4 scaled
    median absolute deviations of the baseline. As of sizes, it takes 3 candidate and 5 baseline runs. Between a
    baseline that is 0 in every run and a candidate that is not in any, without an ``amount``, any difference counts.
    """
    middle = median(baseline)
    deviation = median([abs(value - middle) for value in baseline])
    margin = max(max(relative, ROUNDING) * abs(middle), amount, MARGIN_DEVIATIONS * deviation)
    above = min(candidate) > max(middle + margin, max(baseline))
    below = max(candidate) < min(middle - margin, min(baseline))
    worse, better = (above, below) if larger_is_worse else (below, above)
    enough = len(candidate) >= MIN_CANDIDATE_RUNS and len(baseline) >= MIN_BASELINE_RUNS
    verdict, reason, needed = UNCHANGED, COMPARED, None
    if worse:
        side = "above" if larger_is_worse else "below"
        reason = f"all of {len(candidate)} runs are {side} the baseline's by more than {margin:.3g} ({COMPARED})"
        verdict = REGRESSED if enough and may_regress else INCONCLUSIVE
        if len(candidate) < MIN_CANDIDATE_RUNS:
            needed = MIN_CANDIDATE_RUNS
        if len(baseline) < MIN_BASELINE_RUNS:
            reason += f"; {MIN_BASELINE_RUNS} baseline runs are needed, there are {len(baseline)}"
    elif better and enough:
        verdict = IMPROVED
    return SizeOutcome(
        MetricVerdict(
            verdict=verdict,
            summary=VALUE,
            unit=unit,
            baseline=middle,
            candidate=median(candidate),
            baseline_runs=len(baseline),
            candidate_runs=len(candidate),
            runs_needed=needed,
            reason=reason,
        ),
        suspicious=worse,
    )
