"""The runs of a benchmark as rows of plain values: when, why not used, and their samples' order statistics."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from pytest_edgeperf.report.figures import figure, reasons_of
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.numbers import in_seconds, time_unit
from pytest_edgeperf.results.disturbance_words import causes_text
from pytest_edgeperf.results.example_answers import is_accuracy
from pytest_edgeperf.results.types import Benchmark, Run

#: What is known of a run's samples, from the fastest to the slowest.
ORDER = ("min", "p05", "p25", "p50", "p75", "p90", "p95", "p99", "max")
_MEDIAN = ORDER.index("p50")
#: Significant digits of a run's median and of the other figures.
_DIGITS, _FEW_DIGITS = 5, 4


class Sessions:
    """The sessions that runs are of, each once: a run holds its place in the list, and its seconds after the first."""

    def __init__(self) -> None:
        self._places: Dict[Tuple[str, Optional[str], Optional[str]], int] = {}
        self._began: Dict[int, Optional[int]] = {}

    def of(self, run: Run) -> Tuple[int, Optional[int]]:
        """The place of a run's session in :meth:`listed`, and when the run began, in seconds after its ``began``."""
        place = self._places.setdefault((run.session, run.commit, run.reason), len(self._places))
        time = _time(run.started)
        began = self._began.setdefault(place, time)
        return place, None if began is None or time is None else time - began

    def listed(self) -> List[Dict[str, Any]]:
        """Every session with the seconds since 1970 that its runs count from, its commit and why it was accepted."""
        return [
            {"id": name, "began": self._began[place], "commit": commit, "reason": reason}
            for (name, commit, reason), place in self._places.items()
        ]


def scale_of(base: Optional[Benchmark], measured: Optional[Benchmark], metric: str) -> Tuple[str, float]:
    """The unit of a benchmark's charts, and what a value is multiplied with to be in it."""
    for side in (measured, base):
        value = figure(side, metric) if side is not None else None
        if side is None or value is None:
            continue
        unit = side.metrics[metric].unit
        in_s, one = in_seconds(value, unit), in_seconds(1.0, unit)
        if in_s is None or one is None:
            return unit, 1.0
        name, size = time_unit([in_s])
        return name, one / size
    return "", 1.0


def runs_of(benchmark: Optional[Benchmark], metric: str, size: float, sessions: Sessions) -> List[List[Any]]:
    """A row per run: session's place, when it began, why it is not used, samples and their order statistics."""
    if benchmark is None:
        return []
    return [
        [*sessions.of(run), _why_disturbed(run), *_order(run.values.get(metric), size)]
        for run in benchmark.runs
        if metric in run.values
    ]


def _order(value: Any, size: float) -> List[Any]:
    """The number of samples and what is known of their order."""
    if isinstance(value, Mapping):
        shown = {**value, "p50": value.get("mean")} if is_accuracy(value) else value
        return [shown.get("n"), *(short(shown.get(name), size, _digits(name)) for name in ORDER)]
    alone: List[Any] = [None] * len(ORDER)
    alone[_MEDIAN] = short(value, size, _DIGITS)
    return [None, *alone]


def _digits(statistic: str) -> int:
    return _DIGITS if statistic == "p50" else _FEW_DIGITS


def short(value: Any, size: float = 1.0, digits: int = _FEW_DIGITS) -> Optional[float]:
    """``value`` times ``size`` to so many significant digits; ``None`` for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(f"{value * size:.{digits}g}")


def _time(started: str) -> Optional[int]:
    """Seconds since 1970, UTC; ``None`` where the file has something else."""
    try:
        moment = datetime.fromisoformat(started[:-1])
    except ValueError:
        return None
    known = started.endswith("Z") and moment.tzinfo is None
    return int(moment.replace(tzinfo=timezone.utc).timestamp()) if known else None


def _why_disturbed(run: Run) -> Union[str, int]:
    if not run.disturbed:
        return 0
    return causes_text([reasons_of(run)]) or "disturbed"


def values_of(benchmark: Optional[Benchmark], metric: str) -> List[Optional[float]]:
    """Each run's median, or number, of a metric."""
    values: Sequence[Any] = [] if benchmark is None else [run.values.get(metric) for run in benchmark.runs]
    return [short(value.get("p50") if isinstance(value, Mapping) else value) for value in values]


def pairs_of(benchmark_id: str, subject: Subject) -> List[List[Any]]:
    """Change in per cent, its standard error and the build of each pair of a comparison in lock-step."""
    against = subject.measured.against
    rows = []
    for pair in () if against is None else against.pairs.get(benchmark_id, ()):
        log_ratio, error = short(pair.get("log_ratio")), short(pair.get("error"))
        if log_ratio is None or abs(log_ratio) > 50:
            continue
        moved = 100 * math.expm1(log_ratio)
        rows.append([short(moved), None if error is None else short(100 * error), pair.get("build")])
    return rows
