"""The sessions of two sides' runs: runs of one session share a machine's state and a build."""

from __future__ import annotations

import math
from typing import Dict, List, NamedTuple, Sequence

#: Added to the variance of a difference where the two sides are builds of different commits. Rebuilds of one commit
#: moved benchmarks by 0.4 to 1.3 % (standard deviation, nine pairs of builds): the least of it is always allowed for.
REBUILD_VARIANCE = 0.004**2

#: Likewise for another boot of the machine: virtual machines of one type differed by 0.1 %.
BOOT_VARIANCE = 0.001**2

#: Squares of logarithms below this are what rounding leaves of equal values.
_ROUNDING = 1e-24


class Origins(NamedTuple):
    """The session of every run of the two sides, and what else than a session's state they differ by."""

    base: Sequence[str]
    candidate: Sequence[str]
    #: Added to the variance of the difference: another build, another boot.
    variance: float = 0.0

    @classmethod
    def of(cls, base_runs: int, candidate_runs: int, *, apart: bool) -> Origins:
        """Return the origins of two sides of one session each, the same or not."""
        return cls(["base"] * base_runs, ["candidate" if apart else "base"] * candidate_runs)


class Nested(NamedTuple):
    """The runs of two sides as runs within sessions, on the logarithmic scale."""

    #: Around the mean of each session of each side, and their degrees of freedom.
    squares: float
    freedom: int
    #: By what the variance between sessions counts in the variance of the difference of the sides' means.
    factor: float
    #: The means of the baseline's sessions around their common mean, weighted by runs, and degrees of freedom.
    between_squares: float
    between_freedom: int
    #: The runs of a typical baseline session: E(between_squares / between_freedom) = run + runs x session variance.
    between_runs: float


def nested(base: Sequence[float], candidate: Sequence[float], origins: Origins) -> Nested:
    """Split the runs of two sides into sessions.

    A side's mean weighs its runs alike, so a session weighs as many as it has, and sessions count by the sum of the
    squared differences between their weights on the two sides: 2 for one session against another, 0 for the same.
    """
    # One session on each side is what most files hold.
    if _is_one(origins.base) and _is_one(origins.candidate):
        squares = _squares(base) + _squares(candidate)
        factor = 0.0 if origins.base[0] == origins.candidate[0] else 2.0
        return Nested(squares, len(base) + len(candidate) - 2, factor, 0.0, 0, 1.0)
    before, after = _by_session(base, origins.base), _by_session(candidate, origins.candidate)
    squares = sum(session.squares for session in (*before.values(), *after.values()))
    freedom = sum(session.runs - 1 for session in (*before.values(), *after.values()))
    if not freedom and len(base) + len(candidate) > 2:
        return _of_single_runs(base, candidate)
    factor = sum(
        (_weight(before, name, len(base)) - _weight(after, name, len(candidate))) ** 2 for name in {**before, **after}
    )
    mean = math.fsum(base) / len(base)
    between = math.fsum(session.runs * (session.mean - mean) ** 2 for session in before.values())
    sessions = len(before) - 1
    typical = 1.0
    if sessions:
        typical = (len(base) - sum(session.runs**2 for session in before.values()) / len(base)) / sessions
    return Nested(squares, freedom, factor, between, sessions, typical)


def _of_single_runs(base: Sequence[float], candidate: Sequence[float]) -> Nested:
    """Every run had a session to itself: their scatter holds that of sessions, and nothing is to be added."""
    return Nested(_squares(base) + _squares(candidate), len(base) + len(candidate) - 2, 0.0, 0.0, 0, 1.0)


def _is_one(sessions: Sequence[str]) -> bool:
    return sessions[0] == sessions[-1] and len(set(sessions)) == 1


def _squares(values: Sequence[float]) -> float:
    """The sum of squares around the mean."""
    mean = math.fsum(values) / len(values)
    squares = math.fsum([(value - mean) ** 2 for value in values])
    return squares if squares > _ROUNDING else 0.0


class _Session(NamedTuple):
    runs: int
    mean: float
    squares: float


def _by_session(values: Sequence[float], sessions: Sequence[str]) -> Dict[str, _Session]:
    groups: Dict[str, List[float]] = {}
    for value, session in zip(values, sessions):
        groups.setdefault(session, []).append(value)
    summarised = {}
    for session, group in groups.items():
        summarised[session] = _Session(len(group), math.fsum(group) / len(group), _squares(group))
    return summarised


def _weight(sessions: Dict[str, _Session], name: str, runs: int) -> float:
    return sessions[name].runs / runs if name in sessions else 0.0
