"""How the series of a chart are told apart, whatever draws it, and which values need a logarithmic axis."""

from __future__ import annotations

from typing import Dict, NamedTuple, Sequence

#: Different colours and markers that there are.
HUES, SHAPES = 7, 10
#: A value is shown on a logarithmic axis where the largest is so many times the smallest.
_LOGARITHMIC_FROM = 15.0


class Look(NamedTuple):
    """A series' place among the colours and among the markers."""

    colour: int
    marker: int


def looks_of(names: Sequence[str]) -> Dict[str, Look]:
    """A look for each series; names of two parts share the colour by the first and the marker by the last."""
    parts = [(name.rpartition(" ")[0], name.rpartition(" ")[2]) for name in names]
    firsts, lasts = list(dict.fromkeys(part for part, _ in parts)), list(dict.fromkeys(part for _, part in parts))
    shared = all(first for first in firsts) and 1 < len(firsts) < len(names) and len(lasts) < len(names)
    if shared and len(firsts) <= HUES and len(lasts) <= SHAPES:
        return {name: Look(firsts.index(first), lasts.index(last)) for name, (first, last) in zip(names, parts)}
    return {name: Look(at % HUES, at % SHAPES) for at, name in enumerate(names)}


def is_logarithmic(values: Sequence[float]) -> bool:
    """Whether values are drawn on a logarithmic axis: all are above 0, and the largest is many times the smallest."""
    return min(values) > 0 and max(values) >= _LOGARITHMIC_FROM * min(values)
