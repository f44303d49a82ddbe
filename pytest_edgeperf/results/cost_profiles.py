"""What parts of an inference cost: times of operators and functions over the repetitions of a profiled pass."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

from .errors import InvalidError
from .validation import LARGEST_MEASURED, is_number, kind_of

#: Of the JSON of a profile that is kept beside a baseline.
COMPACT_BYTES = 4000
_DIGITS = 4
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class OperatorTimes:
    """One operator (a node or layer as the runtime runs it): milliseconds per inference, one figure a repetition."""

    name: str
    #: Operator type ("Conv"); empty where the runtime does not say.
    kind: str
    times_ms: Tuple[float, ...]
    #: Names of its output tensors, where they are known: they survive fusion best.
    outputs: Tuple[str, ...] = ()
    #: What computed it: an execution provider or a delegate.
    provider: Optional[str] = None
    #: Its place in the order of execution, from 0; ``None``: the place in the list.
    position: Optional[int] = None

    @property
    def costs_ms(self) -> Tuple[float, ...]:
        """What is explained by."""
        return self.times_ms

    def to_dict(self) -> Dict[str, Any]:
        """As stored; what is empty is left out."""
        stored: Dict[str, Any] = {"name": self.name, "ms": list(self.times_ms)}
        optional = {"kind": self.kind, "outputs": list(self.outputs), "provider": self.provider}
        stored.update({name: value for name, value in optional.items() if value})
        return stored if self.position is None else {**stored, "at": self.position}

    @classmethod
    def from_dict(cls, stored: Any) -> OperatorTimes:
        """Read what :meth:`to_dict` gave.

        Raises:
            InvalidError: it is not that; with the place in it.
        """
        raw = _object(stored)
        position = raw.get("at")
        if position is not None and (isinstance(position, bool) or not isinstance(position, int) or position < 0):
            raise InvalidError(f"{kind_of(position)} instead of a whole number of at least 0", ["at"])
        return cls(
            _text(raw, "name"),
            _text(raw, "kind", ""),
            _times(raw, "ms"),
            tuple(_listed(raw.get("outputs", []), _is_text, "outputs")),
            None if raw.get("provider") is None else _text(raw, "provider"),
            position,
        )


@dataclass(frozen=True)
class FunctionTimes:
    """One function: milliseconds per call of the target, in itself and with what it calls, one figure a repetition."""

    #: Qualified.
    name: str
    #: Relative to the project's root, or the package with the path inside it; empty where there is no file.
    file: str
    #: Where it begins, from 1; 0 where there is no line.
    line: int
    self_ms: Tuple[float, ...]
    total_ms: Tuple[float, ...]
    #: Per call of the target.
    calls: float = 1.0

    @property
    def costs_ms(self) -> Tuple[float, ...]:
        """What is explained by: the time in itself, so that no time counts twice."""
        return self.self_ms

    def to_dict(self) -> Dict[str, Any]:
        """As stored."""
        return {
            "name": self.name,
            "file": self.file,
            "line": self.line,
            "self_ms": list(self.self_ms),
            "total_ms": list(self.total_ms),
            "calls": self.calls,
        }

    @classmethod
    def from_dict(cls, stored: Any) -> FunctionTimes:
        """Read what :meth:`to_dict` gave.

        Raises:
            InvalidError: it is not that; with the place in it.
        """
        raw = _object(stored)
        line, calls = raw.get("line", 0), raw.get("calls", 1.0)
        if isinstance(line, bool) or not isinstance(line, int) or line < 0:
            raise InvalidError(f"{kind_of(line)} instead of a line, a whole number of at least 0", ["line"])
        if not is_number(calls) or calls < 0:
            raise InvalidError("not a number of at least 0", ["calls"])
        name, file = _text(raw, "name"), _text(raw, "file", "")
        self_ms = _times(raw, "self_ms")
        return cls(name, file, line, self_ms, _times(raw, "total_ms") if "total_ms" in raw else self_ms, float(calls))


Part = Union[OperatorTimes, FunctionTimes]


@dataclass(frozen=True)
class CostList:
    """The operators of an inference in order of execution, or its functions, and what measured them."""

    listed: Tuple[Part, ...]
    #: What measured them: "onnxruntime profiling", "cProfile", …
    source: str = ""
    #: How many parts a compact profile left out: none of them costs more than the least one that is listed.
    others: int = 0
    #: What these cost together, one figure a repetition.
    others_ms: Tuple[float, ...] = ()

    @property
    def sum_ms(self) -> float:
        """What all parts cost together: the sum of the medians over the repetitions."""
        return math.fsum(median(part.costs_ms) for part in self.listed) + median(self.others_ms)

    def to_dict(self) -> Dict[str, Any]:
        """As stored."""
        stored: Dict[str, Any] = {"source": self.source, "listed": [part.to_dict() for part in self.listed]}
        if self.others:
            stored.update(others=self.others, others_ms=list(self.others_ms))
        return stored


@dataclass(frozen=True)
class CostProfile:
    """What one profiled pass found, apart from everything that is timed."""

    operators: Optional[CostList] = None
    functions: Optional[CostList] = None
    #: Median of the whole call during the pass, where it was taken: more than the latency, by what profiling costs.
    latency_ms: Optional[float] = None
    #: Why there are no operators or functions, or what their reader must know, in sentences.
    reason_without: Optional[str] = None

    def to_dict(self) -> Dict[str, Any]:
        """As stored; what is not there is left out."""
        stored: Dict[str, Any] = {}
        for name in ("operators", "functions"):
            costs = getattr(self, name)
            if costs is not None:
                stored[name] = costs.to_dict()
        for name in ("latency_ms", "reason_without"):
            value = getattr(self, name)
            if value is not None:
                stored[name] = value
        return stored

    @classmethod
    def from_dict(cls, stored: Any) -> CostProfile:
        """Read what :meth:`to_dict` gave; unknown fields are ignored.

        Raises:
            InvalidError: it is not that; with the place in it.
        """
        raw = _object(stored)
        latency = raw.get("latency_ms")
        if latency is not None and not (is_number(latency) and 0 < latency <= LARGEST_MEASURED):
            raise InvalidError("not a number above 0", ["latency_ms"])
        return cls(
            _costs(raw, "operators", OperatorTimes.from_dict),
            _costs(raw, "functions", FunctionTimes.from_dict),
            latency,
            None if raw.get("reason_without") is None else _text(raw, "reason_without"),
        )


def compact(profile: CostProfile, most_bytes: int = COMPACT_BYTES) -> CostProfile:
    """The profile with as many of its most expensive parts as fit into so many bytes of JSON, and four digits."""
    rounded = replace(profile, operators=_placed(profile.operators), functions=_placed(profile.functions))
    most = max((len(costs.listed) for costs in (rounded.operators, rounded.functions) if costs is not None), default=0)
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if _size(_with_most(rounded, middle)) <= most_bytes:
            least = middle
        else:
            most = middle - 1
    return _with_most(rounded, least)


def median(values: Sequence[float]) -> float:
    """The middle value; 0 of none."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return 0.0
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def together(series: Sequence[Sequence[float]]) -> Tuple[float, ...]:
    """The sums of several series, repetition by repetition; what has fewer of them counts with its median there."""
    repetitions = max(map(len, series), default=0)
    return tuple(
        math.fsum(times[at] if at < len(times) else median(times) for times in series) for at in range(repetitions)
    )


