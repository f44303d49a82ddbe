"""The figures of ``baselines/published``, to be chosen from and reckoned with."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, List, Mapping, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pytest_edgeperf import read_results  # noqa: E402

PUBLISHED = ROOT / "baselines" / "published"


@dataclass(frozen=True)
class Figure:
    """A printed number and where it stands."""

    value: float
    metric: str
    device: str
    parameters: Mapping[str, Any]
    source: Mapping[str, Any]


@dataclass(frozen=True)
class Remark:
    """What is wrong, the arithmetic, and the note of the figures in the tables that it is about."""

    paper: str
    place: str
    printed: str
    arithmetic: str
    note: str = ""
    figures: Tuple[Figure, ...] = ()


class Figures(List[Figure]):
    """Published figures, to be chosen from."""

    def of(self, paper: str, **wanted: Any) -> Figures:
        """Those of a paper with these values of metric, device, source or parameters."""
        return Figures(one for one in self if one.source["paper"] == paper and _has(one, wanted))

    def value(self, paper: str, **wanted: Any) -> float:
        """The only one of these."""
        (figure,) = self.of(paper, **wanted)
        return figure.value


def _has(figure: Figure, wanted: Mapping[str, Any]) -> bool:
    own = {**figure.parameters, **figure.source, "metric": figure.metric, "device": figure.device}
    return all(own.get(name) in (value if isinstance(value, tuple) else (value,)) for name, value in wanted.items())


def published() -> Figures:
    """All figures of ``baselines/published``."""
    found = Figures()
    for path in sorted(PUBLISHED.glob("*.json")):
        results = read_results(path)
        for benchmark in results.benchmarks.values():
            for run in benchmark.runs:
                ((metric, value),) = run.values.items()
                assert run.source is not None
                assert isinstance(value, (int, float))
                found.append(Figure(value, metric, results.device, benchmark.parameters, run.source))
    return found


def line(points: Sequence[Tuple[float, float]]) -> Tuple[float, float, float]:
    """Slope and intercept by least squares, and the share of the variance that they explain."""
    x, y = (mean(axis) for axis in zip(*points))
    spread = sum((a - x) ** 2 for a, _ in points)
    slope = sum((a - x) * (b - y) for a, b in points) / spread
    intercept = y - slope * x
    left = sum((b - slope * a - intercept) ** 2 for a, b in points)
    return slope, intercept, 1 - left / sum((b - y) ** 2 for _, b in points)
