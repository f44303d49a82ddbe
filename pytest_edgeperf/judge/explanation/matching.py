"""Which operators before and after are the same: by their outputs, names, kinds and order; fused and split ones too."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Callable, Dict, Hashable, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from pytest_edgeperf.results.cost_profiles import FunctionTimes, OperatorTimes, median

#: What took the place of something else is shown as one row up to so many operators on a side.
_MOST_TOGETHER = 6
#: Cells of the table by which two sequences are aligned; longer ones are matched by their kinds' numbers.
_MOST_CELLS = 250_000
#: No network has more operators; positions beyond are of a damaged file.
_MOST_SLOTS = 100_000
#: What exporters number in the order of the graph says where an operator stands, not which it is.
_ENDING = re.compile(r"(?:[_:/]output(?:[_:]\d+)?|:\d+)\Z")
_NUMBERED = re.compile(r"([A-Za-z.:]*?)[_:.]?\d+\Z")
#: Characters at the end of a name by which that is seen.
_LONGEST = 200
_WORD = re.compile(r"[^a-z0-9]+")
_FUSED = "fused"


#: What speaks for two operators being the same.
_SAME, _PERHAPS = 2, 1
#: Before the function that one in C is called for.
_CALLED_BY = " in "
#: By so much slower may be what was left out as short, or renamed, to be taken for it without a name.
_SLOWER = 1.5
_LEFT_OUT = OperatorTimes("", "", ())


class Match(NamedTuple):
    """Places in the lists before and after of what is the same; one side may be empty."""

    before: Tuple[int, ...]
    after: Tuple[int, ...]


def match_functions(before: Sequence[FunctionTimes], after: Sequence[FunctionTimes]) -> List[Match]:
    """Functions of the same name and file are the same, then those of the same name in a file that moved.

    Of all others, one of the same name in another file, or of another name in the same file, is the same where it takes
    about as long: what was only renamed is not new.
    """
    pairs: Dict[int, int] = {}
    for key_of in (lambda one: (one.file, one.name), lambda one: (one.file.rpartition("/")[2], one.name)):
        _pair_by(before, after, pairs, key_of)
    for other_key_of in (lambda one: one.name, _in_c_key, _file_key):
        _pair_by(before, after, pairs, other_key_of, _take_as_long)
    return _with_unmatched([Match((b,), (a,)) for b, a in pairs.items()], len(before), len(after))


def match_operators(
    before: Sequence[OperatorTimes], after: Sequence[OperatorTimes], *, left_out: Tuple[int, int] = (0, 0)
) -> List[Match]:
    """Each operator of both sides in one match, in no order that says anything.

    Args:
        before, after: in order of execution.
        left_out: how many operators each side's profile left out. Where the others say their positions, these are in
            the gaps between them; where they do not, nothing is taken for fused, split or replaced without a sign.
    """
    sides = (_Side.of(before, left_out[0]), _Side.of(after, left_out[1]))
    pairs: Dict[int, int] = {}
    for key_of in (_outputs_key, _name_key):
        _pair_by(sides[0].slots, sides[1].slots, pairs, key_of, lambda one, other: _compatible(one.kind, other.kind))
    for rows, columns in _gaps(pairs, len(sides[0].slots), len(sides[1].slots)):
        pairs.update(_aligned(sides, rows, columns))
    matches = []
    for match in _regrouped(pairs, sides):
        known = Match(sides[0].listed(match.before), sides[1].listed(match.after))
        matches += [known] if known.before and known.after else []
    return _with_unmatched(_with_moved(matches, before, after), len(before), len(after))


class _Side(NamedTuple):
    """The operators of one side in order, with one that nothing is known of in the place of each that is left out."""

    slots: Sequence[OperatorTimes]
    #: Of each slot: the operator's place in the list; ``None``: it is left out.
    places: Sequence[Optional[int]]
    #: What is left out took no longer, in milliseconds; ``None``: nothing is left out.
    most_ms: Optional[float] = None
    #: Whether all operators have a slot.
    is_whole: bool = True

    @classmethod
    def of(cls, operators: Sequence[OperatorTimes], left_out: int) -> _Side:
        """The side of a list that lacks so many operators."""
        if not left_out:
            return cls(operators, range(len(operators)))
        positions = {operator.position: place for place, operator in enumerate(operators)}
        most_ms = min((median(operator.times_ms) for operator in operators), default=0.0)
        number = max([len(operators) + left_out, *(position + 1 for position in positions if position is not None)])
        if None in positions or len(positions) < len(operators) or number > _MOST_SLOTS:
            return cls(operators, range(len(operators)), most_ms, is_whole=False)
        places = [positions.get(position) for position in range(number)]
        return cls([_LEFT_OUT if place is None else operators[place] for place in places], places, most_ms)

    def listed(self, slots: Iterable[int]) -> Tuple[int, ...]:
        """The places in the list of what is in these slots."""
        places = (self.places[slot] for slot in slots)
        return tuple(place for place in places if place is not None)

    def is_left_out(self, slot: int) -> bool:
        """Whether nothing is known of what is in a slot."""
        return self.places[slot] is None

    def may_be_left_out(self, operator: OperatorTimes) -> bool:
        """Whether an operator of the other side is so short that this side may have left it out."""
        return self.most_ms is not None and median(operator.times_ms) <= _SLOWER * self.most_ms


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


def _in_c_key(function: FunctionTimes) -> Optional[Hashable]:
    """``cv2.resize in letterbox``: the function in C and the file, whatever calls it there."""
    name, calls, _ = function.name.partition(_CALLED_BY)
    return (function.file, name) if calls else None


def _file_key(function: FunctionTimes) -> Optional[Hashable]:
    return None if _CALLED_BY in function.name else function.file or None


def _take_as_long(one: FunctionTimes, other: FunctionTimes) -> bool:
    times = median(one.costs_ms), median(other.costs_ms)
    return max(times) <= _SLOWER * min(times)


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


def _aligned(sides: Tuple[_Side, _Side], rows: List[int], columns: List[int]) -> Dict[int, int]:
    """The longest common sequence of kinds, which need not be without gaps."""
    before, after = sides
    alike = _Alike(sides)
    head = 0
    while head < min(len(rows), len(columns)) and alike(rows[head], columns[head]) == _SAME:
        head += 1
    tail = 0
    while tail < min(len(rows), len(columns)) - head and alike(rows[-1 - tail], columns[-1 - tail]) == _SAME:
        tail += 1
    pairs = dict(zip(rows[:head], columns[:head]))
    if tail:
        pairs.update(zip(rows[-tail:], columns[-tail:]))
    rows, columns = rows[head : len(rows) - tail], columns[head : len(columns) - tail]
    if len(rows) == len(columns) and all(map(alike, rows, columns)):
        pairs.update(zip(rows, columns))
    elif len(rows) * len(columns) <= _MOST_CELLS:
        pairs.update(_common(rows, columns, alike))
    elif before.most_ms is None and after.most_ms is None:
        pairs.update(_by_number(rows, columns, alike.before, alike.after))
    return pairs


class _Alike:
    """How much speaks for two slots being the same operator: its kind, or that one side may have left it out."""

    def __init__(self, sides: Tuple[_Side, _Side]) -> None:
        self._sides = sides
        self.before, self.after = ([_without_fused(operator.kind) for operator in side.slots] for side in sides)

    def __call__(self, row: int, column: int) -> int:
        """:data:`_SAME` by kind, less where it may be, 0 where it cannot be."""
        before, after = self._sides
        unknown = before.is_left_out(row), after.is_left_out(column)
        if not any(unknown):
            return _SAME if self.before[row] == self.after[column] else 0
        if all(unknown):
            return _PERHAPS
        side, other = (before, after.slots[column]) if unknown[0] else (after, before.slots[row])
        return _PERHAPS if side.may_be_left_out(other) else 0


def _common(rows: Sequence[int], columns: Sequence[int], alike: _Alike) -> List[Tuple[int, int]]:
    scores = [[alike(row, column) for column in columns] for row in rows]
    best = [[0] * (len(columns) + 1) for _ in range(len(rows) + 1)]
    for b in range(len(rows) - 1, -1, -1):
        for a in range(len(columns) - 1, -1, -1):
            both = best[b + 1][a + 1] + scores[b][a] if scores[b][a] else 0
            best[b][a] = max(both, best[b + 1][a], best[b][a + 1])
    pairs, b, a = [], 0, 0
    while b < len(rows) and a < len(columns):
        if scores[b][a] and best[b][a] == best[b + 1][a + 1] + scores[b][a]:
            pairs.append((rows[b], columns[a]))
            b, a = b + 1, a + 1
        elif best[b][a] == best[b + 1][a]:
            b += 1
        else:
            a += 1
    return pairs


def _by_number(
    rows: Sequence[int], columns: Sequence[int], kinds: Sequence[str], others: Sequence[str]
) -> Dict[int, int]:
    """The first of each kind with the first of it, and so on."""
    waiting: Dict[str, List[int]] = {}
    for place in columns:
        waiting.setdefault(others[place], []).append(place)
    ordered = {kind: iter(places) for kind, places in waiting.items()}
    counterparts = ((place, next(ordered.get(kinds[place], iter(())), None)) for place in rows)
    return {b: a for b, a in counterparts if a is not None}


def _regrouped(pairs: Dict[int, int], sides: Tuple[_Side, _Side]) -> List[Match]:
    """What was fused, split or replaced: operators without a counterpart, with what took or gave their place."""
    slots = (sides[0].slots, sides[1].slots)
    groups = [([b], [a]) for b, a in pairs.items()]
    alone: List[Tuple[List[int], List[int]]] = []
    for rows, columns in _gaps(pairs, len(slots[0]), len(slots[1])):
        gap = (
            [slot for slot in rows if not sides[0].is_left_out(slot)],
            [slot for slot in columns if not sides[1].is_left_out(slot)],
        )
        for side in (0, 1):
            _absorb(gap[side], groups, slots, side)
        whole = all(side.is_whole for side in sides)
        if gap[0] and gap[1] and whole and max(map(len, gap)) <= _MOST_TOGETHER:
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
        for holder in (holders[output] for output in _named_outputs(own[place]) if output in holders):
            if abs(place - holder[side][0]) <= _MOST_TOGETHER:
                holder[side].append(place)
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
    one, more = _word(kind), _word(other)
    return bool(one) and one != more and one in more


def _with_moved(matches: List[Match], before: Sequence[OperatorTimes], after: Sequence[OperatorTimes]) -> List[Match]:
    """What has no counterpart where it stands has one of its kind elsewhere, if there is any."""
    gone, new = _unmatched(matches, len(before), len(after))
    kinds, others = ([_without_fused(operator.kind) for operator in side] for side in (before, after))
    return [*matches, *(Match((b,), (a,)) for b, a in _by_number(gone, new, kinds, others).items())]


def _with_unmatched(matches: List[Match], rows: int, columns: int) -> List[Match]:
    gone, new = _unmatched(matches, rows, columns)
    return [*matches, *(Match((place,), ()) for place in gone), *(Match((), (place,)) for place in new)]


def _unmatched(matches: Iterable[Match], rows: int, columns: int) -> Tuple[List[int], List[int]]:
    seen_before: Set[int] = {place for match in matches for place in match.before}
    seen_after: Set[int] = {place for match in matches for place in match.after}
    return (
        [place for place in range(rows) if place not in seen_before],
        [place for place in range(columns) if place not in seen_after],
    )
