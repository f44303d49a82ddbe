"""The values of options, ini keys and marker keywords: each parser takes a text, or says what the text must be."""

from __future__ import annotations

import re
from typing import Callable, List, Optional, Tuple

#: More fresh processes of one benchmark in a session would be a typing error.
MOST_ROUNDS = 1000
#: Pairs of processes at the first look of a lock-step comparison, and at the last.
PAIRS = 4
MAX_PAIRS = 12
#: More engines of one benchmark would be a typing error.
MOST_BUILDS = 100


class SettingsError(ValueError):
    """An option or ini key has a value that cannot be used; the message names it and the remedy."""


def names(text: str) -> Tuple[str, ...]:
    """Parse ``a, b`` into ``("a", "b")``."""
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def one_name(text: str) -> Tuple[str, ...]:
    """A text that is one name as it stands, such as the path of a file."""
    return (text,)


#: Of runtimes known to us and to others: a name that is nearly one of them is a typing error.
PRECISIONS = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "fp4", "int16", "int8", "uint8", "int4", "uint4")


def precision_names(text: str) -> Tuple[str, ...]:
    """Parse the names of precisions; unknown ones are the runtimes' affair, unless they are nearly a known one.

    Raises:
        ValueError: a name is nearly that of a precision.
    """
    given = names(text)
    for name in given:
        if name not in PRECISIONS:
            from difflib import get_close_matches

            close = get_close_matches(name, PRECISIONS, 1, 0.7)
            if close:
                raise ValueError(f"no precision is called {name!r}; did you mean {close[0]}?")
    return given


def positive_int(text: str) -> int:
    """A whole number of at least 1.

    Raises:
        ValueError: the text is none.
    """
    try:
        value = int(text)
    except ValueError:
        raise ValueError("must be a whole number, at least 1") from None
    if value < 1:
        raise ValueError("must be at least 1")
    return value


def round_count(text: str) -> int:
    """A number of rounds.

    Raises:
        ValueError: the text is none, or more than :data:`MOST_ROUNDS`.
    """
    value = positive_int(text)
    if value > MOST_ROUNDS:
        raise ValueError(f"must be at most {MOST_ROUNDS}")
    return value


def build_count(text: str) -> int:
    """A number of engines to build: 1, or enough of them to compare.

    Raises:
        ValueError: the text is no such number.
    """
    value = positive_int(text)
    if value != 1 and not PAIRS <= value <= MOST_BUILDS:
        raise ValueError(f"must be 1, or from {PAIRS} to {MOST_BUILDS}: a build counts as one observation")
    return value


def number(text: str) -> float:
    """Any number.

    Raises:
        ValueError: the text is none.
    """
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number, such as 0.5") from None


def positive_float(text: str) -> float:
    """A finite number above 0.

    Raises:
        ValueError: the text is none.
    """
    value = number(text)
    if not 0 < value < float("inf"):
        raise ValueError("must be a positive number")
    return value


def seconds(text: str) -> float:
    """A finite number of at least 0.

    Raises:
        ValueError: the text is none.
    """
    value = number(text)
    if not 0 <= value < float("inf"):
        raise ValueError("must be at least 0")
    return value


def fraction(text: str) -> float:
    """A number of at least 0 and under 1.

    Raises:
        ValueError: the text is none.
    """
    value = number(text)
    if not 0 <= value < 1:
        raise ValueError("must be at least 0 and under 1 (0.02 is 2 %)")
    return value


def flag(text: str) -> bool:
    """A truth value.

    Raises:
        ValueError: the text is none.
    """
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("must be true or false")


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser that takes nothing but these texts."""

    def check(text: str) -> str:
        if text not in choices:
            raise ValueError("must be one of " + ", ".join(choices))
        return text

    return check


def telemetry_window(text: str) -> Optional[float]:
    """Seconds of the window in which sensors are read: ``None`` for ``auto``, 0 for ``off``.

    Raises:
        ValueError: the text is neither of them nor a positive number.
    """
    if text in ("auto", "off"):
        return None if text == "auto" else 0.0
    try:
        return positive_float(text)
    except ValueError:
        raise ValueError("must be auto, off, or a positive number of seconds") from None


NO_CPU_LIST = "must be auto, off, or processor numbers such as 2,4-5"


def cpu_list(text: str) -> Tuple[int, ...]:
    """Parse ``0,2-3`` into ``(0, 2, 3)``.

    Raises:
        ValueError: the text is not a list of processor numbers.
    """
    cpus: List[int] = []
    for part in names(text):
        match = re.match(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z", part)
        numbers = range(int(match.group(1)), int(match.group(2) or match.group(1)) + 1) if match else ()
        if not numbers:
            raise ValueError(NO_CPU_LIST)
        cpus.extend(numbers)
    if not cpus:
        raise ValueError(NO_CPU_LIST)
    return tuple(sorted(set(cpus)))


def cpus(text: str) -> str:
    """``auto``, ``off`` or a list of processor numbers, as typed.

    Raises:
        ValueError: the text is none of them.
    """
    if text not in ("auto", "off"):
        cpu_list(text)
    return text
