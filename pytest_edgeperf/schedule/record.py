"""The record of one run, shared by the coordinator, the journal and a resumed session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, cast

from pytest_edgeperf.judge.statistics.block_pairs import Pair
from pytest_edgeperf.measure.channel import MalformedMessage
from pytest_edgeperf.measure.protocol import FixtureMeasured
from pytest_edgeperf.measure.wire import from_message, to_message
from pytest_edgeperf.results import Metric, Run, Value, environment_key
from pytest_edgeperf.results.errors import InvalidError
from pytest_edgeperf.results.loaded import check_record, loaded_key
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.results.types import LoadedRecord

_TYPES: Mapping[str, Tuple[type, ...]] = {
    "started": (str,),
    "environment": (dict,),
    "metrics": (dict,),
    "values": (dict,),
    "reports": (list,),
    "quality": (dict,),
    "study": (dict, type(None)),
    "benchmark_stats": (dict, type(None)),
    "boot": (str, type(None)),
    "commit": (str, type(None)),
}
_PAIR_TYPES: Mapping[str, Tuple[type, ...]] = {"pair": (list,), "alternating": (bool,), "build": (int, type(None))}


@dataclass(frozen=True)
class PairRecord:
    """The other side's run of a lock-step pair, with the figures of both."""

    base: RunRecord
    pair: Pair
    #: The pair was taken as whole runs, and not in turns.
    alternating: bool
    #: The build of the engines that it was taken with; ``None`` where there is one.
    build: Optional[int] = None


@dataclass(frozen=True)
class RunRecord:
    """A run that a worker delivered, with the coordinator's own observations."""

    #: UTC, as ``2026-11-20T12:00:00Z``.
    started: str
    environment: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, Metric]
    values: Mapping[str, Value]
    quality: Mapping[str, Any]
    boot: Optional[str] = None
    commit: Optional[str] = None
    #: The study that the benchmark belongs to, and its place there.
    study: Optional[Study] = None
    place: Optional[Place] = None
    #: pytest's reports, serialised.
    reports: Sequence[Mapping[str, Any]] = field(default_factory=list)
    #: What pytest-benchmark's fixture measured, of an adopted benchmark.
    benchmark_stats: Optional[FixtureMeasured] = None
    paired: Optional[PairRecord] = None
    #: What its process has loaded; ``None``: not known.
    loaded: Optional[LoadedRecord] = None

    @property
    def loaded_key(self) -> Optional[str]:
        """The key of what its process has loaded in a results file."""
        return None if self.loaded is None else loaded_key(self.loaded)

    @property
    def environment_key(self) -> str:
        """The key of its environment in a results file."""
        return environment_key(self.environment)

    @property
    def disturbed(self) -> bool:
        """Whether the run is excluded from the comparison."""
        return bool(self.quality.get("disturbed", False))

    def run(self, session: str) -> Run:
        """The run as a results file stores it."""
        return Run(
            environment=self.environment_key,
            started=self.started,
            session=session,
            values=self.values,
            boot=self.boot,
            commit=self.commit,
            quality=self.quality,
            loaded=self.loaded_key,
        )

    def to_dict(self) -> Dict[str, Any]:
        """The record as a journal stores it."""
        stored: Dict[str, Any] = {
            "started": self.started,
            "environment": self.environment,
            "metrics": {name: metric.to_dict() for name, metric in self.metrics.items()},
            "values": self.values,
            "quality": self.quality,
            "boot": self.boot,
            "commit": self.commit,
            "study": None,
            "reports": list(self.reports),
            "benchmark_stats": None if self.benchmark_stats is None else to_message(self.benchmark_stats),
        }
        if self.loaded is not None:
            stored["loaded"] = self.loaded
        if self.study is not None and self.place is not None:
            stored["study"] = {"study": self.study.to_dict(), "place": self.place.to_dict()}
        if self.paired is not None:
            paired = self.paired
            stored.update(
                base=paired.base.to_dict(), pair=list(paired.pair), alternating=paired.alternating, build=paired.build
            )
        return stored

    @classmethod
    def from_dict(cls, stored: Any) -> RunRecord:
        """Read what :meth:`to_dict` gave.

        Raises:
            ValueError: it is no record; the message names what is wrong.
        """
        _require(stored, _TYPES)
        if not all(
            isinstance(metric, dict) and isinstance(metric.get("unit"), str) for metric in stored["metrics"].values()
        ):
            raise ValueError("a metric has no unit")
        study, place = _study_of(stored["study"])
        return cls(
            started=stored["started"],
            environment=stored["environment"],
            metrics={name: Metric.from_dict(metric) for name, metric in stored["metrics"].items()},
            values=stored["values"],
            quality=stored["quality"],
            boot=stored["boot"],
            commit=stored["commit"],
            study=study,
            place=place,
            reports=stored["reports"],
            benchmark_stats=_figures_of(stored["benchmark_stats"]),
            paired=_paired_of(stored) if "pair" in stored else None,
            loaded=_loaded_of(stored.get("loaded")),
        )


def _require(stored: Any, types: Mapping[str, Tuple[type, ...]]) -> None:
    if not isinstance(stored, dict):
        raise ValueError("no object")
    for name, allowed in types.items():
        if name not in stored or not isinstance(stored[name], allowed):
            raise ValueError(f"{name} is missing, or of a wrong type")


def _study_of(stored: Optional[Mapping[str, Any]]) -> Tuple[Optional[Study], Optional[Place]]:
    if stored is None:
        return None, None
    _require(stored, {"study": (dict,), "place": (dict,)})
    place = Place.from_dict(stored["place"])
    return Study.from_dict(place.study, stored["study"]), place


def _figures_of(stored: Optional[Mapping[str, Any]]) -> Optional[FixtureMeasured]:
    try:
        return None if stored is None else from_message(FixtureMeasured, stored, "benchmark_stats")
    except MalformedMessage as error:
        raise ValueError(str(error)) from None


def _loaded_of(stored: Any) -> Optional[LoadedRecord]:
    try:
        if stored is not None:
            check_record(stored)
    except InvalidError as error:
        raise ValueError(f"loaded: {error}") from None
    return cast(Optional[LoadedRecord], stored)


def _paired_of(stored: Mapping[str, Any]) -> PairRecord:
    _require(stored, _PAIR_TYPES)
    try:
        pair = Pair(*stored["pair"])
    except TypeError as error:
        raise ValueError(f"pair: {error}") from None
    return PairRecord(RunRecord.from_dict(stored.get("base")), pair, stored["alternating"], stored["build"])
