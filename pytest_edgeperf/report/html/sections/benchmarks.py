"""All benchmarks: a row each, grouped by file and function; a row opens to its runs, samples, phases and metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence

from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    UNCHANGED,
)
from pytest_edgeperf.report.html.benchmark_data import (
    FAILED,
    MEASURED,
    Words,
    anchor,
    benchmark_data,
    benchmark_ids,
)
from pytest_edgeperf.report.html.run_data import ORDER, Sessions
from pytest_edgeperf.report.html.sections import Section
from pytest_edgeperf.report.html.subject import Subject

#: In the order in which a reader wants them.
VERDICTS = (REGRESSED, FAILED, INCONCLUSIVE, INCOMPARABLE, MISSING, NEW, IMPROVED, UNCHANGED, MEASURED)
_LEAST_RANGE, _MOST_RANGE = 5.0, 60.0


def _data(subject: Subject) -> Optional[Dict[str, Any]]:
    sessions, words = Sessions(), Words()
    rows = _of_files(subject, sessions, words) if len(subject.files) > 1 else _rows(subject, sessions, words)
    if not rows:
        return None
    return {
        "sides": list(subject.sides),
        "verdicts": list(VERDICTS),
        "order": list(ORDER),
        "range": _range(rows),
        "judged": subject.report.comparison is not None,
        "benchmarks": rows,
        "sessions": sessions.listed(),
        "words": words.listed(),
    }


def _rows(subject: Subject, sessions: Sessions, words: Words) -> List[Dict[str, Any]]:
    return [benchmark_data(name, subject, sessions, words) for name in benchmark_ids(subject)]


def _of_files(subject: Subject, sessions: Sessions, words: Words) -> List[Dict[str, Any]]:
    """The benchmarks of several results files, each below what its file is called."""
    rows: List[Dict[str, Any]] = []
    for label, results in subject.files:
        for row in _rows(replace(subject, report=replace(subject.report, measured=results)), sessions, words):
            known = {"file": f"{label}: {row['file']}", "anchor": anchor(f"{label}: {row['id']}")}
            rows.append({**row, **known, "id": f"{label}: {row['id']}"})
    return rows


def _range(rows: Sequence[Dict[str, Any]]) -> float:
    """Per cent that the bars of the list reach to on both sides; what lies beyond ends in an arrow."""
    moved = [row["ends"] for row in rows if "ends" in row and row["verdict"] != UNCHANGED]
    ends = [abs(end) for pair in moved for end in pair if end is not None]
    tolerances = [row["tolerance"] for row in rows if "tolerance" in row]
    return min(_MOST_RANGE, max(_LEAST_RANGE, 2 * max(tolerances, default=0.0), 1.1 * max(ends, default=0.0)))


SECTION = Section("benchmarks", "Benchmarks", _data, ("benchmark.js", "benchmarks.js"), ("benchmarks.css",))
