"""What exports for other tools are made of: results with their verdicts, figures over runs, names that are safe."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, MetricVerdict
from pytest_edgeperf.report.figures import LATENCY, MEMORY, run_values
from pytest_edgeperf.report.numbers import change_with_interval
from pytest_edgeperf.results.benchmark_matching import canonical_id, function_of
from pytest_edgeperf.results.characters import printable
from pytest_edgeperf.results.errors import ResultsError
from pytest_edgeperf.results.types import Benchmark, Results, Run

if TYPE_CHECKING:
    from pytest_edgeperf.report.session_report import SessionReport

#: What a store of figures over time gets of each benchmark, beside its accuracies.
HEADLINES = (
    LATENCY,
    MEMORY,
    "memory_system_peak",
    "memory_device_peak",
    "energy_per_inference",
    "power_mean",
    "throughput",
)
#: Bytes of UTF-8 in a name; Bencher takes 1,024.
LONGEST_NAME = 1000
_DIGEST_LETTERS = 8
#: Of a two-sided interval, in each tail.
_TAIL = 0.025
_LARGEST_LOGARITHM = 700.0
#: Of a figure whose spread is not known: a single run.
_DIGITS_OF_ONE_RUN = 3
_FEWEST_DIGITS, _MOST_DIGITS = 2, 12


class ExportError(ResultsError):
    """The results cannot be exported in a format; the message says why, and what helps."""


@dataclass(frozen=True)
class Exported:
    """One device's results, and the verdicts on them where there are some."""

    results: Results
    comparison: Optional[Comparison] = None
    #: The metrics that were asked for; empty: those that a format takes of its own.
    metrics: Tuple[str, ...] = ()

    def verdict(self, benchmark_id: str) -> Optional[BenchmarkVerdict]:
        """What the judge said of a benchmark, if anything."""
        return None if self.comparison is None else self.comparison.benchmarks.get(benchmark_id)

    def chosen(self, benchmark: Benchmark, *, headlines: bool) -> List[str]:
        """The metrics of a benchmark to export, latency first.

        Those that were asked for; else all, or with ``headlines`` those of :data:`HEADLINES` and the accuracies.
        """
        names = [
            name
            for name, metric in benchmark.metrics.items()
            if (name in self.metrics if self.metrics else not headlines or name in HEADLINES or metric.is_accuracy)
        ]
        return sorted(names, key=lambda name: (name != LATENCY, name))


def session_exported(report: SessionReport) -> Exported:
    """A session's results without those of benchmarks that failed, with its verdicts."""
    from pytest_edgeperf.report.summary_text import judged

    kept = {name: one for name, one in report.measured.benchmarks.items() if name not in report.faults}
    comparison = None if report.comparison is None else judged(report)
    return Exported(replace(report.measured, benchmarks=kept), comparison)


def only_device(measured: Sequence[Exported], what: str) -> Exported:
    """The results of a format that holds those of one device.

    Raises:
        ExportError: there are several devices.
    """
    if len(measured) == 1:
        return measured[0]
    devices = ", ".join(one.results.device for one in measured)
    raise ExportError(f"{what} is of one machine, and these results are of {devices}; export each device to its file")


class RunFigure(NamedTuple):
    """A figure over the undisturbed runs of a benchmark, in the metric's unit.

    ``value`` is the runs' median. ``lower`` and ``upper`` are the two-sided 95 % interval of their mean, widened to
    contain the median; ``None`` of a single run.
    """

    value: float
    lower: Optional[float]
    upper: Optional[float]
    runs: int

    @property
    def half_width(self) -> Optional[float]:
        """Half of the interval's width."""
        return None if self.lower is None or self.upper is None else (self.upper - self.lower) / 2

    def scaled(self, factor: float) -> RunFigure:
        """The same in another unit; ``factor`` is positive."""
        lower, upper = (None if end is None else end * factor for end in (self.lower, self.upper))
        return RunFigure(self.value * factor, lower, upper, self.runs)

    @property
    def is_finite(self) -> bool:
        """Whether JSON has numbers for all of it."""
        return all(math.isfinite(value) for value in (self.value, self.lower or 0.0, self.upper or 0.0))


def run_figure(benchmark: Benchmark, metric: str, summary: str = "p50") -> Optional[RunFigure]:
    """A metric's summary over the runs; ``None`` where :func:`~pytest_edgeperf.report.figures.figure` has none."""
    values = run_values(benchmark, metric, summary)
    if not values:
        return None
    value = _median(values)
    interval = _interval_of_mean(values)
    if interval is None:
        return RunFigure(value, None, None, len(values))
    return RunFigure(value, min(interval[0], value), max(interval[1], value), len(values))


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return ordered[middle - 1] / 2 + ordered[middle] / 2


