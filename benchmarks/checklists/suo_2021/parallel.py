"""Experiment 3: the throughput of several engines at once."""

from __future__ import annotations

from typing import Dict, List, Tuple

from checklists.findings import Part, combined, tested, untested
from checklists.reading import Rows, significant
from checklists.suo_2021.detectors import DETECTORS, TURNING_POINT, name_of

PARALLEL = "test_parallel_engines.py"
#: A gain that is smaller is within what sessions differ by.
PAYS = 1.05


def observation_7(rows: Rows) -> Tuple[Part, ...]:
    """Whether several engines have more throughput than one, below 480 pixels only."""
    below, above = [], []
    for name, resolution, points in _throughputs(rows):
        figures = f"{name} at {resolution}: {_shown(points)}"
        values = dict(points)
        gain = max(value for n, value in points if n > 1) / values[1]
        if resolution < TURNING_POINT:
            more_is_better = 3 not in values or 2 not in values or values[3] > values[2]
            below.append(tested(gain >= PAYS and more_is_better, figures))
        else:
            above.append(tested(gain < PAYS, figures))
    why = "one engine was not measured beside several {} 480 pixels"
    return (*combined(below, why.format("below")), *combined(above, why.format("from")))


def insight_4(rows: Rows) -> Tuple[Part, ...]:
    """Whether several engines gain less the larger the complexity."""
    gains: Dict[str, List[Tuple[int, float]]] = {}
    for name, resolution, points in _throughputs(rows):
        gain = max(value for n, value in points if n > 1) / dict(points)[1]
        gains.setdefault(name, []).append((resolution, gain))
    parts: List[Part] = []
    for name, found in gains.items():
        (small, first), (large, last) = min(found), max(found)
        if small != large:
            parts.append(tested(last < first, f"{name}: {first:.2f} times at {small}, {last:.2f} times at {large}"))
    if not parts:
        return (untested("one engine was not measured beside several at two resolutions"),)
    if not any(row.on_gpu for row in rows.of(PARALLEL, ("throughput",))):
        parts.append(untested("no runtime ran on a GPU: here the engines share the processor's cores"))
    return tuple(parts)


def _throughputs(rows: Rows) -> List[Tuple[str, int, List[Tuple[int, float]]]]:
    """What ran, its resolution, and (engines, inferences/s) in ascending order, of one engine and more."""
    found = []
    parallel = rows.of(PARALLEL, ("throughput",)).deployed()
    for (framework, resolution, precision), group in parallel.by("framework", "resolution", "precision").items():
        for test in DETECTORS:
            chosen = group.where(lambda row: row.test == test)  # noqa: B023 (called within this turn)
            points = sorted((int(row.parameters["n"]), row.values["throughput"]) for row in chosen)
            if len(points) >= 2 and points[0][0] == 1:
                name = f"{framework} {precision}, {name_of(test)}"
                found.append((name, int(resolution), points))
    return found


def _shown(points: List[Tuple[int, float]]) -> str:
    return ", ".join(f"{n} engine{'s' if n > 1 else ''} {significant(value)}/s" for n, value in points)
