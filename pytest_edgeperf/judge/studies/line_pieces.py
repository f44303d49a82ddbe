"""Lines in pieces: how many there are and where they break, found from the points themselves.

For a given number of pieces, the least sum of squares of all ways to cut the ordered points, by dynamic programming
(Bai & Perron, "Computation and analysis of multiple structural change models", J. Appl. Econometrics 18, 2003,
section 3; the pieces need not meet). The number is the one with the least BIC (Yao, "Estimating the number of
change-points via Schwarz' criterion", Statistics & Probability Letters 6, 1988; a piece costs its slope, its intercept
and its break). With ten points BIC alone breaks many a straight line, so that, as Bai and Perron advise (section 5.5),
a test of one line against any number of pieces comes first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, List, Optional, Sequence, Tuple

import numpy as np

from pytest_edgeperf.judge.studies.line_fits import Interval, LineFit, fit_line

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.intp]]

#: Two points are on a line whatever they are: it takes a third coordinate to see that it is one.
FEWEST_COORDINATES = 3
#: Fewer runs of a point say nothing of how it scatters.
FEWEST_RUNS = 3
#: More pieces than this are a curve.
MOST_PIECES = 5
#: One straight series in a hundred is broken.
LEVEL = 0.01
CONFIDENCE = 0.95

#: Straight lines that the points are held against: a p-value of 0.01 has a standard error of 0.0014, or with many
#: coordinates, where each takes longer, of 0.003.
_SIMULATED, _SIMULATED_OF_MANY = 4999, 999
_MANY = 20
_RESAMPLED = 400
#: Numbers that are worked on together: bounds the memory to some 50 MB.
NUMBERS_AT_ONCE = 1_000_000
_SEED = 20261121
#: Residuals below this share of the largest value are what floating point leaves of an exact line.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Piece:
    """A line from one coordinate to another, both of which points have."""

    x_from: float
    x_to: float
    fit: LineFit


@dataclass(frozen=True)
class Break:
    """Where one piece ends and the next begins: somewhere between two neighbouring coordinates.

    ``interval`` reaches from the last coordinate surely before it to the first surely after it: between them it lay
    in 95 % of the resampled series that had as many pieces; ``None`` where nothing was resampled.
    """

    after: float
    before: float
    interval: Optional[Interval] = None


@dataclass(frozen=True)
class Pieces:
    """Two pieces or more, and what speaks for them.

    ``p_straight`` is how often a straight line with normal errors seems to be broken as clearly as these points;
    ``p_fewer`` how often that many pieces but one do. Both are ``None`` where the number of pieces was given.
    ``agreeing`` is the share of resampled series in which the same number was found.
    """

    pieces: Tuple[Piece, ...]
    breaks: Tuple[Break, ...]
    p_straight: Optional[float] = None
    p_fewer: Optional[float] = None
    agreeing: Optional[float] = None


def find_pieces(
    x: Sequence[float],
    y: Sequence[float],
    number: Optional[int] = None,
    runs: Optional[Sequence[Sequence[float]]] = None,
    *,
    level: float = LEVEL,
) -> Optional[Pieces]:
    """The lines in pieces that explain the points; ``None`` where one line does, or none is to be had.

    Args:
        x: the coordinates, n of them, in any order.
        y: the values there.
        number: of pieces, where it is known; else it is found: one line stays unless a straight line with
            independent normal errors would gain as much in BIC by breaking in fewer than 1 % of cases (a Monte Carlo
            test, exact for errors of equal spread: Barnard, J. R. Statist. Soc. B 25, 1963), whether the errors are
            equally spread or grow with the line, as those of latencies do.
        runs: each point's values in its runs, from which breaks are resampled; where a point has fewer than three,
            normal errors as large as the residuals stand in for them.
        level: the share of straight series that may be broken; 1 leaves the decision to BIC alone.

    Raises:
        ValueError: as many x as y are needed, all finite; or so many pieces cannot be had from these points.
    """
    if len(x) != len(y):
        raise ValueError(f"pieces need as many y values as x values; there are {len(y)} y and {len(x)} x")
    if not all(map(math.isfinite, (*x, *y))):
        raise ValueError("pieces need finite numbers; there is a NaN or an infinity")
    order = sorted(range(len(x)), key=lambda at: x[at])
    ordered_x, ordered_y = [x[at] for at in order], np.array([y[at] for at in order], dtype=np.float64)
    most = len(set(x)) // FEWEST_COORDINATES
    if number is not None and number > max(most, 1):
        raise ValueError(
            f"{number} pieces need {number * FEWEST_COORDINATES} different coordinates; there are {len(set(x))}"
        )
    if number == 1 or most < 2:
        return None
    if number is None and _is_exact(ordered_x, ordered_y):
        return None
    cutter = _Cutter(ordered_x, number or min(most, MOST_PIECES))
    cuts_of = cutter.cut(ordered_y[None, :], number)
    pieces = number or int(cuts_of.number[0])
    if pieces == 1:
        return None
    random = np.random.default_rng(_SEED)
    p_straight = p_fewer = None
    if number is None and level < 1:
        p_straight = _p_value(cutter, ordered_y, 1, random)
        if p_straight > level:
            return None
        p_fewer = _p_value(cutter, ordered_y, pieces - 1, random) if pieces > 2 else p_straight
    cuts = cuts_of.cuts(0, pieces)
    resampled = _resampled(cutter, ordered_y, cuts, runs and [runs[at] for at in order], random)
    again = cutter.cut(resampled, number)
    same = [row for row in range(len(resampled)) if number is not None or again.number[row] == pieces]
    return Pieces(
        tuple(_pieces(cutter, ordered_y, cuts)),
        tuple(_breaks(cutter, cuts, [again.cuts(row, pieces) for row in same])),
        p_straight,
        p_fewer,
        len(same) / len(resampled),
    )


class _Found:
    """The best cuts of each row, for every number of pieces."""

    def __init__(self, totals: Array, starts: Places, number: Places) -> None:
        #: (rows, numbers of pieces from 1): sums of squares.
        self.totals = totals
        self._starts = starts
        #: By BIC, or as given.
        self.number = number

    def cuts(self, row: int, pieces: int) -> Tuple[int, ...]:
        """The positions among the coordinates at which a new piece begins, without the first."""
        end = self._starts.shape[2] - 1
        positions = []
        for level in range(pieces - 1, 0, -1):
            end = int(self._starts[row, level, end])
            positions.append(end)
        return tuple(positions[::-1])


class _Cutter:
    """Cuts series over the same coordinates, many at once."""

    def __init__(self, x: Sequence[float], most: int) -> None:
        """Take sorted coordinates, which may repeat, and the largest number of pieces."""
        self.coordinates = sorted(set(x))
        self.most = most
        self.count = len(x)
        self.x = x
        self._first = [x.index(coordinate) for coordinate in self.coordinates] + [len(x)]
        self._bases = {
            (start, end): _basis(x[self._first[start] : self._first[end]])
            for start in range(len(self.coordinates))
            for end in range(start + FEWEST_COORDINATES, len(self.coordinates) + 1)
        }

    def points(self, start: int, end: int) -> slice:
        """Where the points of these coordinates are."""
        return slice(self._first[start], self._first[end])

    def bounds(self, cuts: Sequence[int]) -> List[Tuple[int, int]]:
        """The first coordinate of each piece and the one after its last."""
        return list(zip((0, *cuts), (*cuts, len(self.coordinates))))

    def cut(self, rows: Array, number: Optional[int] = None) -> _Found:
        """Cut each row of values (rows, points) into every number of pieces up to the largest."""
        last = len(self.coordinates)
        totals = np.empty((len(rows), self.most))
        starts = np.zeros((len(rows), self.most, last + 1), dtype=np.intp)
        step = max(1, NUMBERS_AT_ONCE // last**2)
        for first in range(0, len(rows), step):
            part = slice(first, first + step)
            costs = self._costs(rows[part])
            best = costs[:, 0, :]
            totals[part, 0] = best[:, last]
            for level in range(1, self.most):
                ways = best[:, :last, None] + costs
                starts[part, level] = np.argmin(ways, axis=1)
                best = np.min(ways, axis=1)
                totals[part, level] = best[:, last]
        chosen = np.argmin(self.bic(totals, rows), axis=1) + 1
        return _Found(totals, starts, chosen if number is None else np.full_like(chosen, number))

    def bic(self, totals: Array, rows: Array) -> Array:
        """BIC by number of pieces: n ln(S / n) + (3 k - 1) ln n, with k slopes, k intercepts and k - 1 breaks."""
        least = self.count * (_ROUNDING * np.max(np.abs(rows), axis=1, keepdims=True)) ** 2
        pieces = np.arange(1, self.most + 1)
        fitted = np.maximum(totals, np.maximum(least, np.finfo(float).tiny)) / self.count
        return np.asarray(self.count * np.log(fitted) + (3 * pieces - 1) * math.log(self.count), dtype=np.float64)

    def gain(self, rows: Array, over: int) -> Array:
        """By how much more pieces than ``over`` lower BIC at best."""
        bic = self.bic(self.cut(rows).totals, rows)
        return np.asarray(bic[:, over - 1] - np.min(bic[:, over:], axis=1), dtype=np.float64)

    def fitted(self, values: Array, cuts: Sequence[int]) -> Array:
        """The values on the lines of these pieces."""
        fitted = np.empty_like(values)
        for start, end in self.bounds(cuts):
            where, basis = self.points(start, end), self._bases[start, end]
            fitted[where] = basis @ (basis.T @ values[where])
        return fitted

    def _costs(self, rows: Array) -> Array:
        """[row, start, end]: the sum of squares around the line through these coordinates."""
        last = len(self.coordinates)
        costs = np.full((len(rows), last, last + 1), np.inf)
        for (start, end), basis in self._bases.items():
            part = rows[:, self.points(start, end)]
            residual = part - (part @ basis) @ basis.T
            costs[:, start, end] = np.einsum("ij,ij->i", residual, residual)
        return costs


def _basis(x: Sequence[float]) -> Array:
    """Two orthonormal columns that span the straight lines over the coordinates."""
    centred = np.array(x) - math.fsum(x) / len(x)
    scaled = centred / np.max(np.abs(centred))
    columns = np.stack([np.full(len(x), 1 / math.sqrt(len(x))), scaled / math.sqrt(float(scaled @ scaled))], axis=1)
    return np.asarray(columns, dtype=np.float64)


def _is_exact(x: Sequence[float], y: Array) -> bool:
    basis = _basis(x)
    residual = y - basis @ (basis.T @ y)
    return bool(np.max(np.abs(residual)) <= _ROUNDING * np.max(np.abs(y)))


def _spread(cutter: _Cutter, values: Array, cuts: Sequence[int]) -> Tuple[Array, float]:
    """The fitted values, and the standard deviation of the residuals by what freedom the lines leave them."""
    fitted = cutter.fitted(values, cuts)
    freedom = len(values) - 2 * (len(cuts) + 1)
    return fitted, math.sqrt(float(np.sum((values - fitted) ** 2)) / freedom)


def _p_value(cutter: _Cutter, values: Array, pieces: int, random: Any) -> float:
    """How often so many pieces with normal errors gain as much as these points by further ones.

    The larger of two chances: that of errors of equal spread, and that of errors in proportion to the lines. For one
    piece and equal spread the gain depends neither on the line nor on the size of the errors, and the test is exact.
    """
    row = values[None, :]
    fitted, sd = _spread(cutter, values, cutter.cut(row).cuts(0, pieces))
    series = _SIMULATED if len(cutter.coordinates) <= _MANY else _SIMULATED_OF_MANY
    errors = random.standard_normal((series, len(values)))
    in_proportion = np.abs(fitted) / (math.sqrt(float(np.mean(fitted**2))) or 1.0)
    gain = cutter.gain(row, pieces)[0]
    as_large = max(
        int(np.count_nonzero(cutter.gain(fitted + sd * spread * errors, pieces) >= gain))
        for spread in (np.ones_like(fitted), in_proportion)
    )
    return (1 + as_large) / (1 + series)


def _resampled(
    cutter: _Cutter, values: Array, cuts: Sequence[int], runs: Optional[Sequence[Sequence[float]]], random: Any
) -> Array:
    """Series as they might have been: the medians of runs drawn anew, or the lines with normal errors."""
    if runs is not None and min(map(len, runs)) >= FEWEST_RUNS:
        columns = []
        for of_run in runs:
            drawn = random.integers(len(of_run), size=(_RESAMPLED, len(of_run)))
            columns.append(np.median(np.array(of_run, dtype=np.float64)[drawn], axis=1))
        return np.stack(columns, axis=1)
    fitted, sd = _spread(cutter, values, cuts)
    return np.asarray(fitted + sd * random.standard_normal((_RESAMPLED, len(values))), dtype=np.float64)


def _pieces(cutter: _Cutter, values: Array, cuts: Sequence[int]) -> List[Piece]:
    pieces = []
    for start, end in cutter.bounds(cuts):
        where = cutter.points(start, end)
        fit = fit_line(cutter.x[where], values[where].tolist())
        pieces.append(Piece(cutter.coordinates[start], cutter.coordinates[end - 1], fit))
    return pieces


def _breaks(cutter: _Cutter, cuts: Sequence[int], again: Sequence[Tuple[int, ...]]) -> List[Break]:
    breaks = []
    for position, cut in enumerate(cuts):
        interval = None
        places = sorted(cuts[position] for cuts in again)
        if places:
            left_out = int(len(places) * (1 - CONFIDENCE) / 2)
            low, high = min(places[left_out], cut), max(places[len(places) - 1 - left_out], cut)
            interval = (cutter.coordinates[low - 1], cutter.coordinates[high])
        breaks.append(Break(cutter.coordinates[cut - 1], cutter.coordinates[cut], interval))
    return breaks
