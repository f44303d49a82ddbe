"""What the checklists read of results: a row per benchmark and device, and lines through some of them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from statistics import mean
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from checklists.findings import digits as significant
from checklists.intervals import Quantity, half_of_last_digit, printed

if TYPE_CHECKING:
    from papers import Paper

    from pytest_edgeperf import Results

PYTORCH = "torch"
TENSORRT = "tensorrt"
GPU_VARIANTS = ("cuda", "tensorrt", "gpu")
#: Metric of the whole pipeline's speed, made from ``throughput`` or ``latency``.
FPS = "fps"
#: Suffix of a metric's coefficient of variation over the samples of a run.
VARIATION = "_cv"
#: With fewer, a run tells nothing of their variation.
FEWEST_SAMPLES = 5
#: Ratio of the other side's latency over this side's, pair by pair, of a session in lock-step.
OTHER_SIDE = "other_side"
#: Unit in which another is given -> the factor to it.
_UNITS = {"s": ("ms", 1e3), "us": ("ms", 1e-3)}

__all__ = [
    "FPS",
    "OTHER_SIDE",
    "PYTORCH",
    "TENSORRT",
    "VARIATION",
    "Line",
    "Row",
    "Rows",
    "line",
    "notes_of",
    "rows_of",
    "significant",
]


@dataclass(frozen=True)
class Row:
    """A benchmark on a device: its file and test, parameters, coordinate in its study, and metric -> quantity."""

    device: str
    file: str
    test: str
    parameters: Mapping[str, Any]
    x: Optional[float]
    quantities: Mapping[str, Quantity]
    disturbed: bool
    printed: bool = False
    #: The command that started the other side of a session in lock-step; empty: none did.
    command: str = ""

    @property
    def values(self) -> Mapping[str, float]:
        """Metric -> median over runs."""
        return {metric: quantity.center for metric, quantity in self.quantities.items()}

    @property
    def network(self) -> str:
        """The parameter, or the test's name."""
        return str(self.parameters.get("network", self.test[len("test_") :].replace("_", "-")))

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

    def quantity(self, metric: str) -> Quantity:
        """A metric over the runs.

        Raises:
            KeyError: no run has it.
        """
        return self.quantities[metric]


class Rows(List[Row]):
    """Rows, to be chosen from."""

    def of(self, test: str, metrics: Sequence[str] = (), **parameters: Any) -> Rows:
        """Those of a test (``file::test``, or a file) with these parameters that have all of these metrics."""
        file, _, name = test.partition("::")
        return Rows(
            row
            for row in self
            if row.file == file
            and name in ("", row.test)
            and all(row.parameters.get(key) == value for key, value in parameters.items())
            and all(metric in row.quantities for metric in metrics)
        )

    def where(self, holds: Callable[[Row], bool]) -> Rows:
        """Those for which it holds."""
        return Rows(row for row in self if holds(row))

    def by(self, *parameters: str) -> Dict[Tuple[Any, ...], Rows]:
        """Groups with the same values of these parameters (or ``device``, ``network``), in order of appearance."""
        groups: Dict[Tuple[Any, ...], Rows] = {}
        for row in self:
            own = {**row.parameters, "device": row.device, "network": row.network}
            groups.setdefault(tuple(own.get(name) for name in parameters), Rows()).append(row)
        return groups

    def on(self, *devices: str) -> Rows:
        """Those of these devices."""
        return self.where(lambda row: row.device in devices)

    def pytorch(self) -> Rows:
        """PyTorch's."""
        return self.where(lambda row: row.runtime == PYTORCH)

    def deployed(self) -> Rows:
        """TensorRT's; on a device where it was not measured, every other runtime's but PyTorch's, as a stand-in."""
        with_tensorrt = {row.device for row in self if row.runtime == TENSORRT}
        return self.where(
            lambda row: row.runtime == TENSORRT if row.device in with_tensorrt else row.runtime != PYTORCH
        )

    def sorted_by(self, metric_or_x: str = "x") -> Rows:
        """In ascending order of the coordinate or a metric."""
        return Rows(sorted(self, key=lambda row: (row.x if metric_or_x == "x" else row.values[metric_or_x]) or 0.0))

    @property
    def devices(self) -> Tuple[str, ...]:
        """All devices, in order of appearance."""
        return tuple(dict.fromkeys(row.device for row in self))

    @property
    def printed(self) -> bool:
        """Whether these are a paper's own figures."""
        return any(row.printed for row in self)


