"""The gate that a session's benchmarks have in a check: what a file of runs alone would not show."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, Union

from pytest_edgeperf.settings import MOST_ROUNDS, Settings

from .errors import InvalidError
from .misspellings import refuse_misspelt

#: One ratio - 1 for all metrics of a benchmark, or one per metric.
Tolerance = Union[float, Mapping[str, float]]


@dataclass(frozen=True)
class Gate:
    """How a check measures and decides: ratios - 1, rounds, and what single benchmarks ask for, by id.

    A check measures ``rounds``, and as many again for what is not clear, up to ``max_rounds``.
    ``metrics`` are names that decide in addition to those that always do.
    """

    tolerance: float = Settings.tolerance
    must_detect: float = Settings.must_detect
    rounds: int = Settings.check_rounds
    max_rounds: int = Settings.check_max_rounds
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)
    metrics: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    #: Fields of a results file that this version does not know.
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def stages(self) -> Tuple[int, ...]:
        """Candidate runs after each stage of a check: 3, 6, 9."""
        return (*range(self.rounds, self.max_rounds, self.rounds), max(self.rounds, self.max_rounds))

    def to_dict(self) -> Dict[str, Any]:
        """As stored in a results file under ``gate``."""
        stored = {**self.extra, **vars(self)}
        del stored["extra"]
        stored["tolerances"] = {
            name: dict(tolerance) if isinstance(tolerance, Mapping) else tolerance
            for name, tolerance in self.tolerances.items()
        }
        stored["metrics"] = {name: list(names) for name, names in self.metrics.items()}
        return stored

    def with_changes(self, *, rounds: Optional[int], max_rounds: Optional[int], tolerance: Optional[float]) -> Gate:
        """The same with what is not ``None``; a tolerance of a benchmark's own stays."""
        given = {"rounds": rounds, "max_rounds": max_rounds, "tolerance": tolerance}
        return replace(self, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls, stored: Any) -> Gate:
        """Read what :meth:`to_dict` gave; what is not there has its default.

        Raises:
            InvalidError: the stored value is not a gate; with the place in it.
        """
        if not isinstance(stored, Mapping):
            raise InvalidError(f"{stored!r} instead of an object")
        own = Gate()
        known = {name: value for name, value in vars(own).items() if name != "extra"}
        extra = {name: value for name, value in stored.items() if name not in known}
        refuse_misspelt(extra, [name for name in known if name not in stored])
        tolerances = _mapping(stored, "tolerances")
        metrics = _mapping(stored, "metrics")
        return cls(
            tolerance=_ratio(stored.get("tolerance", own.tolerance), ["tolerance"]),
            must_detect=_ratio(stored.get("must_detect", own.must_detect), ["must_detect"]),
            rounds=_rounds(stored.get("rounds", own.rounds), ["rounds"]),
            max_rounds=_rounds(stored.get("max_rounds", own.max_rounds), ["max_rounds"]),
            tolerances={name: _tolerance(tolerance, ["tolerances", name]) for name, tolerance in tolerances.items()},
            metrics={name: _names(names, ["metrics", name]) for name, names in metrics.items()},
            extra=extra,
        )


def _mapping(stored: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = stored.get(key, {})
    if not isinstance(value, Mapping):
        raise InvalidError(f"{value!r} instead of an object", [key])
    return value


def _ratio(value: Any, place: Sequence[str]) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise InvalidError(f"{value!r} instead of a ratio - 1 of at least 0, such as 0.02", place)
    return float(value)


def _tolerance(value: Any, place: Sequence[str]) -> Tolerance:
    if isinstance(value, Mapping):
        return {metric: _ratio(ratio, [*place, metric]) for metric, ratio in value.items()}
    return _ratio(value, place)


def _rounds(value: Any, place: Sequence[str]) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidError(f"{value!r:.40} instead of a whole number, at least 1", place)
    if value > MOST_ROUNDS:
        raise InvalidError(f"{value:.4g} instead of {MOST_ROUNDS} at most", place)
    return value


def _names(value: Any, place: Sequence[str]) -> Tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise InvalidError(f"{value!r} instead of a list of metrics", place)
    return tuple(value)
