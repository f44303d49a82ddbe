"""The metrics and units of published figures, beside those that are measured here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional, Sequence, Tuple

from .types import HIGHER, Metric

#: What papers report, beside the metrics that a run may carry by itself.
PUBLISHED_METRICS: Mapping[str, Metric] = {
    "AP": Metric("%", HIGHER),
    "AP50": Metric("%", HIGHER),
    "AP75": Metric("%", HIGHER),
    # of what comes above what is usual
    "delay": Metric("ms"),
    "duration": Metric("s"),
    "file_size": Metric("MiB"),
    "flops_per_parameter": Metric(""),
    # how much more is done in a time
    "improvement": Metric("%", HIGHER),
    "inference_count": Metric(""),
    "layer_count": Metric(""),
    "memory_available": Metric("MiB"),
    "peak_flops": Metric("GFLOP/s", HIGHER),
    "price": Metric("$"),
    # how much less of something is taken
    "reduction": Metric("%", HIGHER),
    "saving": Metric("", HIGHER),
    "share": Metric("%"),
    "speedup": Metric("", HIGHER),
    "time_ratio": Metric("", HIGHER),
    "variation": Metric("%"),
}

#: Unit -> what it measures, and its size. An FLOP is one operation, a BFLOP is 1e9 of them.
UNITS: Mapping[str, Tuple[str, float]] = {
    "s": ("time", 1.0),
    "ms": ("time", 1e-3),
    "us": ("time", 1e-6),
    "µs": ("time", 1e-6),
    "ns": ("time", 1e-9),
    "h": ("time", 3600.0),
    "1/s": ("rate", 1.0),
    "FPS": ("rate", 1.0),
    "B": ("memory", 1.0),
    "kB": ("memory", 1e3),
    "KiB": ("memory", 2.0**10),
    "MB": ("memory", 1e6),
    "MiB": ("memory", 2.0**20),
    "GB": ("memory", 1e9),
    "GiB": ("memory", 2.0**30),
    "W": ("power", 1.0),
    "mW": ("power", 1e-3),
    "J": ("energy", 1.0),
    "mJ": ("energy", 1e-3),
    "degC": ("temperature", 1.0),
    "°C": ("temperature", 1.0),
    "%": ("share", 1.0),
    "MHz": ("frequency", 1e6),
    "GHz": ("frequency", 1e9),
    "FLOPs": ("operations", 1.0),
    "MFLOPs": ("operations", 1e6),
    "GFLOPs": ("operations", 1e9),
    "BFLOPs": ("operations", 1e9),
    "MACs": ("operations", 1.0),
    "FLOP/s": ("operations a second", 1.0),
    "GFLOP/s": ("operations a second", 1e9),
    "$": ("money", 1.0),
    "": ("number", 1.0),
    "M": ("number", 1e6),
}


@dataclass(frozen=True)
class Vocabulary:
    """The metrics and precisions that a table may name."""

    metrics: Mapping[str, Metric]
    precisions: Sequence[str]

    def metric(self, name: str) -> Optional[Metric]:
        """The metric of that name, measured here or only published."""
        return self.metrics.get(name) or PUBLISHED_METRICS.get(name)


def convert(value: float, unit: str, to: str) -> Optional[float]:
    """``value`` in another unit, or ``None`` where the units are unknown or of different things."""
    if unit == to:
        return value
    if unit not in UNITS or to not in UNITS or UNITS[unit][0] != UNITS[to][0]:
        return None
    return value * (UNITS[unit][1] / UNITS[to][1])
