"""Which collected items are benchmarks, and their options."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import pytest

from pytest_edgeperf.settings import BenchmarkOptions, parse_marker

MARKER = "timed_inference"
#: The name of pytest-benchmark's fixture and marker, which others use as well.
BENCHMARK = "benchmark"


def is_benchmark(item: pytest.Item) -> bool:
    """Whether the item has the ``timed_inference`` marker or fixture."""
    return item.get_closest_marker(MARKER) is not None or MARKER in getattr(item, "fixturenames", ())


def is_adoptable(item: pytest.Item) -> bool:
    """Whether the item's ``benchmark`` fixture is that of pytest-benchmark, or wraps it."""
    for definition in reversed(_fixture_definitions(item, BENCHMARK)):
        if _module_of(definition).split(".")[0] == "pytest_benchmark":
            return True
        if BENCHMARK not in definition.argnames:
            return False
    return False


def not_measured(items: Sequence[pytest.Item]) -> List[str]:
    """The reasons why tests that look like benchmarks are not measured, each as a part of a sentence."""
    fixtures: Dict[str, int] = {}
    marked = 0
    for item in items:
        if is_benchmark(item) or is_adoptable(item):
            continue
        definitions = _fixture_definitions(item, BENCHMARK)
        if definitions:
            module = _module_of(definitions[-1])
            fixtures[module] = fixtures.get(module, 0) + 1
        elif item.get_closest_marker(BENCHMARK) is not None:
            marked += 1
    reasons = [
        f"the `{BENCHMARK}` fixture of {_number(count)} is that of {module}, which does not wrap pytest-benchmark's"
        for module, count in sorted(fixtures.items())
    ]
    if marked:
        reasons.append(f"{_number(marked)} marked `{BENCHMARK}` without using its fixture")
    return reasons


def nothing_measured(items: Sequence[pytest.Item]) -> str:
    """A sentence for a session that should compare but has nothing to measure."""
    skipped = sum(item.get_closest_marker("skip") is not None for item in items)
    why = not_measured(items) or [
        f"none of {_number(len(items))} uses the `{MARKER}` fixture or pytest-benchmark's `{BENCHMARK}`"
    ]
    if skipped:
        why.append(f"{skipped} skipped")
    return f"no benchmark was measured or compared: {'; '.join(why)}"


def _number(count: int) -> str:
    return f"{count} test{'s' if count != 1 else ''}"


def _module_of(definition: Any) -> str:
    return str(getattr(definition.func, "__module__", None) or "another plugin")


def _fixture_definitions(item: pytest.Item, name: str) -> Sequence[Any]:
    info = getattr(item, "_fixtureinfo", None)
    return info.name2fixturedefs.get(name, ()) if info is not None else ()


def marker_options(item: pytest.Item) -> BenchmarkOptions:
    """The options of the item's marker.

    Raises:
        SettingsError: the marker's arguments cannot be used.
    """
    marker = item.get_closest_marker(MARKER)
    return parse_marker(marker.args, marker.kwargs) if marker else BenchmarkOptions()
