"""What was found out about a piece of software: a value and the file that says it, or why there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Iterable, Optional, Sequence, Tuple


@dataclass(frozen=True)
class Finding:
    """A value and its source; else None and the reason.

    ``source`` is the file (or the variable) that said so; a value that is coarser than usual has a ``reason`` too.
    """

    value: Optional[str]
    source: Optional[str] = None
    reason: str = ""


def first(probes: Iterable[Callable[[], Finding]]) -> Finding:
    """The first finding with a value; else one without, with the reasons of those that found something wrong.

    A probe that found nothing at all (neither value nor source) is mentioned only where all did so.
    """
    failed = []
    for probe in probes:
        finding = probe()
        if finding.value is not None:
            return finding
        failed.append(finding)
    wrong = [finding for finding in failed if finding.source is not None] or failed
    reasons = dict.fromkeys(finding.reason for finding in wrong if finding.reason)
    return Finding(None, wrong[0].source if wrong else None, "; ".join(reasons))


def newest(names: Sequence[str], pattern: str) -> Optional[Tuple[str, str]]:
    """Of the names that match, the one whose version (the pattern's group 1) is longest, then highest; and that."""
    matches = [match for match in (re.fullmatch(pattern, name) for name in names) if match]
    if not matches:
        return None
    best = max(matches, key=lambda match: _rank(match.group(1)))
    return best.group(0), best.group(1)


def _rank(version: str) -> Tuple[int, Tuple[int, ...]]:
    parts = tuple(int(part) for part in version.split("."))
    return min(len(parts), 3), parts
