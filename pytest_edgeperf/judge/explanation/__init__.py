"""Why a benchmark got slower: which operators or functions take longer, by two profiles. Pure functions."""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from pytest_edgeperf.judge.explanation.matching import Match, match_functions, match_operators
from pytest_edgeperf.judge.explanation.noise import PairOfTimes, judge_pairs
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict
from pytest_edgeperf.results.cost_profiles import (
    CostList,
    CostProfile,
    FunctionTimes,
    OperatorTimes,
    Part,
    median,
    together,
)
from pytest_edgeperf.results.explanations import FUNCTIONS, OPERATORS, CostTable, ExplainedPart, Explanation

__all__ = ["MOST_ROWS", "explain", "that_explain"]

#: Of a table; all others are the rest.
MOST_ROWS = 10
#: Of the loss: less than this explains nothing, however sure it is.
LEAST_SHARE = 0.05
#: Of all time: a part without a counterpart that takes less than this may be there by chance.
LEAST_NEW_SHARE = 0.01
#: Operators of a row whose names it shows.
_NAMED = 3
#: Relative; a results file holds six digits of what a session judged.
_ROUNDING = 1e-4


class _Row(NamedTuple):
    """A part on both sides with its repetitions; an empty side is one that it was not on."""

    label: str
    was: str
    place: str
    before_ms: Tuple[float, ...]
    after_ms: Tuple[float, ...]
    #: Whether a compact profile left it out, so that ``before_ms`` is the most that it took.
    at_most: bool = False


class _Parts(NamedTuple):
    """The rows, and what has none: how many parts, and their times on both sides."""

    rows: List[_Row]
    others: int
    before_ms: float
    after_ms: float


def explain(
    before: CostProfile,
    after: CostProfile,
    before_ms: Optional[float] = None,
    after_ms: Optional[float] = None,
) -> Explanation:
    """Which operators and functions explain that a benchmark got slower.

    Nothing within the noise of the profiles is blamed, and nothing where the latency did not rise.

    Args:
        before, after: the profiled passes of both sides.
        before_ms, after_ms: the latencies as measured, apart from the profiles; where they are not known, the sums of
            the profiles stand for them.
    """
    reasons = [
        f"{side}: {profile.reason_without}"
        for side, profile in (("before", before), ("after", after))
        if profile.reason_without
    ]
    if len(reasons) == 2 and before.reason_without == after.reason_without:
        reasons = [str(after.reason_without)]
    explanation = Explanation(before_ms, after_ms, reasons=tuple(reasons))
    tables = []
    for parts in (OPERATORS, FUNCTIONS):
        then: Optional[CostList] = getattr(before, parts)
        now: Optional[CostList] = getattr(after, parts)
        if then is not None and now is not None and (then.listed or now.listed):
            tables.append(_table(parts, then, now, explanation))
    return Explanation(before_ms, after_ms, tuple(tables), tuple(reasons))


def that_explain(
    verdicts: Mapping[str, BenchmarkVerdict], explanations: Mapping[str, Explanation]
) -> Dict[str, Explanation]:
    """Those of a results file that are of the same change as the verdicts.

    A session explains the change from its own baseline: beside a comparison with another file it says nothing.
    """
    kept = {}
    for name, explanation in explanations.items():
        latency = verdicts[name].metrics.get("latency") if name in verdicts else None
        judged = (None, None) if latency is None else (latency.baseline, latency.candidate)
        if name in verdicts and all(map(_is_same, judged, (explanation.before_ms, explanation.after_ms))):
            kept[name] = explanation
    return kept


def _is_same(one_ms: Optional[float], other_ms: Optional[float]) -> bool:
    if one_ms is None or other_ms is None:
        return one_ms is other_ms
    return math.isclose(one_ms, other_ms, rel_tol=_ROUNDING)


