"""What a results file holds, as plain values: no numpy, no files, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple, Union

from .explanations import Explanation
from .gate import Gate
from .study_definitions import Place, Study

#: A metric's value in one run: a number, or a summary of samples (``n``, ``mean``, ``p50``, …),
#: both in the metric's unit. See ``schema.json``.
Value = Union[float, Mapping[str, Any]]

#: What a process loaded: section -> name -> digest or version. See :mod:`.loaded`.
LoadedRecord = Mapping[str, Mapping[str, str]]

LOWER = "lower"
HIGHER = "higher"
METRIC_FIELDS = ("unit", "better", "margin", "informs", "threshold")


@dataclass(frozen=True)
class Metric:
    """A named quantity's unit and the direction in which it gets better (``lower`` or ``higher``)."""

    unit: str
    better: str = LOWER
    extra: Mapping[str, Any] = field(default_factory=dict)
    #: Of an accuracy: how much worse it may get, in its unit. ``None``: it is none.
    margin: Optional[float] = None
    #: Of an accuracy: whether it does not gate.
    informs: bool = False
    #: Of an average precision: the least overlap that it is of, or ``all``.
    threshold: Union[float, str, None] = None

    @property
    def is_accuracy(self) -> bool:
        """Whether its values are judged by the answers that they are made of."""
        return self.margin is not None

    def to_dict(self) -> Dict[str, Any]:
        """As stored in a benchmark under ``metrics.<name>``; defaults are left out."""
        stored = {**self.extra, "unit": self.unit, "better": self.better}
        if self.margin is not None:
            stored["margin"] = self.margin
        if self.informs:
            stored["informs"] = True
        if self.threshold is not None:
            stored["threshold"] = self.threshold
        return stored

    def renewed_by(self, newer: Metric) -> Metric:
        """The newer description with what only this one says."""
        accuracy = newer if newer.is_accuracy else self
        return Metric(
            newer.unit,
            newer.better,
            {**self.extra, **newer.extra},
            accuracy.margin,
            accuracy.informs,
            accuracy.threshold,
        )

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Metric:
        """Read what :meth:`to_dict` gave; other fields are kept in ``extra``."""
        extra = {name: value for name, value in stored.items() if name not in METRIC_FIELDS}
        return cls(extra=extra, **{name: stored[name] for name in METRIC_FIELDS if name in stored})


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
    #: The key of the record of what its process loaded.
    loaded: Optional[str] = None

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
        loaded: Optional[str] = None,
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
            loaded=loaded,
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
    #: Where it stands in a study, if it belongs to one.
    place: Optional[Place] = None
    #: Runs that no refresh changes: what small accepted steps are held against.
    anchor: Tuple[Run, ...] = ()


@dataclass(frozen=True)
class Against:
    """What a session in lock-step was compared with.

    ``pairs`` has, for each benchmark's runs in their order, the pair's figures and the other side's run.
    """

    label: str
    commit: Optional[str]
    pairs: Mapping[str, Tuple[Mapping[str, Any], ...]]
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def to_dict(self) -> Dict[str, Any]:
        """As stored in a results file under ``against``."""
        benchmarks = {name: [dict(pair) for pair in pairs] for name, pairs in self.pairs.items()}
        return {**self.extra, "label": self.label, "commit": self.commit, "benchmarks": benchmarks}


@dataclass(frozen=True)
class Results:
    """One device's accepted or measured runs: the content of a results file or a baseline."""

    device: str
    environments: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    benchmarks: Mapping[str, Benchmark] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    studies: Mapping[str, Study] = field(default_factory=dict)
    #: What a check of these benchmarks is; ``None``: the usual one, or a baseline.
    gate: Optional[Gate] = None
    #: Fields of the environment that the comparison let differ.
    allowed_differences: Tuple[str, ...] = ()
    against: Optional[Against] = None
    #: Benchmark id -> why it got slower, as the session that measured it found out.
    explanations: Mapping[str, Explanation] = field(default_factory=dict)
    #: Records of what processes loaded, by their keys.
    loaded: Mapping[str, LoadedRecord] = field(default_factory=dict)


JsonObject = Dict[str, Any]
