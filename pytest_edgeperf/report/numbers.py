"""Numbers as a person reads them: three significant digits, one unit for a column, changes in per cent."""

from __future__ import annotations

import math
from statistics import median
from typing import List, Optional, Sequence, Tuple

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
#: Reports write "us" and not "µs": any terminal shows it, and any parser reads it.
_TIMES = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))
NOTHING = "-"
#: From here on, three significant digits are those of 1.
_ROUNDED_UP = 0.9995


def in_seconds(value: float, unit: str) -> Optional[float]:
    """``value`` in seconds, or ``None`` when ``unit`` is not one of time."""
    factor = _SECONDS.get(unit)
    return None if factor is None else value * factor


def time_unit(seconds: Sequence[float]) -> Tuple[str, float]:
    """The unit in which most of ``seconds`` have one to three digits before the point, and its size.

    What three digits round to 1000 is one of the next unit: 999.9 us is 1.00 ms.
    """
    usable = [value for value in seconds if value > 0 and math.isfinite(value)]
    if not usable:
        return ("ms", 1e-3)
    middle = median(usable)
    for name, size in _TIMES:
        if middle >= _ROUNDED_UP * size:
            return (name, size)
    return _TIMES[-1]


def significant(value: float) -> str:
    """Three significant digits, without an exponent for what is usual: ``8.41``, ``12.2``, ``1310``."""
    if not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1e-6 or size >= 1e9:
        return f"{value:.2e}"
    decimals = max(0, 2 - math.floor(math.log10(size)))
    text = f"{value:.{decimals}f}"
    carried = decimals and size < 100 and len(text.lstrip("-0.").replace(".", "")) > 3
    return f"{value:.{decimals - 1}f}" if carried else text


def decimal_column(values: Sequence[Optional[float]]) -> List[str]:
    """Each value with three significant digits, padded so that the decimal points stand below each other."""
    texts = [NOTHING if value is None else significant(value) for value in values]
    after = [len(text) - text.index(".") if "." in text else 0 for text in texts]
    widest = max(after, default=0)
    return [text + " " * (widest - length) for text, length in zip(texts, after)]


def quantity(value: float, unit: str) -> str:
    """A value with its unit, a time in the unit that suits it: ``12.2 ms``, ``412 MiB``."""
    seconds = in_seconds(value, unit)
    if seconds is not None:
        name, size = time_unit([seconds])
        return f"{significant(seconds / size)} {name}"
    return f"{significant(value)} {unit}".rstrip()


def quantities(values: Sequence[float], unit: str) -> Tuple[List[str], str]:
    """Values of one metric as texts, and the one unit that they are all in: ``(["1.00", "1.50"], "ms")``."""
    seconds = [in_seconds(value, unit) for value in values]
    times = [value for value in seconds if value is not None]
    if len(times) < len(seconds):
        return [significant(value) for value in values], unit
    # that of the largest, so that none has more than three digits before the point
    name, size = time_unit([max(times, default=0.0)])
    return [significant(value / size) for value in times], name


def from_to(before: float, now: float, unit: str) -> str:
    """How a figure moved, in one unit: ``11.3 -> 12.2 ms``."""
    texts, one_unit = quantities((before, now), unit)
    return f"{' -> '.join(texts)} {one_unit}".rstrip()


def percent(fraction: float, *, sign: bool = True) -> str:
    """A fraction as per cent without the sign for it: ``+8.1``, ``-0.3``, ``+812``."""
    value = 100 * fraction
    if not math.isfinite(value):
        return NOTHING
    decimals = 0 if abs(value) >= 99.95 else 1
    text = f"{value:{'+' if sign else ''}.{decimals}f}"
    return text.replace("-", "+" if sign else "") if float(text) == 0 else text


def share(fraction: float) -> str:
    """A fraction that was set by a person, as per cent: ``2 %``, ``0.5 %``."""
    return f"{100 * fraction:.3g} %"


def change(ratio: float) -> str:
    """A ratio as a change: ``+8.1 %``."""
    return f"{percent(ratio - 1)} %"


def change_with_interval(ratio: float, interval: Optional[Tuple[float, float]]) -> str:
    """A ratio as a change with its interval: ``+8.1 % [+5.2, +11.1]``."""
    if interval is None:
        return change(ratio)
    return f"{change(ratio)} [{percent(interval[0] - 1)}, {percent(interval[1] - 1)}]"


def p_value(p: float) -> str:
    """``p = 0.0004``, or that it is smaller than what is worth a digit."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def duration(seconds: float) -> str:
    """A stretch of time: ``4.2 s``, ``95 s``, ``12 min 5 s``, ``2 h 40 min``."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def count(number: int, thing: str) -> str:
    """``1 run``, ``3 runs``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
