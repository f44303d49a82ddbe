"""Which operators before and after are the same: by their outputs, names, kinds and order; fused and split ones too."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Callable, Dict, Hashable, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from pytest_edgeperf.results.cost_profiles import FunctionTimes, OperatorTimes

#: What took the place of something else is shown as one row up to so many operators on a side.
_MOST_TOGETHER = 6
#: Cells of the table by which two sequences are aligned; longer ones are matched by their kinds' numbers.
_MOST_CELLS = 250_000
#: What exporters number in the order of the graph says where an operator stands, not which it is.
_ENDING = re.compile(r"(?:[_:/]output(?:[_:]\d+)?|:\d+)\Z")
_NUMBERED = re.compile(r"([A-Za-z.:]*?)[_:.]?\d+\Z")
#: Characters at the end of a name by which that is seen.
_LONGEST = 200
_WORD = re.compile(r"[^a-z0-9]+")
_FUSED = "fused"


class Match(NamedTuple):
    """Places in the lists before and after of what is the same; one side may be empty."""

    before: Tuple[int, ...]
    after: Tuple[int, ...]


def match_functions(before: Sequence[FunctionTimes], after: Sequence[FunctionTimes]) -> List[Match]:
    """Functions of the same name and file are the same, then those of the same name in a file that moved."""
    pairs: Dict[int, int] = {}
    for key_of in (lambda one: (one.file, one.name), lambda one: (one.file.rpartition("/")[2], one.name)):
        _pair_by(before, after, pairs, key_of)
    return _with_unmatched([Match((b,), (a,)) for b, a in pairs.items()], len(before), len(after))


def match_operators(
    before: Sequence[OperatorTimes], after: Sequence[OperatorTimes], *, complete: bool = True
) -> List[Match]:
    """Each operator of both sides in one match, in no order that says anything.

    Args:
        before, after: in order of execution.
        complete: whether these are all operators; where some were left out, an operator that has no counterpart took no
            other's place.
    """
    pairs: Dict[int, int] = {}
    for key_of in (_outputs_key, _name_key):
        _pair_by(before, after, pairs, key_of, lambda one, other: _compatible(one.kind, other.kind))
    for rows, columns in _gaps(pairs, len(before), len(after)):
        pairs.update(_aligned(before, after, rows, columns))
    return _with_unmatched(_regrouped(pairs, before, after, complete), len(before), len(after))


def _pair_by(
    before: Sequence[object],
    after: Sequence[object],
    pairs: Dict[int, int],
    key_of: Callable[..., Optional[Hashable]],
    agree: Callable[..., bool] = lambda one, other: True,
) -> None:
    """Pair what has the same key; what shares it with others is paired in order, where both sides have as many."""
    taken = set(pairs.values())
    places_before = _by_key(before, key_of, pairs)
    places_after = _by_key(after, key_of, taken)
    for key, rows in places_before.items():
        columns = places_after.get(key, ())
        if len(rows) == len(columns):
            pairs.update((b, a) for b, a in zip(rows, columns) if agree(before[b], after[a]))


def _by_key(
    parts: Sequence[object], key_of: Callable[..., Optional[Hashable]], without: Iterable[int]
) -> Dict[Hashable, List[int]]:
    skipped = set(without)
    places: Dict[Hashable, List[int]] = {}
    for place, part in enumerate(parts):
        key = key_of(part) if place not in skipped else None
        if key is not None:
            places.setdefault(key, []).append(place)
    return places


def _outputs_key(operator: OperatorTimes) -> Optional[Hashable]:
    return _named_outputs(operator) or None


def _named_outputs(operator: OperatorTimes) -> Tuple[str, ...]:
    return tuple(output for output in operator.outputs if not _is_numbered(output, operator.kind))


def _name_key(operator: OperatorTimes) -> Optional[Hashable]:
    return None if _is_numbered(operator.name, operator.kind) else operator.name


def _is_numbered(name: str, kind: str) -> bool:
    """Whether a name is empty, a number, or the kind with a number: ``12``, ``Conv_3``, ``relu:0``."""
    base = _ENDING.sub("", name[-_LONGEST:])
    numbered = _NUMBERED.match(base)
    stem = base if numbered is None else numbered[1]
    return not stem or (bool(_word(stem)) and _word(stem) == _word(kind))


def _word(text: str) -> str:
    return _WORD.sub("", text.casefold())


def _compatible(kind: str, other: str) -> bool:
    """Whether one may be the other, fused: ``FusedConv`` and ``Conv``; a kind that is not known may be any."""
    one, two = _word(kind), _word(other)
    return one in two or two in one


def _without_fused(kind: str) -> str:
    word = _word(kind)
    return word[len(_FUSED) :] if word.startswith(_FUSED) else word


def _gaps(pairs: Dict[int, int], rows: int, columns: int) -> List[Tuple[List[int], List[int]]]:
    """What has no counterpart yet, between neighbours that have one: places before, and after.

    Pairs that cross others (parallel branches in another order) bound nothing.
    """
    taken = set(pairs.values())
    bounds = [(-1, -1), *_increasing(sorted(pairs.items())), (rows, columns)]
    gaps = []
    for (b, a), (next_b, next_a) in zip(bounds, bounds[1:]):
        left = [place for place in range(b + 1, next_b) if place not in pairs]
        right = [place for place in range(a + 1, next_a) if place not in taken]
        if left or right:
            gaps.append((left, right))
    return gaps


def _increasing(pairs: Sequence[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """The most of the pairs, sorted by their first places, whose second places ascend, too."""
    ends: List[int] = []
    last: List[int] = []
    previous: List[int] = []
    for place, (_, a) in enumerate(pairs):
        length = bisect_left(ends, a)
        previous.append(last[length - 1] if length else -1)
        if length == len(ends):
            ends.append(a)
            last.append(place)
        else:
            ends[length], last[length] = a, place
    chain: List[Tuple[int, int]] = []
    place = last[-1] if last else -1
    while place >= 0:
        chain.append(pairs[place])
        place = previous[place]
    return chain[::-1]


def _aligned(
    before: Sequence[OperatorTimes], after: Sequence[OperatorTimes], rows: List[int], columns: List[int]
) -> Dict[int, int]:
    """The longest common sequence of kinds, which need not be without gaps."""
    kinds = [_without_fused(before[place].kind) for place in rows]
    others = [_without_fused(after[place].kind) for place in columns]
    head = 0
    while head < min(len(kinds), len(others)) and kinds[head] == others[head]:
        head += 1
    tail = 0
    while tail < min(len(kinds), len(others)) - head and kinds[-1 - tail] == others[-1 - tail]:
        tail += 1
    pairs = dict(zip(rows[:head], columns[:head]))
    if tail:
        pairs.update(zip(rows[-tail:], columns[-tail:]))
    rows, columns = rows[head : len(rows) - tail], columns[head : len(columns) - tail]
    kinds, others = kinds[head : len(kinds) - tail], others[head : len(others) - tail]
    if len(rows) * len(columns) > _MOST_CELLS:
        return {**pairs, **_by_number(rows, columns, kinds, others)}
    pairs.update((rows[b], columns[a]) for b, a in _common(kinds, others))
    return pairs


def _common(kinds: Sequence[str], others: Sequence[str]) -> List[Tuple[int, int]]:
    lengths = [[0] * (len(others) + 1) for _ in range(len(kinds) + 1)]
    for b in range(len(kinds) - 1, -1, -1):
        for a in range(len(others) - 1, -1, -1):
            same = kinds[b] == others[a]
            lengths[b][a] = lengths[b + 1][a + 1] + 1 if same else max(lengths[b + 1][a], lengths[b][a + 1])
    pairs, b, a = [], 0, 0
    while b < len(kinds) and a < len(others):
        if kinds[b] == others[a]:
            pairs.append((b, a))
            b, a = b + 1, a + 1
        elif lengths[b + 1][a] >= lengths[b][a + 1]:
            b += 1
        else:
            a += 1
    return pairs


def _by_number(
    rows: Sequence[int], columns: Sequence[int], kinds: Sequence[str], others: Sequence[str]
) -> Dict[int, int]:
    """The first of each kind with the first of it, and so on."""
    waiting: Dict[str, List[int]] = {}
    for place, kind in zip(columns, others):
        waiting.setdefault(kind, []).append(place)
    ordered = {kind: iter(places) for kind, places in waiting.items()}
    found = ((place, next(ordered.get(kind, iter(())), None)) for place, kind in zip(rows, kinds))
    return {b: a for b, a in found if a is not None}


def _regrouped(
    pairs: Dict[int, int], before: Sequence[OperatorTimes], after: Sequence[OperatorTimes], complete: bool
) -> List[Match]:
    """What was fused, split or replaced: operators without a counterpart, with what took or gave their place."""
    sides = (before, after)
    groups = [([b], [a]) for b, a in pairs.items()]
    alone: List[Tuple[List[int], List[int]]] = []
    for gap in _gaps(pairs, len(before), len(after)):
        for side in (0, 1):
            _absorb(gap[side], groups, sides, side)
        if gap[0] and gap[1] and complete and max(map(len, gap)) <= _MOST_TOGETHER:
            alone.append(gap)
    return [Match(tuple(sorted(b)), tuple(sorted(a))) for b, a in (*groups, *alone)]


def _absorb(
    places: List[int],
    groups: Sequence[Tuple[List[int], List[int]]],
    sides: Tuple[Sequence[OperatorTimes], Sequence[OperatorTimes]],
    side: int,
) -> None:
    """Move the places of a gap into the groups whose other side does the same: it has their output, or is fused."""
    own, others = sides[side], sides[1 - side]
    holders = {
        output: group for group in groups for place in group[1 - side] for output in _named_outputs(others[place])
    }
    for place in list(places):
        for group in (holders[output] for output in _named_outputs(own[place]) if output in holders):
            if abs(place - group[side][0]) <= _MOST_TOGETHER:
                group[side].append(place)
                places.remove(place)
                break
    group_of = {place: group for group in groups for place in group[side]}
    for place in list(places):
        group = group_of.get(place - 1)
        if group is None or not _is_fused(own[group[side][0]].kind, others[group[1 - side][0]].kind):
            continue
        if len(group[side]) == 1 or place < max(group[side]):
            group[side].append(place)
            group_of[place] = group
            places.remove(place)


def _is_fused(kind: str, other: str) -> bool:
    """Whether ``other`` is ``kind`` and more: ``Conv`` and ``FusedConv``."""
    return "" != _word(kind) != _word(other) and _word(kind) in _word(other)


def _with_unmatched(matches: List[Match], rows: int, columns: int) -> List[Match]:
    seen_before: Set[int] = {place for match in matches for place in match.before}
    seen_after: Set[int] = {place for match in matches for place in match.after}
    gone = [Match((place,), ()) for place in range(rows) if place not in seen_before]
    new = [Match((), (place,)) for place in range(columns) if place not in seen_after]
    return [*matches, *gone, *new]
