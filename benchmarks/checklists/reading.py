"""What the checklists read of results: a row per benchmark, and lines through some of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from statistics import mean, median
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from pytest_edgeperf import Results

PYTORCH = "torch"
TENSORRT = "tensorrt"
GPU_VARIANTS = ("cuda", "tensorrt", "gpu")


@dataclass(frozen=True)
class Row:
    """A benchmark: its file and test, its parameters, its coordinate in its study, and metric -> median over runs."""

    file: str
    test: str
    parameters: Mapping[str, Any]
    x: Optional[float]
    values: Mapping[str, float]
    disturbed: bool

    @property
    def framework(self) -> str:
        """As typed in ``--framework``."""
        return str(self.parameters.get("framework", ""))

    @property
    def runtime(self) -> str:
        """The framework without its variant."""
        return self.framework.partition(":")[0]

    @property
    def on_gpu(self) -> bool:
        """Whether the framework computes on a GPU."""
        runtime, _, variant = self.framework.partition(":")
        return runtime == TENSORRT or variant in GPU_VARIANTS


class Rows(List[Row]):
    """Rows, to be chosen from."""

    def of(self, test: str, metrics: Sequence[str] = ("latency",), **parameters: Any) -> Rows:
        """Those of a test (``file::test``, or a file) with these parameters that have all of these metrics."""
        file, _, name = test.partition("::")
        return Rows(
            row
            for row in self
            if row.file == file
            and name in ("", row.test)
            and all(row.parameters.get(key) == value for key, value in parameters.items())
            and all(metric in row.values for metric in metrics)
        )

    def where(self, holds: Callable[[Row], bool]) -> Rows:
        """Those for which it holds."""
        return Rows(row for row in self if holds(row))

    def by(self, *parameters: str) -> Dict[Tuple[Any, ...], Rows]:
        """Groups with the same values of these parameters, in order of appearance."""
        groups: Dict[Tuple[Any, ...], Rows] = {}
        for row in self:
            groups.setdefault(tuple(row.parameters.get(name) for name in parameters), Rows()).append(row)
        return groups

    def pytorch(self) -> Rows:
        """PyTorch's."""
        return self.where(lambda row: row.runtime == PYTORCH)

    def deployed(self) -> Rows:
        """TensorRT's; where it was not measured, every other runtime's but PyTorch's, which stand for it."""
        return self.where(lambda row: row.runtime == TENSORRT) or self.where(lambda row: row.runtime != PYTORCH)

    def sorted_by(self, metric_or_x: str = "x") -> Rows:
        """In ascending order of the coordinate or a metric."""
        return Rows(sorted(self, key=lambda row: (row.x if metric_or_x == "x" else row.values[metric_or_x]) or 0.0))


def rows_of(results: Results) -> Rows:
    """A row per benchmark with runs; a value is the median over the undisturbed runs, or over all where none is."""
    rows = Rows()
    for name, benchmark in results.benchmarks.items():
        calm = [run for run in benchmark.runs if not run.disturbed]
        values = {}
        for metric in benchmark.metrics:
            of_runs = [_number(run.values.get(metric)) for run in calm or benchmark.runs]
            numbers = [number for number in of_runs if number is not None]
            if numbers:
                values[metric] = median(numbers)
        path, _, rest = name.partition("::")
        rows.append(
            Row(
                PurePosixPath(path).name,
                rest.partition("[")[0],
                benchmark.parameters,
                benchmark.place.x if benchmark.place is not None else None,
                values,
                disturbed=bool(benchmark.runs) and not calm,
            )
        )
    return rows


def notes_of(rows: Iterable[Row]) -> Tuple[str, ...]:
    """What has to be known of all figures."""
    disturbed = sum(row.disturbed for row in rows)
    if not disturbed:
        return ()
    return (f"The machine was disturbed in every run of {disturbed} benchmarks, whose figures were used nevertheless.",)


def _number(value: Any) -> Optional[float]:
    if isinstance(value, Mapping):
        value = value.get("p50", value.get("mean"))
    return None if value is None else float(value)


@dataclass(frozen=True)
class Line:
    """``y = slope * x + intercept`` by least squares, and the share of y's variance that it explains."""

    slope: float
    intercept: float
    explained: float


def line(x: Sequence[float], y: Sequence[float]) -> Line:
    """The line through points of at least two different x."""
    middle_x, middle_y = mean(x), mean(y)
    spread = sum((value - middle_x) ** 2 for value in x)
    slope = sum((one - middle_x) * (other - middle_y) for one, other in zip(x, y)) / spread
    intercept = middle_y - slope * middle_x
    total = sum((value - middle_y) ** 2 for value in y)
    left = sum((other - slope * one - intercept) ** 2 for one, other in zip(x, y))
    return Line(slope, intercept, 1 - left / total if total > 0 else 1.0)


def significant(value: float) -> str:
    """Three significant digits without an exponent."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - _magnitude(value))
    return f"{value:.{decimals}f}"


def _magnitude(value: float) -> int:
    return int(f"{abs(value):e}".partition("e")[2])