def _table(parts: str, before: CostList, after: CostList, explanation: Explanation) -> CostTable:
    named = _rows(before, after)
    sum_before, sum_after = before.sum_ms, after.sum_ms
    loss = explanation.loss_ms if explanation.before_ms is not None else sum_after - sum_before
    both = [row for row in named.rows if row.before_ms and row.after_ms]
    judged = judge_pairs(
        [PairOfTimes(row.before_ms, row.after_ms) for row in both],
        excess_ms=_excess(sum_before, sum_after, explanation),
        # What a profile left out by its cost has no row and is never blamed.
        tests=len(named.rows),
    )
    of_pairs = dict(zip(map(id, both), zip(judged.noise_ms, judged.slower)))
    least_new = LEAST_NEW_SHARE * sum_before
    explained = []
    for row in named.rows:
        noise, slower = of_pairs.get(id(row), (least_new, _is_new(row, after, least_new)))
        difference = median(row.after_ms) - median(row.before_ms)
        explained.append(
            ExplainedPart(
                row.label,
                median(row.before_ms) if row.before_ms else None,
                median(row.after_ms) if row.after_ms else None,
                noise,
                blamed=bool(slower and loss and difference >= LEAST_SHARE * loss > 0),
                place=row.place,
                was=row.was,
                at_most=row.at_most,
            )
        )
    explained.sort(key=lambda row: (not row.blamed, -row.difference_ms if row.blamed else -abs(row.difference_ms)))
    shown, others = explained[:MOST_ROWS], explained[MOST_ROWS:]
    return CostTable(
        parts,
        tuple(shown),
        rest=len(others) + named.others,
        rest_before_ms=named.before_ms + math.fsum(row.before_ms or 0.0 for row in others if not row.at_most),
        rest_after_ms=named.after_ms + math.fsum(row.after_ms or 0.0 for row in others),
        blamed=sum(row.blamed for row in explained),
        shift=judged.shift,
        source=after.source or before.source,
    )


def _excess(sum_before: float, sum_after: float, explanation: Explanation) -> float:
    """By how much the sum of all parts rose more than the latency, in milliseconds: the profiled process was slower."""
    if not explanation.before_ms or explanation.after_ms is None:
        return 0.0
    # Operators side by side come to more than the latency, and rise by as many times more.
    scale = max(1.0, sum_before / explanation.before_ms)
    return (sum_after - sum_before) - scale * max(0.0, explanation.after_ms - explanation.before_ms)


def _is_new(row: _Row, after: CostList, least_ms: float) -> bool:
    """Whether a part that was not there is there in every repetition, and takes more than chance would put there."""
    repetitions = max(len(part.costs_ms) for part in after.listed) if after.listed else 0
    return len(row.after_ms) == repetitions and min(row.after_ms, default=0.0) > 0 and median(row.after_ms) > least_ms


def _rows(before: CostList, after: CostList) -> _Parts:
    """The parts that can be named, and those that a compact profile does not tell apart."""
    # What a compact profile left out took no more than the least of what it kept.
    least: Tuple[float, ...] = min((part.costs_ms for part in before.listed), key=median, default=before.others_ms)
    rows, number = [], after.others
    rest_before, rest_after = [median(before.others_ms)], [median(after.others_ms)]
    for match in _matches(before, after):
        then = [before.listed[place] for place in match.before]
        now = [after.listed[place] for place in match.after]
        if not now and after.others:
            rest_before.append(median(_sum(then)))
        elif not then and before.others:
            if median(_sum(now)) > median(least):
                rows.append(_Row(_label(now), "", _place(now), least, _sum(now), at_most=True))
            else:
                rest_after.append(median(_sum(now)))
                number += 1
        else:
            label, was = _label(now or then), _label(then)
            rows.append(
                _Row(label, was if now and was not in ("", label) else "", _place(now or then), _sum(then), _sum(now))
            )
    return _Parts(rows, number, math.fsum(rest_before), math.fsum(rest_after))


def _matches(before: CostList, after: CostList) -> Sequence[Match]:
    then = [part for part in before.listed if isinstance(part, OperatorTimes)]
    now = [part for part in after.listed if isinstance(part, OperatorTimes)]
    if then or now:
        return match_operators(then, now, left_out=(before.others, after.others))
    return match_functions(
        [part for part in before.listed if isinstance(part, FunctionTimes)],
        [part for part in after.listed if isinstance(part, FunctionTimes)],
    )


def _sum(parts: Sequence[Part]) -> Tuple[float, ...]:
    return together([part.costs_ms for part in parts])


def _label(parts: Sequence[Part]) -> str:
    names = [_name(part) for part in parts]
    more = len(names) - _NAMED
    return " + ".join([*names[:_NAMED], f"{more} more"] if more > 0 else names)


def _name(part: Part) -> str:
    if isinstance(part, FunctionTimes) or part.name.startswith(part.kind.replace(" ", "")):
        return part.name
    return f"{part.kind} {part.name}".rstrip()


def _place(parts: Sequence[Part]) -> str:
    first: Union[Part, None] = parts[0] if parts else None
    if not isinstance(first, FunctionTimes) or not first.file:
        return ""
    return f"{first.file}:{first.line}" if first.line else first.file
