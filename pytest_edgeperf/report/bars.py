"""Small bars: a change and its interval against zero and the tolerance, on one axis for a whole table."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import List, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.report.numbers import share

Interval = Tuple[float, float]

#: Where an axis may end.
_ENDS = tuple(size * digits for size in (0.001, 0.01, 0.1, 1.0) for digits in (1, 1.5, 2, 3, 4, 5, 6, 8))
#: Cells between zero and the tolerance, so that both can be seen.
_LEAST_TOLERANCE_CELLS = 1.5
#: Fractions that differ by no more are the same number.
_SAME = 1e-9
#: The share of the intervals that an axis is to hold whole.
_HELD = 0.9


class _Marks(NamedTuple):
    zero: str
    tolerance: str
    line: str
    zero_crossed: str
    tolerance_crossed: str
    estimate: str
    below: str
    above: str


_UNICODE = _Marks("│", "┊", "─", "┼", "┼", "●", "◂", "▸")
_ASCII = _Marks("|", ":", "-", "|", ":", "o", "<", ">")


@dataclass(frozen=True)
class Axis:
    """From ``-limit`` to ``+limit`` (0.1 is 10 %) over an odd number of ``cells``, zero in the middle."""

    limit: float
    cells: int
    #: The tolerance that the title names: that of all rows, where they have one.
    tolerance: Optional[float] = None
    ascii_only: bool = False

    def title(self) -> str:
        """The ends, zero and the tolerance, each above its place."""
        line = [" "] * self.cells
        end = _number(self.limit)
        _put(line, f"-{end} %", 0)
        _put(line, f"+{end}", self.cells - len(end) - 1)
        _put(line, "0", self.cells // 2)
        if self.tolerance is not None:
            _put(line, f"+{_number(self.tolerance)}", self._beside_zero(self.tolerance))
        return "".join(line)

    def names_tolerance(self) -> bool:
        """Whether there is room for it in the title."""
        return self.title() != replace(self, tolerance=None).title()

    def bar(self, change: float, interval: Optional[Interval], tolerance: Optional[float]) -> str:
        """The line of an interval with its estimate; an arrow where it goes on beyond the axis.

        Args:
            change, interval, tolerance: as fractions, 0.02 is 2 %; a negative tolerance is of what should be high.
        """
        low, high = interval if interval is not None else (change, change)
        if not all(math.isfinite(value) for value in (change, low, high)):
            return ""
        marks = _ASCII if self.ascii_only else _UNICODE
        line = [" "] * self.cells
        zero, limit = self.cells // 2, None if tolerance is None else self._beside_zero(tolerance)
        if limit is not None and 0 <= limit < self.cells:
            line[limit] = marks.tolerance
        line[zero] = marks.zero
        first, last = (self._apart(end, zero, limit, tolerance) for end in (low, high))
        for cell in range(max(first, 0), min(last, self.cells - 1) + 1):
            crossed = marks.zero_crossed if cell == zero else marks.tolerance_crossed if cell == limit else marks.line
            line[cell] = crossed
        place = self._place(change)
        if 0 <= place < self.cells:
            line[place] = marks.estimate
        if first < 0:
            line[0] = marks.below
        if last >= self.cells:
            line[-1] = marks.above
        return "".join(line)

    def _apart(self, end: float, zero: int, limit: Optional[int], tolerance: Optional[float]) -> int:
        """The cell of an interval's end, on its own side of zero and of the tolerance also where it rounds to them."""
        cell = self._place(end)
        for mark, value in ((zero, 0.0), (limit, tolerance)):
            if mark is not None and value is not None and cell == mark:
                cell += (end > value + _SAME) - (end < value - _SAME)
        return cell

    def _beside_zero(self, tolerance: float) -> int:
        """The cell of a tolerance: another than that of zero, however far the axis goes."""
        zero, cell = self.cells // 2, self._place(tolerance)
        return cell if cell != zero or tolerance == 0 else zero + (1 if tolerance > 0 else -1)

    def _place(self, fraction: float) -> int:
        half = self.cells // 2
        # Far beyond either end, numbers have too many digits to be counted in cells.
        within = max(min(fraction / self.limit, 2.0), -2.0)
        # Both ends of an interval round alike, whatever the last bits of a ratio are.
        cells = math.floor(round(abs(within) * half, 6) + 0.5)
        return half + cells if within > 0 else half - cells


def axis_for(
    intervals: Sequence[Interval], tolerances: Sequence[float], cells: int, *, ascii_only: bool = False
) -> Axis:
    """The axis of a table: it holds most of its intervals, and the smallest tolerance can be told from zero.

    Where nothing is near the tolerance, the axis goes as far as it must.

    Args:
        intervals: the ends of each, as fractions.
        tolerances: of the rows.
        cells: the width, made odd.
    """
    cells = cells if cells % 2 else cells - 1
    least = min((size for size in tolerances if size > 0), default=None)
    sizes = sorted(max(map(abs, ends)) for ends in intervals if all(map(math.isfinite, ends)))
    needed = sizes[math.ceil(_HELD * len(sizes)) - 1] if sizes else 0.0
    most = math.inf if least is None else least * (cells // 2) / _LEAST_TOLERANCE_CELLS
    if all(min(map(abs, ends)) > most for ends in intervals):
        most = math.inf
    wanted = max(needed, 2 * (least or 0.0))
    usable = [end for end in _ENDS if end <= most] or [_ENDS[0]]
    only = tolerances[0] if len(set(tolerances)) == 1 and tolerances[0] > 0 else None
    wide_enough = [Axis(end, cells, only, ascii_only) for end in usable if end >= wanted or end == usable[-1]]
    return next((axis for axis in wide_enough if axis.names_tolerance()), wide_enough[0])


def _number(fraction: float) -> str:
    return share(fraction).replace(" %", "")


def _put(line: List[str], text: str, at: int) -> None:
    """Write ``text`` from a place on, unless it would touch what stands there already or the end."""
    around = line[max(at - 1, 0) : at + len(text) + 1]
    if at >= 0 and at + len(text) <= len(line) and not "".join(around).strip():
        line[at : at + len(text)] = text
