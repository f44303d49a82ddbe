"""What a run may hold: numbers that a measurement can give, answers of the size they claim, figures of their type."""

from __future__ import annotations

import math
import re
from typing import Any, Dict, Mapping, Union

from .errors import InvalidError
from .example_answers import ANSWERS, check_answers
from .misspellings import refuse_misspelt

#: The metric of which a value of 0 or below is refused.
LATENCY = "latency"
#: No measurement gives a number of a larger size in any unit; the squares and sums of these stay finite.
LARGEST_MEASURED = 1e100
#: Nor a positive latency under this.
SMALLEST_LATENCY = 1e-100
LARGEST = 1.7976931348623157e308

#: Figures of a run's quality that runs are held against each other by.
QUALITY_NUMBERS = frozenset(
    {
        "children_share",
        "cpu_share",
        "involuntary_switches_per_s",
        "others_share",
        "overcurrent_events",
        "own_share",
        "share_resolution",
        "steal_share",
        "stopped_s",
        "swapped_pages",
        "thread_share",
    }
)
CANARY = "canary_ms"

_FLOATS = frozenset({float})
_SUMMARY_NUMBER = re.compile(r"(n|mean|sd|min|max|p[0-9]+)\Z")
#: Of a latency, what is above 0: all but ``n`` and ``sd``.
_POSITIVE = re.compile(r"(mean|min|max|p[0-9]+)\Z")


def check_value(metric: str, value: Any) -> None:
    """Check a metric's value in a run.

    Raises:
        InvalidError: it is neither a number nor a summary that a measurement can give.
    """
    if isinstance(value, dict):
        _check_summary(metric, value)
    elif not _is_measured(value):
        raise InvalidError(not_measured(value), [metric], value=value, definition="value")
    elif metric == LATENCY and not value >= SMALLEST_LATENCY:
        raise InvalidError(_not_positive(value), [metric])


def _check_summary(metric: str, summary: Dict[str, Any]) -> None:
    for name, value in summary.items():
        kind = type(value)
        if (kind is float or kind is int) and -LARGEST_MEASURED <= value <= LARGEST_MEASURED and name != ANSWERS:
            continue
        if name == "block_sd" and isinstance(value, dict):
            _check_dispersions(metric, value)
        elif name == ANSWERS:
            _check_plain_or_answers(metric, summary)
        elif _SUMMARY_NUMBER.match(name):
            if not _is_measured(value):
                raise InvalidError(not_measured(value), [metric, name], value=value, definition="number")
        else:
            check_plain(value, metric, name)
    if not isinstance(summary.get("block_sd", summary), dict):
        raise InvalidError("not an object of numbers", [metric], value=summary, definition="value")
    n: Any = summary.get("n")
    if not ((type(n) is int or is_number(n)) and n >= 1 and n == n // 1):
        problem = "a summary needs n, the number of samples: an integer of at least 1"
        raise InvalidError(problem, [metric], value=summary, definition="summary")
    if metric == LATENCY:
        for name, value in summary.items():
            # No number of it is more often wrong than right: one comparison clears most.
            if not (isinstance(value, (int, float)) and value >= SMALLEST_LATENCY) and _POSITIVE.match(name):
                raise InvalidError(_not_positive(value), [metric, name])


def _check_dispersions(metric: str, dispersions: Mapping[str, Any]) -> None:
    for part, number in dispersions.items():
        kind = type(number)
        if (kind is float or kind is int) and 0 <= number <= LARGEST_MEASURED:
            continue
        if not _SUMMARY_NUMBER.match(part):
            check_plain(number, metric, "block_sd", part)
        elif not (_is_measured(number) and number >= 0):
            negative = is_number(number) and number < 0
            words = f"{shown(number)} instead of a standard deviation, which is at least 0"
            problem = words if negative else not_measured(number)
            raise InvalidError(problem, [metric, "block_sd", part], value=number, definition="deviation")


def _check_plain_or_answers(metric: str, summary: Mapping[str, Any]) -> None:
    check_plain(summary[ANSWERS], metric, ANSWERS)
    try:
        check_answers(summary)
    except InvalidError as error:
        raise error.under(metric) from None


def check_quality(quality: Any) -> None:
    """Check a run's quality figures.

    Raises:
        InvalidError: one that runs are held against each other by is of another type.
    """
    if not isinstance(quality, dict) or not isinstance(quality.get("disturbed", False), bool):
        raise InvalidError(
            "not an object with disturbed true or false",
            value={"environment": "", "started": "", "session": "", "quality": quality},
            definition="run",
        )
    if "disturbed" not in quality:
        try:
            refuse_misspelt(quality, ["disturbed"])
        except InvalidError as error:
            raise error.under("quality") from None
    for name, value in quality.items():
        kind = type(value)
        if kind is float and -LARGEST <= value <= LARGEST:
            continue
        if name in QUALITY_NUMBERS:
            if not is_number(value):
                raise InvalidError(not_finite(value), ["quality", name])
        elif kind is not bool:
            check_plain(value, "quality", name)
    canaries = quality.get(CANARY, [])
    if not isinstance(canaries, list) or not all(map(is_number, canaries)):
        raise InvalidError("not a list of numbers", ["quality", CANARY])


def check_plain(value: Any, *path: Union[str, int]) -> None:
    """Check that a value is plain JSON with finite numbers.

    Raises:
        InvalidError: with the place of what is not.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is float or kind is int:
        if not -LARGEST <= value <= LARGEST:
            raise InvalidError(not_finite(value), path)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise InvalidError(f"the name {name!r} is not a string", path)
            try:
                check_plain(inner)
            except InvalidError as error:
                raise error.under(*path, name) from None
    elif isinstance(value, list):
        if _FLOATS.issuperset(map(type, value)) and math.isfinite(sum(value)):
            return
        for index, inner in enumerate(value):
            try:
                check_plain(inner)
            except InvalidError as error:
                raise error.under(*path, index) from None
    elif not isinstance(value, str) and not is_number(value):
        raise InvalidError(f"{kind_of(value)} cannot be part of a results file", path)


def is_number(value: Any) -> bool:
    """Whether it is a finite number, and no truth value."""
    return (
        isinstance(value, (int, float)) and value is not True and value is not False and (-LARGEST <= value <= LARGEST)
    )


def _is_measured(value: Any) -> bool:
    return is_number(value) and bool(-LARGEST_MEASURED <= value <= LARGEST_MEASURED)


def not_finite(value: Any) -> str:
    """What is wrong with a value that is not a finite number."""
    return f"{value if isinstance(value, float) else kind_of(value)} instead of a finite number"


def not_measured(value: Any) -> str:
    """What is wrong with a value that no measurement gives."""
    if is_number(value):
        return f"{shown(value)} is not a plausible measurement (at most {LARGEST_MEASURED:g})"
    return not_finite(value)


def _not_positive(value: Any) -> str:
    return f"{shown(value)} instead of a latency, which is above 0"


def shown(value: Any) -> str:
    """A number as it is where it is short, else its kind."""
    if is_number(value):
        text = repr(value)
        return text if len(text) <= 40 else "a long number"
    return str(value) if isinstance(value, float) else kind_of(value)


def kind_of(value: Any) -> str:
    """What JSON calls a value of this kind."""
    if value is None:
        return "null"
    names = ((bool, "a boolean"), (str, "a string"), (list, "a list"), (dict, "an object"))
    for kind, name in names:
        if isinstance(value, kind):
            return name
    return "a number" if isinstance(value, (int, float)) else f"a Python {type(value).__name__}"
