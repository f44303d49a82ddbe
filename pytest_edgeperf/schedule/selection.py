"""Which collected items are benchmarks, and what they ask for."""

from __future__ import annotations

from typing import Any, Sequence

import pytest

from pytest_edgeperf.settings import BenchmarkOptions, parse_marker

MARKER = "timed_inference"


def is_benchmark(item: pytest.Item) -> bool:
    """Whether the item carries our marker or asks for our fixture."""
    return item.get_closest_marker(MARKER) is not None or MARKER in getattr(item, "fixturenames", ())


def is_adoptable(item: pytest.Item) -> bool:
    """Whether the item uses pytest-benchmark's own ``benchmark`` fixture."""
    definitions = _fixture_definitions(item, "benchmark")
    return bool(definitions) and definitions[-1].func.__module__.startswith("pytest_benchmark")


def _fixture_definitions(item: pytest.Item, name: str) -> Sequence[Any]:
    info = getattr(item, "_fixtureinfo", None)
    return info.name2fixturedefs.get(name, ()) if info is not None else ()


def marker_options(item: pytest.Item) -> BenchmarkOptions:
    """What the item's marker asks for.

    Raises:
        SettingsError: the marker's arguments cannot be used.
    """
    marker = item.get_closest_marker(MARKER)
    return parse_marker(marker.args, marker.kwargs) if marker else BenchmarkOptions()
