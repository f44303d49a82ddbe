"""What is said of a changed placement, which comes before all else that differs: it is usually the cause."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict
from pytest_edgeperf.report.text import printable
from pytest_edgeperf.results.placement import (
    PLACEMENT,
    PLACEMENT_FIELD,
    Placement,
    both_placements,
    nodes_moved,
    placement_changed,
)

#: What its line begins with.
MOVED = "Placement changed"

Differences = Mapping[str, Tuple[Any, Any]]


def placement_text(verdict: BenchmarkVerdict) -> str:
    """``Placement changed: CUDAExecutionProvider 120 -> 118 nodes, CPUExecutionProvider 0 -> 2``, or nothing."""
    pair = verdict.moved_placement
    return "" if pair is None else printable(f"{MOVED}: {_counts(*pair)}")


def without_moved(verdict: BenchmarkVerdict) -> Differences:
    """What else differs in the environment than a placement that has a sentence of its own."""
    if verdict.moved_placement is None:
        return verdict.differences
    return {name: pair for name, pair in verdict.differences.items() if name != PLACEMENT_FIELD}


def placement_first(differences: Differences) -> List[Tuple[str, Tuple[Any, Any]]]:
    """Differences by name, behind a placement whose nodes moved."""
    return sorted(differences.items(), key=lambda difference: (not _is_moved(*difference), difference[0]))


def placement_difference(name: str, pair: Tuple[Any, Any]) -> Optional[str]:
    """``placement CPUExecutionProvider 120 -> 118 nodes``, where the field is a placement that both sides know."""
    if not _is_placement(name) or not placement_changed(pair):
        return None
    before, after = pair
    return f"{PLACEMENT} {_counts(before, after)}"


def counted_placements(verdicts: Iterable[BenchmarkVerdict]) -> Dict[str, int]:
    """The sentences on changed placements, the most frequent first, and for how many benchmarks each holds."""
    numbers: Dict[str, int] = {}
    for text in filter(None, map(placement_text, verdicts)):
        numbers[text] = numbers.get(text, 0) + 1
    return dict(sorted(numbers.items(), key=lambda counted: -counted[1]))


def _is_placement(name: str) -> bool:
    return name in (PLACEMENT, PLACEMENT_FIELD)


def _is_moved(name: str, pair: Tuple[Any, Any]) -> bool:
    placements = both_placements(pair) if _is_placement(name) else None
    return placements is not None and nodes_moved(*placements)


def _counts(before: Placement, after: Placement) -> str:
    """The providers whose number of nodes changed, those that had most first."""
    changed = [name for name in {**before, **after} if before.get(name, 0) != after.get(name, 0)]
    changed.sort(key=lambda name: (-before.get(name, 0), -after.get(name, 0), name))
    words = [f"{name} {before.get(name, 0)} -> {after.get(name, 0)}" for name in changed]
    return ", ".join([f"{words[0]} nodes", *words[1:]])