def rows_of(*several: Results, paper: Optional[Paper] = None) -> Rows:
    """A row per benchmark with runs; a paper's own figures only where nothing was measured.

    A quantity has the undisturbed runs, or all where none is. Two files of one device are told apart by a number.
    """
    measured, published = Rows(), Rows()
    devices: Counter[str] = Counter()
    for results in several:
        devices[results.device] += 1
        count = devices[results.device]
        device = results.device if count == 1 else f"{results.device} ({count})"
        for name, benchmark in results.benchmarks.items():
            if any(run.source is not None for run in benchmark.runs):
                row = _published(device, name, benchmark, paper) if paper is not None else None
                published.extend([row] if row is not None else [])
            else:
                measured.append(_measured(device, name, benchmark, results))
    return measured or published


def _measured(device: str, name: str, benchmark: Any, results: Results) -> Row:
    calm = [(index, run) for index, run in enumerate(benchmark.runs) if not run.disturbed]
    runs = calm or list(enumerate(benchmark.runs))
    quantities: Dict[str, Quantity] = {}
    for metric in benchmark.metrics:
        numbers = {(device, name, index): _number(run.values.get(metric)) for index, run in runs}
        spreads = {(device, name, index): _variation(run.values.get(metric)) for index, run in runs}
        for key, found in ((metric, numbers), (metric + VARIATION, spreads)):
            of_runs = {run: number for run, number in found.items() if number is not None}
            if of_runs:
                quantities[key] = Quantity(of_runs)
    quantities.update(_speed(quantities))
    pairs = results.against.pairs.get(name, ()) if results.against is not None else ()
    if pairs:
        ratios = {(device, name, "pair", index): math.exp(-pair["log_ratio"]) for index, pair in enumerate(pairs)}
        quantities[OTHER_SIDE] = Quantity(ratios)
    commands = [results.environments[pair["base"]["environment"]].get("settings", {}).get("command") for pair in pairs]
    path, _, rest = name.partition("::")
    return Row(
        device,
        PurePosixPath(path).name,
        rest.partition("[")[0],
        benchmark.parameters,
        benchmark.place.x if benchmark.place is not None else None,
        quantities,
        disturbed=bool(benchmark.runs) and not calm,
        command=str(commands[0] or "") if commands else "",
    )


def _published(device: str, name: str, benchmark: Any, paper: Paper) -> Optional[Row]:
    figures = {
        metric: (value, benchmark.metrics[metric].unit)
        for run in benchmark.runs
        if run.source is not None and run.source.get("paper") == paper.name
        for metric, value in run.values.items()
    }
    if not figures:
        return None
    quantities: Dict[str, Quantity] = {}
    for metric, (value, unit) in figures.items():
        _, factor = _UNITS.get(unit, (unit, 1.0))
        number = float(value)
        quantities[metric] = printed(number * factor, half_of_last_digit(number) * factor)
    if "latency" not in quantities and "infer" in quantities and "postprocess" in quantities:
        total = quantities["infer"].plus(quantities["postprocess"])
        quantities["latency"] = total.plus(quantities["preprocess"]) if "preprocess" in quantities else total
    quantities.update(_speed(quantities))
    parameters = {"precision": "fp32", **benchmark.parameters}
    file = paper.files.get(name.partition("[")[0], name.partition("[")[0])
    test = f"test_{str(parameters.get('network', '')).replace('-', '_')}"
    return Row(device, file, test, parameters, None, quantities, disturbed=False, printed=True)


def _speed(quantities: Mapping[str, Quantity]) -> Dict[str, Quantity]:
    if "throughput" in quantities:
        return {FPS: quantities["throughput"]}
    return {FPS: quantities["latency"].inverse(1e3)} if "latency" in quantities else {}


def notes_of(rows: Iterable[Row]) -> Tuple[str, ...]:
    """What has to be known of all figures."""
    listed = list(rows)
    notes = []
    disturbed = sum(row.disturbed for row in listed)
    if disturbed:
        notes.append(
            f"The machine was disturbed in every run of {disturbed} benchmarks, whose figures were used nevertheless."
        )
    once = sum(
        not row.printed and max((len(one.runs) for one in row.quantities.values()), default=0) == 1 for row in listed
    )
    if once:
        notes.append(
            f"{once} of {len(listed)} benchmarks have one undisturbed run, which decides nothing: --baseline=off "
            "measures three, --edgeperf-rounds N as many as you like."
        )
    return tuple(notes)


def _number(value: Any) -> Optional[float]:
    if isinstance(value, Mapping):
        value = value.get("p50", value.get("mean"))
    return None if value is None else float(value)


def _variation(value: Any) -> Optional[float]:
    if not isinstance(value, Mapping) or value.get("n", FEWEST_SAMPLES) < FEWEST_SAMPLES:
        return None
    if value.get("sd") and value.get("mean"):
        return float(value["sd"]) / float(value["mean"])
    return None


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
