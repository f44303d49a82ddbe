"""What a benchmark asks for in its ``timed_inference`` marker: one table of its keywords."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, Union

from pytest_edgeperf.settings import values
from pytest_edgeperf.settings.values import SettingsError


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def _tolerance(value: Any) -> Union[float, Dict[str, float]]:
    if isinstance(value, Mapping):
        return {str(metric): values.fraction(str(limit)) for metric, limit in value.items()}
    return values.fraction(str(value))


def _gate(value: Any) -> Tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _from_text(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: parse(str(value))


def keyword(default: Any, parse: Callable[[Any], Any], *, name: Optional[str] = None) -> Any:
    """An attribute of ``BenchmarkOptions`` that the marker sets; ``name`` is the keyword's where it differs."""
    return field(default=default, metadata={"name": name, "parse": parse})


@dataclass(frozen=True)
class BenchmarkOptions:
    """What one benchmark asks for; ``None`` leaves the session's setting."""

    #: One number or one per metric: 0.03 is 3 %.
    tolerance: Optional[Union[float, Mapping[str, float]]] = keyword(None, _tolerance)
    #: Further metrics that decide.
    gate: Tuple[str, ...] = keyword((), _gate)
    threads: Optional[int] = keyword(None, _from_text(values.positive_int))
    budget_s: Optional[float] = keyword(None, _from_text(values.positive_float), name="budget")
    timeout_s: Optional[float] = keyword(None, _from_text(values.positive_float), name="timeout")
    #: Temperature and clocks are read between short blocks of a long budget, so that the course of the run is kept.
    curve: bool = keyword(False, _truth)
    #: The power is read over at least so many inferences, and its readings are kept.
    power_series: Optional[int] = keyword(None, _from_text(values.positive_int))
    #: The import of the runtime, the reading of the model and the building of the engine are timed.
    stack: bool = keyword(False, _truth)
    #: In place of ``--edgeperf-builds``.
    builds: Optional[int] = keyword(None, _from_text(values.build_count))


#: Keyword -> attribute of ``BenchmarkOptions`` and parser.
KEYWORDS: Mapping[str, Tuple[str, Callable[[Any], Any]]] = {
    option.metadata["name"] or option.name: (option.name, option.metadata["parse"])
    for option in fields(BenchmarkOptions)
}


def parse_marker(args: Tuple[Any, ...], keywords: Mapping[str, Any]) -> BenchmarkOptions:
    """Check the arguments of ``@pytest.mark.timed_inference(...)``.

    Raises:
        SettingsError: an unknown keyword, a positional argument, or a value that cannot be used.
    """
    known = ", ".join(KEYWORDS)
    if args:
        raise SettingsError(f"timed_inference takes keywords only ({known}), not {args[0]!r}")
    options: Dict[str, Any] = {}
    for name, value in keywords.items():
        if name not in KEYWORDS:
            from difflib import get_close_matches

            close = get_close_matches(name, KEYWORDS, 1)
            hint = f"did you mean {close[0]}?" if close else f"it takes {known}"
            raise SettingsError(f"timed_inference has no keyword {name!r}; {hint}")
        attribute, parse = KEYWORDS[name]
        try:
            options[attribute] = parse(value)
        except (TypeError, ValueError) as error:
            raise SettingsError(f"timed_inference({name}={value!r}): {error}") from error
    return BenchmarkOptions(**options)
