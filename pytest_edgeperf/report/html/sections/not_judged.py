"""What was not judged and why: faults, what a refresh refused, what is not clear, renames, creep, lines of studies."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from pytest_edgeperf.judge.renames import GONE
from pytest_edgeperf.judge.verdicts import (
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    BenchmarkVerdict,
)
from pytest_edgeperf.report.html.benchmark_data import anchor
from pytest_edgeperf.report.html.sections import Section
from pytest_edgeperf.report.html.subject import FILES, Subject
from pytest_edgeperf.report.line_text import line_name
from pytest_edgeperf.report.numbers import change, count, share
from pytest_edgeperf.report.sentences import (
    differences_text,
    inconclusive_text,
    rename_commands,
    rename_text,
)
from pytest_edgeperf.report.verdict_sections import WHY_IN_FILES, whys

#: How bad: the word stands beside the colour.
BAD, WARNING, NOTE = "bad", "warning", "note"


def data(subject: Subject) -> Optional[Dict[str, Any]]:
    """Groups of benchmarks with a reason each; ``None`` where all is clear."""
    groups = [*_failed(subject), *_unclear(subject), *_refused(subject), *_renames(subject), *_crept(subject)]
    groups += _lines(subject)
    return {"groups": groups} if groups else None


def _group(title: str, why: str, level: str, items: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    return [{"title": f"{title} ({len(items)})", "why": why, "level": level, "items": items}] if items else []


def _item(benchmark: Optional[str], reason: str) -> Dict[str, Any]:
    text = " ".join(reason.split())
    return {"text": text} if benchmark is None else {"name": benchmark, "anchor": anchor(benchmark), "text": text}


def _failed(subject: Subject) -> List[Dict[str, Any]]:
    items = [_item(name, reason) for name, reason in subject.report.faults.items()]
    return _group("failed", "could not be measured", BAD, items)


def _unclear(subject: Subject) -> List[Dict[str, Any]]:
    groups: List[Dict[str, Any]] = []
    known = WHY_IN_FILES if subject.kind == FILES else whys(subject.report)
    for word, why in known.items():
        items = [
            _item(name, _detail(verdict))
            for name, verdict in subject.comparison.benchmarks.items()
            if verdict.verdict == word
        ]
        groups += _group(word, why, NOTE if word == NEW else WARNING, items)
    return groups


def _detail(verdict: BenchmarkVerdict) -> str:
    if verdict.verdict == INCONCLUSIVE:
        return inconclusive_text(verdict)
    if verdict.verdict == MISSING and verdict.reason == GONE:
        return f"{GONE}; edgeperf baseline prune --missing-from RESULTS removes them"
    if verdict.verdict == INCOMPARABLE:
        return differences_text(verdict.differences) or (verdict.reason or "")
    return ""


def _refused(subject: Subject) -> List[Dict[str, Any]]:
    items = [_item(name, reason) for name, reason in subject.report.refused.items()]
    return _group("not accepted", "left out of the baseline", WARNING, items)


def _renames(subject: Subject) -> List[Dict[str, Any]]:
    renames = subject.comparison.renames
    items = [_item(rename.new, f"was {rename.old}: {rename_text(rename)}") for rename in renames]
    groups = _group("probably renamed", "the same parameters under a new name", WARNING, items)
    if groups and subject.report.mode != "refresh":
        groups[0]["commands"] = list(rename_commands(renames))
    return groups


def _crept(subject: Subject) -> List[Dict[str, Any]]:
    items = [
        _item(name, f"{change(creep.ratio)} since {creep.since}; tolerance {share(creep.tolerance)}")
        for name, creep in subject.report.crept.items()
    ]
    return _group("slower than their anchor", "small accepted steps that add up", WARNING, items)


def _lines(subject: Subject) -> List[Dict[str, Any]]:
    items = [
        _item(None, f"{line_name(line)}: {line.reason} ({count(len(line.benchmarks), 'benchmark')})")
        for line in subject.comparison.lines
        if line.verdict in (INCONCLUSIVE, NEW) and line.reason is not None
    ]
    return _group("lines of studies", "slopes and intercepts that could not be judged", WARNING, items)


SECTION = Section(
    "not-judged", "Not judged, and why", data, scripts=("links.js", "not_judged.js"), styles=("pages.css",)
)
