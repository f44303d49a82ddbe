"""Dataclasses as JSON objects and back: how specifications, commands and events travel between processes.

Received objects are validated against the annotations of their class. Only the types of :mod:`.protocol` are supported;
a library for it would have to be in every interpreter that a side of a comparison may have.
"""

from __future__ import annotations

import collections.abc
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import lru_cache
from typing import (
    Any,
    Callable,
    Hashable,
    Mapping,
    Sequence,
    Tuple,
    Type,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pytest_edgeperf.measure.channel import MalformedMessage, Message
from pytest_edgeperf.measure.side import Side
from pytest_edgeperf.results.cost_profiles import CostProfile
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.results.types import Metric

_T = TypeVar("_T")
_SHOWN_CHARACTERS = 80


def to_message(instance: Any) -> Message:
    """The fields of a dataclass as JSON values."""
    return {each.name: _plain(getattr(instance, each.name)) for each in fields(instance)}


def from_message(kind: Type[_T], message: Mapping[str, Any], name: str) -> _T:
    """The dataclass whose fields a message holds; other fields are left out.

    Args:
        kind: the dataclass.
        message: as it was received.
        name: what an error calls it.

    Raises:
        MalformedMessage: a field is missing, or of a wrong type.
    """
    values = {}
    for each in fields(kind):  # type: ignore[arg-type]  # a type variable cannot be bound to dataclasses
        if each.name not in message:
            if each.default is MISSING and each.default_factory is MISSING:
                raise MalformedMessage(f"{name} has no {each.name}")
            continue
        value = message[each.name]
        try:
            values[each.name] = _typed(value, _hints(cast(Hashable, kind))[each.name])
        except MalformedMessage:
            raise
        except Exception:  # whatever a codec makes of what is none of its own
            raise MalformedMessage(f"{name} has {each.name} {shortened(value)}") from None
    return kind(**values)


def shortened(value: object) -> str:
    """The ``repr`` of what a message holds, as an error shows it."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def _study_of(sent: Mapping[str, Any]) -> Study:
    return Study.from_dict(_typed(sent["name"], str), sent["study"])


#: How types of other modules travel: to plain values and back.
_CODECS: Mapping[Type[Any], Tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    CostProfile: (CostProfile.to_dict, CostProfile.from_dict),
    Metric: (Metric.to_dict, Metric.from_dict),
    Place: (Place.to_dict, Place.from_dict),
    Study: (lambda study: {"name": study.name, "study": study.to_dict()}, _study_of),
    Side: (asdict, lambda sent: Side(**sent)),
}


def _plain(value: Any) -> Any:
    if type(value) in _CODECS:
        return _CODECS[type(value)][0](value)
    if is_dataclass(value):
        return to_message(value)
    if isinstance(value, collections.abc.Mapping):
        return {name: _plain(member) for name, member in value.items()}
    return list(value) if isinstance(value, tuple) else value


#: The annotations of a class.
_hints = lru_cache(maxsize=None)(get_type_hints)


def _typed(value: Any, hint: Any) -> Any:
    """``value`` as ``hint`` says.

    Raises:
        TypeError: it is something else.
        MalformedMessage: a field of a dataclass is.
    """
    if hint is Any:
        return value
    if hint in _CODECS:
        return _CODECS[hint][1](value)
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(value, dict):
            raise TypeError
        return from_message(hint, value, hint.__name__.lower())
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Union:
        return _one_of(value, inner)
    if origin in (list, collections.abc.Sequence):
        if not isinstance(value, list):
            raise TypeError
        members = [_typed(member, inner[0]) for member in value]
        return members if origin is list else tuple(members)
    if origin in (dict, collections.abc.Mapping):
        if not isinstance(value, dict):
            raise TypeError
        return {name: _typed(member, inner[1]) for name, member in value.items()}
    expected = (int, float) if hint is float else hint
    if not isinstance(value, expected) or (isinstance(value, bool) and hint is not bool):
        raise TypeError
    return value


def _one_of(value: Any, hints: Sequence[Any]) -> Any:
    if value is None and type(None) in hints:
        return None
    others = [hint for hint in hints if hint is not type(None)]
    # Which of several a value may be is for the results file to say.
    return _typed(value, others[0]) if len(others) == 1 else value
