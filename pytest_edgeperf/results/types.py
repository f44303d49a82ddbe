"""What a results file holds, as plain values: no numpy, no files, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple, Union

#: A metric's value in one run: a number, or a summary of samples (``n``, ``mean``, ``p50``, …),
#: both in the metric's unit. See ``schema.json``.
Value = Union[float, Mapping[str, Any]]

LOWER = "lower"
HIGHER = "higher"


@dataclass(frozen=True)
class Metric:
    """A named quantity's unit and the direction in which it gets better (``lower`` or ``higher``)."""

    unit: str
    better: str = LOWER
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, init=False)
class Run:
    """All samples of one benchmark in one fresh process: the unit of evidence."""

    environment: str
    started: str
    session: str
    values: Mapping[str, Value]
    boot: Optional[str] = None
    commit: Optional[str] = None
    reason: Optional[str] = None
    quality: Optional[Mapping[str, Any]] = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    #: Of a published figure: its ``paper``, ``table`` and ``row``. Nothing is judged by such a run.
    source: Optional[Mapping[str, Any]] = None

    def __init__(
        self,
        environment: str,
        started: str,
        session: str,
        values: Mapping[str, Value],
        boot: Optional[str] = None,
        commit: Optional[str] = None,
        reason: Optional[str] = None,
        quality: Optional[Mapping[str, Any]] = None,
        extra: Optional[Mapping[str, Any]] = None,
        source: Optional[Mapping[str, Any]] = None,
    ) -> None:
        # What dataclass would generate for a frozen class takes twice as long, and files hold many runs.
        self.__dict__.update(
            environment=environment,
            started=started,
            session=session,
            values=values,
            boot=boot,
            commit=commit,
            reason=reason,
            quality=quality,
            extra={} if extra is None else extra,
            source=source,
        )

    @property
    def disturbed(self) -> bool:
        """Whether the run's own quality figures say that the machine was disturbed."""
        return bool(self.quality and self.quality.get("disturbed", False))


@dataclass(frozen=True)
class Benchmark:
    """The runs of one benchmark id, with its parameters and the metrics that its runs may carry."""

    parameters: Mapping[str, Any]
    metrics: Mapping[str, Metric]
    runs: Tuple[Run, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """One device's accepted or measured runs: the content of a results file or a baseline."""

    device: str
    environments: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    benchmarks: Mapping[str, Benchmark] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


JsonObject = Dict[str, Any]
