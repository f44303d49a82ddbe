"""Carry the runs of a benchmark over to its new name."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any, Dict, List

from .benchmark_matching import canonical_id, function_of, matches
from .errors import ResultsError
from .types import Results

#: What may follow a name that stands for all ids that begin with it: a file's tests, a folder's files, parameters.
_BOUNDARIES = ("[", "::", "/")


def ids_of(results: Results, name: str) -> List[str]:
    """The ids that ``name`` stands for: an id, or the function, class, file or folder that ids begin with."""
    wanted = canonical_id(name).rstrip("/")
    return [
        benchmark_id
        for benchmark_id in results.benchmarks
        if canonical_id(benchmark_id) == wanted
        or any(canonical_id(benchmark_id).startswith(wanted + boundary) for boundary in _BOUNDARIES)
    ]


def rename(results: Results, old: str, new: str) -> Dict[str, str]:
    """The new id of each benchmark that ``old`` stands for, in which ``new`` is in place of ``old``.

    Raises:
        ResultsError: there is no such benchmark, or one with the new name already; the message has suggestions.
    """
    moved = ids_of(results, old)
    old, new = canonical_id(old).rstrip("/"), canonical_id(new).rstrip("/")
    if not moved:
        raise ResultsError(f"the baseline of {results.device} has no benchmark {old}{_suggestion(results, old)}")
    if not new or old == new:
        raise ResultsError("the new name must differ from the old one")
    names = {before: new + canonical_id(before)[len(old) :] for before in moved}
    staying = {name: benchmark.parameters for name, benchmark in results.benchmarks.items() if name not in names}
    taken = matches(staying, {now: results.benchmarks[before].parameters for before, now in names.items()})
    taken.update({now: now for now in names.values() if now in staying})
    if taken:
        there = min(taken.values())
        more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise ResultsError(
            f"the baseline of {results.device} already has {there}{more}, whose runs would be lost; "
            f"drop one of the two first: edgeperf baseline prune --missing-from RESULTS"
        )
    return names


def renamed(results: Results, names: Dict[str, str]) -> Results:
    """``results`` with these new ids (old -> new); runs, anchors, parameters and study places go along."""
    benchmarks: Dict[str, Any] = {names.get(name, name): benchmark for name, benchmark in results.benchmarks.items()}
    return replace(results, benchmarks=benchmarks)


def _suggestion(results: Results, old: str) -> str:
    known = list(dict.fromkeys([*map(function_of, results.benchmarks), *map(canonical_id, results.benchmarks)]))
    ends = {benchmark_id.rpartition("::")[2]: benchmark_id for benchmark_id in reversed(known)}
    close = difflib.get_close_matches(old, known, n=3, cutoff=0.6)
    close += [ends[name] for name in difflib.get_close_matches(old.rpartition("::")[2], ends, n=3, cutoff=0.6)]
    listed = list(dict.fromkeys(close))[:3]
    return f"; did you mean {', '.join(listed)}?" if listed else "; edgeperf baseline show lists them"
