"""Benchmarks that are gone, and those that are probably the same under another name."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from itertools import product
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from pytest_edgeperf.judge.verdicts import MISSING, NEW, BenchmarkVerdict, Comparison, Rename
from pytest_edgeperf.results.benchmark_matching import file_of, function_of, parameters_key
from pytest_edgeperf.results.types import Results

LATENCY = "latency"
GONE = "no longer collected"
#: Functions without parameters that lie in different files are only paired when their names are this similar.
SIMILAR_NAMES = 0.8

#: More pairs of names are not compared letter by letter.
MOST_PAIRS = 2000

Judge = Callable[[Results, Results], Comparison]


def with_missing(comparison: Comparison, missing: Iterable[str]) -> Comparison:
    """The comparison with a verdict on these benchmarks of the baseline, which no longer exist."""
    gone = {name: BenchmarkVerdict(MISSING, reason=GONE) for name in missing}
    return replace(comparison, benchmarks={**comparison.benchmarks, **gone}) if gone else comparison


def with_renames(comparison: Comparison, base: Results, candidate: Results, judge: Judge) -> Comparison:
    """The comparison with its new and its missing benchmarks side by side where they are probably the same.

    Args:
        comparison: of ``base`` and ``candidate``.
        base, candidate: their runs.
        judge: gives the change between the two names.
    """
    new = [
        name
        for name, verdict in comparison.benchmarks.items()
        if verdict.verdict == NEW and name in candidate.benchmarks
    ]
    missing = [
        name
        for name, verdict in comparison.benchmarks.items()
        if verdict.verdict == MISSING and name in base.benchmarks
    ]
    if not new or not missing:
        return comparison
    old_names = probable_renames(_keys(base, missing), _keys(candidate, new))
    if not old_names:
        return comparison
    renamed = replace(base, benchmarks={now: base.benchmarks[old] for now, old in old_names.items()})
    measured = replace(candidate, benchmarks={now: candidate.benchmarks[now] for now in old_names})
    judged = judge(renamed, measured).benchmarks
    return replace(
        comparison,
        renames=tuple(_rename(old, now, judged.get(now)) for now, old in sorted(old_names.items())),
    )


def probable_renames(missing: Mapping[str, Optional[str]], new: Mapping[str, Optional[str]]) -> Dict[str, str]:
    """Pair new with missing benchmarks, new id -> old id; both are id -> key of the parameters (``None``: unknown).

    Functions are paired as a whole, at most once each: those that share the most parametrisations first, then those
    of the same file, then those of similar names.
    """
    old_functions, new_functions = _by_function(missing), _by_function(new)
    candidates: List[Tuple[Tuple[int, bool, float], str, str]] = []
    for old, now in _worth_comparing(list(old_functions), list(new_functions)):
        shared = old_functions[old].keys() & new_functions[now].keys()
        if shared and (_has_values(shared) or _alike(old, now)):
            candidates.append(((len(shared), _file(old) == _file(now), _similarity(old, now)), old, now))
    pairs: Dict[str, str] = {}
    paired: Set[str] = set()
    for _, old, now in sorted(candidates, reverse=True):
        if old in paired or now in paired:
            continue
        paired.update((old, now))
        for key, name in new_functions[now].items():
            if key in old_functions[old]:
                pairs[name] = old_functions[old][key]
    return pairs


def _worth_comparing(old: Sequence[str], new: Sequence[str]) -> Iterator[Tuple[str, str]]:
    """All pairs; of very many, those that have the same name in different files: a folder or a file was moved."""
    if len(old) * len(new) <= MOST_PAIRS:
        yield from product(old, new)
        return
    named: Dict[str, List[str]] = {}
    for now in new:
        named.setdefault(_name(now), []).append(now)
    for before in old:
        moved = named.get(_name(before), [])
        # More than one of that name in other files: nothing says which.
        if len(moved) == 1:
            yield before, moved[0]


def _keys(results: Results, names: Sequence[str]) -> Dict[str, Optional[str]]:
    return {name: parameters_key(results.benchmarks[name].parameters) for name in names}


def _by_function(entries: Mapping[str, Optional[str]]) -> Dict[str, Dict[str, str]]:
    functions: Dict[str, Dict[str, str]] = {}
    for name, key in entries.items():
        if key is not None:
            functions.setdefault(function_of(name), {}).setdefault(key, name)
    return functions


def _has_values(keys: Iterable[str]) -> bool:
    return any(key != "{}" for key in keys)


def _alike(old: str, now: str) -> bool:
    return _file(old) == _file(now) or _similarity(old, now) >= SIMILAR_NAMES


def _file(function: str) -> str:
    return file_of(function)


def _similarity(old: str, now: str) -> float:
    return SequenceMatcher(None, _name(old), _name(now), autojunk=False).ratio()


def _name(function: str) -> str:
    return function[len(file_of(function)) :]


def _rename(old: str, new: str, verdict: Optional[BenchmarkVerdict]) -> Rename:
    metric = verdict.metrics.get(LATENCY) if verdict is not None else None
    if metric is None:
        return Rename(old, new, reason=verdict.reason if verdict is not None else None)
    return Rename(old, new, metric.ratio, metric.interval)
