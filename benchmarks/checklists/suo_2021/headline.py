"""The headline: half the bits, an input of the photograph's proportions and several engines together (section VI)."""

from __future__ import annotations

from typing import List, Tuple

from papers.suo_2021 import BEFORE, MOST_STARTED, OPTIMISED

from checklists.comparing import memory, no_memory, pairs, with_memory
from checklists.findings import Part, above, below, combined, untested
from checklists.intervals import estimate, ratio
from checklists.reading import FPS, Row, Rows, significant
from checklists.suo_2021.detectors import DETECTOR_NETWORKS
from checklists.suo_2021.parallel import PARALLEL

#: Frames per second of a camera's film; "real-time" has no number in the paper.
REAL_TIME_FPS = 24.0
_KEY = ("device", "framework", "network")
_NOT_COMBINED = "32 bits and a square input were not measured beside 16 bits and an input of 16:9"


def section_6(rows: Rows) -> Tuple[Part, ...]:
    """What all optimisations together gain, and how many engines there is memory for."""
    measured = _steps(rows)
    parts: List[Part] = []
    for key, fast, slow in pairs(_optimised(measured), _before(measured), *_KEY):
        name = " ".join(filter(None, map(str, key)))
        parts.append(
            above(
                ratio(fast.quantity(FPS), slow.quantity(FPS)),
                1.0,
                f"{name}: {significant(slow.values[FPS])} to {significant(fast.values[FPS])} frames per second, ratio",
            )
        )
        both = Rows([fast, slow])
        if with_memory(both) == both:
            parts.append(below(ratio(memory(fast), memory(slow)), 1.0, f"{name}: memory, ratio"))
        else:
            parts.append(untested(no_memory(both)))
    for key, many, alone in pairs(_several(measured), _optimised(measured), *_KEY):
        name = " ".join(filter(None, map(str, key)))
        figures = f"{name}: {many.parameters['n']} engines {significant(many.values[FPS])} frames per second, over one"
        parts.append(above(ratio(many.quantity(FPS), alone.quantity(FPS)), 1.0, figures))
    for row in rows.of(PARALLEL, ("engine_count",)).deployed():
        figures = f"{row.device}, {row.framework}: engines that there is memory for, of {MOST_STARTED} at most"
        parts.append(above(estimate(row.quantity("engine_count")), 1.0, figures))
    return combined(parts, _NOT_COMBINED)


def real_time(rows: Rows) -> Tuple[Part, ...]:
    """Whether the fastest way of them all is real-time."""
    fastest = [
        max(group, key=lambda row: row.values[FPS]) for group in _steps(rows, best_of_any=True).by("device").values()
    ]
    parts = [
        above(
            estimate(row.quantity(FPS)),
            REAL_TIME_FPS,
            f"{row.device}, {row.framework}: frames per second of the fastest, {REAL_TIME_FPS:.0f} asked",
            len(fastest),
        )
        for row in fastest
    ]
    return combined(parts, _NOT_COMBINED)


def _steps(rows: Rows, *, best_of_any: bool = False) -> Rows:
    """The steps of the combination, of the larger detector where it was measured; of PyTorch none."""
    if rows.printed:
        of_paper = rows.of(PARALLEL, (FPS,))
        return of_paper if best_of_any else of_paper.where(lambda row: bool(row.framework))
    measured = rows.of(f"{PARALLEL}::test_combined", (FPS,)).deployed()
    larger = measured.where(lambda row: row.network == DETECTOR_NETWORKS[0])
    return larger or measured


def _is(row: Row, step: Tuple[int, str, str]) -> bool:
    longer, precision, scaling = step
    own = row.parameters
    side = own.get("longer", own.get("resolution"))
    return (side, own.get("precision"), own.get("scaling", "1:1")) == (longer, precision, scaling)


def _before(rows: Rows) -> Rows:
    return rows.where(lambda row: _is(row, BEFORE) and row.parameters.get("n", 1) == 1)


def _optimised(rows: Rows) -> Rows:
    return rows.where(lambda row: _is(row, OPTIMISED) and row.parameters.get("n", 1) == 1)


def _several(rows: Rows) -> Rows:
    """The best number of engines of each."""
    chosen = rows.where(lambda row: _is(row, OPTIMISED) and row.parameters.get("n", 1) > 1)
    return Rows(max(group, key=lambda row: row.values[FPS]) for group in chosen.by(*_KEY).values())
