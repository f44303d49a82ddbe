"""Field names with one slip of the fingers: kept as unknown fields they would change a verdict without a word.

Unknown fields are kept, as a newer version may have written them. But ``"margni"`` is no field of a newer version: it
is a margin that would not count. So no field may ever get a name that is one letter off from another's.
"""

from __future__ import annotations

from typing import Iterable, Optional

from .errors import InvalidError

#: Of shorter names too many are one letter from each other.
_SHORTEST = 4


def misspelt(name: str, known: Iterable[str]) -> Optional[str]:
    """The one of the ``known`` names that ``name`` is with a letter missing, added, replaced or two of them swapped.

    Digits make other names: ``latency_p99`` is not a misspelt ``latency_p95``.
    """
    return next((other for other in known if len(other) >= _SHORTEST and _is_one_slip(name, other)), None)


def refuse_misspelt(unknown: Iterable[str], known: Iterable[str]) -> None:
    """Refuse unknown field names that are one slip from a known field that is not there.

    Args:
        unknown: names of the fields that are kept as unknown ones.
        known: names of the fields that have a meaning here and are absent.

    Raises:
        InvalidError: with the misspelt name as its place, and the right one.
    """
    absent = list(known)
    for name in unknown:
        right = misspelt(name, absent)
        if right is not None:
            raise InvalidError(f"there is no such field; did you mean {right}?", [name])


def _is_one_slip(name: str, known: str) -> bool:
    if name == known or abs(len(name) - len(known)) > 1:
        return False
    same = next((place for place, (a, b) in enumerate(zip(name, known)) if a != b), min(len(name), len(known)))
    rest, other = name[same:], known[same:]
    if any(sign.isdigit() for sign in (rest[:1], other[:1])):
        return False
    swapped = len(rest) > 1 and rest[:2] == other[1::-1] and rest[2:] == other[2:]
    return swapped or rest[1:] == other[1:] or rest[1:] == other or rest == other[1:]