def _placed(costs: Optional[CostList]) -> Optional[CostList]:
    """Rounded, and each operator with its place, which it loses when others are left out."""
    if costs is None:
        return None
    parts: List[Part] = []
    for place, part in enumerate(costs.listed):
        if isinstance(part, OperatorTimes):
            at = place if part.position is None else part.position
            parts.append(replace(part, times_ms=_rounded(part.times_ms), position=at))
        else:
            parts.append(replace(part, self_ms=_rounded(part.self_ms), total_ms=_rounded(part.total_ms)))
    return replace(costs, listed=tuple(parts))


def _with_most(profile: CostProfile, most: int) -> CostProfile:
    return replace(profile, operators=_most(profile.operators, most), functions=_most(profile.functions, most))


def _most(costs: Optional[CostList], most: int) -> Optional[CostList]:
    if costs is None or len(costs.listed) <= most:
        return costs
    by_cost = sorted(costs.listed, key=lambda part: median(part.costs_ms), reverse=True)
    kept = {id(part) for part in by_cost[:most]}
    left_out = [part.costs_ms for part in by_cost[most:]] + [costs.others_ms] * bool(costs.others)
    return CostList(
        tuple(part for part in costs.listed if id(part) in kept),
        costs.source,
        costs.others + len(by_cost) - most,
        _rounded(together(left_out)),
    )


def _rounded(values: Sequence[float]) -> Tuple[float, ...]:
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)


def _size(profile: CostProfile) -> int:
    return len(json.dumps(profile.to_dict(), separators=(", ", ": "), ensure_ascii=False).encode("utf-8", "replace"))


def _costs(raw: Mapping[str, Any], name: str, part_of: Callable[[Any], Part]) -> Optional[CostList]:
    if raw.get(name) is None:
        return None
    try:
        stored = _object(raw[name])
        others = stored.get("others", 0)
        if isinstance(others, bool) or not isinstance(others, int) or others < 0:
            raise InvalidError(f"{kind_of(others)} instead of a whole number of at least 0", ["others"])
        return CostList(
            tuple(_listed(stored.get("listed"), part_of, "listed")),
            _text(stored, "source", ""),
            others,
            _times(stored, "others_ms") if others else (),
        )
    except InvalidError as error:
        raise error.under(name) from None


def _object(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise InvalidError(f"{kind_of(raw)} instead of an object")
    return raw


def _text(raw: Mapping[str, Any], name: str, default: Optional[str] = None) -> str:
    value = raw.get(name, default)
    if not isinstance(value, str):
        raise InvalidError(f"{kind_of(value)} instead of a text", [name])
    return value


def _listed(raw: Any, item_of: Callable[[Any], _Item], name: str) -> List[_Item]:
    if not isinstance(raw, list):
        raise InvalidError(f"{kind_of(raw)} instead of a list", [name])
    items: List[_Item] = []
    for stored in raw:
        try:
            items.append(item_of(stored))
        except InvalidError as error:
            raise error.under(name, len(items)) from None
    return items


def _times(raw: Mapping[str, Any], name: str) -> Tuple[float, ...]:
    times = tuple(_listed(raw.get(name), _time, name))
    if not times:
        raise InvalidError("no times: one is needed for each repetition", [name])
    return times


def _time(value: Any) -> float:
    if not (is_number(value) and 0 <= value <= LARGEST_MEASURED):
        raise InvalidError("not a time in milliseconds of at least 0")
    return float(value)


def _is_text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidError(f"{kind_of(value)} instead of a text")
    return value
