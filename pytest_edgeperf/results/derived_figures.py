"""Published figures that follow from several measured ones: ``of`` and ``over`` of a table of figures.

``of`` says from which metrics of one benchmark a figure follows: a metric, or sums of metrics and their quotient
(``postprocess/latency``, ``first_inference-latency``, ``2500*latency``). A sum ends at the ``/``: it has no brackets.
``over`` names the benchmark that it is compared with, by the one parameter that differs (``framework=torch``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Optional, Tuple

_TERM = re.compile(r"([+-]?)(?:([0-9]{1,9})\*)?([A-Za-z][A-Za-z0-9_]*)")
_SUM = re.compile(rf"(?:{_TERM.pattern})+\Z")
_OVER = re.compile(r"([a-z][a-z0-9_]*)=(\S.*)\Z")

Sum = Tuple[Tuple[int, str], ...]


@dataclass(frozen=True)
class Formula:
    """A sum of metrics, each with its whole factor, or a quotient of two sums."""

    numerator: Sum
    denominator: Sum = ()

    @property
    def metrics(self) -> Tuple[str, ...]:
        """All metrics that it names."""
        return tuple(name for _, name in (*self.numerator, *self.denominator))

    def value(self, figure: Callable[[str], Optional[float]]) -> Optional[float]:
        """Its value where ``figure`` gives those of the metrics, all in one unit; ``None`` where one has none."""
        numerator = _value(self.numerator, figure)
        if not self.denominator:
            return numerator
        denominator = _value(self.denominator, figure)
        return None if numerator is None or not denominator else numerator / denominator


def formula(text: str) -> Formula:
    """What ``of`` says.

    Raises:
        ValueError: it is no sum of metrics and no quotient of two.
    """
    sums = [re.sub(r"\s*([-+*])\s*", r"\1", part.strip()) for part in text.split("/")]
    if len(sums) > 2 or not all(map(_SUM.match, sums)):
        raise ValueError("is not a metric, a sum of metrics or a quotient; write such as infer, or postprocess/latency")
    return Formula(*map(_terms, sums))


def other(text: str) -> Tuple[str, str]:
    """What ``over`` says: the parameter, and the value that it has in the benchmark that is compared with.

    Raises:
        ValueError: it does not name both.
    """
    match = _OVER.match(text)
    if match is None:
        raise ValueError("does not name the other benchmark; write a parameter and its value there: framework=torch")
    return match.group(1), match.group(2)


def _terms(text: str) -> Sum:
    return tuple((int(sign + (factor or "1")), name) for sign, factor, name in _TERM.findall(text))


def _value(terms: Sum, figure: Callable[[str], Optional[float]]) -> Optional[float]:
    total = 0.0
    for factor, name in terms:
        value = figure(name)
        if value is None:
            return None
        total += factor * value
    return total
