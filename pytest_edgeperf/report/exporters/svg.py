"""Pictures of studies: what is gained for which cost, one SVG per study and pair, drawn by matplotlib."""

from __future__ import annotations

import hashlib
import io
import math
import os
import re
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Iterator, List, NamedTuple, Sequence, Tuple, Union

from pytest_edgeperf.judge.studies.pareto_fronts import ParetoFront
from pytest_edgeperf.judge.studies.study_results import StudyResult
from pytest_edgeperf.report.exporters.interface import Exporter, PlotError
from pytest_edgeperf.report.pareto_text import axis_of, coordinate, title_of
from pytest_edgeperf.report.series_looks import Look, is_logarithmic, looks_of
from pytest_edgeperf.report.shortening import shorten_names
from pytest_edgeperf.report.text import printable, wrap
from pytest_edgeperf.results.atomic_files import replace_file
from pytest_edgeperf.results.study_definitions import Study
from pytest_edgeperf.results.types import HIGHER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INSTALL = "pip install 'pytest-edgeperf[report]'"
INK, FAINT, SHADE = "#30343b", "#6b7280", "#f1f3f5"
#: Colours that people who see red and green alike tell apart (Okabe and Ito, 2008, "Color universal design").
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", INK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
#: Up to such a quotient that axis has ticks also at 2 and 5 times the powers of ten.
_FEW_DECADES = 2000.0
_STYLE = {
    # The same picture has the same names inside its file.
    "svg.hashsalt": "edgeperf",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "axes.formatter.useoffset": False,
}
_SIZE_INCHES = (7.2, 4.4)
#: What the axes leave of the figure: left, bottom, right, top.
_FRAME = (0.09, 0.12, 0.98, 0.9)
#: Empty room beside the outermost points, as a share of the axis, where labels stand.
_ROOM = 0.12
_TITLE_CELLS, _NAME_CELLS = 84, 34
#: In points; an SVG has as many per inch as matplotlib's own unit.
_POINTS_PER_INCH = 72
_FRONT_MARKER, _MARKER, _FRONT_TEXT, _TEXT = 7.5, 5.5, 8.5, 7.5
#: More points than this are labelled on the front only.
_MOST_LABELS = 40
_LONGEST_NAME = 120
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Svg(Exporter):
    """Pictures of Pareto fronts, one file per study and pair."""

    name = "svg"

    def pictures(self, studies: Sequence[StudyResult], folder: Path) -> List[Path]:
        """Draw the fronts of all studies."""
        return write_plots(studies, folder)


class _Box(NamedTuple):
    """What is taken on the page, in points."""

    left: float
    bottom: float
    right: float
    top: float

    def around(self, margin: float) -> _Box:
        """The same and so much more on each side."""
        return _Box(self.left - margin, self.bottom - margin, self.right + margin, self.top + margin)

    def shared_with(self, other: _Box) -> float:
        """The area that both take."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)


def write_plots(studies: Sequence[StudyResult], folder: Union[str, os.PathLike[str]]) -> List[Path]:
    """Draw the Pareto front of each study and pair into a folder; the files' paths, in the studies' order.

    The same studies give the same bytes with the same matplotlib: a picture carries neither a date nor a version.

    Raises:
        PlotError: no study has a pair that was measured, or matplotlib is not installed.
        ResultsError: a file cannot be written; the old one is as it was.
    """
    wanted = [(result.study, front) for result in studies for front in result.pareto]
    if not wanted:
        raise PlotError(
            "there is nothing to plot: no study here has a pair of metrics that was measured, "
            "such as Study(..., pareto=(('latency', 'AP'),))"
        )
    names = file_names([(study.name, front.cost, front.gain) for study, front in wanted])
    drawn = [pareto_svg(study, front) for study, front in wanted]
    paths = [Path(folder) / name for name in names]
    for path, picture in zip(paths, drawn):
        replace_file(path, picture)
    return paths


def file_names(wanted: Sequence[Tuple[str, str, str]]) -> List[str]:
    """A file name for each (study, cost, gain), of letters, digits, ``.``, ``_`` and ``-``.

    Where two would be called alike, also by a file system that does not tell capitals from small letters, each gets
    a digest of its study and metrics.
    """
    plain = [_UNSAFE.sub("-", f"{study} {gain} for {cost}")[:_LONGEST_NAME].strip("-.") for study, cost, gain in wanted]
    alike = Counter(name.lower() for name in plain)
    return [
        f"{name}.svg"
        if alike[name.lower()] == 1
        else f"{name}-{hashlib.sha256(repr(identity).encode()).hexdigest()[:12]}.svg"
        for name, identity in zip(plain, wanted)
    ]


def pareto_svg(study: Study, front: ParetoFront) -> bytes:
    """The picture of a front as an SVG file on a white ground.

    Raises:
        PlotError: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise PlotError(f"pictures are drawn by matplotlib, which cannot be imported ({error}): {INSTALL}") from None
    with matplotlib.rc_context(), warnings.catch_warnings():
        # The viewer's fonts show letters that matplotlib's own lacks.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        file = io.BytesIO()
        # Neither a date nor a version, which would differ where nothing changed.
        metadata = {"Date": None, "Creator": "pytest-edgeperf", "Title": printable(f"{study.name}: {title_of(front)}")}
        draw_pareto(study, front).savefig(file, format="svg", facecolor="white", bbox_inches="tight", metadata=metadata)
    return file.getvalue()


