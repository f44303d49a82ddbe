"""The environment of what was measured beside that of what it was compared with; what differs stands first."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from pytest_edgeperf.judge.comparability import environment_fields, is_hard
from pytest_edgeperf.report.html.sections import Section
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.results.placement import PLACEMENT_FIELD
from pytest_edgeperf.results.types import Results, Run


class _Side(NamedTuple):
    """What is shown in a column: its heading, and each field's values with how many benchmarks have them."""

    label: str
    fields: Mapping[str, Mapping[str, int]]


def data(subject: Subject) -> Optional[Dict[str, Any]]:
    """A row per field and a column per side; ``None`` where nothing is known of any environment."""
    sides = [side for side in _sides(subject) if side.fields]
    if not sides:
        return None
    differing: Counter[str] = Counter()
    for verdict in subject.comparison.benchmarks.values():
        differing.update(verdict.differences.keys())
    names = sorted({name for side in sides for name in side.fields})
    rows = [_row(name, sides, differing.get(name, 0)) for name in names]
    moved = any(verdict.moved_placement is not None for verdict in subject.comparison.benchmarks.values())
    first = PLACEMENT_FIELD if moved else None
    rows.sort(key=lambda row: (not row["differs"], not row["decides"], -row["benchmarks"]))
    rows.sort(key=lambda row: f"{row['section']}.{row['field']}" != first)
    return {
        "machine": subject.report.machine,
        "sides": [side.label for side in sides],
        "rows": rows,
        "benchmarks": len(subject.comparison.benchmarks),
    }


def _row(name: str, sides: Sequence[_Side], benchmarks: int) -> Dict[str, Any]:
    values = [side.fields.get(name) for side in sides]
    known = [set(value) for value in values if value is not None]
    section, _, key = name.partition(".")
    return {
        "section": section,
        "field": key,
        "values": [_texts(value) for value in values],
        "differs": bool(benchmarks) or any(value != known[0] for value in known) or len(known) < len(sides),
        "decides": is_hard(name),
        "benchmarks": benchmarks,
    }


def _texts(values: Optional[Mapping[str, int]]) -> List[str]:
    """Each value once; with how many benchmarks have it, where there are several."""
    if values is None:
        return []
    if len(values) == 1:
        return list(values)
    return [f"{value} ({number})" for value, number in sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))]


def _sides(subject: Subject) -> Iterable[_Side]:
    if len(subject.files) > 1:
        for label, results in subject.files:
            yield _side(label, results, {name: one.runs for name, one in results.benchmarks.items()})
        return
    base, here = subject.sides
    measured = subject.measured
    if any(subject.base_runs.get(name) for name in measured.benchmarks):
        stored = measured if measured.against is not None else subject.report.baseline or measured
        yield _side(base, stored, {name: subject.base_runs.get(name, ()) for name in measured.benchmarks})
    yield _side(here, measured, {name: one.runs for name, one in measured.benchmarks.items()})


def _side(label: str, results: Results, runs: Mapping[str, Sequence[Run]]) -> _Side:
    fields: Dict[str, Counter[str]] = {}
    for of_benchmark in runs.values():
        seen = {
            (name, _text(value))
            for environment in {run.environment for run in of_benchmark}
            for name, value in environment_fields(results, environment).items()
        }
        for name, text in seen:
            fields.setdefault(name, Counter())[text] += 1
    return _Side(label, fields)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


SECTION = Section("environment", "Environment", data, scripts=("environment.js",), styles=("pages.css",))
