"""What a user asks for: command-line options and ini keys as one table, and the marker of one benchmark."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pytest_edgeperf.settings.options import (
    AGAINST,
    ALL,
    CHECK,
    MAX_ROUNDS,
    MUST_DETECT,
    OFF,
    OPTIONS,
    OTHER_SIDE,
    REFRESH,
    REGRESSED,
    ROUNDS_IN_CHECK,
    ROUNDS_IN_REFRESH,
    TOLERANCE,
    Option,
    Settings,
)
from pytest_edgeperf.settings.values import MAX_PAIRS, MOST_BUILDS, MOST_ROUNDS, PAIRS, SettingsError, cpu_list

if TYPE_CHECKING:
    from pytest_edgeperf.settings.marker import BenchmarkOptions, parse_marker
    from pytest_edgeperf.settings.reading import read

__all__ = [
    "AGAINST",
    "ALL",
    "CHECK",
    "MAX_PAIRS",
    "MAX_ROUNDS",
    "MOST_BUILDS",
    "MOST_ROUNDS",
    "MUST_DETECT",
    "OFF",
    "OPTIONS",
    "OTHER_SIDE",
    "PAIRS",
    "PREFIX_VARIABLE",
    "REFRESH",
    "REGRESSED",
    "ROUNDS_IN_CHECK",
    "ROUNDS_IN_REFRESH",
    "TOLERANCE",
    "BenchmarkOptions",
    "Option",
    "Settings",
    "SettingsError",
    "cpu_list",
    "names_are_prefixed",
    "parse_marker",
    "read",
]

#: Set to 1 to turn our bare option names into ``--edgeperf-…`` where another plugin owns one.
PREFIX_VARIABLE = "EDGEPERF_PREFIX_OPTIONS"


def names_are_prefixed() -> bool:
    """Whether the environment turns our bare option names into ``--edgeperf-…``."""
    return os.environ.get(PREFIX_VARIABLE, "").lower() in ("1", "true", "yes", "on")


def __getattr__(name: str) -> Any:
    """Import what a session that measures nothing never needs, when it is first asked for."""
    if name in ("BenchmarkOptions", "parse_marker"):
        from pytest_edgeperf.settings import marker

        return getattr(marker, name)
    if name == "read":
        from pytest_edgeperf.settings.reading import read

        return read
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
