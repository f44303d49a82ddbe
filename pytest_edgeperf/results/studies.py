"""Studies: benchmarks read together as series over a coordinate, and the published lines beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

#: Where a results file keeps its studies (by name), and a benchmark its place in one.
STUDIES = "studies"
STUDY = "study"


@dataclass(frozen=True)
class ReferenceLine:
    """A published line ``metric = slope * x + intercept`` on ``[x_from, x_to]`` (open where ``None``)."""

    series: str
    metric: str
    slope: float
    intercept: float
    unit: str
    source: str
    x_from: Optional[float] = None
    x_to: Optional[float] = None


@dataclass(frozen=True)
class Study:
    """A named experiment: what its coordinate is, which metrics are fitted over it, and what was published.

    ``metrics`` are read as the median over runs of a summary's ``p50``, or of a number, and fitted with a line per
    series; without ``lines`` their values are shown, one per coordinate.
    """

    name: str
    x: str
    x_unit: str
    metrics: Tuple[str, ...] = ("latency", "memory_process_peak")
    references: Tuple[ReferenceLine, ...] = ()
    lines: bool = True

    def to_dict(self) -> Dict[str, Any]:
        """As stored in a results file under ``studies.<name>``."""
        references = [
            {key: value for key, value in vars(line).items() if value is not None} for line in self.references
        ]
        shown = {} if self.lines else {"lines": False}
        return {"x": self.x, "x_unit": self.x_unit, "metrics": list(self.metrics), "references": references, **shown}

    @classmethod
    def from_dict(cls, name: str, stored: Mapping[str, Any]) -> Study:
        """Read what :meth:`to_dict` gave.

        Raises:
            TypeError, KeyError: the stored value is not a study.
        """
        return cls(
            name=name,
            x=str(stored["x"]),
            x_unit=str(stored["x_unit"]),
            metrics=tuple(stored["metrics"]),
            references=tuple(ReferenceLine(**line) for line in stored.get("references", ())),
            lines=stored.get("lines", True) is not False,
        )


@dataclass(frozen=True)
class Place:
    """Where a benchmark stands in a study: its series (a framework, say) and its coordinate."""

    study: str
    series: str
    x: float

    def to_dict(self) -> Dict[str, Any]:
        """As stored in a benchmark under ``study``."""
        return {"name": self.study, "series": self.series, "x": self.x}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Place:
        """Read what :meth:`to_dict` gave.

        Raises:
            TypeError, KeyError, ValueError: the stored value is not a place.
        """
        return cls(study=str(stored["name"]), series=str(stored["series"]), x=float(stored["x"]))