def draw_pareto(study: Study, front: ParetoFront) -> Figure:
    """The front as a step line over what it dominates, the points on it filled, all others hollow.

    Each series has a colour and a marker; where all have names such as ``onnxruntime int8``, series that begin alike
    share the colour and series that end alike the marker. Points are labelled with their coordinate, or with their
    series where each has one point.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, dpi=_POINTS_PER_INCH)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((_FRAME[0], _FRAME[1], _FRAME[2] - _FRAME[0], _FRAME[3] - _FRAME[1]))
    _set_axes(axes, front)
    path = _draw_front(axes, front)
    looks = looks_of(sorted({point.series for point in front.points}))
    named = len(looks) == len(front.points)
    _draw_points(axes, front, looks)
    _draw_labels(axes, front, _labels(front, named=named), path)
    if not named:
        _draw_legend(axes, looks)
    _draw_title(axes, study, front, named=named)
    return figure


def _set_axes(axes: Axes, front: ParetoFront) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    costs, gains = [point.cost for point in front.points], [point.gain for point in front.points]
    logarithmic = is_logarithmic(costs)
    if logarithmic:
        axes.set_xscale("log")
        few = max(costs) < _FEW_DECADES * min(costs)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        low, high = _with_room(math.log10(min(costs)), math.log10(max(costs)))
        axes.set_xlim(10**low, 10**high)
    else:
        axes.set_xlim(*_with_room(min(costs), max(costs)))
    axes.set_ylim(*_with_room(min(gains), max(gains)))
    axes.grid(color="#e3e6ea", linewidth=0.6)
    axes.set_axisbelow(True)
    for name, metric, write in (
        (front.cost, front.cost_metric, axes.set_xlabel),
        (front.gain, front.gain_metric, axes.set_ylabel),
    ):
        better = "more" if metric.better == HIGHER else "less"
        write(_plain(f"{axis_of(name, metric)}, {better} is better"))


def _with_room(low: float, high: float) -> Tuple[float, float]:
    room = _ROOM * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _draw_front(axes: Axes, front: ParetoFront) -> List[Tuple[float, float]]:
    """The steps from the worst gain to the worst cost, and the ground on their dominated side."""
    worst_cost = axes.get_xlim()[0 if front.cost_metric.better == HIGHER else 1]
    worst_gain = axes.get_ylim()[0 if front.gain_metric.better == HIGHER else 1]
    path: List[Tuple[float, float]] = [(front.front[0].cost, worst_gain)]
    for point in front.front:
        path += [(point.cost, path[-1][1]), (point.cost, point.gain)]
    path.append((worst_cost, path[-1][1]))
    ground = [*path, (worst_cost, worst_gain)]
    axes.fill([x for x, _ in ground], [y for _, y in ground], color=SHADE, linewidth=0, zorder=0)
    axes.plot([x for x, _ in path], [y for _, y in path], color=INK, linewidth=1.1, zorder=2)
    return path


def _draw_points(axes: Axes, front: ParetoFront, looks: Dict[str, Look]) -> None:
    for name, look in looks.items():
        colour, marker = COLOURS[look.colour], MARKERS[look.marker]
        own = sorted((point for point in front.points if point.series == name), key=lambda point: point.x)
        x, y = [point.cost for point in own], [point.gain for point in own]
        axes.plot(x, y, color=colour, linewidth=0.8, alpha=0.3, zorder=1)
        for point in own:
            axes.plot(
                [point.cost],
                [point.gain],
                marker=marker,
                markersize=_FRONT_MARKER if point.on_front else _MARKER,
                markeredgecolor=colour,
                markeredgewidth=1.2,
                markerfacecolor=colour if point.on_front else "white",
                zorder=4 if point.on_front else 3,
            )


def _labels(front: ParetoFront, *, named: bool) -> List[str]:
    if not named:
        return [coordinate(point.x) for point in front.points]
    names = shorten_names([printable(point.series) for point in front.points], _NAME_CELLS, "…")
    if len({point.x for point in front.points}) == 1:
        return names
    return [f"{name}, {coordinate(point.x)}" for name, point in zip(names, front.points)]


def _draw_labels(axes: Axes, front: ParetoFront, labels: Sequence[str], path: Sequence[Tuple[float, float]]) -> None:
    """Put each label beside its point where it covers least of the others, the points and the front."""
    places = [tuple(axes.transData.transform((point.cost, point.gain))) for point in front.points]
    taken = [_Box(x, y, x, y).around(_FRONT_MARKER / 2) for x, y in places]
    corners = [tuple(axes.transData.transform(corner)) for corner in path]
    lines = [
        _Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])).around(0.8)
        for a, b in zip(corners, corners[1:])
    ]
    inside = _Box(*axes.bbox.extents)
    few = len(front.points) <= _MOST_LABELS
    ordered = sorted(range(len(labels)), key=lambda at: not front.points[at].on_front)
    for at in ordered:
        on_front = front.points[at].on_front
        if not (on_front or few):
            continue
        size = _FRONT_TEXT if on_front else _TEXT
        width, height = _text_size(axes, labels[at], size)
        boxes = list(_boxes_beside(places[at], width, height, front, on_front=on_front))
        box = min(boxes, key=lambda candidate: _covered(candidate, taken, lines, inside))
        taken.append(box)
        axes.annotate(
            _plain(labels[at]),
            (front.points[at].cost, front.points[at].gain),
            (box.left - places[at][0], box.bottom - places[at][1]),
            textcoords="offset points",
            fontsize=size,
            color=INK if on_front else FAINT,
            verticalalignment="bottom",
            zorder=5,
        )


def _text_size(axes: Axes, text: str, size: float) -> Tuple[float, float]:
    """Width and height of a text in points."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.font_manager import FontProperties

    canvas = axes.figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    width, height, _ = canvas.get_renderer().get_text_width_height_descent(text, FontProperties(size=size), False)
    return width, height


