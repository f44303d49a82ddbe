"""A published finding, what became of it here, and how a list of them is shown."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from checklists.intervals import PRINTED, Estimate, Trend, is_above, is_below, is_within

HOLDS = "holds here"
FAILS = "does not hold here"
UNDECIDED = "these runs do not tell"
UNTESTED = "cannot be tested here"
CONTRADICTED = "the paper's own figures contradict this"
VERDICTS = (HOLDS, FAILS, UNDECIDED, UNTESTED, CONTRADICTED)
#: An interval that reaches further than by this factor to each side is no pair of figures to compare.
_WIDEST = 100.0
#: Powers of ten beyond which three significant digits are lost among zeros.
_SMALLEST, _LARGEST = -6, 9
#: Columns that verdicts are padded to in a list.
_WIDTH = max(map(len, VERDICTS[:-1]))


@dataclass(frozen=True)
class Part:
    """A part of a finding that is tested by itself: what became of it, and its figures, or why it was not tested."""

    verdict: str
    figures: str
    printed: bool = False


def decided(holds: Optional[bool], figures: str, *, printed: bool = False) -> Part:
    """A part that was tested; ``None``: neither was shown. A printed figure that contradicts is the paper's own."""
    if holds is None:
        verdict = UNDECIDED
    elif holds:
        verdict = HOLDS
    else:
        verdict = CONTRADICTED if printed else FAILS
    return Part(verdict, f"{figures} ({PRINTED})" if printed else figures, printed)


def untested(why: str) -> Part:
    """A part that was not."""
    return Part(UNTESTED, why)


def above(found: Estimate, bound: float, figures: str, questions: int = 1) -> Part:
    """Whether an estimate is larger than a bound, with its interval."""
    return decided(is_above(found, bound, questions), figures + _shown(found, questions), printed=found.printed)


def below(found: Estimate, bound: float, figures: str, questions: int = 1) -> Part:
    """Whether an estimate is smaller than a bound, with its interval."""
    return decided(is_below(found, bound, questions), figures + _shown(found, questions), printed=found.printed)


def within(found: Estimate, least: float, most: float, figures: str, questions: int = 1) -> Part:
    """Whether an estimate lies between two bounds, with its interval."""
    return decided(is_within(found, least, most, questions), figures + _shown(found, questions), printed=found.printed)


def of_trend(trend: Trend, figures: str) -> Part:
    """Whether a trend over networks holds."""
    networks = f"{trend.n} network{'' if trend.n == 1 else 's'}"
    text = (
        f"{figures}, {networks}: rank correlation {trend.coefficient:+.2f} in the stated direction, "
        f"p {trend.p:.2g}; {trend.contrary:.0%} of the pairs contradict, {trend.agreeing:.0%} agree"
    )
    return decided(trend.holds(), text, printed=trend.printed)


def most(parts: Sequence[Part], what: str) -> Part:
    """Whether more than half of them hold; what is undecided counts for neither."""
    n = len(parts)
    holding = sum(part.verdict == HOLDS for part in parts)
    failing = sum(part.verdict in (FAILS, CONTRADICTED) for part in parts)
    holds = True if holding > n / 2 else False if failing >= n / 2 else None
    undecided = f", {n - holding - failing} undecided" if holding + failing < n else ""
    return decided(holds, f"{what}: {holding} of {n}{undecided}", printed=any(part.printed for part in parts))


def _shown(found: Estimate, questions: int) -> str:
    value = digits(found.value)
    if found.printed:
        return f": {value}"
    low, high = found.interval(questions)
    if not math.isfinite(found.variance) or (found.variance > 0 and found.degrees < 1):
        return f": {value} of one run, which has no interval"
    if not found.linear and not high <= _WIDEST**2 * low:
        return f": {value}; so few runs do not tell it within a factor of {_WIDEST:.0f}"
    return f": {value} [{digits(low)}, {digits(high)}]"


@dataclass(frozen=True)
class Finding:
    """A finding in a sentence, where it stands in the paper, and its parts."""

    name: str
    claim: str
    parts: Tuple[Part, ...]

    @property
    def verdict(self) -> str:
        """It does not hold where a part does not, and holds where all do; else something was not decided or tested.

        Of a paper's own figures, what the paper does not print counts for nothing where it prints another part.
        """
        verdicts = {part.verdict for part in self.parts}
        if any(part.printed for part in self.parts):
            verdicts.discard(UNTESTED)
        return next(verdict for verdict in (CONTRADICTED, FAILS, UNTESTED, UNDECIDED, HOLDS) if verdict in verdicts)

    def to_dict(self) -> Dict[str, Any]:
        """For JSON."""
        parts = [{"verdict": part.verdict, "figures": part.figures} for part in self.parts]
        return {"name": self.name, "claim": self.claim, "verdict": self.verdict, "parts": parts}


@dataclass(frozen=True)
class Checklist:
    """All findings of a paper, and what has to be known of the results that they were tested on."""

    findings: Tuple[Finding, ...]
    notes: Tuple[str, ...] = ()

    def count(self, verdict: str) -> int:
        """How many findings have a verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)

    def to_dict(self) -> Dict[str, Any]:
        """For JSON."""
        return {"findings": [finding.to_dict() for finding in self.findings], "notes": list(self.notes)}


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
    shown = [
        f"{count} {_plural(verdict, count)}" for verdict, count in counts.items() if count or verdict in (HOLDS, FAILS)
    ]
    lines += textwrap.wrap("; ".join(shown), width)
    return "\n".join(lines)


def _plural(verdict: str, count: int) -> str:
    if count == 1:
        return {UNDECIDED: "not decided by these runs", CONTRADICTED: "contradicted by the paper's own figures"}.get(
            verdict, verdict
        )
    return {
        HOLDS: "hold here",
        FAILS: "do not hold here",
        UNDECIDED: "not decided by these runs",
        UNTESTED: UNTESTED,
        CONTRADICTED: "contradicted by the paper's own figures",
    }[verdict]


def combined(parts: Sequence[Part], why_not: str) -> Tuple[Part, ...]:
    """The parts, or, where there are none, that nothing could be tested, and why."""
    return tuple(parts) or (untested(why_not),)


def digits(value: float) -> str:
    """Three significant digits, without an exponent unless the number is very small or very large."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    magnitude = int(f"{abs(value):e}".partition("e")[2])
    return f"{value:.{max(0, 2 - magnitude)}f}" if _SMALLEST < magnitude < _LARGEST else f"{value:.2e}"
