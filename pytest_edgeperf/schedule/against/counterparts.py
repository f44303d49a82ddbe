"""Matches benchmarks of two sides by their function and the values of their parameters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Sequence, Tuple

from pytest_edgeperf.measure.protocol import Specification
from pytest_edgeperf.results.benchmark_matching import differing, free_label, matches

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Counterparts:
    """The other side's counterparts of this side's benchmarks."""

    #: This side's id -> the other side's.
    ids: Mapping[str, str] = field(default_factory=dict)
    #: This side's id -> what has another value under the same id there, name -> (there, here).
    changed: Mapping[str, Mapping[str, Tuple[Any, Any]]] = field(default_factory=dict)
    #: What only the other side has, under ids that this side does not have.
    missing: Tuple[str, ...] = ()


def counterparts(
    here: Mapping[str, Parameters],
    collected: Sequence[str],
    benchmarks: Sequence[str],
    parameters: Mapping[str, Parameters],
) -> Counterparts:
    """Match this side's benchmarks with what the other side collected.

    Args:
        here: id -> parameters of this side's benchmarks.
        collected: the ids of all that the other side collected.
        benchmarks: those among them that are marked as benchmarks.
        parameters: id -> parameters of those that have some.
    """
    there: Dict[str, Parameters] = {name: parameters.get(name, {}) for name in collected}
    ids = matches(there, here)
    changed = {name: differing(there[name], own) for name, own in here.items() if name not in ids and name in there}
    used = {*ids.values(), *changed}
    missing = [
        free_label(name, there[name], set(here)) if name in here else name for name in benchmarks if name not in used
    ]
    return Counterparts(ids, changed, tuple(missing))


def specification_of(specification: Specification, other: str) -> Specification:
    """That of a worker, made into that of the same function with other parameters, whose id is ``other``."""
    own = specification.nodeid
    (target,) = specification.targets
    # What precedes may hold brackets and colons of folders; only the parameters differ.
    same = next((at for at, pair in enumerate(zip(own, other)) if pair[0] != pair[1]), min(len(own), len(other)))
    moved = target[: len(target) - len(own) + same] + other[same:]
    return replace(specification, nodeid=other, targets=(moved,))