def _boxes_beside(
    place: Sequence[float], width: float, height: float, front: ParetoFront, *, on_front: bool
) -> Iterator[_Box]:
    """Where a label can stand, the best first: away from what is dominated for the front, into it for the others."""
    right = -1 if front.cost_metric.better != HIGHER else 1
    up = 1 if front.gain_metric.better == HIGHER else -1
    if not on_front:
        right, up = -right, -up
    sides = ((right, up), (right, 0), (0, up), (-right, up), (right, -up), (-right, 0), (0, -up), (-right, -up))
    for distance in (5.5, 11.0, 18.0):
        for across, along in sides:
            away = distance if not (across and along) else 0.75 * distance
            left = place[0] + across * away + (across - 1) * width / 2
            bottom = place[1] + along * away + (along - 1) * height / 2
            yield _Box(left, bottom, left + width, bottom + height)


def _covered(box: _Box, taken: Sequence[_Box], lines: Sequence[_Box], inside: _Box) -> float:
    wide = box.around(1.0)
    area = (wide.right - wide.left) * (wide.top - wide.bottom)
    outside = area - wide.shared_with(inside)
    return sum(map(wide.shared_with, taken)) + sum(map(wide.shared_with, lines)) + 2 * outside


def _draw_legend(axes: Axes, looks: Dict[str, Look]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=COLOURS[look.colour], marker=MARKERS[look.marker], markersize=_MARKER, linestyle="none")
        for look in looks.values()
    ]
    names = [_plain(name) for name in shorten_names([printable(name) for name in looks], _NAME_CELLS, "…")]
    axes.legend(handles, names, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8)


def _draw_title(axes: Axes, study: Study, front: ParetoFront, *, named: bool) -> None:
    lines = wrap(printable(f"{study.name}: {title_of(front)}"), _TITLE_CELLS)
    axes.set_title("\n".join(map(_plain, lines)), loc="left", fontsize=10, fontweight="bold", pad=20)
    axis = f"{study.x} ({study.x_unit})" if study.x_unit else study.x
    places = {point.x for point in front.points}
    says = "filled: on the Pareto front"
    if len(places) == 1:
        says += f"; {axis}: {coordinate(places.pop())}"
    else:
        says += f"; {'after the name' if named else 'beside the points'}: {axis}"
    axes.text(0, 1.02, _plain(says), transform=axes.transAxes, fontsize=8, color=FAINT)


def _plain(text: str) -> str:
    """A text that matplotlib takes for no formula."""
    return printable(text).replace("$", r"\$")
