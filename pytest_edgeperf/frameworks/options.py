"""Options of single frameworks: what a model may ask of one of them, declared and checked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Sequence, Tuple

from pytest_edgeperf.frameworks.errors import FrameworkError, closest
from pytest_edgeperf.frameworks.models import Model


@dataclass(frozen=True)
class Option:
    """One option of a framework, as ``Model(options={"framework.name": value})`` gives it.

    ``parse`` takes the user's value and returns the one that the framework works with. It raises ``ValueError`` for a
    value that it does not accept, with what it accepts as the text: ``a whole number from 0``.
    """

    name: str
    meaning: str
    parse: Callable[[Any], Any]
    default: Any = None


def option_values(framework: str, declared: Sequence[Option], model: Model) -> Dict[str, Any]:
    """The value of each declared option, by its name without the framework: the model's, else the default.

    Options in ``Model.parameters`` are taken as well, with a ``DeprecationWarning``.

    Raises:
        FrameworkError: the model has an option of this framework that is not declared, or a value that it rejects.
    """
    known = {f"{framework}.{option.name}": option for option in declared}
    values = {option.name: option.default for option in declared}
    for key, value in _given(framework, model).items():
        if key not in known:
            raise FrameworkError(
                f"model {model.name!r}: {framework} has no option {key!r}{closest(key, known)}; "
                f"it has {', '.join(sorted(known)) or 'none'}"
            )
        if value is None:
            continue
        try:
            values[known[key].name] = known[key].parse(value)
        except ValueError as error:
            raise FrameworkError(f"model {model.name!r}: {key} must be {error}, not {value!r}") from error
    return values


def _given(framework: str, model: Model) -> Dict[str, Any]:
    """The model's options of this framework, by their full names."""
    deprecated = _of(framework, model.parameters)
    if deprecated:
        names = ", ".join(sorted(deprecated))
        warnings.warn(
            f"model {model.name!r}: options in Model.parameters are deprecated; move {names} to Model(options={{...}})",
            DeprecationWarning,
            stacklevel=2,
        )
    return {**deprecated, **_of(framework, model.options)}


def _of(framework: str, given: Mapping[str, Any]) -> Dict[str, Any]:
    prefix = f"{framework}."
    return {key: given[key] for key in given if isinstance(key, str) and key.startswith(prefix)}


def whole_number(value: Any) -> int:
    """``value``, an integer from 0.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("a whole number from 0")
    return value


def true_or_false(value: Any) -> bool:
    """``value``, a boolean.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, bool):
        raise ValueError("True or False")
    return value


def names(value: Any) -> Tuple[str, ...]:
    """``value``, a sequence of strings.

    Raises:
        ValueError: it is none; a single string is none either.
    """
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise ValueError("a list of names")
    return tuple(value)


def one_of(*choices: Any) -> Callable[[Any], Any]:
    """A parser of values that must be one of the choices."""

    def parse(value: Any) -> Any:
        if isinstance(value, bool) or value not in choices:
            raise ValueError(f"{', '.join(map(str, choices[:-1]))} or {choices[-1]}")
        return value

    return parse
