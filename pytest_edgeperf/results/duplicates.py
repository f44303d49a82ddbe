"""Copies of a run are no further evidence: which runs are the same, however often they are written down."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Tuple

from .types import Run

#: Session, start and environment.
_Key = Tuple[str, str, str]


def distinct(runs: Iterable[Run]) -> List[Run]:
    """The runs without copies, the first of each kept.

    A copy agrees in session, start, environment and all figures, as rounded in a results file. It may differ in its
    reason: accepting a run changes that. Two runs of one session that began in the same second are no copies.
    """
    kept: List[Run] = []
    first: Dict[_Key, Run] = {}
    # Of the runs that share a key: those with the same figure.
    alike: Dict[_Key, Dict[Any, List[Run]]] = {}
    for run in runs:
        key = (run.session, run.started, run.environment)
        if key in first:
            if key not in alike:
                alike[key] = {_figure(first[key]): [first[key]]}
            same = alike[key].setdefault(_figure(run), [])
            if any(_agree(run, other) for other in same):
                continue
            same.append(run)
        else:
            first[key] = run
        kept.append(run)
    return kept


def _figure(run: Run) -> Any:
    """One figure of a run as rounded, or ``None``: runs that differ in it are no copies."""
    value = run.values[min(run.values)] if run.values else None
    if isinstance(value, (dict, Mapping)):
        value = value.get("mean")
    return float(f"{value:.6g}") if type(value) is float else value if isinstance(value, int) else None


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
    return _agree_rounded(run.values, other.values)


def _agree_rounded(value: Any, other: Any) -> bool:
    """Whether :func:`rounded` makes two values equal; ends at the first that differs, as those of two runs do."""
    if value == other:
        return True
    kind = type(value)
    if kind is float or type(other) is float:
        return bool(rounded(value) == rounded(other))
    # An abstract class is asked last: that takes ten times as long.
    if (kind is dict or isinstance(value, Mapping)) and (type(other) is dict or isinstance(other, Mapping)):
        return len(value) == len(other) and all(
            name in other and _agree_rounded(inner, other[name]) for name, inner in value.items()
        )
    if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(value) == len(other) and all(map(_agree_rounded, value, other))
    return False
