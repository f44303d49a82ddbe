"""Experiment 3: the throughput of several engines at once."""

from __future__ import annotations

from typing import Dict, List, Tuple

from checklists.comparing import pairs
from checklists.findings import Part, above, below, combined, untested
from checklists.intervals import Quantity, ratio
from checklists.reading import Rows, significant
from checklists.suo_2021.detectors import DETECTORS, TURNING_POINT, name_of

PARALLEL = "test_parallel_engines.py"
#: A smaller gain is none.
PAYS = 1.05

Point = Tuple[int, Quantity]


def observation_7(rows: Rows) -> Tuple[Part, ...]:
    """Whether several engines have more throughput than one, below 480 pixels only."""
    if rows.printed:
        return combined(_printed(rows), "the paper's own figures were not given")
    below_480, above_480 = [], []
    for name, resolution, points in _throughputs(rows):
        one, best = points[0][1], _best(points)
        figures = f"{name} at {resolution}: {_shown(points)}; best of several over one"
        if resolution >= TURNING_POINT:
            above_480.append(below(ratio(best, one), PAYS, figures, len(points) - 1))
            continue
        below_480.append(above(ratio(best, one), PAYS, figures, len(points) - 1))
        values = dict(points)
        if {2, 3} <= set(values):
            below_480.append(above(ratio(values[3], values[2]), 1.0, f"{name} at {resolution}: three over two"))
    why = "one engine was not measured beside several {} 480 pixels"
    return (*combined(below_480, why.format("below")), *combined(above_480, why.format("from")))


def insight_4(rows: Rows) -> Tuple[Part, ...]:
    """Whether several engines gain less the larger the complexity."""
    series: Dict[str, List[Tuple[int, List[Point]]]] = {}
    for name, resolution, points in _throughputs(rows):
        series.setdefault(name, []).append((resolution, points))
    parts: List[Part] = []
    for name, found in series.items():
        ordered = sorted(found, key=lambda of_resolution: of_resolution[0])
        (small, first), (large, last) = ordered[0], ordered[-1]
        if small != large:
            gains = [ratio(_best(points), points[0][1]) for points in (last, first)]
            figures = (
                f"{name}: gain at {large} ({gains[0].value:.2f} times) over that at {small} ({gains[1].value:.2f})"
            )
            parts.append(below(gains[0].minus(gains[1]), 1.0, figures))
    if not parts:
        return (untested("one engine was not measured beside several at two resolutions"),)
    if not any(row.on_gpu for row in rows.of(PARALLEL, ("throughput",))):
        parts.append(untested("no runtime ran on a GPU: here the engines share the processor's cores"))
    return tuple(parts)


def _printed(rows: Rows) -> List[Part]:
    """The paper's fastest: as many engines as fit, over one, at 320x192."""
    measured = rows.of(PARALLEL, ("throughput",))
    several = measured.where(lambda row: "n" in row.parameters)
    alone = measured.where(lambda row: "n" not in row.parameters)
    return [
        above(
            ratio(many.quantity("throughput"), one.quantity("throughput")), PAYS, f"{key[1]} pixels: several over one"
        )
        for key, many, one in pairs(several, alone, "device", "longer", "scaling", "precision")
    ]


def _best(points: List[Point]) -> Quantity:
    return max((quantity for n, quantity in points if n > 1), key=lambda quantity: quantity.center)


def _throughputs(rows: Rows) -> List[Tuple[str, int, List[Point]]]:
    """What ran, its resolution, and (engines, inferences/s) in ascending order, of one engine and more."""
    found = []
    parallel = rows.of(PARALLEL, ("throughput",)).where(lambda row: "n" in row.parameters).deployed()
    for (device, framework, resolution, precision), group in parallel.by(
        "device", "framework", "resolution", "precision"
    ).items():
        for test in DETECTORS:
            chosen = group.where(lambda row: row.test == test)  # noqa: B023 (called within this turn)
            points = sorted(
                ((int(row.parameters["n"]), row.quantity("throughput")) for row in chosen), key=lambda point: point[0]
            )
            if len(points) >= 2 and points[0][0] == 1:
                found.append((f"{device}, {framework} {precision}, {name_of(test)}", int(resolution), points))
    return found


def _shown(points: List[Point]) -> str:
    return ", ".join(f"{n} engine{'s' if n > 1 else ''} {significant(value.center)}/s" for n, value in points)
