"""Units of one quantity, converted into each other."""

from __future__ import annotations

from typing import Optional

from pytest_edgeperf.judge.sizes import UNIT_BYTES

_QUANTITIES = (
    UNIT_BYTES,
    {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9},
    {"W": 1.0, "mW": 1e-3},
    {"J": 1.0, "mJ": 1e-3},
)


def factor(unit: str, into: str) -> Optional[float]:
    """What a value in ``unit`` is multiplied by to be one in ``into``; ``None`` where they measure different things."""
    if unit == into:
        return 1.0
    for sizes in _QUANTITIES:
        if unit in sizes and into in sizes:
            return sizes[unit] / sizes[into]
    return None
