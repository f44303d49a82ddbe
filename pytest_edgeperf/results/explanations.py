"""Why a benchmark got slower, as stored with the session that found out: rows of operators and of functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from .errors import InvalidError
from .validation import LARGEST_MEASURED, is_number, kind_of

OPERATORS = "operators"
FUNCTIONS = "functions"
#: What a table's rows may be.
PARTS = (OPERATORS, FUNCTIONS)


@dataclass(frozen=True)
class ExplainedPart:
    """One operator or function, or what was fused or split into others, on both sides; milliseconds per inference."""

    #: ``Conv /model.3/conv``; of several operators, with `` + `` between them.
    label: str
    #: ``None``: it was not there.
    before_ms: Optional[float]
    after_ms: Optional[float]
    #: A rise that the noise of the profile explains.
    noise_ms: float
    #: Whether it takes longer by more than noise, and by enough to matter.
    blamed: bool = False
    #: Of a function: ``prepare.py:31``.
    place: str = ""
    #: What it was before, where that was called something else.
    was: str = ""
    #: Whether the kept profile left it out, so that it took at most ``before_ms``.
    at_most: bool = False

    @property
    def difference_ms(self) -> float:
        """By how much it takes longer."""
        return (self.after_ms or 0.0) - (self.before_ms or 0.0)

    def to_dict(self) -> Dict[str, Any]:
        """As stored; what is empty is left out."""
        stored: Dict[str, Any] = {
            "label": self.label,
            "before_ms": self.before_ms,
            "after_ms": self.after_ms,
            "noise_ms": self.noise_ms,
            "blamed": self.blamed,
        }
        optional = {"place": self.place, "was": self.was, "at_most": self.at_most}
        return {**stored, **{name: value for name, value in optional.items() if value}}

    @classmethod
    def from_dict(cls, stored: Any) -> ExplainedPart:
        """Read what :meth:`to_dict` gave.

        Raises:
            InvalidError: it is not that; with the place in it.
        """
        raw = _object(stored)
        return cls(
            _text(raw, "label"),
            _milliseconds(raw, "before_ms"),
            _milliseconds(raw, "after_ms"),
            _milliseconds(raw, "noise_ms") or 0.0,
            _truth(raw, "blamed"),
            _text(raw, "place", ""),
            _text(raw, "was", ""),
            _truth(raw, "at_most"),
        )


@dataclass(frozen=True)
class CostTable:
    """The operators, or the functions, that explain most, and what all others come to."""

    #: ``operators`` or ``functions``.
    parts: str
    #: What is to blame first, then what differs most.
    rows: Tuple[ExplainedPart, ...]
    #: The parts that have no row, and what they cost together.
    rest: int
    rest_before_ms: float
    rest_after_ms: float
    #: The parts that take longer than their noise explains, with a row or without.
    blamed: int = 0
    #: By how much most parts take longer together, as a ratio; ``None``: too few to say.
    shift: Optional[float] = None
    #: What measured it.
    source: str = ""

    @property
    def sum_before_ms(self) -> float:
        """What all parts cost before; a row that took at most so much counts in the rest."""
        return self.rest_before_ms + sum(row.before_ms or 0.0 for row in self.rows if not row.at_most)

    @property
    def sum_after_ms(self) -> float:
        """What all parts cost now."""
        return self.rest_after_ms + sum(row.after_ms or 0.0 for row in self.rows)

    def to_dict(self) -> Dict[str, Any]:
        """As stored."""
        return {
            "parts": self.parts,
            "rows": [row.to_dict() for row in self.rows],
            "rest": self.rest,
            "rest_before_ms": self.rest_before_ms,
            "rest_after_ms": self.rest_after_ms,
            "blamed": self.blamed,
            "shift": self.shift,
            "source": self.source,
        }

    @classmethod
    def from_dict(cls, stored: Any) -> CostTable:
        """Read what :meth:`to_dict` gave.

        Raises:
            InvalidError: it is not that; with the place in it.
        """
        raw = _object(stored)
        if raw.get("parts") not in PARTS:
            raise InvalidError(f"neither {' nor '.join(PARTS)}", ["parts"])
        shift = raw.get("shift")
        if shift is not None and not (is_number(shift) and 0 < shift <= LARGEST_MEASURED):
            raise InvalidError("not a ratio above 0", ["shift"])
        return cls(
            raw["parts"],
            tuple(_listed(raw, "rows", ExplainedPart.from_dict)),
            _count(raw, "rest"),
            _milliseconds(raw, "rest_before_ms") or 0.0,
            _milliseconds(raw, "rest_after_ms") or 0.0,
            _count(raw, "blamed"),
            shift,
            _text(raw, "source", ""),
        )


@dataclass(frozen=True)
class Explanation:
    """What a profiled pass on each side says of a benchmark that got slower."""

    #: Latencies as measured, in milliseconds: not the sums of the tables.
    before_ms: Optional[float] = None
    after_ms: Optional[float] = None
    tables: Tuple[CostTable, ...] = ()
    #: Why something could not be profiled or compared, in sentences.
    reasons: Tuple[str, ...] = ()

    @property
    def loss_ms(self) -> Optional[float]:
        """By how much the latency rose; ``None`` where it did not, or is not known."""
        if self.before_ms is None or self.after_ms is None or self.after_ms <= self.before_ms:
            return None
        return self.after_ms - self.before_ms

    def share(self, difference_ms: float) -> Optional[float]:
        """A difference as a share of the loss."""
        return None if self.loss_ms is None else difference_ms / self.loss_ms

    def to_dict(self) -> Dict[str, Any]:
        """As stored in a results file under ``explanations``."""
        return {
            "before_ms": self.before_ms,
            "after_ms": self.after_ms,
            "tables": [table.to_dict() for table in self.tables],
            "reasons": list(self.reasons),
        }

    @classmethod
    def from_dict(cls, stored: Any) -> Explanation:
        """Read what :meth:`to_dict` gave; unknown fields are ignored.

        Raises:
            InvalidError: it is not that; with the place in it.
        """
        raw = _object(stored)
        return cls(
            _milliseconds(raw, "before_ms"),
            _milliseconds(raw, "after_ms"),
            tuple(_listed(raw, "tables", CostTable.from_dict)),
            tuple(_listed(raw, "reasons", _sentence)),
        )


def _object(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise InvalidError(f"{kind_of(raw)} instead of an object")
    return raw


def _text(raw: Mapping[str, Any], name: str, default: Optional[str] = None) -> str:
    value = raw.get(name, default)
    if not isinstance(value, str):
        raise InvalidError(f"{kind_of(value)} instead of a text", [name])
    return value


def _sentence(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidError(f"{kind_of(value)} instead of a text")
    return value


def _truth(raw: Mapping[str, Any], name: str) -> bool:
    value = raw.get(name, False)
    if not isinstance(value, bool):
        raise InvalidError("not true or false", [name])
    return value


def _count(raw: Mapping[str, Any], name: str) -> int:
    value = raw.get(name, 0)
    if not is_number(value) or value < 0 or value != int(value):
        raise InvalidError("not a whole number of at least 0", [name])
    return int(value)


def _milliseconds(raw: Mapping[str, Any], name: str) -> Optional[float]:
    value = raw.get(name)
    if value is not None and not (is_number(value) and 0 <= value <= LARGEST_MEASURED):
        raise InvalidError("not a time in milliseconds of at least 0", [name])
    return None if value is None else float(value)


def _listed(raw: Mapping[str, Any], name: str, item_of: Callable[[Any], Any]) -> List[Any]:
    stored = raw.get(name, [])
    if not isinstance(stored, list):
        raise InvalidError(f"{kind_of(stored)} instead of a list", [name])
    items: List[Any] = []
    for value in stored:
        try:
            items.append(item_of(value))
        except InvalidError as error:
            raise error.under(name, len(items)) from None
    return items
