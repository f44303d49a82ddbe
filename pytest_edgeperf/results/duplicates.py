"""Copies of a run are no further evidence: which runs are the same, however often they are written down."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Tuple

from .types import Run


def distinct(runs: Iterable[Run]) -> List[Run]:
    """The runs without copies, the first of each kept.

    A copy agrees in session, start, environment and all figures, as rounded in a results file. It may differ in its
    reason: accepting a run changes that. Two runs of one session that began in the same second are no copies.
    """
    kept: List[Run] = []
    known: Dict[Tuple[str, str, str], List[Run]] = {}
    for run in runs:
        same = known.setdefault((run.session, run.started, run.environment), [])
        if same and any(_agree(run, other) for other in same):
            continue
        same.append(run)
        kept.append(run)
    return kept


def rounded(value: Any) -> Any:
    """A run's value as a results file holds it: with at most 6 significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [rounded(inner) for inner in value]
    if isinstance(value, (dict, Mapping)):
        return {name: rounded(inner) for name, inner in value.items()}
    return value


def _agree(run: Run, other: Run) -> bool:
    if run.source != other.source or run.extra != other.extra:
        return False
    return run.values == other.values or rounded(run.values) == rounded(other.values)
