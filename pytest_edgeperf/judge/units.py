"""Units of one quantity, converted into each other."""

from __future__ import annotations

from typing import Mapping, Optional

#: Bytes in each unit of size.
UNIT_BYTES: Mapping[str, int] = {
    "B": 1,
    "byte": 1,
    "bytes": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}

_QUANTITIES = (
    UNIT_BYTES,
    {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9},
    {"W": 1.0, "mW": 1e-3},
    {"J": 1.0, "mJ": 1e-3},
)


def is_size(unit: str) -> bool:
    """Whether a metric in this unit is a size in bytes."""
    return unit in UNIT_BYTES


def factor(unit: str, into: str) -> Optional[float]:
    """What a value in ``unit`` is multiplied by to be one in ``into``; ``None`` where they measure different things."""
    if unit == into:
        return 1.0
    for sizes in _QUANTITIES:
        if unit in sizes and into in sizes:
            return sizes[unit] / sizes[into]
    return None
