"""Medians and percentiles in plain Python: importing numpy would cost each worker time, and memory that it reports."""

from __future__ import annotations

from typing import Iterable, List, Sequence, TypeVar

Item = TypeVar("Item")


def percentile(ordered: Sequence[float], percent: float) -> float:
    """A percentile of sorted values, between neighbours by linear interpolation, as numpy's default is.

    Definition 7 of Hyndman and Fan, "Sample quantiles in statistical packages" (1996).

    Args:
        ordered: at least one value, in ascending order.
        percent: 0 to 100.
    """
    position = (len(ordered) - 1) * percent / 100
    below = min(int(position), len(ordered) - 1)
    above = min(below + 1, len(ordered) - 1)
    share = position - below
    return ordered[below] + (ordered[above] - ordered[below]) * share


def median(values: Iterable[float]) -> float:
    """The median of at least one value, in any order."""
    return percentile(sorted(values), 50)


def parts_of(values: Sequence[Item], count: int) -> List[Sequence[Item]]:
    """Consecutive parts as equal in length as can be, the longer ones first."""
    length, longer = divmod(len(values), count)
    ends = [number * length + min(number, longer) for number in range(count + 1)]
    return [values[start:end] for start, end in zip(ends, ends[1:])]
