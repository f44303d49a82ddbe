"""A published finding, what became of it here, and how a list of them is shown."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import List, Sequence, Tuple

HOLDS = "holds here"
FAILS = "does not hold here"
UNTESTED = "cannot be tested here"
VERDICTS = (HOLDS, FAILS, UNTESTED)
#: Sides of what verdicts are padded to in a list.
_WIDTH = max(map(len, VERDICTS))


@dataclass(frozen=True)
class Part:
    """A part of a finding that is tested by itself: what became of it, and its figures, or why it was not tested."""

    verdict: str
    figures: str


def tested(holds: bool, figures: str) -> Part:
    """A part that was tested."""
    return Part(HOLDS if holds else FAILS, figures)


def untested(why: str) -> Part:
    """A part that was not."""
    return Part(UNTESTED, why)


@dataclass(frozen=True)
class Finding:
    """A finding in a sentence, where it stands in the paper, and its parts."""

    name: str
    claim: str
    parts: Tuple[Part, ...]

    @property
    def verdict(self) -> str:
        """It does not hold where a part does not, and holds where all do; else something could not be tested."""
        verdicts = {part.verdict for part in self.parts}
        return next(verdict for verdict in (FAILS, UNTESTED, HOLDS) if verdict in verdicts)


@dataclass(frozen=True)
class Checklist:
    """All findings of a paper, and what has to be known of the results that they were tested on."""

    findings: Tuple[Finding, ...]
    notes: Tuple[str, ...] = ()

    def count(self, verdict: str) -> int:
        """How many findings have a verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)


def render(checklist: Checklist, width: int = 100) -> str:
    """Each finding with its verdict, the figures of its parts, and the counts."""
    lines: List[str] = []
    for finding in checklist.findings:
        head = f"{finding.verdict:{_WIDTH}}  {finding.name}: {finding.claim}"
        lines += textwrap.wrap(head, width, subsequent_indent=" " * (_WIDTH + 2))
        verdicts = {part.verdict for part in finding.parts}
        for part in finding.parts:
            mark = "" if len(verdicts) == 1 else f"[{part.verdict}] "
            indent = " " * (_WIDTH + 4)
            text = textwrap.wrap(mark + part.figures, width, initial_indent=indent, subsequent_indent=indent)
            lines += text
    for note in checklist.notes:
        lines += textwrap.wrap(note, width)
    counts = {verdict: checklist.count(verdict) for verdict in VERDICTS}
    lines.append("; ".join(f"{count} {_plural(verdict, count)}" for verdict, count in counts.items()))
    return "\n".join(lines)


def _plural(verdict: str, count: int) -> str:
    if count == 1:
        return verdict
    return {HOLDS: "hold here", FAILS: "do not hold here", UNTESTED: UNTESTED}[verdict]


def combined(parts: Sequence[Part], why_not: str) -> Tuple[Part, ...]:
    """The parts, or, where there are none, that nothing could be tested, and why."""
    return tuple(parts) or (untested(why_not),)
