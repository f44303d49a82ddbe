"""The error of all runtimes, and the suggestion that goes with a name nobody knows."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Iterable


class FrameworkError(Exception):
    """A runtime cannot do what was asked; the message names the thing, the place and the remedy."""


class NoPlacement(FrameworkError):
    """A runtime divides networks and does not say which nodes run where; the message says why, and what would."""


def closest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for an error message, or nothing when no known word is near."""
    matches = get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {matches[0]!r}?)" if matches else ""
