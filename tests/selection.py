"""Which files may hold a test that ``-m`` asks for: the others are not imported, which takes longer than many tests.

A file holds the markers that its text names, and those of its folder. A test that has another one is an error.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from pathlib import Path
from typing import FrozenSet, Iterable

import pytest

WORD = re.compile(r"\w+")
OPERATORS = {"and", "or", "not"}
#: Markers that decide which part of a gate has a test.
MARKERS = frozenset(("alone", "long", "slow", "thorough", "untraced"))
#: What their tests run of the package is traced elsewhere; tracing doubles what a test takes.
UNTRACED = ("benchmarks", "live", "overhead", "statistics")


@lru_cache(maxsize=None)
def named_in(path: Path) -> FrozenSet[str]:
    """The markers that a file's text names."""
    return MARKERS & set(WORD.findall(path.read_text(encoding="utf-8")))


def of_folder(path: Path) -> FrozenSet[str]:
    """The markers of all tests in the file's folder."""
    return frozenset(("untraced",)) if path.parent.name in UNTRACED else frozenset()


def may_hold(expression: str, named: Iterable[str], certain: Iterable[str] = ()) -> bool:
    """Whether a test with all of ``certain`` and any of ``named`` is one that the expression of ``-m`` asks for."""
    asked = set(WORD.findall(expression)) - OPERATORS
    if not asked <= MARKERS | {"newest", "quiet"}:
        return True
    # Nothing is said of others than these: a test may have them or not.
    free = sorted(asked & ((set(named) | (asked - MARKERS)) - set(certain)))
    code = compile(expression, "-m", "eval")
    for values in itertools.product((False, True), repeat=len(free)):
        has = {**dict.fromkeys(asked, False), **dict.fromkeys(certain, True), **dict(zip(free, values))}
        if eval(code, {"__builtins__": {}}, has):
            return True
    return False


def mark_and_check(items: Iterable[pytest.Item]) -> None:
    """Give each test the markers of its folder.

    Raises:
        pytest.UsageError: a test has a marker by which parts of a gate are chosen, and its file does not name it.
    """
    for item in items:
        for name in of_folder(item.path):
            item.add_marker(name)
        unnamed = (MARKERS & {mark.name for mark in item.iter_markers()}) - named_in(item.path) - of_folder(item.path)
        if unnamed:
            raise pytest.UsageError(
                f"{item.nodeid} has the marker {', '.join(sorted(unnamed))}, which its file does not name: with -m "
                "it would not be found; write the marker in that file"
            )
