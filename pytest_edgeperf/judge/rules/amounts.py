"""How a gated metric is judged that is 0 or negative somewhere: by amounts, as there is no ratio to 0."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any, List, Optional, Sequence

from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.rules.rule import Answer, Question
from pytest_edgeperf.judge.rules.sizes import answer_all_beyond, checked_numbers, scatter_margin

#: A file holds six significant digits: less of a value is rounding.
ROUNDING = 1e-5
COMPARED = "compared by differences, as there is no ratio to 0"


def judge_amounts(question: Question, family: Family) -> Optional[Answer]:
    """Regressed if every candidate run is beyond every baseline run, and beyond their median by more than a margin.

    The margin is the largest of the tolerance times the median's size, what the marker allows for this metric by name
    (in its unit) and 4 scaled median absolute deviations of the baseline. As of sizes, it takes 3 candidate and 5
    baseline runs. Between a baseline that is 0 in every run and a candidate that is not in any, without an amount that
    is allowed, any difference counts.

    Returns:
        ``None`` where the metric only informs, or a summary has no median.
    """
    base, new = _amounts_of(question.base), _amounts_of(question.candidate)
    if not question.gates or base is None or new is None:
        return None
    baseline = checked_numbers(base, question.benchmark, question.name)
    candidate = checked_numbers(new, question.benchmark, question.name)
    middle = median(baseline)
    relative = family.tolerance_of(question.benchmark, question.name)
    allowed = family.margin(question.benchmark, question.name) or 0.0
    margin = max(max(relative, ROUNDING) * abs(middle), allowed, scatter_margin(baseline))
    above = min(candidate) > max(middle + margin, max(baseline))
    below = max(candidate) < min(middle - margin, min(baseline))
    side = "above" if question.sign > 0 else "below"
    return answer_all_beyond(
        question,
        baseline,
        candidate,
        worse=above if question.sign > 0 else below,
        better=below if question.sign > 0 else above,
        reason=f"all of {len(candidate)} runs are {side} the baseline's by more than {margin:.3g} ({COMPARED})",
        otherwise=COMPARED,
    )


def _amounts_of(values: Sequence[Any]) -> Optional[List[Any]]:
    """The numbers, or the medians of the summaries; ``None`` where a summary has none."""
    medians: List[Any] = [value.get("p50") if isinstance(value, Mapping) else value for value in values]
    return None if None in medians else medians