def _interval_of_mean(values: Sequence[float]) -> Optional[Tuple[float, float]]:
    """By Student's t of the logarithms, as the judge takes them; of the values where one is not positive."""
    count = len(values)
    if count < 2:
        return None
    if min(values) == max(values):
        return values[0], values[0]
    positive = min(values) > 0
    numbers = [math.log(value) for value in values] if positive else values
    mean = math.fsum(numbers) / count
    scatter = math.sqrt(math.fsum((number - mean) * (number - mean) for number in numbers) / (count - 1))
    half = _student_t(count - 1) * scatter / math.sqrt(count)
    if not positive:
        return mean - half, mean + half
    if mean + half > _LARGEST_LOGARITHM:
        return None
    return math.exp(mean - half), math.exp(mean + half)


@lru_cache(maxsize=None)
def _student_t(freedom: int) -> float:
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, _TAIL))


def supported(figure: RunFigure) -> float:
    """The value with the digits that its interval supports, so that the same code gives the same text more often.

    The last digit is worth at least half of the interval, with two digits at least; three of a single run.
    """
    if figure.value == 0 or not math.isfinite(figure.value):
        return figure.value
    leading = math.floor(math.log10(abs(figure.value)))
    if figure.half_width is None:
        last = leading - _DIGITS_OF_ONE_RUN + 1
    elif figure.half_width > 0:
        last = math.ceil(math.log10(figure.half_width))
    else:
        last = leading - _MOST_DIGITS + 1
    last = min(max(last, leading - _MOST_DIGITS + 1), leading - _FEWEST_DIGITS + 1)
    return float(f"{figure.value:.{leading - last}e}")


# Names and texts.


def safe_name(text: str, longest: int = LONGEST_NAME) -> str:
    """``text`` without control and format characters; beyond ``longest`` bytes its beginning and a digest of it all."""
    shown = printable(text) or "(no name)"
    return shown if len(shown.encode("utf-8")) <= longest else _cut(shown, longest, digest(text))


def cut(text: str, longest: int) -> str:
    """``text`` as it is; beyond ``longest`` bytes its beginning and a digest of it all."""
    return text if len(text.encode("utf-8", "surrogatepass")) <= longest else _cut(text, longest, digest(text))


def _cut(text: str, longest: int, ending: str) -> str:
    ending = f"…{ending}"
    room = longest - len(ending.encode("utf-8"))
    return text[:room].encode("utf-8", "backslashreplace")[:room].decode("utf-8", "ignore") + ending


def safe_names(texts: Iterable[str], longest: int = LONGEST_NAME) -> Dict[str, str]:
    """Texts -> names, different ones for different texts."""
    names = {text: safe_name(text, longest) for text in texts}
    seen: Dict[str, str] = {}
    for text, name in names.items():
        # An escape that somebody wrote out looks like one of ours.
        names[text] = name if seen.setdefault(name, text) == text else f"{name} ({digest(text)})"
    return names


def digest(text: str) -> str:
    """A few letters that stand for a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LETTERS]


def function_and_label(benchmark_id: str) -> Tuple[str, str]:
    """The id of a test function, and its parameters with their brackets."""
    function = function_of(benchmark_id)
    return function, canonical_id(benchmark_id)[len(function) :]


def scalar(value: Any) -> Union[bool, int, float, str]:
    """A parameter's value as a boolean, a finite number or a text: JSON of what is none of these."""
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)) and math.isfinite(value):
        return value
    return json.dumps(json_value(value), sort_keys=True)


def json_value(value: Any) -> Any:
    """The same with ``None`` for what JSON has no number for, and texts for what is no JSON."""
    if isinstance(value, dict):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        # A lone half of a surrogate pair is no character, and readers of JSON refuse it.
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def dumped(value: Any) -> str:
    """JSON in one line, of ASCII."""
    return json.dumps(json_value(value), allow_nan=False)


def json_lines(opening: str, items: Iterable[str], closing: str) -> str:
    """A document of one item a line."""
    inside = ",\n".join(items)
    return f"{opening}\n{inside}\n{closing}\n" if inside else f"{opening}{closing}\n"


# What was measured when, and what was said of it.


def latest_run(results: Results) -> Optional[Run]:
    """The run that started last."""
    runs = (run for benchmark in results.benchmarks.values() for run in benchmark.runs)
    return max(runs, key=lambda run: run.started, default=None)


def change_text(judged: Optional[MetricVerdict]) -> Optional[str]:
    """A metric's verdict in a few words: ``regressed +8.1 % [+5.2, +11.1]``."""
    if judged is None:
        return None
    if judged.accuracy is not None:
        low, high = judged.accuracy.interval
        return f"{judged.verdict} {judged.accuracy.difference:+.3g} [{low:+.3g}, {high:+.3g}]"
    if judged.ratio is None:
        return judged.verdict
    return f"{judged.verdict} {change_with_interval(judged.ratio, judged.interval)}"
